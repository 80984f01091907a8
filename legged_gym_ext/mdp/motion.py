"""Reference observations: what a motion prior compares of a robot's motion with a reference motion.

A term ``ref_obs["name"]`` of a task returns of the robot what the field ``name`` of its motion files holds; the terms
here go with the fields of the suite's own files and of all in the public format of 61 columns. By the convention of
those files ``_b`` is the base frame. N worlds, 12 joints, feet in the order FL, FR, RL, RR.
"""

from __future__ import annotations

from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.robots.kinematics import foot_positions


def dof_pos(env: EnvState) -> Tensor:
    """(N, 12) rad: joint angles."""
    return env.dof_pos


def dof_vel(env: EnvState) -> Tensor:
    """(N, 12) rad/s: joint speeds."""
    return env.dof_vel


def base_lin_vel_b(env: EnvState) -> Tensor:
    """(N, 3) m/s: velocity of the trunk in the base frame."""
    return env.base_lin_vel


def base_ang_vel_b(env: EnvState) -> Tensor:
    """(N, 3) rad/s: angular velocity of the trunk in the base frame."""
    return env.base_ang_vel


def projected_gravity(env: EnvState) -> Tensor:
    """(N, 3): the unit vector of gravity in the base frame."""
    return env.projected_gravity


def base_height(env: EnvState) -> Tensor:
    """(N, 1) m: height of the trunk above the ground below it."""
    return (env.base_pos[:, 2] - env.ground_height(env.base_pos[:, :2]))[:, None]


def foot_pos_b(env: EnvState) -> Tensor:
    """(N, 12) m: centers of the feet in the base frame."""
    return foot_positions(env.robot, env.dof_pos).flatten(1)
