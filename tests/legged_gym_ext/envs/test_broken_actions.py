"""Actions that are not finite are contained, counted, and end the episode; nothing of them is left in the next one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.sensors.latency import LatencyCfg
from legged_gym_ext.tasks.registry import get_task


def make(latency: bool) -> LeggedEnv:
    cfg = get_task("go1_walk").env
    sim = replace(cfg.sim, num_threads=1)
    return LeggedEnv(replace(cfg, num_envs=3, sim=sim, latency=LatencyCfg() if latency else None), seed=0)


@pytest.mark.parametrize("latency", [False, True])
@pytest.mark.parametrize("broken", [float("nan"), float("inf"), -float("inf")])
def test_one_broken_action_ends_one_episode_and_nothing_else(broken: float, latency: bool) -> None:
    env = make(latency)
    env.step(torch.zeros(3, 12))
    actions = torch.zeros(3, 12)
    # A value that is too large but finite is clipped, which is no failure.
    actions[1, 4] = broken
    observation, rewards, dones, infos = env.step(actions)
    is_nan = broken != broken
    assert dones.tolist() == [False, is_nan, False] and not infos["time_outs"].any()
    assert observation.isfinite().all() and rewards.isfinite().all()
    assert int(env.state.num_broken_actions) == int(is_nan) and int(env.sim.num_invalid) == 0
    for _ in range(3):
        observation, rewards, dones, _ = env.step(torch.zeros(3, 12))
        assert observation.isfinite().all() and rewards.isfinite().all() and not dones.any()
    carried = env.state_dict()
    tensors = [*carried["state"].values(), *carried["latency"].values()]
    assert all(value.isfinite().all() for value in tensors if value.is_floating_point())


def test_a_reset_clears_what_is_not_finite() -> None:
    env = make(True)
    state = env.state
    for value in (state.actions, state.last_actions, state.last_dof_vel, state.air_time, state.contact_time):
        value[1] = float("nan")
    state.last_air_time[1], state.tracking_score[1] = float("inf"), float("nan")
    env.latency._acted.history[:, 1] = float("nan")  # type: ignore[union-attr]
    env._reset_worlds(torch.tensor([False, True, False]))
    saved = env.state_dict()
    tensors = [*saved["state"].values(), *saved["latency"].values()]
    assert all(value.isfinite().all() for value in tensors if value.is_floating_point())


def test_episodes_that_began_in_the_middle_do_not_count_for_the_curriculum() -> None:
    cfg = get_task("go1_walk").env
    curriculum = {"terrain": replace(cfg.curriculum["terrain"], params={"anywhere": 0.0})}
    settings = replace(cfg, num_envs=4, curriculum=curriculum, events={}, sim=replace(cfg.sim, num_threads=1))
    env = LeggedEnv(settings, seed=0)
    levels = env.state.terrain_levels
    levels[:] = 3
    last = env.max_episode_length - 1
    # Two worlds begin one step before their end, as a training's first episodes may; two have lived through theirs.
    env.episode_length_buf.copy_(torch.tensor([last, last, last, last]))
    env.state.steps_lived[2:] = last
    # One of each kind has tracked badly all the way, the other well.
    env.state.tracking_score[:] = torch.tensor([0.1, 0.9, 0.1, 0.9])
    _, _, dones, _ = env.step(torch.zeros(4, 12))
    assert dones.all() and env.state.terrain_levels.tolist() == [3, 3, 2, 4]
    assert env.state.whole_episode.all()  # what begins now begins at its beginning
