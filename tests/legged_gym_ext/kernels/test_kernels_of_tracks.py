"""What the compiled kernels find on tracks is what the functions of tensors find, on any tracks and robots."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor

from legged_gym_ext.mdp import track_terms
from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.sim.interface import SceneCfg, SimCfg
from legged_gym_ext.sim.registry import make_simulator
from legged_gym_ext.terrain.blocks import BLOCK_NAMES
from legged_gym_ext.terrain.tracks import TrackCfg, num_boxes
from st_rl.utils.rotations import quat_from_euler_xyz

WORLDS = 24
CFGS = {
    "every block": TrackCfg(blocks=BLOCK_NAMES, num_blocks=5),
    "walls": TrackCfg(blocks=("tilt", "crawl", "hurdle", "leap"), num_blocks=3, side_walls=True),
    "one block": TrackCfg(blocks=("slope",), num_blocks=1),
    "no boxes of obstacles": TrackCfg(blocks=("jump", "down"), num_blocks=2),
}


def make(name: str) -> EnvState:
    cfg = CFGS[name]
    sim = make_simulator("mujoco", GO1, WORLDS, sim=SimCfg(num_threads=1), scene=SceneCfg(num_boxes=num_boxes(cfg)))
    generator = torch.Generator().manual_seed(0)
    return EnvState(sim, None, action_scale=0.25, max_episode_length=100, generator=generator, track_cfg=cfg)


@pytest.fixture(scope="module")
def envs() -> dict[str, EnvState]:
    return {name: make(name) for name in CFGS}


def everywhere(env: EnvState, seed: int, solid: float) -> None:
    """Fresh tracks with robots anywhere on them; obstacles are solid with the probability ``solid``."""
    env.generator.manual_seed(seed)
    everyone = torch.ones(WORLDS, dtype=torch.bool)
    track = track_terms.track_of(env)
    track.solid_probability[:] = solid
    track_terms.new_track(env, everyone, uniform=True)
    far = track.tracks.end[:, -1] + 1.5
    root = torch.zeros(WORLDS, 13)
    root[:, 0] = -0.8 + env.rand() * (far + 0.8)
    root[:, 1] = env.rand(low=-1.0, high=1.0)
    root[:, 2] = track.tracks.floor_height[:, 0] + env.rand(low=0.0, high=0.6)
    root[:, 3:7] = quat_from_euler_xyz(*env.rand(3, low=-1.0, high=1.0).unbind(1))
    env.sim.reset(everyone, root, env.default_dof_pos + env.rand(12, low=-0.6, high=0.6), env.rand(12))
    env.update_kinematics()


def answers(env: EnvState) -> dict[str, Tensor]:
    """Everything that the kernels compute, of the robots where they are."""
    env.update_kinematics()
    track = track_terms.track_of(env)
    found = {
        "index": track.index,
        "engaged": track.engaged,
        "floor": track.floor_level(),
        "engaging": track.engaging(1.5),
        "heights": track_terms.height_measurements(env),
        "points": track.body_points(),
        "penetration": track.penetration(),
    }
    return {name: value.clone() for name, value in found.items()}


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(sorted(CFGS)), seed=st.integers(0, 2**31), solid=st.sampled_from([0.0, 0.5, 1.0]))
def test_kernels_find_what_tensors_find(envs: dict[str, EnvState], name: str, seed: int, solid: float) -> None:
    env = envs[name]
    everywhere(env, seed, solid)
    compiled = answers(env)
    track = track_terms.track_of(env)
    track.skip_empty = False
    try:
        expected = answers(env)
    finally:
        track.skip_empty = True
    for key in ("index", "engaged"):
        assert torch.equal(compiled[key], expected[key]), key
    for key in ("floor", "engaging", "heights", "points"):
        torch.testing.assert_close(compiled[key], expected[key], atol=1e-5, rtol=0)
    # Where no obstacle is soft a single column of zeros stands for all points.
    depth = compiled["penetration"].expand_as(expected["penetration"])
    torch.testing.assert_close(depth, expected["penetration"], atol=1e-5, rtol=0)


def test_the_robots_of_the_test_meet_what_there_is(envs: dict[str, EnvState]) -> None:
    env = envs["every block"]
    everywhere(env, 0, 0.0)
    found = answers(env)
    assert (found["penetration"] > 0.0).any() and found["heights"].std() > 0.1
    assert found["engaged"].any() and not found["engaged"].all()
    assert len(found["index"].unique()) == 5


def test_a_track_of_solid_obstacles_is_not_searched(envs: dict[str, EnvState]) -> None:
    env = envs["walls"]
    everywhere(env, 1, 1.0)
    assert torch.equal(track_terms.track_of(env).penetration(), torch.zeros(WORLDS, 1))
    assert torch.equal(track_terms.penetration_volume(env), torch.zeros(WORLDS))
