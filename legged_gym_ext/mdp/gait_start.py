"""Episodes that begin in the middle of a reference gait (reference state initialization, Peng et al. 2018)."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.motions.gaits import SPEEDS, gait_at
from legged_gym_ext.motions.generator import GaitMotion
from legged_gym_ext.robots.base import RobotCfg
from st_rl.utils.ranges import Interval, Share
from st_rl.utils.rotations import quat_from_euler_xyz, quat_multiply, quat_rotate

_PHASES = 40
"""Moments of a stride that episodes may begin at."""


def start_in_gait(env: EnvState, mask: Tensor, *, share: Share, yaw: Interval = (-3.14159, 3.14159)) -> None:
    """Start a ``share`` of the worlds in the task's reference gait, at a random phase and speed, on flat ground.

    For an event after the one that places the robots; in tasks without a reference gait nothing happens.

    Args:
        share: of the worlds; the others stay as they were placed.
        yaw: heading, rad.
    """
    if not env.gait:
        return
    states = _states(env.robot, env.gait, env.device)
    chosen = states[(env.rand() * len(states)).long().clamp_max(len(states) - 1)]
    zero = torch.zeros(env.num_envs, device=env.device)
    heading = quat_from_euler_xyz(zero, zero, env.rand(low=yaw[0], high=yaw[1]))
    height, rotation, lin_vel, ang_vel, dof_pos, dof_vel = chosen.split((1, 4, 3, 3, 12, 12), dim=1)
    rotation = quat_multiply(heading, rotation)
    position = env.env_origins.clone()
    position[:, 2] += env.ground_height(position[:, :2]) + height[:, 0]
    root = torch.cat((position, rotation, quat_rotate(rotation, lin_vel), quat_rotate(rotation, ang_vel)), dim=1)
    env.sim.reset(mask & (env.rand() < share), root, dof_pos, dof_vel)


@cache
def _states(robot: RobotCfg, gait: str, device: torch.device) -> Tensor:
    """States (speeds * phases, 35) of a gait: height, rotation, velocities in the base frame, joints."""
    rows = []
    with torch.inference_mode(False):
        for speed in SPEEDS:
            motion = GaitMotion(robot, gait_at(gait, speed), speed)
            pose = motion.moving_pose(torch.arange(_PHASES, dtype=torch.float64) / _PHASES * motion.period)
            parts = (pose.root_rot, pose.lin_vel_b, pose.ang_vel_b, pose.dof_pos, pose.dof_vel)
            rows.append(torch.cat((pose.root_pos[:, 2:], *parts), dim=1))
        return torch.cat(rows).float().to(device)
