"""Segments that hold several steps, the last observation of an episode, and a scan of the ground."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from legged_gym_ext.envs.cfg import NoiseCfg, ObsTermCfg, ProprioceptionCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.mdp import observations
from legged_gym_ext.sensors.depth_camera import DepthCameraCfg
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UserError


def make(seed: int = 0, **changes: Any) -> LeggedEnv:
    cfg = get_task("go1_walk").env
    settings: dict[str, Any] = {"num_envs": 2, "sim": replace(cfg.sim, num_threads=1), **changes}
    return LeggedEnv(replace(cfg, **settings), seed=seed)


def stacked(seed: int = 0, **changes: Any) -> LeggedEnv:
    """Three steps of the parts that move, noisy, and the contacts of now; images of two steps."""
    terms = {
        "moving": ProprioceptionCfg(("dof_pos", "actions"), history=3),
        "contacts": ObsTermCfg(observations.foot_contacts),
        "forward_depth": ObsTermCfg(observations.forward_depth, history=2),
    }
    return make(seed, observations=terms, camera=DepthCameraCfg(height=4, width=6), episode_length_s=1.0, **changes)


def test_a_segment_holds_its_last_steps_the_newest_first() -> None:
    env = stacked()
    assert dict(env.obs_segments) == {"moving": (72,), "contacts": (4,), "forward_depth": (2, 4, 6)}
    first = env.obs_segments.split(env.get_observations()[0])["moving"].view(2, 3, 24)
    assert torch.equal(first[:, 0], first[:, 1]) and torch.equal(first[:, 0], first[:, 2])  # nothing was before
    seen = [first[:, 0].clone()]
    for step in range(1, 6):
        found = env.obs_segments.split(env.step(torch.full((2, 12), 0.1 * step))[0])
        moving = found["moving"].view(2, 3, 24)
        # Each measurement keeps the noise that it had.
        assert torch.equal(moving[:, 1], seen[-1]) and torch.equal(moving[:, 2], seen[max(step - 2, 0)])
        torch.testing.assert_close(moving[:, 0, 12:], torch.full((2, 12), 0.1 * step))
        seen.append(moving[:, 0].clone())


def test_a_reset_forgets_what_was_stacked_in_its_worlds_alone() -> None:
    env = stacked()
    env.episode_length_buf = torch.tensor([0, 48])
    for _ in range(2):
        observation, _, dones, _ = env.step(torch.full((2, 12), 0.2))
    assert dones.tolist() == [False, True]
    moving = env.obs_segments.split(observation)["moving"].view(2, 3, 24)
    assert torch.equal(moving[1, 0], moving[1, 1]) and torch.equal(moving[1, 0], moving[1, 2])
    assert not torch.equal(moving[0, 0], moving[0, 2])


def test_a_restored_environment_goes_on_with_what_was_stacked() -> None:
    env, other = stacked(seed=0), stacked(seed=1)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        env.step(0.3 * torch.randn(2, 12, generator=generator))
    other.load_state_dict(env.state_dict())
    for _ in range(5):
        actions = 0.3 * torch.randn(2, 12, generator=generator)
        assert torch.equal(env.step(actions)[0], other.step(actions)[0])
    state = env.state_dict()
    state["history"] = {"actor": {"moving": torch.zeros(2, 4, 24)}, "critic": {}}
    with pytest.raises(UserError, match="other stacked observations"):
        other.load_state_dict(state)


def test_the_last_observation_of_an_episode_is_that_before_its_reset() -> None:
    terms = {"proprioception": ProprioceptionCfg(history=2)}
    quiet = {"noise": NoiseCfg(0.0, 0.0, 0.0, 0.0, 0.0), "events": {}, "observations": terms}
    env, twin = make(final_observations=True, **quiet), make(**quiet)
    env.episode_length_buf = torch.tensor([0, env.max_episode_length - 3])
    twin.load_state_dict(env.state_dict())
    twin.episode_length_buf = torch.tensor([0, 0])  # it goes on where the other ends
    for step in range(3):
        actions = torch.full((2, 12), 0.1 * step)
        found, _, dones, infos = env.step(actions)
        expected, extras = twin.step(actions)[0], twin.get_observations()[1]
        assert ("final_observation" in infos) == bool(dones.any()) == (step == 2)
    final = infos["final_observation"]
    assert dones.tolist() == infos["time_outs"].tolist() == [False, True]
    torch.testing.assert_close(final["actor"], expected)
    torch.testing.assert_close(final["critic"], extras["observations"]["critic"])
    torch.testing.assert_close(found[0], expected[0])
    assert not torch.equal(found[1], expected[1])  # the first of the next episode


def test_walks_can_scan_rough_ground() -> None:
    """The points are 0.3 m ahead, in steps to the left, and turn with the robot."""
    grid = {"x": (0.3, 0.3, 1), "y": (-0.1, 0.1, 3), "offset": 0.25}
    env = make(observations={"ground": ObsTermCfg(observations.ground_scan, params=grid)})
    assert env.obs_segments["ground"] == (3,) and env.state.height_field is not None
    state = env.state
    state.base_quat = torch.tensor([[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.5**0.5, 0.5**0.5]])
    found = observations.ground_scan(state, **grid)
    x, y = state.base_pos[:, 0:1], state.base_pos[:, 1:2]
    across = torch.tensor([-0.1, 0.0, 0.1])
    ahead = torch.stack((x[:1] + 0.3 + 0.0 * across, y[:1] + across), dim=-1)
    left = torch.stack((x[1:] - across, y[1:] + 0.3 + 0.0 * across), dim=-1)
    heights = state.ground_height(torch.cat((ahead, left)))
    expected = (state.base_pos[:, 2:3] - 0.25 - heights).clamp(-1.0, 1.0)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert heights.std() > 0.0
