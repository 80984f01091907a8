"""Batched forward kinematics of the legs."""

import itertools

import torch

from legged_gym_ext.robots.base import LEG_JOINTS, LEG_LINKS, LEGS, RobotCfg
from st_rl.utils.constants import constant
from st_rl.utils.rotations import quat_rotate


def foot_positions(cfg: RobotCfg, dof_pos: torch.Tensor) -> torch.Tensor:
    """Centers of the feet in the base frame in m, (N, 4, 3) in the order FL, FR, RL, RR.

    ``dof_pos`` (N, 12) in rad, in the order of ``cfg.dof_names``. Each leg is the chain hip (about x), thigh and calf
    (both about y), so with the joint origins h, t, k, f, each in its parent's frame,
    p = h + Rx(q0) (t + Ry(q1) (k + Ry(q2) f)). Raises ValueError where a joint turns about another axis.
    """
    _check_axes(cfg)
    angle = dof_pos.view(-1, len(LEGS), len(LEG_JOINTS))
    arms = _link_vectors(cfg, angle[..., 0], _swing(angle))
    return sum(arms, start=_hips(cfg, dof_pos))


def body_states(cfg: RobotCfg, root_states: torch.Tensor, dof_pos: torch.Tensor, dof_vel: torch.Tensor) -> torch.Tensor:
    """Pose and velocity of every body in the world, (N, B, 13): position in m, quaternion xyzw, velocity of the origin
    of the body's frame in m/s, angular velocity in rad/s; bodies in the order of ``cfg.body_names``.

    Along a leg, in the frame of the base, each joint adds its axis times its speed to the angular velocity w of what
    it carries, and a frame at distance r from the one that carries it moves w x r faster. Raises ValueError where a
    joint turns about another axis than those of ``foot_positions``.

    Args:
        root_states: (N, 13) of the trunk, in the same order.
        dof_pos: (N, 12) rad.
        dof_vel: (N, 12) rad/s.
    """
    _check_axes(cfg)
    angle, speed = dof_pos.view(-1, len(LEGS), len(LEG_JOINTS)), dof_vel.view(-1, len(LEGS), len(LEG_JOINTS))
    q0, swing = angle[..., 0], _swing(angle)
    thigh, calf, foot = _link_vectors(cfg, q0, swing)
    lateral = torch.stack((torch.zeros_like(q0), q0.cos(), q0.sin()), dim=-1)  # the axis of thigh and calf
    spin_hip = torch.nn.functional.pad(speed[..., 0:1], (0, 2))
    spin_thigh = spin_hip + lateral * speed[..., 1:2]
    spin_calf = spin_thigh + lateral * speed[..., 2:3]
    offset = _sums(_hips(cfg, dof_pos).expand_as(thigh), thigh, calf, foot)
    moved = [torch.linalg.cross(w, r) for w, r in ((spin_hip, thigh), (spin_thigh, calf), (spin_calf, foot))]
    velocity = _sums(torch.zeros_like(thigh), *moved)
    spin = torch.stack((spin_hip, spin_thigh, spin_calf, spin_calf), dim=2)
    parts = torch.stack((offset, velocity, spin), dim=1).flatten(2, 3)
    base = root_states[:, None, None, 3:7].expand(*parts.shape[:-1], 4)
    offset, velocity, spin = quat_rotate(base, parts).unbind(dim=1)
    root = root_states[:, None].expand(-1, len(LEGS) * len(LEG_LINKS), -1)
    bodies = (
        root[..., 0:3] + offset,
        _leg_quats(root_states[:, None, 3:7], q0, swing),
        root[..., 7:10] + velocity + torch.linalg.cross(root[..., 10:13], offset),
        root[..., 10:13] + spin,
    )
    return torch.cat((root_states[:, None], torch.cat(bodies, dim=-1)), dim=1)


def leg_origins(cfg: RobotCfg) -> torch.Tensor:
    """Where hip, thigh, calf and foot of every leg are in the frame of what carries them, (4, 4, 3) m.

    Raises ValueError where a joint turns about another axis than those of ``foot_positions``.
    """
    _check_axes(cfg)
    joints = torch.tensor([joint.origin for joint in cfg.joints]).view(len(LEGS), len(LEG_JOINTS), 3)
    feet = torch.tensor([mount.origin for mount in cfg.foot_mounts])
    return torch.cat((joints, feet[:, None]), dim=1)


def joint_angles(dof_pos: torch.Tensor) -> torch.Tensor:
    """Angles (N, 4, 3) rad of the hips against the base, and of thighs and calves against the hips."""
    angle = dof_pos.view(-1, len(LEGS), len(LEG_JOINTS))
    return torch.cat((angle[..., :1], _swing(angle)), dim=-1)


def _hips(cfg: RobotCfg, like: torch.Tensor) -> torch.Tensor:
    """Origins (4, 3) m of the hips in the frame of the base."""
    return constant([joint.origin for joint in cfg.joints[:: len(LEG_JOINTS)]], like.device, like.dtype)


def _swing(angle: torch.Tensor) -> torch.Tensor:
    """Angles (N, 4, 2) of thigh and calf against the hip, of the joints' angles (N, 4, 3)."""
    return torch.stack((angle[..., 1], angle[..., 1] + angle[..., 2]), dim=-1)


def _sums(*steps: torch.Tensor) -> torch.Tensor:
    """The first of ``steps`` (N, 4, 3), the sum of two, of three ..., (N, 4, len, 3); torch's cumsum is slow on few."""
    return torch.stack(tuple(itertools.accumulate(steps)), dim=2)


def _link_vectors(
    cfg: RobotCfg, q0: torch.Tensor, swing: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """From hip to thigh, from thigh to calf and from calf to foot, (N, 4, 3) m each in the frame of the base.

    ``q0 (N, 4)`` is the angle of the hip, ``swing (N, 4, 2)`` those of thigh and calf against the hip.
    """
    origins = constant([joint.origin for joint in cfg.joints], q0.device, q0.dtype)
    _, thigh, calf = origins.view(len(LEGS), len(LEG_JOINTS), 3).unbind(dim=1)
    foot = constant([mount.origin for mount in cfg.foot_mounts], q0.device, q0.dtype)
    upper, lower = (_rotate_y(swing[..., i], arm.expand(*q0.shape, 3)) for i, arm in enumerate((calf, foot)))
    return _rotate_x(q0, thigh.expand_as(upper)), _rotate_x(q0, upper), _rotate_x(q0, lower)


def _leg_quats(base: torch.Tensor, q0: torch.Tensor, swing: torch.Tensor) -> torch.Tensor:
    """Quaternions (N, 16, 4) of hip, thigh, calf and foot of every leg: base, then about x by ``q0``, then about y."""
    half_x, half_y = 0.5 * q0, 0.5 * swing
    bx, by, bz, bw = base.unbind(dim=-1)
    sx, cx = half_x.sin(), half_x.cos()
    x, y, z, w = bw * sx + bx * cx, by * cx + bz * sx, bz * cx - by * sx, bw * cx - bx * sx
    hip = torch.stack((x, y, z, w), dim=-1)
    sy, cy = half_y.sin(), half_y.cos()  # (N, 4, 2)
    x, y, z, w = (part[..., None] for part in (x, y, z, w))
    turned = torch.stack((x * cy - z * sy, y * cy + w * sy, z * cy + x * sy, w * cy - y * sy), dim=-1)
    return torch.cat((hip[:, :, None], turned, turned[:, :, 1:]), dim=2).flatten(1, 2)


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
