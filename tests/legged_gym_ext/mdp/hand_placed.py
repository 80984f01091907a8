"""Robots placed by hand on known tracks.

The track of every world: six blocks of 2 m, the first obstacle ends at x = 2.5 m, each is 0.4 m deep (the gap 0.5 m).
Floors lie at 0.7 m, behind the jump at 0.9 m, behind the drop at 0.6 m.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from legged_gym_ext.mdp import track_terms as tracks
from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.mdp.track_state import TrackState
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.sim.interface import SceneCfg, SimCfg
from legged_gym_ext.sim.registry import make_simulator
from legged_gym_ext.terrain.tracks import TrackCfg, num_boxes
from st_rl.utils.rotations import quat_from_euler_xyz

SIX = ("tilt", "crawl", "jump", "down", "leap", "hurdle")
VALUES = {"tilt": 0.3, "crawl": 0.25, "jump": 0.2, "down": -0.3, "leap": 0.5, "hurdle": 0.1}
ENDS = [2.5, 4.5, 6.5, 8.5, 10.5, 12.5]
STARTS = [2.1, 4.1, 6.1, 8.1, 10.0, 12.1]


def track_cfg(*blocks: str, **cfg) -> TrackCfg:
    """``blocks`` in this order with every length fixed."""
    return TrackCfg(
        blocks=blocks,
        num_blocks=len(blocks),
        order="given",
        width=(2.0, 2.0),
        block_length=(2.0, 2.0),
        start_length=(0.5, 0.5),
        gap_depth=(0.6, 0.6),
        parameters={name: (VALUES[name], VALUES[name]) for name in blocks},
        depths=dict.fromkeys(blocks, (0.4, 0.4)),
        **cfg,
    )


def make(cfg: TrackCfg, num: int, seed: int = 0) -> EnvState:
    """``num`` worlds with fresh tracks and soft obstacles; control step 0.02 s."""
    scene = SceneCfg(num_boxes=num_boxes(cfg))
    sim = make_simulator("mujoco", GO1, num, sim=SimCfg(num_threads=1), scene=scene)
    generator = torch.Generator().manual_seed(seed)
    env = EnvState(sim, None, action_scale=0.25, max_episode_length=100, generator=generator, track_cfg=cfg)
    tracks.new_track(env, torch.ones(num, dtype=torch.bool))
    env.update_kinematics()
    return env


def place(env: EnvState, x: Sequence[float], y: float = 0.0, z: float = 1.0, yaw: float = 0.0) -> TrackState:
    """Put the robots in the default pose at ``x``, one for each world."""
    root = torch.zeros(env.num_envs, 13)
    root[:, 0], root[:, 1], root[:, 2] = torch.tensor(x), y, z
    zero = torch.zeros(env.num_envs)
    root[:, 3:7] = quat_from_euler_xyz(zero, zero, zero + yaw)
    pose = env.default_dof_pos.expand(env.num_envs, -1)
    env.sim.reset(torch.ones(env.num_envs, dtype=torch.bool), root, pose, torch.zeros_like(pose))
    env.update_kinematics()
    return tracks.track_of(env)


def went(env: EnvState, x: Sequence[float], depth: Sequence[float] | None = None) -> TrackState:
    """Pretend that the episodes led to ``x``, with bodies ``depth`` m inside soft obstacles."""
    track = place(env, x)
    track.max_x = torch.tensor(x)
    track.worst_penetration = torch.zeros(env.num_envs) if depth is None else torch.tensor(depth)
    return track


def close(value: torch.Tensor, expected: list, atol: float = 1e-5) -> None:
    torch.testing.assert_close(value, torch.tensor(expected), atol=atol, rtol=0)


def all_of(env: EnvState) -> torch.Tensor:
    return torch.ones(env.num_envs, dtype=torch.bool)
