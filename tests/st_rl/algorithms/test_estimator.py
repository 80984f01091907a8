"""EstimatorPPO: what its supervised losses aim at, and that the estimates are worth having."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from toys_estimation import HiddenVelocity, mean_reward, train

from st_rl.algorithms import EstimatorPPO, get_algorithm_class
from st_rl.modules import ActorCritic, PrivilegeStateAcRecurrent, StateAc, StateAcRecurrent
from st_rl.storage.rollout_storage import Batch
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.obs_layout import ObsLayout

pytestmark = pytest.mark.usefixtures("one_thread")

FIXED: dict[str, Any] = {"schedule": "fixed", "entropy_coef": 0.0, "gamma": 0.9}


def build_policy(env: HiddenVelocity, cls: type[Any] = StateAc, **kwargs: Any) -> Any:
    arguments: dict[str, Any] = {
        "actor_hidden_dims": [32],
        "critic_hidden_dims": [32],
        "init_noise_std": 0.7,
        "obs_segments": env.obs_segments,
        "critic_obs_segments": env.critic_obs_segments,
        "estimator_obs_components": ["wheel"],
        "estimator_target_components": ["velocity"],
        "estimator_kwargs": {"hidden_sizes": [64, 64]},
        "replace_state_prob": 1.0,
    }
    return cls(env.num_obs, env.num_critic_obs, env.num_actions, **(arguments | kwargs))


def r_squared(policy: Any, env: HiddenVelocity, skip: int = 0, steps: int = 24) -> float:
    """Share of the velocity's variance that the estimate explains; the first ``skip`` steps do not count."""
    obs, _ = env.reset()
    policy.reset()
    estimates, truths = [], []
    with torch.no_grad():
        for step in range(steps):
            truth = env.velocity
            actions = policy.act(obs)
            if step >= skip:
                estimates.append(policy.get_estimated_state())
                truths.append(truth)
            obs, _, dones, _ = env.step(actions)
            policy.reset(dones)
    estimate, truth = torch.cat(estimates), torch.cat(truths)
    return 1.0 - ((estimate - truth).square().mean() / truth.var()).item()


def test_it_recovers_the_hidden_velocity_and_the_policy_that_uses_it_is_better() -> None:
    rewards = {}
    for probability in (0.0, 1.0):
        torch.manual_seed(0)
        env = HiddenVelocity(128)
        policy = build_policy(env, replace_state_prob=probability)
        train(EstimatorPPO(policy, learning_rate=2e-3, **FIXED), env, iterations=12, steps=24)
        rewards[probability] = mean_reward(policy, HiddenVelocity(256, seed=5), 24)
        assert r_squared(policy, HiddenVelocity(256, seed=6)) >= 0.95
    assert rewards[1.0] > 0.93  # knowing the velocity exactly, the best policy reaches 0.962
    assert rewards[1.0] > rewards[0.0] + 0.1


@pytest.mark.parametrize("use_actor_rnn", [False, True])
def test_a_recurrent_policy_recovers_it_from_single_readings(use_actor_rnn: bool) -> None:
    torch.manual_seed(0)
    env = HiddenVelocity(64, history=False)
    policy = build_policy(
        env,
        StateAcRecurrent,
        rnn_hidden_size=32,
        estimator_kwargs={"hidden_sizes": [32]},
        use_actor_rnn=use_actor_rnn,
        replace_state_prob=0.0 if use_actor_rnn else 1.0,
    )
    train(EstimatorPPO(policy, learning_rate=4e-3, **FIXED), env, iterations=12, steps=24)
    # One reading says nothing of the velocity; from the second on it does.
    assert r_squared(policy, HiddenVelocity(256, history=False, seed=6), skip=2) >= 0.95


def make_batch(obs: torch.Tensor, critic_obs: torch.Tensor, masks: torch.Tensor | None = None) -> Batch:
    zeros = torch.zeros(len(obs))
    return Batch(obs, critic_obs, *[zeros] * 7, masks=masks)


