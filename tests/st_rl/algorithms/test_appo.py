"""APPO: the discriminator's losses by hand, one normalization for both motions, and that style decides."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from toys_estimation import mean_reward, train
from toys_motion import TwoGaits

from st_rl.algorithms import APPO, get_algorithm_class
from st_rl.modules import ActorCritic, AmpActorCritic, AmpActorCriticRecurrent
from st_rl.utils.errors import UserError

pytestmark = pytest.mark.usefixtures("one_thread")

FIXED: dict[str, Any] = {"schedule": "fixed", "entropy_coef": 0.0, "gamma": 0.9}


def build_policy(cls: type[Any] = AmpActorCritic, size: int = 2, lerp: float = 0.5, **kwargs: Any) -> Any:
    discriminator = {
        "input_dim": size,
        "style_reward_coef": 1.0,
        "hidden_dims": [32],
        "task_reward_lerp": lerp,
        "discriminator_grad_pen": 0.5,
    }
    sizes = {"actor_hidden_dims": [16], "critic_hidden_dims": [16], "init_noise_std": 0.7}
    return cls(1, 1, 1, amp_discriminator=discriminator, **sizes, **kwargs)


def make_linear(algorithm: APPO, weights: list[float], bias: float) -> None:
    """Turn the discriminator into ``relu(weights . x + bias)`` by way of one of its hidden units."""
    with torch.no_grad():
        for parameter in algorithm.discriminator.parameters():
            parameter.zero_()
        algorithm.discriminator.trunk.model[0].weight[0] = torch.tensor(weights)
        algorithm.discriminator.trunk.model[0].bias[0] = bias
        algorithm.discriminator.linear.weight[0, 0] = 1.0


@pytest.mark.parametrize("gait", [1.0, -1.0])
def test_of_two_gaits_worth_the_same_it_takes_the_demonstrated_one(gait: float) -> None:
    torch.manual_seed(0)
    env = TwoGaits(64, gait)
    policy = build_policy()
    reports = train(APPO(policy, learning_rate=3e-3, **FIXED), env, iterations=30, steps=20)
    test_env = TwoGaits(256, gait, max_episode_length=100, seed=5)
    assert mean_reward(policy, test_env, 20) > 0.95
    assert (test_env.speed - gait).abs().max() < 0.1
    assert reports[-1]["style_reward"] > 0.7 and reports[-1]["task_reward"] > 0.9


def test_the_gradient_penalty_is_the_one_worked_by_hand() -> None:
    algorithm = APPO(build_policy(), normalize_motion=False)
    make_linear(algorithm, [3.0, 4.0], bias=0.0)
    expert = torch.tensor([[1.0, 0.0], [-1.0, -1.0]])  # scores 3 and relu(-7) = 0, squared gradients 25 and 0
    policy = torch.tensor([[0.0, 0.5], [0.5, 0.0]])  # scores 2 and 1.5
    terms, scores = algorithm.discriminator_losses(expert, policy)
    assert terms["gradient_penalty"].item() == pytest.approx(0.5 * (25.0 + 0.0) / 2)
    assert terms["discriminator_loss"].item() == pytest.approx((4.0 + 1.0) / 2 + (9.0 + 6.25) / 2)
    assert scores["expert_score"].item() == 1.5 and scores["policy_score"].item() == 1.75
    # One of the expert's scores is above zero, and none of the policy's below it.
    assert scores["discriminator_accuracy"].item() == 0.25


def learned(penalty: float) -> tuple[dict[str, float], list[float]]:
    """A policy at speeds of 1.3 that is to move at 1: scores, and the style at 1, 1.15, 1.3 and 1.6 after learning."""
    torch.manual_seed(0)
    algorithm = APPO(build_policy(), normalize_motion=False, discriminator_learning_rate=3e-3)
    algorithm.discriminator.discriminator_grad_pen = penalty
    scores: dict[str, torch.Tensor] = {}
    for _ in range(300):
        expert, policy = 1.0 + 0.05 * torch.randn(64, 2), 1.3 + 0.05 * torch.randn(64, 2)
        terms, scores = algorithm.discriminator_losses(expert, policy)
        algorithm.optimizer.zero_grad()
        (terms["discriminator_loss"] + terms["gradient_penalty"]).backward()
        algorithm.optimizer.step()
    way = torch.tensor([1.0, 1.15, 1.3, 1.6])[:, None].expand(4, 2)
    style = algorithm.discriminator.predict_style_reward(way)[1]
    return {name: score.item() for name, score in scores.items()}, style.tolist()


def test_between_too_small_and_too_large_a_penalty_style_shows_the_way() -> None:
    # Nothing holds the discriminator: it is sure, and what is a little further away than the policy earns nothing.
    scores, style = learned(0.0)
    assert scores["expert_score"] > 0.85 and scores["policy_score"] < -0.85
    assert style[0] > 0.99 and style[2] < 0.2 and style[3] == 0.0
    # Held too firmly it sees no difference: it still tells them apart, but nothing is gained by moving.
    scores, style = learned(5.0)
    assert scores["discriminator_accuracy"] > 0.95 and scores["expert_score"] - scores["policy_score"] < 0.1
    assert style[0] - style[2] < 0.03
    # In between every step toward the reference earns more, wherever the policy is.
    scores, style = learned(0.5)
    assert 0.2 < scores["expert_score"] - scores["policy_score"] < 1.0
    assert style[0] > style[1] + 0.05 > style[2] + 0.1 > style[3] + 0.15 and style[3] > 0.3


def test_the_discriminator_learns_from_no_more_than_its_batch() -> None:
    algorithm = APPO(build_policy(), discriminator_batch=3)
    rows = torch.arange(20.0).view(10, 2)
    some = algorithm._some(rows)
    assert some.shape == (3, 2) and all(any(torch.equal(row, other) for other in rows) for row in some)
    assert torch.equal(algorithm._some(rows[:2]), rows[:2])


def step_infos(ref_obs: torch.Tensor, ref_motion: torch.Tensor) -> dict[str, Any]:
    return {"observations": {"ref_obs": ref_obs}, "ref_motion": ref_motion}


def test_the_reward_is_mixed_and_both_parts_are_reported() -> None:
    algorithm = APPO(build_policy(lerp=0.25), normalize_motion=False, num_mini_batches=1)
    make_linear(algorithm, [1.0, 0.0], bias=0.0)
    algorithm.init_storage(2, 1, 1, None, 1)
    obs = torch.zeros(2, 1)
    algorithm.act(obs)
    # Scores 1 and 2: style 1 and 1 - 1/4.
    infos = step_infos(torch.tensor([[1.0, 0.0], [2.0, 0.0]]), torch.zeros(2, 2))
    algorithm.process_env_step(torch.tensor([2.0, 4.0]), torch.ones(2, dtype=torch.bool), infos)
    assert algorithm.storage.rewards.flatten().tolist() == [0.75 + 0.5, 0.75 * 0.75 + 1.0]
    algorithm.compute_returns(obs)
    report = algorithm.update()
    assert (report["task_reward"], report["style_reward"]) == (3.0, 0.875)
    assert report["mixed_reward"] == pytest.approx(0.25 * 3.0 + 0.75 * 0.875)


def test_expert_and_policy_are_normalized_alike_by_the_statistics_of_both() -> None:
    torch.manual_seed(0)
    algorithm = APPO(build_policy(), num_learning_epochs=1, num_mini_batches=1)
    algorithm.init_storage(50, 1, 1, None, 1)
    robot = 2.0 + 3.0 * torch.randn(50, 2)
    reference = -4.0 + 0.5 * torch.randn(50, 2)
    algorithm.act(torch.zeros(50, 1))
    algorithm.process_env_step(torch.zeros(50), torch.ones(50, dtype=torch.bool), step_infos(robot, reference))
    algorithm.compute_returns(torch.zeros(50, 1))
    algorithm.update()
    both = torch.cat((robot, reference))
    normalizer: Any = algorithm.motion_normalizer
    torch.testing.assert_close(normalizer.mean, both.mean(0))
    torch.testing.assert_close(normalizer.std, both.std(0, correction=0))
    # The very same motion on either side: nothing but the labels may differ, so the mean scores agree.
    terms, scores = algorithm.discriminator_losses(robot, robot)
    assert torch.equal(scores["expert_score"], scores["policy_score"])
    score = algorithm.discriminator((robot - both.mean(0)) / (both.std(0, correction=0) + normalizer.eps))
    torch.testing.assert_close(scores["expert_score"], score.mean(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        terms["discriminator_loss"], (score - 1.0).square().mean() + (score + 1.0).square().mean()
    )


def test_a_schedule_leaves_the_discriminators_learning_rate_alone() -> None:
    torch.manual_seed(0)
    algorithm = APPO(build_policy(), desired_kl=1e-6, discriminator_learning_rate=2e-3)
    train(algorithm, TwoGaits(8, 1.0), iterations=1, steps=8)
    rates = [group["lr"].item() for group in algorithm.optimizer.param_groups]
    assert rates[0] < 5e-4 and rates[1] == pytest.approx(2e-3)
    own = {id(parameter) for parameter in algorithm.discriminator.parameters()}
    assert own == {id(parameter) for parameter in algorithm.optimizer.param_groups[1]["params"]}


@pytest.mark.parametrize("cls", [AmpActorCritic, AmpActorCriticRecurrent])
def test_a_resumed_run_goes_on_bit_for_bit(cls: type[Any]) -> None:
    torch.manual_seed(0)
    env = TwoGaits(8, 1.0)
    recurrent = {"rnn_hidden_size": 8} if cls is AmpActorCriticRecurrent else {}
    numbers: dict[str, Any] = {"num_mini_batches": 2, "num_learning_epochs": 2, "replay_buffer_size": 100}
    first, second = (APPO(build_policy(cls, **recurrent), **numbers) for _ in range(2))
    train(first, env, iterations=2, steps=10)
    second.load_state_dict(first.state_dict())
    reports = []
    for algorithm in (first, second):
        algorithm.actor_critic.reset()
        torch.manual_seed(1)
        reports.append(train(algorithm, TwoGaits(8, 1.0, seed=3), iterations=2, steps=10))
    assert reports[0] == reports[1]
    for one, other in zip(first.actor_critic.parameters(), second.actor_critic.parameters(), strict=True):
        assert torch.equal(one, other)


def test_motion_that_lacks_or_does_not_fit_is_named() -> None:
    algorithm = APPO(build_policy())
    algorithm.init_storage(2, 1, 1, None, 1)
    algorithm.act(torch.zeros(2, 1))
    rewards, dones, good = torch.zeros(2), torch.zeros(2, dtype=torch.bool), torch.zeros(2, 2)
    with pytest.raises(UserError, match="ref_obs"):
        algorithm.process_env_step(rewards, dones, {"ref_motion": good})
    with pytest.raises(UserError, match="ref_motion"):
        algorithm.process_env_step(rewards, dones, {"observations": {"ref_obs": good}})
    with pytest.raises(UserError, match=r"ref_motion.*shape \(2, 3\).*\(2, 2\)"):
        algorithm.process_env_step(rewards, dones, step_infos(good, torch.zeros(2, 3)))


def test_a_policy_without_discriminator_is_refused_and_the_name_is_registered() -> None:
    with pytest.raises(UserError, match="ActorCritic has none"):
        APPO(ActorCritic(1, 1, 1))
    assert get_algorithm_class("APPO") is APPO
