"""Metric terms: each returns (N,) per step; they are logged and evaluated, never rewarded."""

from __future__ import annotations

from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.mdp.rewards import mechanical_power

GRAVITY = 9.81
"""m/s^2."""


def lin_vel_error_squared(env: EnvState) -> Tensor:
    """Squared planar velocity error in the base frame, (m/s)^2."""
    return (env.commands[:, :2] - env.base_lin_vel[:, :2]).square().sum(dim=1)


def yaw_rate_error_squared(env: EnvState) -> Tensor:
    """Squared yaw-rate error in the base frame, (rad/s)^2."""
    return (env.commands[:, 2] - env.base_ang_vel[:, 2]).square()


def planar_speed(env: EnvState) -> Tensor:
    """Horizontal speed of the trunk, m/s."""
    return env.sim.root_states[:, 7:9].norm(dim=1)


def power_over_weight(env: EnvState) -> Tensor:
    """Mechanical power over weight, W/N = m/s. Its mean over the mean planar speed is the cost of transport."""
    return mechanical_power(env) / (env.mass * GRAVITY)


def terrain_level(env: EnvState) -> Tensor:
    """Difficulty level of the ground."""
    return env.terrain_levels.float()
