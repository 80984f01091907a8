"""The toys keep the contract that the learning library relies on."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from toys import PointMass, Recall, ToyEnv

from st_rl.env import StatefulVecEnv, VecEnv


@pytest.mark.parametrize("make", [PointMass, Recall])
def test_steps_have_the_documented_shapes_and_resets_happen_inside(make: Any) -> None:
    toy: ToyEnv = make(5, 4)
    env: VecEnv = toy
    obs, extras = env.get_observations()
    assert obs.shape == (5, env.num_obs)
    assert extras["observations"] == {}
    for step in range(1, 5):
        obs, rewards, dones, infos = env.step(torch.zeros(5, env.num_actions))
        assert rewards.shape == dones.shape == infos["time_outs"].shape == (5,)
        assert dones.dtype is infos["time_outs"].dtype is torch.bool
        assert not (infos["time_outs"] & ~dones).any()
        assert dones.all() == (step == 4)
    assert not env.episode_length_buf.any()


@pytest.mark.parametrize("make", [PointMass, Recall])
def test_a_restored_environment_goes_on_identically(make: Any) -> None:
    env, other = make(8, 3), make(8, 3, seed=1)
    assert isinstance(env, StatefulVecEnv)
    env.step(torch.ones(8, env.num_actions))
    other.load_state_dict(env.state_dict())
    for _ in range(5):
        actions = torch.randn(8, env.num_actions)
        first, second = env.step(actions), other.step(actions)
        assert torch.equal(first[0], second[0])
        assert torch.equal(first[1], second[1])
