"""Mass properties against numbers worked by hand and against MuJoCo's own."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from hypothesis import given, strategies as st

from isaacgym.engine.asset import Shape
from isaacgym.engine.frames import quat_from_rpy, quat_multiply, quat_to_matrix, rotate
from isaacgym.engine.inertia import MassProperties, is_physical, joined, of_shape, of_shapes, repaired

QUARTER_TURN_Z = quat_from_rpy((0.0, 0.0, np.pi / 2))


def test_roll_pitch_yaw_turn_about_fixed_axes_in_that_order() -> None:
    # Roll takes y to z, yaw leaves it there; pitch alone takes z to x.
    np.testing.assert_allclose(rotate(quat_from_rpy((np.pi / 2, 0, np.pi / 2)), (0, 1, 0)), (0, 0, 1), atol=1e-12)
    np.testing.assert_allclose(rotate(quat_from_rpy((0, np.pi / 2, 0)), (0, 0, 1)), (1, 0, 0), atol=1e-12)
    np.testing.assert_allclose(rotate(QUARTER_TURN_Z, (1, 0, 0)), (0, 1, 0), atol=1e-12)


@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6))
def test_products_of_quaternions_are_products_of_matrices(angles: list[float]) -> None:
    a, b = quat_from_rpy(angles[:3]), quat_from_rpy(angles[3:])
    np.testing.assert_allclose(quat_to_matrix(quat_multiply(a, b)), quat_to_matrix(a) @ quat_to_matrix(b), atol=1e-12)


def test_two_bodies_a_meter_apart_join_as_worked_by_hand() -> None:
    parent = MassProperties(3.0, np.zeros(3), np.diag([0.1, 0.2, 0.3]))
    child = MassProperties(1.0, np.zeros(3), np.diag([0.01, 0.02, 0.03]))
    whole = joined([parent, child.moved(np.array([1.0, 0.0, 0.0]), QUARTER_TURN_Z)])
    assert whole.mass == 4.0
    np.testing.assert_allclose(whole.com, (0.25, 0, 0), atol=1e-12)
    # The quarter turn swaps the child's first two moments; 3 * 0.25^2 + 1 * 0.75^2 = 0.75 comes across the x axis.
    np.testing.assert_allclose(whole.inertia, np.diag([0.12, 0.21 + 0.75, 0.33 + 0.75]), atol=1e-12)


def test_a_turned_body_gets_products_of_inertia() -> None:
    # Turned by 45 degrees about z, diag(1, 3, 3.5) has (1 + 3) / 2 on the diagonal and (1 - 3) / 2 beside it.
    turned = MassProperties(1.0, np.zeros(3), np.diag([1.0, 3.0, 3.5])).moved(
        np.zeros(3), quat_from_rpy((0, 0, np.pi / 4))
    )
    np.testing.assert_allclose(turned.inertia, [[2, -1, 0], [-1, 2, 0], [0, 0, 3.5]], atol=1e-12)


def test_a_box_has_the_textbook_inertia() -> None:
    box = of_shape(Shape("box", (0.5, 1.0, 1.5)), density=10.0)
    assert box.mass == pytest.approx(60.0)  # 1 x 2 x 3 m
    np.testing.assert_allclose(np.diag(box.inertia), 60 / 12 * np.array([4 + 9, 1 + 9, 1 + 4]))


GEOMS = {
    "box": (mujoco.mjtGeom.mjGEOM_BOX, (0.1, 0.2, 0.3)),
    "sphere": (mujoco.mjtGeom.mjGEOM_SPHERE, (0.2,)),
    "ellipsoid": (mujoco.mjtGeom.mjGEOM_ELLIPSOID, (0.1, 0.2, 0.3)),
    "cylinder": (mujoco.mjtGeom.mjGEOM_CYLINDER, (0.1, 0.3)),
    "capsule": (mujoco.mjtGeom.mjGEOM_CAPSULE, (0.1, 0.3)),
}


@pytest.mark.parametrize("kind", GEOMS)
def test_solid_shapes_weigh_what_they_weigh_in_mujoco(kind: str) -> None:
    geom, size = GEOMS[kind]
    spec = mujoco.MjSpec()
    spec.worldbody.add_body(name="b").add_geom(type=geom, size=(*size, 0, 0)[:3], density=700.0)
    body = spec.compile().body("b")
    ours = of_shape(Shape(kind, size), density=700.0)
    assert ours.mass == pytest.approx(body.mass[0])
    np.testing.assert_allclose(sorted(np.diag(ours.inertia)), sorted(body.inertia), rtol=1e-9)


def test_a_mesh_of_a_box_weighs_as_much_as_the_box() -> None:
    corners = np.array([(x, y, z) for x in (0.0, 1.0) for y in (0.0, 2.0) for z in (0.0, 3.0)])
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))], dtype=np.int32)
    mesh = of_shape(Shape("mesh", (), vertices=corners, triangles=triangles), density=10.0)
    box = of_shape(Shape("box", (0.5, 1.0, 1.5)), density=10.0)
    assert mesh.mass == pytest.approx(box.mass)
    np.testing.assert_allclose(mesh.com, (0.5, 1.0, 1.5))
    np.testing.assert_allclose(mesh.inertia, box.inertia, atol=1e-9)


def test_shapes_count_where_they_sit() -> None:
    shapes = [Shape("sphere", (0.1,), pos=np.array([0.0, y, 0.0])) for y in (-1.0, 2.0)]
    assert of_shapes(shapes, 1000.0).com[1] == pytest.approx(0.5)


def test_an_inertia_that_a_body_can_have_is_left_alone() -> None:
    tensor = np.diag([1.0, 2.1, 3.0])
    assert np.array_equal(repaired(tensor), tensor)


def test_a_flat_plate_hardly_changes() -> None:
    np.testing.assert_allclose(repaired(np.diag([1.0, 2.0, 3.0])), np.diag([1.0, 2.0, 3.0]), rtol=1e-5)


def test_a_broken_triangle_inequality_is_mended_by_raising_the_smaller_moments() -> None:
    # Second moments (3, 3, -1) / 2 become (3, 3, 0) / 2, so the tensor becomes diag(3, 3, 6) / 2.
    np.testing.assert_allclose(repaired(np.diag([1.0, 1.0, 3.0])), np.diag([1.5, 1.5, 3.0]), rtol=1e-5)


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=6).filter(lambda v: max(map(abs, v)) > 1e-3))
def test_every_symmetric_tensor_becomes_one_that_mujoco_accepts(entries: list[float]) -> None:
    xx, yy, zz, xy, xz, yz = entries
    result = repaired(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]))
    assert is_physical(result)
    spec = mujoco.MjSpec()
    body = spec.worldbody.add_body(name="b", mass=1.0, explicitinertial=True)
    body.fullinertia = result[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
    body.add_freejoint()
    spec.compile()
