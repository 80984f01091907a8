"""Quaternions against rotation matrices written out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from hypothesis import given, settings, strategies as st

from st_rl.utils.rotations import (
    euler_xyz_from_quat,
    quat_from_euler_xyz,
    quat_multiply,
    quat_rotate,
    quat_rotate_inverse,
    slerp,
    yaw_of,
)

angle = st.floats(-3.1, 3.1)
pitch_angle = st.floats(-1.5, 1.5)
length = st.floats(-5.0, 5.0)


def quaternion(roll: float, pitch: float, yaw: float) -> torch.Tensor:
    return quat_from_euler_xyz(*torch.tensor([roll, pitch, yaw], dtype=torch.float64).unbind())


def matrix(roll: float, pitch: float, yaw: float) -> np.ndarray:
    """Rz(yaw) Ry(pitch) Rx(roll)."""
    cr, sr, cp, sp, cy, sy = (f(a) for a in (roll, pitch, yaw) for f in (math.cos, math.sin))
    rx = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    ry = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    rz = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return rz @ ry @ rx


@given(angle, pitch_angle, angle, st.tuples(length, length, length))
def test_rotating_is_multiplying_with_the_matrix(roll: float, pitch: float, yaw: float, vec: tuple) -> None:
    quat, v = quaternion(roll, pitch, yaw), torch.tensor(vec, dtype=torch.float64)
    rotation = matrix(roll, pitch, yaw)
    np.testing.assert_allclose(quat_rotate(quat, v), rotation @ np.array(vec), atol=1e-9)
    np.testing.assert_allclose(quat_rotate_inverse(quat, v), rotation.T @ np.array(vec), atol=1e-9)


@given(angle, pitch_angle, angle)
def test_euler_angles_come_back(roll: float, pitch: float, yaw: float) -> None:
    quat = quaternion(roll, pitch, yaw)
    assert abs(float(quat.norm()) - 1.0) < 1e-12
    np.testing.assert_allclose(euler_xyz_from_quat(quat), [roll, pitch, yaw], atol=1e-6)
    np.testing.assert_allclose(euler_xyz_from_quat(-quat), [roll, pitch, yaw], atol=1e-6)
    np.testing.assert_allclose(float(yaw_of(quat)), yaw, atol=1e-9)


@given(angle, pitch_angle, angle, st.tuples(length, length, length))
def test_the_inverse_undoes_the_rotation(roll: float, pitch: float, yaw: float, vec: tuple) -> None:
    quat, v = quaternion(roll, pitch, yaw), torch.tensor(vec, dtype=torch.float64)
    np.testing.assert_allclose(quat_rotate_inverse(quat, quat_rotate(quat, v)), v, atol=1e-9)


def test_quarter_turns_by_hand() -> None:
    half = math.sqrt(0.5)
    quats = torch.tensor([[half, 0, 0, half], [0, half, 0, half], [0, 0, half, half], [0, 0, 0, 1.0]])
    vec = torch.tensor([1.0, 2.0, 3.0]).expand(4, 3)
    expected = torch.tensor([[1.0, -3.0, 2.0], [3.0, 2.0, -1.0], [-2.0, 1.0, 3.0], [1.0, 2.0, 3.0]])
    torch.testing.assert_close(quat_rotate(quats, vec), expected)
    zero = torch.zeros(())
    torch.testing.assert_close(quat_from_euler_xyz(zero, zero, zero + math.pi / 2), quats[2])


def test_looking_straight_up_stays_finite() -> None:
    zero = torch.zeros(())
    straight_up = quat_from_euler_xyz(zero, zero + math.pi / 2, zero)
    euler = euler_xyz_from_quat(straight_up * 1.0001)
    assert euler.isfinite().all() and abs(float(euler[1]) - math.pi / 2) < 1e-2


def test_the_product_of_rotations_is_one_after_the_other() -> None:
    half = math.sqrt(0.5)
    about_x, about_z = torch.tensor([half, 0.0, 0.0, half]), torch.tensor([0.0, 0.0, half, half])
    # A quarter turn about z brings x to y, one about x brings that to z.
    turned = quat_rotate(quat_multiply(about_x, about_z), torch.tensor([1.0, 0.0, 0.0]))
    torch.testing.assert_close(turned, torch.tensor([0.0, 0.0, 1.0]))


UNIT = st.tuples(*[st.floats(-1.0, 1.0)] * 4).filter(lambda q: sum(x * x for x in q) > 0.01)


def unit(values: tuple[float, ...]) -> torch.Tensor:
    q = torch.tensor(values, dtype=torch.float64)
    return q / q.norm()


@settings(max_examples=200, deadline=None)
@given(start=UNIT, end=UNIT, blend=st.floats(0.0, 1.0))
def test_slerp_turns_by_its_share_of_the_shorter_angle(start: Any, end: Any, blend: float) -> None:
    a, b = unit(start), unit(end)
    found = slerp(a, b, torch.tensor(blend, dtype=torch.float64))
    assert abs(float(found.norm()) - 1.0) < 1e-9

    def angle(p: torch.Tensor, q: torch.Tensor) -> float:
        q = torch.where((p * q).sum() < 0, -q, q)
        return 4.0 * math.atan2(float((p - q).norm()), float((p + q).norm()))

    whole = angle(a, b)
    if whole < math.pi - 1e-3:  # opposite rotations have no shorter way
        assert abs(angle(a, found) - blend * whole) < 1e-6
        assert abs(angle(found, b) - (1.0 - blend) * whole) < 1e-6
