"""Quaternions xyzw and rotations on tensors of any leading shape."""

from __future__ import annotations

import torch
from torch import Tensor


def cross(a: Tensor, b: Tensor) -> Tensor:
    """Return the vector products of vectors (..., 3), whose leading shapes are broadcast."""
    return torch.linalg.cross(*torch.broadcast_tensors(a, b))


def rotate(quat: Tensor, vector: Tensor) -> Tensor:
    """Return vectors (..., 3) rotated by unit quaternions (..., 4) xyzw."""
    axis = quat[..., :3]
    twice = 2.0 * cross(axis, vector)
    return vector + quat[..., 3:] * twice + cross(axis, twice)


def rotate_back(quat: Tensor, vector: Tensor) -> Tensor:
    """Return vectors (..., 3) rotated by the inverse of unit quaternions (..., 4) xyzw."""
    axis = quat[..., :3]
    twice = 2.0 * cross(axis, vector)
    return vector - quat[..., 3:] * twice + cross(axis, twice)


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Return the products a b of quaternions (..., 4) xyzw."""
    av, aw, bv, bw = a[..., :3], a[..., 3:], b[..., :3], b[..., 3:]
    vector = aw * bv + bw * av + cross(av, bv)
    return torch.cat((vector, aw * bw - (av * bv).sum(-1, keepdim=True)), dim=-1)


def to_xyzw(quat: Tensor) -> Tensor:
    """Return quaternions (..., 4) wxyz as xyzw."""
    return torch.roll(quat, -1, dims=-1)


def to_wxyz(quat: Tensor) -> Tensor:
    """Return quaternions (..., 4) xyzw as wxyz."""
    return torch.roll(quat, 1, dims=-1)


def to_matrix(quat: Tensor) -> Tensor:
    """Return the rotation matrices (..., 3, 3) of unit quaternions (..., 4) xyzw."""
    columns = [rotate(quat, basis.expand(*quat.shape[:-1], 3)) for basis in torch.eye(3).to(quat)]
    return torch.stack(columns, dim=-1)
