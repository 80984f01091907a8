"""Rotations and poses in NumPy; quaternions are xyzw and turn vectors of a frame into its parent's."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def quat_multiply(a: ArrayLike, b: ArrayLike) -> Array:
    """Return the rotation that turns by ``b`` first and by ``a`` afterward, (4,)."""
    ax, ay, az, aw = np.asarray(a, dtype=float)
    bx, by, bz, bw = np.asarray(b, dtype=float)
    return np.array(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ]
    )


def quat_to_matrix(quat: ArrayLike) -> Array:
    """Return the rotation matrix (3, 3) of a quaternion, which need not have unit length."""
    x, y, z, w = np.asarray(quat, dtype=float) / np.linalg.norm(np.asarray(quat, dtype=float))
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def rotate(quat: ArrayLike, vector: ArrayLike) -> Array:
    """Return a vector (3,), or vectors (n, 3), turned by a quaternion."""
    return np.asarray(vector, dtype=float) @ quat_to_matrix(quat).T


def quat_from_rpy(rpy: ArrayLike) -> Array:
    """Return the rotation of URDF's ``rpy``, rad: roll about x, then pitch about y, then yaw about z, axes fixed."""
    (cr, cp, cy), (sr, sp, sy) = np.cos(np.asarray(rpy) / 2), np.sin(np.asarray(rpy) / 2)
    return np.array(
        [
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
            cr * cp * cy + sr * sp * sy,
        ]
    )


def wxyz_to_xyzw(quat: ArrayLike) -> Array:
    """Return a quaternion of MuJoCo in the order of this package."""
    return np.roll(np.asarray(quat, dtype=float), -1)


def compose(pos: ArrayLike, quat: ArrayLike, child_pos: ArrayLike, child_quat: ArrayLike) -> tuple[Array, Array]:
    """Return position and rotation, in the outer frame, of what is placed in the frame at ``pos``, ``quat``."""
    return np.asarray(pos, dtype=float) + rotate(quat, child_pos), quat_multiply(quat, child_quat)
