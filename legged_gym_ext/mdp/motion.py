"""What a robot's motion is described by for a motion prior: fields named as in the files of reference motions.

By the convention of those files ``_b`` is the base frame. N worlds, 12 joints, feet in the order FL, FR, RL, RR.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.robots.kinematics import foot_positions
from st_rl.utils.registry import Registry


def base_height(env: EnvState) -> Tensor:
    """(N, 1) m: height of the trunk above the ground below it."""
    return (env.base_pos[:, 2] - env.ground_height(env.base_pos[:, :2]))[:, None]


def foot_pos_b(env: EnvState) -> Tensor:
    """(N, 12) m: centers of the feet in the base frame."""
    return foot_positions(env.robot, env.dof_pos).flatten(1)


MOTION_FIELDS: Registry[Callable[[EnvState], Tensor]] = Registry(
    "motion field",
    {
        "dof_pos": lambda env: env.dof_pos,
        "dof_vel": lambda env: env.dof_vel,
        "base_lin_vel_b": lambda env: env.base_lin_vel,
        "base_ang_vel_b": lambda env: env.base_ang_vel,
        "projected_gravity": lambda env: env.projected_gravity,
        "base_height": base_height,
        "foot_pos_b": foot_pos_b,
    },
)
"""Name -> (N, size): rad, rad/s, m/s, rad/s, a unit vector, m, m."""


def motion_state(env: EnvState, fields: Sequence[str]) -> Tensor:
    """(N, columns): the named fields one after the other; ``UnknownNameError`` for one that does not exist."""
    return torch.cat([MOTION_FIELDS[name](env) for name in fields], dim=1)
