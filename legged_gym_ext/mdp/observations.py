"""Observation terms: each returns the content of one named segment, (N, *shape), unscaled SI units.

The segment ``proprioception`` has a file of its own, since its parts are scaled, noisy and late each in its own way.
"""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.mdp.term_ranges import UNBOUNDED, within
from legged_gym_ext.rotations import euler_xyz_from_quat


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


@within(0.0, 3600.0)
def image_age(env: EnvState) -> Tensor:
    """(N, 1) s since the image in ``forward_depth`` was taken; it falls when a new image arrives."""
    assert env.camera is not None, "this segment needs EnvCfg.camera"
    return env.camera.delivered_age()


@within(0.0, 1.0)
def foot_contacts(env: EnvState) -> Tensor:
    """(N, 4): 1 where a foot touches something, else 0; FL, FR, RL, RR."""
    return env.contacts.float()
