"""Reward terms: each returns a magnitude (N,) per second; its sign and size are the weight in the task.

Sources: the terms for velocity tracking follow Rudin et al., "Learning to Walk in Minutes" (CoRL 2021), table 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym_ext.mdp.env_state import CONTACT_FORCE, EnvState
from st_rl.utils.ranges import Extent, Positive, Quantity


def track_lin_vel(env: EnvState, sigma: Positive = 0.25) -> Tensor:
    """exp(-|v_cmd - v|^2 / sigma) of the planar velocity in the base frame; ``sigma`` in (m/s)^2."""
    error = (env.commands[:, :2] - env.base_lin_vel[:, :2]).square().sum(dim=1)
    return torch.exp(-error / sigma)


def track_yaw_rate(env: EnvState, sigma: Positive = 0.25) -> Tensor:
    """exp(-(w_cmd - w_z)^2 / sigma) of the yaw rate in the base frame; ``sigma`` in (rad/s)^2."""
    return torch.exp(-(env.commands[:, 2] - env.base_ang_vel[:, 2]).square() / sigma)


def lin_vel_z(env: EnvState) -> Tensor:
    """Squared vertical velocity, base frame, (m/s)^2."""
    return env.base_lin_vel[:, 2].square()


def ang_vel_xy(env: EnvState) -> Tensor:
    """Squared roll and pitch rates, (rad/s)^2."""
    return env.base_ang_vel[:, :2].square().sum(dim=1)


def tilt(env: EnvState) -> Tensor:
    """Squared sine of the angle between the trunk's z axis and the vertical."""
    return env.projected_gravity[:, :2].square().sum(dim=1)


def torque(env: EnvState) -> Tensor:
    """Mean over the physics steps of the summed squared torques, (N m)^2."""
    return env.sim.torques.square().sum(dim=(1, 2)) / env.sim.cfg.decimation


def mechanical_power(env: EnvState) -> Tensor:
    """(N,) W: sum over joints of |torque x speed|, averaged over the physics steps of the control step."""
    return (env.sim.torques * env.sim.substep_dof_vel).abs().sum(dim=(1, 2)) / env.sim.cfg.decimation


def dof_acc(env: EnvState) -> Tensor:
    """Summed squared joint accelerations, (rad/s^2)^2, from the velocities of two control steps."""
    return ((env.dof_vel - env.last_dof_vel) / env.control_dt).square().sum(dim=1)


def action_rate(env: EnvState) -> Tensor:
    """Summed squared change of the actions since the last step."""
    return (env.actions - env.last_actions).square().sum(dim=1)


def dof_pos_limits(env: EnvState, soft: Positive = 0.95) -> Tensor:
    """Summed excess of joint angles over the middle ``soft`` part of their range, rad."""
    middle = 0.5 * (env.dof_upper + env.dof_lower)
    half = 0.5 * soft * (env.dof_upper - env.dof_lower)
    return ((env.dof_pos - middle).abs() - half).clamp_min(0.0).sum(dim=1)


def default_pose(env: EnvState) -> Tensor:
    """Summed absolute deviation of the hip (abduction) joints from their default, rad."""
    return (env.dof_pos - env.default_dof_pos)[:, 0::3].abs().sum(dim=1)


def collision(env: EnvState) -> Tensor:
    """Number of bodies other than feet that touch something."""
    touching = env.contact_forces[:, env.penalized_ids].square().sum(dim=-1) > CONTACT_FORCE**2
    return touching.sum(dim=1).float()


def feet_air_time(env: EnvState, threshold: Extent = 0.25, min_command: Extent = 0.1) -> Tensor:
    """Sum over feet that touch down of (air time - ``threshold`` s), divided by the control step so that a touch-down
    counts the same at any control rate; zero while the command is smaller than ``min_command``."""
    steps = ((env.last_air_time - threshold) * env.touch_down).sum(dim=1) / env.control_dt
    return steps * (env.commands.norm(dim=1) > min_command)


def stand_still(env: EnvState, max_command: Extent = 0.1) -> Tensor:
    """Summed absolute deviation of all joints from their default while the command is smaller than ``max_command``."""
    deviation = (env.dof_pos - env.default_dof_pos).abs().sum(dim=1)
    return deviation * (env.commands.norm(dim=1) < max_command)


def foot_clearance(env: EnvState, target: Quantity) -> Tensor:
    """Sum over feet in the air of squared distance to the height ``target`` m above ground, times horizontal speed."""
    feet = env.sim.body_states[:, env.foot_ids]
    height = feet[..., 2] - env.ground_height(feet[..., 0:2]) - env.robot.foot_radius
    speed = feet[..., 7:9].norm(dim=-1)
    return ((height - target).square() * speed * ~env.contacts).sum(dim=1)


def termination(env: EnvState) -> Tensor:
    """One over the control step, 1/s, in the step in which an episode fails, by a fall or beside or below a track.

    So the reward of that step, in which rates are multiplied by the control step, is the weight itself.
    """
    return env.fell.float() / env.control_dt
