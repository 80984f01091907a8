"""Rotations, poses and small tensor helpers in PyTorch; every function of tensors compiles with TorchScript.

Quaternions are xyzw with unit length and turn vectors of a body's frame into the outer one; angles are rad. Leading
dimensions are a batch. ``from isaacgym.torch_utils import *`` also hands out ``np``, ``torch`` and ``F``, on which
callers rely, so there is no ``__all__``.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F  # noqa: F401 (handed out by the star import)
from torch import Tensor

# ---------------------------------------------------------------------------------------------- creating tensors


def to_torch(x, dtype=torch.float, device="cuda:0", requires_grad=False):
    """Return numbers, lists or arrays as a tensor; without a GPU, a device of CUDA becomes the CPU."""
    if str(device).startswith("cuda") and not torch.cuda.is_available():
        device = "cpu"
    if isinstance(x, Tensor):
        return x.detach().clone().to(device=device, dtype=dtype).requires_grad_(requires_grad)
    return torch.tensor(x, dtype=dtype, device=device, requires_grad=requires_grad)


def get_axis_params(value, axis_idx, x_value=0.0, dtype=float, n_dims=3):
    """Return a list of ``n_dims`` zeros with ``value`` at ``axis_idx`` and ``x_value`` in front, as NumPy ``dtype``."""
    params = np.zeros(n_dims)
    params[0] = x_value
    params[axis_idx] = value
    return list(params.astype(dtype))


def torch_rand_float(lower: float, upper: float, shape: tuple[int, int], device: str) -> Tensor:
    """Return uniformly distributed numbers of [lower, upper)."""
    return (upper - lower) * torch.rand(shape, device=device) + lower


def torch_random_dir_2(shape: tuple[int, int], device: str) -> Tensor:
    """Return unit vectors of the plane, uniformly distributed: ``shape`` is (n, 1), the result (n, 2)."""
    angle = torch_rand_float(-math.pi, math.pi, shape, device).squeeze(-1)
    return torch.stack([torch.cos(angle), torch.sin(angle)], dim=-1)


# ------------------------------------------------------------------------------------------------------- numbers


def normalize(x: Tensor, eps: float = 1e-9) -> Tensor:
    """Return vectors (..., n) of length 1; those shorter than ``eps`` are divided by it instead."""
    return x / x.norm(p=2, dim=-1).clamp(min=eps, max=None).unsqueeze(-1)


def normalize_angle(x: Tensor) -> Tensor:
    """Return angles in (-pi, pi]."""
    return torch.atan2(torch.sin(x), torch.cos(x))


def copysign(a: float, b: Tensor) -> Tensor:
    """Return the size of ``a`` with the signs of ``b``, in the shape of ``b``."""
    return torch.copysign(torch.full_like(b, abs(a)), b)


def tensor_clamp(t: Tensor, min_t: Tensor, max_t: Tensor) -> Tensor:
    """Return ``t`` with every entry between those of ``min_t`` and ``max_t``."""
    return torch.max(torch.min(t, max_t), min_t)


def scale(x: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """Return [-1, 1] mapped to [lower, upper]."""
    return 0.5 * (x + 1.0) * (upper - lower) + lower


def unscale(x: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """Return [lower, upper] mapped to [-1, 1]."""
    return (2.0 * x - upper - lower) / (upper - lower)


def unscale_np(x, lower, upper):
    """Return [lower, upper] mapped to [-1, 1], for NumPy arrays."""
    return (2.0 * x - upper - lower) / (upper - lower)


# ----------------------------------------------------------------------------------------------------- rotations


def quat_unit(a: Tensor) -> Tensor:
    """Return quaternions (..., 4) of length 1."""
    return normalize(a)


def quat_conjugate(a: Tensor) -> Tensor:
    """Return the inverse rotations (..., 4)."""
    return torch.cat([-a[..., :3], a[..., 3:]], dim=-1)


def quat_mul(a: Tensor, b: Tensor) -> Tensor:
    """Return the rotations that turn by ``b`` first and by ``a`` afterward, (..., 4)."""
    u, v = a[..., :3], b[..., :3]
    s, t = a[..., 3:], b[..., 3:]
    u, v = torch.broadcast_tensors(u, v)
    vector = s * v + t * u + torch.cross(u, v, dim=-1)
    return torch.cat([vector, s * t - (u * v).sum(dim=-1, keepdim=True)], dim=-1)


def quat_rotate(q: Tensor, v: Tensor) -> Tensor:
    """Return vectors (n, 3) of a body's frame in the outer frame, for rotations (n, 4)."""
    axis, vector = torch.broadcast_tensors(q[..., :3], v)
    w = q[..., 3:]
    # Rodrigues' formula with the half angle's sine in the axis and its cosine in w.
    along = axis * (axis * vector).sum(dim=-1, keepdim=True)
    return vector * (2.0 * w * w - 1.0) + 2.0 * w * torch.cross(axis, vector, dim=-1) + 2.0 * along