def test_targets_come_from_the_named_segments() -> None:
    layout = ObsLayout({"a": (1,), "b": (2,), "c": (1,)})
    critic = ObsLayout({"c": (1,), "a": (1,)})
    policy = StateAc(
        4,
        2,
        1,
        obs_segments=layout,
        critic_obs_segments=critic,
        actor_hidden_dims=[4],
        critic_hidden_dims=[4],
        estimator_obs_components=["b"],
        estimator_target_components=["a", "b", "c"],
    )
    batch = make_batch(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.tensor([[40.0, 10.0]]))
    names = ("a", "b", "c")
    assert EstimatorPPO(policy).estimation_target(batch, names).tolist() == [[10.0, 2.0, 3.0, 40.0]]
    own = EstimatorPPO(policy, target_source="actor")
    assert own.estimation_target(batch, names).tolist() == [[1.0, 2.0, 3.0, 4.0]]


def test_the_loss_is_the_mean_squared_error_of_the_batch_unpadded() -> None:
    torch.manual_seed(0)
    env = HiddenVelocity(6, max_episode_length=4)
    policy = build_policy(env, StateAcRecurrent, rnn_hidden_size=8, estimator_kwargs={"hidden_sizes": [8]})
    algorithm = EstimatorPPO(policy, num_learning_epochs=1, num_mini_batches=1)
    truths, estimates = [], []
    obs, extras = env.get_observations()
    algorithm.init_storage(6, 5, env.num_obs, env.num_critic_obs, 1)
    for _ in range(5):
        truths.append(env.velocity)
        obs, rewards, dones, infos = env.step(algorithm.act(obs, extras["observations"]["critic"]))
        estimates.append(policy.get_estimated_state().clone())
        algorithm.process_env_step(rewards, dones, infos)
        extras = infos
    expected = (torch.stack(estimates) - torch.stack(truths)).square().mean().item()
    algorithm.compute_returns(obs, extras["observations"]["critic"])
    assert algorithm.update()["estimator_loss"] == pytest.approx(expected, rel=1e-4)


def test_estimator_and_adaptor_have_a_loss_and_a_weight_each() -> None:
    torch.manual_seed(0)
    env = HiddenVelocity(8, history=False)
    policy = build_policy(
        env,
        PrivilegeStateAcRecurrent,
        rnn_hidden_size=8,
        adaptor_obs_components=["wheel"],
        adaptor_target_components=["command"],
    )
    algorithm = EstimatorPPO(policy, adaptor_loss_coef=0.0, num_mini_batches=2)
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    report = train(algorithm, env, iterations=1, steps=6)[0]
    assert report["estimator_loss"] > 0.0 and report["adaptor_loss"] > 0.0
    changed = {name for name, value in policy.state_dict().items() if not torch.equal(value, before[name])}
    assert any(name.startswith("estimator.") for name in changed)
    assert any(name.startswith("memory_s.") for name in changed)
    assert not any(name.startswith(("adaptor.", "memory_p.")) for name in changed)


def test_the_estimators_learn_by_supervision_alone() -> None:
    torch.manual_seed(0)
    env = HiddenVelocity(8)
    policy = build_policy(env)
    before = {name: value.clone() for name, value in policy.estimator.state_dict().items()}
    train(EstimatorPPO(policy, estimator_loss_coef=0.0), env, iterations=1, steps=6)
    assert all(torch.equal(value, before[name]) for name, value in policy.estimator.state_dict().items())


def test_a_policy_that_estimates_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="ActorCritic has neither"):
        EstimatorPPO(ActorCritic(3, 3, 1))


def test_settings_are_checked_and_the_name_is_registered() -> None:
    policy = build_policy(HiddenVelocity(2))
    with pytest.raises(UnknownNameError, match="actor, critic"):
        EstimatorPPO(policy, target_source="both")
    with pytest.raises(UserError, match="schedule"):
        EstimatorPPO(policy, schedule="sometimes")
    assert get_algorithm_class("EstimatorPPO") is EstimatorPPO
