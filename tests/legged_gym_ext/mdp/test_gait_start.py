"""Episodes that begin in a reference gait, and the reference observations of such a robot."""

from dataclasses import replace

import pytest
import torch

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.mdp.gait_start import start_in_gait
from legged_gym_ext.runs.motions import gait_motions, motion_files
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from st_rl.datasets import AMPLoader
from st_rl.utils.ranges import RangeError


def make(gait: str = "trot", share: float = 1.0, num_envs: int = 32) -> LeggedEnv:
    cfg = get_task("go1_gaits").env
    start = replace(cfg.events["gait_start"], params={"share": share})
    events = {"pose": cfg.events["pose"], "gait_start": start}
    return LeggedEnv(replace(cfg, gait=gait, events=events, num_envs=num_envs), Where(num_threads=1), seed=3)


def test_robots_start_with_a_diagonal_pair_on_the_ground_and_at_the_speed_of_the_gait() -> None:
    env = make()
    heights = env.sim.body_states[:, env.state.foot_ids, 2] - env.state.robot.foot_radius
    low = heights.abs() < 0.01
    assert bool((low[:, [0, 3]].all(dim=1) | low[:, [1, 2]].all(dim=1)).all())
    forward = env.state.base_lin_vel[:, 0]
    assert forward.min() > 0.39 and forward.max() < 1.61 and forward.std() > 0.2
    assert env.state.base_lin_vel[:, 1].abs().max() < 1e-4 and env.state.base_lin_vel[:, 2].abs().max() < 0.15


def test_what_the_discriminator_sees_of_them_is_among_the_reference() -> None:
    env = make()
    motions = motion_files(gait_motions("go1", "trot"))
    loader = AMPLoader([path for path in motions if "w+0.0" in path.name], 0.02, fields=tuple(env.cfg.ref_obs))
    seen, reference = env._motion(), loader.sample(8000)[0]
    assert seen.shape[1] == reference.shape[1] == env.motion_size
    nearest = torch.cdist(seen, reference).min(dim=1).values
    assert nearest.max() < 0.15 and torch.cdist(reference[:1], reference).max() > 1.0


def test_only_a_share_starts_so_and_none_without_a_gait() -> None:
    def in_gait(env: LeggedEnv) -> int:
        return int((env.state.base_pos[:, 2] - env.state.robot.base_height).abs().lt(5e-3).sum())

    assert in_gait(make(share=1.0)) == 32
    assert 4 < in_gait(make(share=0.5)) < 28
    assert in_gait(make(gait="")) == 0


def test_worlds_outside_the_mask_stay_where_they_are() -> None:
    env = make(num_envs=4)
    before = env.sim.root_states.clone()
    start_in_gait(env.state, torch.tensor([True, False, False, True]), share=1.0)
    moved = (env.sim.root_states != before).any(dim=1)
    assert moved.tolist() == [True, False, False, True]


def test_an_unknown_gait_is_refused_with_the_known_ones() -> None:
    cfg: EnvCfg = get_task("go1_gaits").env
    with pytest.raises(RangeError, match="choose one of trot, pace, bound, mixture"):
        replace(cfg, gait="gallop")
