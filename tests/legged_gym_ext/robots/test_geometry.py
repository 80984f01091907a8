"""Rotations, mirror images and sample points."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from legged_gym_ext.robots.base import GeomCfg
from legged_gym_ext.robots.geometry import (
    flip_geom,
    flip_inertia,
    flip_vec,
    inertia_matrix,
    rpy_to_matrix,
    rpy_to_quat,
    sample_points,
)

ANGLES = st.tuples(*[st.floats(-math.pi, math.pi)] * 3)
SIGNS = st.tuples(*[st.sampled_from((1.0, -1.0))] * 3)
VALUES = st.floats(-1.0, 1.0)


def test_a_quarter_turn_about_x_takes_z_to_minus_y():
    assert rpy_to_matrix((math.pi / 2, 0.0, 0.0)) @ [0, 0, 1] == pytest.approx([0, -1, 0])
    assert rpy_to_quat((math.pi / 2, 0.0, 0.0)) == pytest.approx((math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0))


def test_roll_comes_before_yaw():
    # z, rolled by 90 degrees, is -y; -y, yawed by 90 degrees, is x.
    assert rpy_to_matrix((math.pi / 2, 0.0, math.pi / 2)) @ [0, 0, 1] == pytest.approx([1, 0, 0])


@given(ANGLES)
def test_quaternion_and_matrix_agree(rpy: tuple[float, float, float]):
    w, x, y, z = rpy_to_quat(rpy)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    vector = np.array([[x], [y], [z]])
    from_quat = np.eye(3) * (w * w - x * x - y * y - z * z) + 2 * vector @ vector.T + 2 * w * cross
    assert from_quat == pytest.approx(rpy_to_matrix(rpy), abs=1e-12)


@given(ANGLES, SIGNS)
def test_a_flipped_shape_is_turned_as_its_mirror_image(rpy: tuple, signs: tuple):
    mirror = np.diag(signs)
    flipped = flip_geom(GeomCfg("box", (1.0, 2.0, 3.0), (0.1, 0.2, 0.3), rpy), signs)
    assert rpy_to_matrix(flipped.rpy) == pytest.approx(mirror @ rpy_to_matrix(rpy) @ mirror, abs=1e-12)
    assert flipped.pos == flip_vec((0.1, 0.2, 0.3), signs)


@given(st.tuples(*[VALUES] * 6), SIGNS)
def test_a_flipped_inertia_is_the_mirror_image_of_the_tensor(inertia: tuple, signs: tuple):
    mirror = np.diag(signs)
    assert inertia_matrix(flip_inertia(inertia, signs)) == pytest.approx(mirror @ inertia_matrix(inertia) @ mirror)


def test_sample_points_of_a_box_cover_its_surface():
    points = np.array(sample_points(GeomCfg("box", (0.2, 0.1, 0.05), (1.0, 0.0, 0.0))))
    local = np.abs(points - [1.0, 0.0, 0.0]) / [0.2, 0.1, 0.05]
    assert points.shape == (42, 3)
    assert local.max(axis=1) == pytest.approx(1.0)
    assert len(np.unique(points, axis=0)) == 42
    assert points.min(axis=0) == pytest.approx([0.8, -0.1, -0.05])
    assert points.max(axis=0) == pytest.approx([1.2, 0.1, 0.05])


def test_sample_points_of_a_capsule_lie_on_its_turned_axis():
    points = sample_points(GeomCfg("capsule", (0.01, 0.4), (0.0, 0.0, 1.0), (0.0, math.pi / 2, 0.0)))
    assert np.array(points) == pytest.approx(np.array([[x, 0.0, 1.0] for x in (-0.4, -0.2, 0.0, 0.2, 0.4)]))


def test_sample_points_of_a_cylinder_mark_both_rims_and_of_a_sphere_the_center():
    points = np.array(sample_points(GeomCfg("cylinder", (0.3, 0.1))))
    assert points.shape == (10, 3)
    assert sorted(np.unique(np.hypot(points[:, 0], points[:, 1]))) == pytest.approx([0.0, 0.3])
    assert sample_points(GeomCfg("sphere", (0.02,), (1.0, 2.0, 3.0))) == ((1.0, 2.0, 3.0),)
