"""Batched inverse kinematics of the legs."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym_ext.robots.base import LEG_JOINTS, LEGS, RobotCfg
from legged_gym_ext.robots.kinematics import leg_origins


def joint_angles_of_feet(cfg: RobotCfg, feet: Tensor) -> Tensor:
    """Joint angles (N, 12) in rad at which the centers of the feet are at ``feet (N, 4, 3)``, base frame, m.

    The inverse of ``foot_positions`` with knees that point backwards. A hip turns the plane of its leg about x until
    the foot is in it; there thigh and calf are a planar arm of two links, solved by the law of cosines. What is too far
    or too near for the leg is reached for as far as it goes, so that the feet of the result tell.

    Raises ValueError where a joint turns about another axis than those of ``foot_positions``.
    """
    origins = leg_origins(cfg).to(feet)
    hip, thigh, knee, foot = origins.unbind(dim=1)
    offset, upper, lower = thigh[:, 1], knee[:, 2].neg(), foot[:, 2].neg()
    x, y, z = (feet - hip).unbind(dim=-1)
    down = (y.square() + z.square() - offset.square()).clamp_min(0.0).sqrt()
    # In the plane of the leg the foot is at (offset, -down) in y and z; the hip turns that to where the foot is.
    q0 = _wrapped(torch.atan2(z, y) - torch.atan2(-down, offset.expand_as(down)))
    reach = x.square() + down.square()
    cosine = (reach - upper.square() - lower.square()) / (2.0 * upper * lower)
    q2 = -cosine.clamp(-1.0, 1.0).acos()
    q1 = torch.atan2(-x, down) - torch.atan2(lower * q2.sin(), upper + lower * q2.cos())
    return torch.stack((q0, q1, q2), dim=-1).view(-1, len(LEGS) * len(LEG_JOINTS))


def _wrapped(angle: Tensor) -> Tensor:
    """``angle`` in (-pi, pi]."""
    return torch.atan2(angle.sin(), angle.cos())
