"""Observation terms: each returns the content of one named segment, (N, *shape), unscaled SI units.

The segment ``proprioception`` has a file of its own, since its parts are scaled, noisy and late each in its own way.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated

import torch
from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.mdp.term_ranges import UNBOUNDED, within
from st_rl.utils.ranges import Bounds, Quantity
from st_rl.utils.rotations import euler_xyz_from_quat, turn_planar, yaw_of

GridLine = tuple[Quantity, Quantity, Annotated[int, Bounds(ge=1, le=1000)]]
"""First, last and number of points at equal distances, m."""


@within(*UNBOUNDED)
def base_pose(env: EnvState) -> Tensor:
    """(N, 6): position relative to the origin of the track (3) in m, roll, pitch, yaw in rad."""
    return torch.cat((env.base_pos - env.env_origins, euler_xyz_from_quat(env.base_quat)), dim=1)


@within(*UNBOUNDED)
def robot_config(env: EnvState) -> Tensor:
    """(N, 17): friction, shift of the trunk's center of mass (3) in m, added mass in kg, motor strength (12)."""
    now = env.sim.dynamics
    assert now.friction is not None and now.com_shift is not None
    assert now.added_mass is not None and now.motor_strength is not None
    return torch.cat((now.friction[:, None], now.com_shift, now.added_mass[:, None], now.motor_strength), dim=1)


@within(-0.5, 0.5)
def forward_depth(env: EnvState) -> Tensor:
    """(N, 1, H, W): what the depth camera has delivered, late and noisy, from -0.5 (near) to 0.5 (far)."""
    assert env.camera is not None, "this segment needs EnvCfg.camera"
    return env.camera.delivered()


@within(-1.0, 1.0)
def ground_scan(
    env: EnvState,
    x: GridLine = (-0.4, 1.0, 15),
    y: GridLine = (-0.3, 0.3, 5),
    offset: Quantity = 0.3,
) -> Tensor:
    """(N, P) m: height of the base above the ground around it, minus ``offset``, clipped to [-1, 1].

    The points are a grid in the base's heading frame, ``(first, last, number)`` along x and y, y running fastest. The
    ground is a plane or a height field; for tracks of obstacles there is ``track_terms.height_measurements``.
    """
    px, py = scan_points(tuple(x), tuple(y), env.device)
    points = turn_planar(px[None], py[None], yaw_of(env.base_quat)) + env.base_pos[:, None, 0:2]
    return (env.base_pos[:, 2:3] - offset - env.ground_height(points)).clamp(-1.0, 1.0)


@cache
def scan_points(x: GridLine, y: GridLine, device: torch.device) -> Tensor:
    """The points (2, P) m of a height scan, made once."""
    with torch.inference_mode(False):
        along, across = torch.linspace(*x, device=device), torch.linspace(*y, device=device)
        return torch.stack([points.flatten() for points in torch.meshgrid(along, across, indexing="ij")])


@within(0.0, 3600.0)
def image_age(env: EnvState) -> Tensor:
    """(N, 1) s since the image in ``forward_depth`` was taken; it falls when a new image arrives."""
    assert env.camera is not None, "this segment needs EnvCfg.camera"
    return env.camera.delivered_age()


@within(0.0, 1.0)
def foot_contacts(env: EnvState) -> Tensor:
    """(N, 4): 1 where a foot touches something, else 0; FL, FR, RL, RR."""
    return env.contacts.float()
