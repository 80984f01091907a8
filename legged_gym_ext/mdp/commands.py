"""Velocity commands in the base frame: forward, lateral, yaw rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from st_rl.utils.constants import constant
from st_rl.utils.ranges import Bounds, Checked, Ordered, Seconds, Share
from st_rl.utils.rotations import yaw_of

Speed = Annotated[float, Bounds(ge=-100.0, le=100.0)]
Speeds = Annotated[tuple[Speed, Speed], Ordered()]
"""The smallest and the largest speed, m/s or rad/s."""


@dataclass(frozen=True)
class VelocityCommandCfg(Checked):
    """Ranges from which commands are drawn uniformly, and how often."""

    lin_vel_x: Speeds = (-0.5, 1.0)
    """m/s."""
    lin_vel_y: Speeds = (-0.4, 0.4)
    """m/s."""
    ang_vel_yaw: Speeds = (-1.0, 1.0)
    """rad/s."""
    resampling_time_s: Seconds = 10.0
    """A command is held this long, s."""
    standing_fraction: Share = 0.1
    """Share of the commands that are zero: stand still."""
    along_track: bool = False
    """Only the forward velocity is drawn; the others lead back to the middle and the direction of the track."""


def velocity_commands(env: EnvState, cfg: VelocityCommandCfg) -> Tensor:
    """Fresh commands (N, 3) for every world."""
    ranges = constant([cfg.lin_vel_x, cfg.lin_vel_y, cfg.ang_vel_yaw], env.device)
    uniform = env.rand(4)
    commands = ranges[:, 0] + uniform[:, :3] * (ranges[:, 1] - ranges[:, 0])
    return commands * (uniform[:, 3:] >= cfg.standing_fraction)


def resample_due(env: EnvState, cfg: VelocityCommandCfg) -> Tensor:
    """(N,) bool: worlds whose command has been held for its time."""
    return env.episode_length % max(round(cfg.resampling_time_s / env.control_dt), 1) == 0


def steer_along_track(
    env: EnvState, lateral_gain: float = 1.0, yaw_gain: float = 2.0, max_lateral: float = 0.3, max_yaw_rate: float = 1.0
) -> Tensor:
    """The commands (N, 3) with lateral velocity and yaw rate that lead to y = 0 and heading +x, gains in 1/s."""
    lateral = (-lateral_gain * env.base_pos[:, 1]).clamp(-max_lateral, max_lateral)
    yaw_rate = (-yaw_gain * yaw_of(env.base_quat)).clamp(-max_yaw_rate, max_yaw_rate)
    return torch.stack((env.commands[:, 0], lateral, yaw_rate), dim=1)
