"""Batched forward kinematics of the legs."""

import torch

from legged_gym_ext.robots.base import LEG_JOINTS, LEGS, RobotCfg
from st_rl.utils.constants import constant


def foot_positions(cfg: RobotCfg, dof_pos: torch.Tensor) -> torch.Tensor:
    """Centres of the feet in the base frame in m, (N, 4, 3) in the order FL, FR, RL, RR.

    ``dof_pos`` (N, 12) in rad, in the order of ``cfg.dof_names``. Each leg is the chain hip (about x), thigh and calf
    (both about y), so with the joint origins h, t, k, f, each in its parent's frame,
    p = h + Rx(q0) (t + Ry(q1) (k + Ry(q2) f)). Raises ValueError where a joint turns about another axis.
    """
    _check_axes(cfg)
    origins = constant([joint.origin for joint in cfg.joints], dof_pos.device, dof_pos.dtype)
    hip, thigh, calf = origins.view(len(LEGS), len(LEG_JOINTS), 3).unbind(dim=1)  # (4, 3) each
    foot = constant([mount.origin for mount in cfg.foot_mounts], dof_pos.device, dof_pos.dtype)
    q0, q1, q2 = dof_pos.view(-1, len(LEGS), len(LEG_JOINTS)).unbind(dim=2)  # (N, 4) each
    in_thigh = calf + _rotate_y(q2, foot.expand(*q2.shape, 3))
    in_hip = thigh + _rotate_y(q1, in_thigh)
    return hip + _rotate_x(q0, in_hip)


def _rotate_x(angle: torch.Tensor, vec: torch.Tensor) -> torch.Tensor:
    """``vec`` (..., 3) turned by ``angle`` (...) in rad about x."""
    x, y, z = vec.unbind(dim=-1)
    cos, sin = angle.cos(), angle.sin()
    return torch.stack((x, cos * y - sin * z, sin * y + cos * z), dim=-1)


def _rotate_y(angle: torch.Tensor, vec: torch.Tensor) -> torch.Tensor:
    """``vec`` (..., 3) turned by ``angle`` (...) in rad about y."""
    x, y, z = vec.unbind(dim=-1)
    cos, sin = angle.cos(), angle.sin()
    return torch.stack((cos * x + sin * z, y, cos * z - sin * x), dim=-1)


def _check_axes(cfg: RobotCfg) -> None:
    """Raise ValueError unless the joints of every leg turn about x, y, y."""
    expected = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 1.0, 0.0)) * len(LEGS)
    for joint, axis in zip(cfg.joints, expected, strict=True):
        if joint.axis != axis:
            raise ValueError(f"joint '{joint.name}' of {cfg.name} turns about {joint.axis}; only {axis} is supported")