def quat_rotate_inverse(q: Tensor, v: Tensor) -> Tensor:
    """Return vectors (n, 3) of the outer frame in a body's frame, for rotations (n, 4)."""
    axis, vector = torch.broadcast_tensors(q[..., :3], v)
    w = q[..., 3:]
    along = axis * (axis * vector).sum(dim=-1, keepdim=True)
    return vector * (2.0 * w * w - 1.0) - 2.0 * w * torch.cross(axis, vector, dim=-1) + 2.0 * along


def quat_apply(a: Tensor, b: Tensor) -> Tensor:
    """Return vectors ``b`` (..., 3), in their shape, turned by rotations ``a``.

    Both are flattened first, so ``a`` may be (n * m, 4) or (n, 4 * m) where ``b`` is (n, m, 3).
    """
    axis, vector = torch.broadcast_tensors(a.reshape(-1, 4)[:, :3], b.reshape(-1, 3))
    twice = 2.0 * torch.cross(axis, vector, dim=-1)
    turned = vector + a.reshape(-1, 4)[:, 3:] * twice + torch.cross(axis, twice, dim=-1)
    return turned.reshape(b.shape)


def get_basis_vector(q: Tensor, v: Tensor) -> Tensor:
    """Return where rotations (n, 4) turn the vectors (n, 3), for instance axes."""
    return quat_rotate(q, v)


def quat_from_angle_axis(angle: Tensor, axis: Tensor) -> Tensor:
    """Return rotations (..., 4) by ``angle`` (...) about ``axis`` (..., 3), which need not have length 1."""
    half = (angle / 2.0).unsqueeze(-1)
    vector = normalize(axis) * torch.sin(half)
    w = torch.cos(half) + torch.zeros_like(vector[..., :1])
    return quat_unit(torch.cat([vector, w], dim=-1))


def get_euler_xyz(q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return roll, pitch and yaw (n) of rotations (n, 4), every one in [0, 2 pi).

    Roll is about x first, then pitch about y, then yaw about z, the axes fixed.
    """
    x, y, z, w = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    roll = torch.atan2(2.0 * (w * x + y * z), w * w - x * x - y * y + z * z)
    pitch = torch.asin(torch.clamp(2.0 * (w * y - z * x), -1.0, 1.0))
    yaw = torch.atan2(2.0 * (w * z + x * y), w * w + x * x - y * y - z * z)
    turn = 2.0 * math.pi
    return roll % turn, pitch % turn, yaw % turn


def quat_from_euler_xyz(roll: Tensor, pitch: Tensor, yaw: Tensor) -> Tensor:
    """Return rotations (n, 4) by roll about x, then pitch about y, then yaw about z, the axes fixed."""
    cr, sr = torch.cos(roll * 0.5), torch.sin(roll * 0.5)
    cp, sp = torch.cos(pitch * 0.5), torch.sin(pitch * 0.5)
    cy, sy = torch.cos(yaw * 0.5), torch.sin(yaw * 0.5)
    return torch.stack(
        [
            cy * cp * sr - sy * sp * cr,
            cy * sp * cr + sy * cp * sr,
            sy * cp * cr - cy * sp * sr,
            cy * cp * cr + sy * sp * sr,
        ],
        dim=-1,
    )


# --------------------------------------------------------------------------------------------------------- poses


def tf_inverse(q: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Return rotation (n, 4) and position (n, 3) of the inverse of poses."""
    inverse = quat_conjugate(q)
    return inverse, -quat_apply(inverse, t)


def tf_apply(q: Tensor, t: Tensor, v: Tensor) -> Tensor:
    """Return points (n, 3) of a frame at rotation (n, 4) and position (n, 3) in the outer frame."""
    return quat_apply(q, v) + t


def tf_vector(q: Tensor, v: Tensor) -> Tensor:
    """Return vectors (n, 3) of a frame with rotation (n, 4) in the outer frame."""
    return quat_apply(q, v)


def tf_combine(q1: Tensor, t1: Tensor, q2: Tensor, t2: Tensor) -> tuple[Tensor, Tensor]:
    """Return rotation (n, 4) and position (n, 3) of poses 2, given in the frames of poses 1, in the outer frame."""
    return quat_mul(q1, q2), quat_apply(q1, t2) + t1
