"""PPO learns, is reproducible, and treats time limits, noise and normalization as it says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.testing import assert_close
from toys import PointMass, Recall, ToyEnv

from st_rl.algorithms import PPO, get_algorithm_class
from st_rl.modules import ActorCritic, ActorCriticRecurrent, StateAcRecurrent
from st_rl.utils.errors import UserError

pytestmark = pytest.mark.usefixtures("one_thread")
NETWORKS: dict[str, Any] = {"actor_hidden_dims": [32, 32], "critic_hidden_dims": [32, 32]}


def make(env: ToyEnv, num_steps: int, policy: Any = ActorCritic, seed: int = 0, **cfg: Any) -> PPO:
    torch.manual_seed(seed)
    arguments = {} if policy is ActorCritic else {"rnn_hidden_size": 16}
    algorithm = PPO(policy(env.num_obs, env.num_critic_obs, env.num_actions, **NETWORKS, **arguments), **cfg)
    algorithm.init_storage(env.num_envs, num_steps, env.num_obs, None, env.num_actions)
    return algorithm


def collect(algorithm: PPO, env: ToyEnv) -> None:
    obs, _ = env.get_observations()
    for _ in range(algorithm.storage.num_transitions_per_env):
        obs, rewards, dones, infos = env.step(algorithm.act(obs))
        algorithm.process_env_step(rewards, dones, infos)
    algorithm.compute_returns(obs)


def train(algorithm: PPO, env: ToyEnv, iterations: int) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for _ in range(iterations):
        collect(algorithm, env)
        metrics = algorithm.update()
    return metrics


def mean_return(algorithm: PPO, env: ToyEnv) -> float:
    """Mean undiscounted return of one episode of every world under mean actions."""
    policy = algorithm.actor_critic
    policy.reset()
    obs, _ = env.reset()
    total = torch.zeros(env.num_envs)
    with torch.no_grad():
        for _ in range(env.max_episode_length):
            obs, rewards, _, _ = env.step(policy.act_inference(algorithm.obs_normalizer(obs)))
            total += rewards
    return total.mean().item()


def lqr_return(env: PointMass) -> float:
    gain, total = env.lqr_gain(), torch.zeros(env.num_envs)
    obs, _ = env.reset()
    for _ in range(env.max_episode_length):
        obs, rewards, _, _ = env.step(-obs @ gain.T)
        total += rewards
    return total.mean().item()


@pytest.mark.parametrize("normalize_obs", [False, True])
def test_solves_a_continuous_control_task(normalize_obs: bool) -> None:
    env = PointMass(256)
    algorithm = make(env, 20, entropy_coef=0.0, normalize_obs=normalize_obs)
    before = mean_return(algorithm, env)
    train(algorithm, env, 60)
    after, best = mean_return(algorithm, PointMass(256, seed=7)), lqr_return(PointMass(256, seed=7))
    assert before < 2.0 * best
    # Costs: within a quarter of those of the optimal linear feedback.
    assert best >= after > 1.25 * best


def test_a_memory_solves_what_no_feed_forward_policy_can() -> None:
    scores = {}
    for policy in (ActorCriticRecurrent, ActorCritic):
        env = Recall(256)
        algorithm = make(env, 10, policy, entropy_coef=0.0)
        train(algorithm, env, 60)
        scores[policy] = mean_return(algorithm, Recall(1024, seed=5))
    assert scores[ActorCriticRecurrent] > 0.8
    # Not knowing the sign, the best expected return is 0 (up to luck with the signs drawn).
    assert scores[ActorCritic] < 0.1


def weights_after_training(policy: Any, seed: int) -> dict[str, torch.Tensor]:
    env = PointMass(32)
    algorithm = make(env, 10, policy, seed=seed)
    train(algorithm, env, 3)
    return algorithm.actor_critic.state_dict()


@pytest.mark.parametrize("policy", [ActorCritic, ActorCriticRecurrent])
def test_the_same_seed_gives_bit_identical_weights(policy: Any) -> None:
    first, second, other = (weights_after_training(policy, seed) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("policy", [ActorCritic, ActorCriticRecurrent])
def test_time_outs_are_bootstrapped_from_the_last_observation_where_it_is_reported(policy: Any) -> None:
    env = PointMass(8)
    algorithm = make(env, 2, policy, gamma=0.5)
    obs, _ = env.get_observations()
    algorithm.act(obs)
    states = algorithm.actor_critic.get_hidden_states() if policy is ActorCriticRecurrent else None
    final = obs + 1.0
    with torch.inference_mode():
        values = algorithm.actor_critic.evaluate(final).squeeze(-1).clone()
    if states is not None:
        algorithm.actor_critic.set_hidden_states(states)
    # Nothing is used of a world that failed, whatever its last observation was.
    final[1] = float("nan")
    infos = {"time_outs": torch.arange(8) == 0, "final_observation": {"actor": final}}
    rewards = torch.arange(8.0)
    algorithm.process_env_step(rewards, torch.arange(8) < 2, infos)
    expected = rewards + 0.5 * values * infos["time_outs"]
    torch.testing.assert_close(algorithm.storage.rewards[0], expected)


def test_time_outs_are_bootstrapped_with_the_value_and_failures_are_not() -> None:
    env = PointMass(3)
    algorithm = make(env, 1, gamma=0.5)
    obs, _ = env.get_observations()
    algorithm.act(obs)
    values = algorithm.actor_critic.evaluate(obs).detach().squeeze(-1)
    rewards, dones = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([True, True, False])
    algorithm.process_env_step(rewards, dones, {"time_outs": torch.tensor([True, False, False])})
    assert_close(algorithm.storage.rewards[0], rewards + 0.5 * values * torch.tensor([1.0, 0.0, 0.0]))
    assert_close(rewards, torch.tensor([1.0, 2.0, 3.0]))


def test_actions_may_be_changed_by_the_environment() -> None:
    env = PointMass(4)
    algorithm = make(env, 1)
    obs, _ = env.get_observations()
    actions = algorithm.act(obs)
    kept = actions.clone()
    actions.zero_()
    algorithm.process_env_step(torch.zeros(4), torch.zeros(4, dtype=torch.bool), {})
    assert torch.equal(algorithm.storage.actions[0], kept)


@pytest.mark.parametrize("policy", [ActorCritic, ActorCriticRecurrent])
def test_the_first_loss_sees_the_policy_that_acted(policy: Any) -> None:
    env = PointMass(16)
    algorithm = make(env, 12, policy, normalize_obs=True)
    train(algorithm, env, 1)
    collect(algorithm, env)
    storage = algorithm.storage
    cut = storage.recurrent_mini_batches(2) if policy.is_recurrent else storage.mini_batches(2)
    for batch in algorithm._normalized(cut):
        terms, statistics = algorithm.compute_losses(batch)
        # Ratio 1 everywhere: no divergence, and the surrogate is minus the mean advantage.
        assert_close(statistics["kl"], torch.tensor(0.0), atol=1e-6, rtol=0)
        assert_close(terms["surrogate_loss"], -batch.advantages.mean(), atol=1e-5, rtol=0)


def test_evaluating_the_last_state_does_not_advance_the_memory() -> None:
    env = Recall(8)
    algorithm = make(env, 4, ActorCriticRecurrent)
    obs, _ = env.get_observations()
    for _ in range(4):
        obs, rewards, dones, infos = env.step(algorithm.act(obs))
        algorithm.process_env_step(rewards, dones, infos)
    before = algorithm.actor_critic.get_hidden_states().critic.hidden.clone()
    algorithm.compute_returns(obs)
    assert torch.equal(algorithm.actor_critic.get_hidden_states().critic.hidden, before)


@pytest.mark.parametrize("use_actor_rnn", [False, True])
def test_memories_of_estimators_are_kept_from_rollout_to_rollout(use_actor_rnn: bool) -> None:
    env = PointMass(8)
    torch.manual_seed(0)
    policy = StateAcRecurrent(
        4,
        4,
        2,
        obs_segments=env.obs_segments,
        estimator_obs_components=["position"],
        estimator_target_components=["velocity"],
        use_actor_rnn=use_actor_rnn,
        rnn_hidden_size=8,
        **NETWORKS,
    )
    algorithm = PPO(policy)
    algorithm.init_storage(8, 5, 4, None, 2)
    train(algorithm, env, 1)
    collect(algorithm, env)
    # Episodes are longer than both rollouts, so the second one starts from what the first left.
    assert algorithm.storage.hidden_states.actor.actor.hidden.abs().amin(-1).gt(0).any()


def test_the_noise_keeps_its_lower_bound() -> None:
    env = PointMass(64)
    algorithm = make(env, 10, entropy_coef=-1.0, clip_min_std=0.9, schedule="fixed", learning_rate=1e-2)
    train(algorithm, env, 3)
    assert_close(algorithm.actor_critic.std, torch.full((2,), 0.9))


def test_a_fixed_schedule_keeps_the_learning_rate_and_an_adaptive_one_moves_it() -> None:
    for schedule, moved in (("fixed", False), ("adaptive", True)):
        env = PointMass(32)
        metrics = train(make(env, 10, schedule=schedule), env, 2)
        assert (metrics["learning_rate"] != pytest.approx(1e-3)) is moved


def test_the_learning_rate_is_adapted_in_the_last_epochs_alone() -> None:
    """Any KL is above this one: the rate falls by the factor at each of 4 mini-batches, or of 20 but the first."""
    env, cfg = PointMass(64), {"desired_kl": 1e-6, "adapting_factor": 1.1, "min_learning_rate": 1e-9}
    for epochs, times in ((1, 4), (5, 19), (None, 19)):
        algorithm = make(env, 10, adapting_epochs=epochs, **cfg)
        train(algorithm, env, 1)
        assert algorithm.learning_rate.item() == pytest.approx(1e-3 / 1.1**times, rel=1e-4)


@pytest.mark.parametrize("schedule", ["adaptive", "fixed"])
def test_a_cool_down_ends_in_small_steps(schedule: str) -> None:
    """The policy hardly moves any more; without a cool-down it goes on moving."""
    moved = {}
    for cool_down in (None, (5, 15)):
        env = PointMass(64)
        algorithm = make(env, 10, schedule=schedule, cool_down_updates=cool_down)
        train(algorithm, env, 30)
        collect(algorithm, env)
        moved[cool_down] = algorithm.update()["kl"]
    assert 0.0 < moved[5, 15] < 0.3 * moved[None]


def test_a_cool_down_ends_the_bonus_for_exploring() -> None:
    spread = {}
    for cool_down in (None, (1, 5)):
        env = PointMass(64)
        algorithm = make(env, 10, schedule="fixed", entropy_coef=1.0, cool_down_updates=cool_down, cool_down_to=1.0)
        train(algorithm, env, 5)
        before = algorithm.actor_critic.std.mean().item()
        train(algorithm, env, 15)
        spread[cool_down] = algorithm.actor_critic.std.mean().item() - before
    assert spread[1, 5] < 0.0 < spread[None]


def test_a_cool_down_narrows_the_noise_geometrically() -> None:
    env = PointMass(64)
    algorithm = make(env, 10, schedule="fixed", entropy_coef=1.0, cool_down_updates=(2, 6), cool_down_std=0.25)
    std = []
    for _ in range(8):
        train(algorithm, env, 1)
        std.append(algorithm.actor_critic.std.max().item())
    assert std[:2] == pytest.approx([1.0, 1.0]) and std[3] == pytest.approx(0.5)
    assert std[5:] == pytest.approx([0.25] * 3)


def test_mistakes_in_the_configuration_are_named() -> None:
    policy = ActorCritic(4, 4, 2)
    with pytest.raises(TypeError, match="clip_parameter"):
        PPO(policy, clip_parameter=0.1)
    with pytest.raises(UserError, match=r"'linear'.*adaptive"):
        PPO(policy, schedule="linear")
    with pytest.raises(UserError, match="cool_down_updates"):
        PPO(policy, cool_down_updates=(20, 10))
    with pytest.raises(UserError, match="cool_down_updates"):
        PPO(policy, cool_down_std=0.2)
    with pytest.raises(UserError, match="adapting_epochs"):
        PPO(policy, adapting_epochs=6)
    with pytest.raises(UserError, match=r"'PPOO'.*PPO"):
        get_algorithm_class("PPOO")


def test_a_checkpoint_restores_everything_that_learning_depends_on() -> None:
    env, other_env = PointMass(32), PointMass(32)
    cfg: dict[str, Any] = {"normalize_obs": True, "cool_down_updates": (1, 5)}
    algorithm = make(env, 10, **cfg)
    train(algorithm, env, 2)
    restored = make(other_env, 10, seed=9, **cfg)
    restored.load_state_dict(algorithm.state_dict())
    other_env.load_state_dict(env.state_dict())
    for one, where in ((algorithm, env), (restored, other_env)):
        torch.manual_seed(3)
        train(one, where, 1)
    state, again = algorithm.state_dict(), restored.state_dict()
    assert all(
        torch.equal(state[part][name], again[part][name])
        for part in ("model_state_dict", "obs_normalizer_state_dict")
        for name in state[part]
    )
    assert torch.equal(algorithm.learning_rate, restored.learning_rate)


@pytest.mark.parametrize(("worlds", "steps", "batches", "needed"), [(1, 1, 1, 2), (1, 3, 4, 4)])
def test_too_few_transitions_are_refused(worlds: int, steps: int, batches: int, needed: int) -> None:
    algorithm = PPO(ActorCritic(4, 4, 2), num_mini_batches=batches)
    with pytest.raises(UserError, match=f"{worlds * steps} transitions, and an update needs at least {needed}"):
        algorithm.require_transitions(worlds, steps)
    algorithm.require_transitions(worlds, needed)


def test_more_transitions_than_there_is_memory_for_are_refused() -> None:
    with pytest.raises(UserError, match=r"need about .* lower the number of worlds"):
        PPO(ActorCritic(4, 4, 2)).init_storage(10**9, 10**6, 4, None, 2)


def test_a_recurrent_policy_needs_a_world_for_every_mini_batch() -> None:
    algorithm = PPO(ActorCriticRecurrent(4, 4, 2), num_mini_batches=4)
    with pytest.raises(UserError, match="3 cannot be dealt into 4 mini-batches"):
        algorithm.require_transitions(3, 24)
    algorithm.require_transitions(4, 24)
