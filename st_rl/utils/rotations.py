"""Rotations as quaternions (..., 4) in xyzw order, batched and without branches."""

from __future__ import annotations

import torch
from torch import Tensor


def quat_rotate(quat: Tensor, vec: Tensor) -> Tensor:
    """Rotate ``vec (..., 3)`` by ``quat (..., 4)`` xyzw: v + 2 w (q x v) + 2 q x (q x v)."""
    axis, w = quat[..., :3], quat[..., 3:4]
    t = 2.0 * torch.linalg.cross(axis, vec)
    return vec + w * t + torch.linalg.cross(axis, t)


def quat_rotate_inverse(quat: Tensor, vec: Tensor) -> Tensor:
    """Rotate ``vec (..., 3)`` by the inverse of ``quat (..., 4)`` xyzw."""
    axis, w = quat[..., :3], quat[..., 3:4]
    t = 2.0 * torch.linalg.cross(axis, vec)
    return vec - w * t + torch.linalg.cross(axis, t)


def quat_multiply(first: Tensor, second: Tensor) -> Tensor:
    """The rotation ``second`` followed by ``first``, quaternions xyzw (..., 4) each: the Hamilton product."""
    ax, ay, az, aw = first.unbind(-1)
    bx, by, bz, bw = second.unbind(-1)
    return torch.stack(
        (
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ),
        dim=-1,
    )


def quat_from_euler_xyz(roll: Tensor, pitch: Tensor, yaw: Tensor) -> Tensor:
    """Quaternion (..., 4) of rotations about the fixed x, then y, then z axis; angles (...) in rad."""
    cr, sr = torch.cos(0.5 * roll), torch.sin(0.5 * roll)
    cp, sp = torch.cos(0.5 * pitch), torch.sin(0.5 * pitch)
    cy, sy = torch.cos(0.5 * yaw), torch.sin(0.5 * yaw)
    return torch.stack(
        (
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
            cr * cp * cy + sr * sp * sy,
        ),
        dim=-1,
    )


def euler_xyz_from_quat(quat: Tensor) -> Tensor:
    """Roll, pitch, yaw (..., 3) in rad, each in [-pi, pi], of ``quat (..., 4)``; inverse of ``quat_from_euler_xyz``."""
    x, y, z, w = quat.unbind(-1)
    roll = torch.atan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
    pitch = torch.asin((2.0 * (w * y - z * x)).clamp(-1.0, 1.0))
    yaw = torch.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    return torch.stack((roll, pitch, yaw), dim=-1)


def turn_planar(x: Tensor, y: Tensor, yaw: Tensor) -> Tensor:
    """The points ``x, y`` (1, P) or (N, P) turned by ``yaw (N,)`` rad about z: (N, P, 2)."""
    cos, sin = yaw.cos()[:, None], yaw.sin()[:, None]
    return torch.stack((cos * x - sin * y, sin * x + cos * y), dim=-1)


def yaw_of(quat: Tensor) -> Tensor:
    """Heading (...) in rad of ``quat (..., 4)``."""
    x, y, z, w = quat.unbind(-1)
    return torch.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


def slerp(start: Tensor, end: Tensor, blend: Tensor) -> Tensor:
    """Spherical linear interpolation (Shoemake 1985, section 3.3) along the shorter arc.

    ``start`` and ``end`` are unit quaternions ``(..., 4)``, ``blend (...)`` is 0 at the start and 1 at the end;
    returns unit quaternions ``(..., 4)``.
    """
    cosine = (start * end).sum(-1)
    # q and -q are the same rotation; the one nearer to the start is the shorter way.
    end = torch.where(cosine.unsqueeze(-1) < 0.0, -end, end)
    # The angle from the chord, which stays exact for nearly equal quaternions where the cosine does not.
    angle = 2.0 * torch.atan2((end - start).norm(dim=-1), (end + start).norm(dim=-1))
    sine = torch.sin(angle)
    near = sine.abs() < 1e-6
    safe = torch.where(near, 1.0, sine)
    weight_start = torch.where(near, 1.0 - blend, torch.sin((1.0 - blend) * angle) / safe)
    weight_end = torch.where(near, blend, torch.sin(blend * angle) / safe)
    mixed = weight_start.unsqueeze(-1) * start + weight_end.unsqueeze(-1) * end
    return mixed / mixed.norm(dim=-1, keepdim=True)
