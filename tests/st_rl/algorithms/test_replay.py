"""Gradient steps replayed as graphs learn what gradient steps learn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tape import Tape
from toys import PointMass, ToyEnv

from st_rl.algorithms import PPO, get_algorithm_class
from st_rl.algorithms.replay import ReplayedSteps
from st_rl.modules import ActorCritic, ActorCriticRecurrent

pytestmark = pytest.mark.usefixtures("one_thread")
STEPS = 6


def make(env: ToyEnv, *, device: str = "cpu", critic_obs: bool = False, **cfg: Any) -> PPO:
    torch.manual_seed(0)
    policy = ActorCritic(env.num_obs, env.num_obs, env.num_actions, actor_hidden_dims=[16], critic_hidden_dims=[16])
    algorithm = PPO(policy, device=device, **cfg)
    algorithm.init_storage(env.num_envs, STEPS, env.num_obs, env.num_obs if critic_obs else None, env.num_actions)
    return algorithm


def rollout(algorithm: PPO, env: ToyEnv) -> None:
    torch.manual_seed(int(env.get_observations()[0].abs().sum() * 1e4) % 2**31)
    obs = env.get_observations()[0]
    two = algorithm.storage.critic_obs is not algorithm.storage.obs
    for _ in range(STEPS):
        obs, rewards, dones, infos = env.step(algorithm.act(obs, obs if two else None))
        algorithm.process_env_step(rewards, dones, infos)
    algorithm.compute_returns(obs, obs if two else None)


@pytest.mark.parametrize(
    "cfg",
    [
        {},
        {"schedule": "fixed"},
        {"clip_min_std": 0.5},
        {"normalize_obs": True},
        {"cool_down_updates": (0, 2)},
        {"adapting_epochs": 1},
    ],
)
@pytest.mark.parametrize("critic_obs", [False, True])
def test_replayed_updates_equal_updates(cfg: dict[str, Any], critic_obs: bool) -> None:
    """Bit for bit, on a tape that is bound to addresses as a graph is."""
    algorithms = [make(PointMass(num_envs=16), critic_obs=critic_obs, **cfg) for _ in range(2)]
    envs = [PointMass(num_envs=16) for _ in range(2)]
    algorithms[1]._steps = ReplayedSteps(algorithms[1]._learn, recording=Tape)
    for _ in range(3):
        reports = []
        for algorithm, env in zip(algorithms, envs, strict=True):
            rollout(algorithm, env)
            reports.append(algorithm.update())
        assert reports[0] == reports[1]
    for one, other in zip(*(algorithm.actor_critic.parameters() for algorithm in algorithms), strict=True):
        assert torch.equal(one, other)


def test_a_restored_state_is_what_is_learned_from() -> None:
    """A recording works in the tensors of its time, so it must not outlive them."""
    env = PointMass(num_envs=16)
    algorithm = make(env)
    algorithm._steps = first = ReplayedSteps(algorithm._learn, recording=Tape)
    for _ in range(2):
        rollout(algorithm, env)
        algorithm.update()
    algorithm.load_state_dict(algorithm.state_dict())
    assert algorithm._steps is not first


def test_only_what_a_graph_can_stand_for_is_replayed() -> None:
    assert PPO.replayable and get_algorithm_class("EstimatorPPO").replayable
    for name in ("TPPO", "APPO", "ATPPO", "EstimatorTPPO"):
        assert not get_algorithm_class(name).replayable


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_graphs_learn_what_steps_learn() -> None:
    env = PointMass(num_envs=64)
    moved: list[torch.Tensor] = []
    for replayed in (False, True):
        algorithm, torch_env = make(env, device="cuda", schedule="fixed"), PointMass(num_envs=64)
        if not replayed:
            algorithm._steps = algorithm._learn
        obs = torch_env.get_observations()[0]
        for _ in range(3):
            for _ in range(STEPS):
                obs, rewards, dones, infos = torch_env.step(algorithm.act(obs.cuda()).cpu() * 0.0 + 0.1)
                infos = {name: value.cuda() for name, value in infos.items() if isinstance(value, torch.Tensor)}
                algorithm.process_env_step(rewards.cuda(), dones.cuda(), infos)
            algorithm.compute_returns(obs.cuda())
            torch.manual_seed(0)
            algorithm.update()
        moved.append(torch.cat([parameter.detach().flatten() for parameter in algorithm.actor_critic.parameters()]))
    torch.testing.assert_close(moved[0], moved[1], rtol=1e-3, atol=1e-4)


def test_policies_with_memory_take_ordinary_steps() -> None:
    """Their sequences change their number, and so the sizes of tensors."""
    env = PointMass(num_envs=4)
    policy = ActorCriticRecurrent(env.num_obs, env.num_obs, env.num_actions, rnn_hidden_size=8)
    algorithm = PPO(policy)
    assert not isinstance(algorithm._build_steps(), ReplayedSteps)
