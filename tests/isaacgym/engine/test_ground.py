"""Triangle meshes as ground: grids that become height fields, solids that become convex pieces, and errors."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from isaacgym.api.params import TriangleMeshParams
from isaacgym.engine.convex import ConvexPiece, quat_from_matrix
from isaacgym.engine.frames import quat_from_rpy, quat_to_matrix, rotate
from isaacgym.engine.ground_import import SHARP_WALLS, mesh_grounds_of
from isaacgym.engine.grounds import HeightField
from isaacgym.engine.meshes import convex_hull
from isaacgym.engine.terrain import HeightFieldGround, TerrainError, ground_of_mesh
from isaacgym.terrain_utils import convert_heightfield_to_trimesh

CUBE = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float32)
QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
CUBE_TRIANGLES = np.array([t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))], dtype=np.uint32)

Mesh = tuple[np.ndarray, np.ndarray]


def box(size: tuple[float, float, float], center: tuple[float, float, float], yaw: float = 0.0) -> Mesh:
    corners = rotate(quat_from_rpy((0, 0, yaw)), (CUBE - 0.5) * np.array(size)) + center
    return corners.astype(np.float32), CUBE_TRIANGLES


def together(*meshes: Mesh) -> Mesh:
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in meshes[:-1])]).astype(np.uint32)
    triangles = [triangles + start for (_, triangles), start in zip(meshes, starts, strict=True)]
    return np.concatenate([vertices for vertices, _ in meshes]), np.concatenate(triangles)


def field(mesh: Mesh) -> HeightFieldGround:
    ground = ground_of_mesh(*mesh)
    assert isinstance(ground, HeightFieldGround)
    return ground


def boxes(mesh: Mesh) -> list[ConvexPiece]:
    ground = ground_of_mesh(*mesh)
    assert isinstance(ground, list)
    return [piece for piece in ground if isinstance(piece, ConvexPiece)]


@given(
    shape=st.tuples(st.integers(2, 25), st.integers(2, 25)),
    scale=st.sampled_from([0.025, 0.05, 0.1, 0.25]),
    seed=st.integers(0, 1000),
    roughness=st.sampled_from([0, 3, 60]),
    threshold=st.sampled_from([None, 0.75, 1.5]),
)
@settings(max_examples=150, deadline=None)
def test_every_height_field_is_found_again_in_its_mesh(
    shape: tuple[int, int], scale: float, seed: int, roughness: int, threshold: float | None
) -> None:
    raw = np.random.default_rng(seed).integers(-roughness, roughness + 1, shape).astype(np.int16)
    if threshold is not None and min(shape) < 8:
        threshold = None  # in a field of a few samples there may be as many moved as unmoved ones
    if roughness == 60 and threshold is not None:
        raw[raw < 55] = 0  # towers, whose feet are moved
    ground = field(convert_heightfield_to_trimesh(raw, scale, 0.005, threshold))
    np.testing.assert_allclose(ground.heights, raw * 0.005, atol=1e-6)
    assert ground.spacing_x == pytest.approx(scale, rel=1e-4) and ground.spacing_y == pytest.approx(scale, rel=1e-4)
    np.testing.assert_allclose(ground.origin, 0.0, atol=1e-3 * scale)


def test_where_a_grid_starts_and_which_way_it_runs_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    raw = rng.integers(0, 9, (6, 9)).astype(np.int16)
    vertices, triangles = convert_heightfield_to_trimesh(raw, 0.5, 0.1)
    moved = field((vertices + np.array([3, -2, 0.25], dtype=np.float32), triangles))
    np.testing.assert_allclose(moved.origin, (3, -2, 0), atol=1e-6)
    np.testing.assert_allclose(moved.heights, raw * 0.1 + 0.25, atol=1e-6)
    # Samples stored along y first, and x running backwards.
    swapped = field((vertices[:, [1, 0, 2]], triangles))
    np.testing.assert_allclose(swapped.heights, raw.T * 0.1, atol=1e-6)
    backward = field((vertices * np.array([-1, 1, 1], dtype=np.float32), triangles))
    np.testing.assert_allclose(backward.heights, raw[::-1] * 0.1, atol=1e-6)
    np.testing.assert_allclose(backward.origin, (-2.5, 0, 0), atol=1e-6)


def test_the_order_of_triangles_and_their_diagonals_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    raw = rng.integers(0, 9, (5, 7)).astype(np.int16)
    vertices, triangles = convert_heightfield_to_trimesh(raw, 0.5, 0.1)
    cells = triangles.reshape(4, 6, 2, 3).copy()
    corner = np.arange(4)[:, None] * 7 + np.arange(6)
    other = np.stack(
        [np.stack([corner, corner + 7, corner + 1], -1), np.stack([corner + 1, corner + 7, corner + 8], -1)], 2
    )
    flipped = rng.random((4, 6)) < 0.5
    flipped[0, 0] = False
    cells[flipped] = other[flipped]
    shuffled = np.concatenate((cells.reshape(-1, 3)[:2], rng.permutation(cells.reshape(-1, 3)[2:])))
    np.testing.assert_allclose(field((vertices, shuffled)).heights, raw * 0.1, atol=1e-6)


def test_a_grid_with_a_triangle_missing_or_doubled_is_no_grid() -> None:
    raw = np.zeros((5, 7), dtype=np.int16)
    raw[2, 3] = 9
    vertices, triangles = convert_heightfield_to_trimesh(raw, 0.5, 0.1)
    doubled = triangles.copy()
    doubled[-1] = doubled[-2]
    for wrong in (triangles[:-1], doubled):
        with pytest.raises(TerrainError, match="neither a regular grid of heights nor convex"):
            ground_of_mesh(vertices, wrong)


def test_walls_are_remembered_and_sharpening_halves_their_width() -> None:
    # A step of 1 m between samples 2 and 3: the mesh is vertical at x = 3, a height field rises from 2 to 3.
    raw = np.zeros((6, 4), dtype=np.int16)
    raw[3:] = 100
    ground = field(convert_heightfield_to_trimesh(raw, 1.0, 0.01, slope_threshold=0.5))
    assert ground.walls_x is not None and ground.walls_y is not None
    assert ground.walls_x[:, 0].tolist() == [False, False, True, False, False] and not ground.walls_y.any()
    fine = ground.sharpened()
    assert fine.spacing_x == pytest.approx(0.5) and fine.heights.shape == (11, 7)
    assert fine.heights[:, 0].tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    finer = fine.sharpened()
    assert finer.heights[:, 5].tolist() == [0] * 12 + [1] * 9  # now only a quarter of a meter wide
    # Going down, the wall stands at the higher sample too.
    down = field(convert_heightfield_to_trimesh(raw[::-1], 1.0, 0.01, slope_threshold=0.5)).sharpened().sharpened()
    assert down.heights[:, 0].tolist() == [1] * 9 + [0] * 12


def test_sharpening_a_slope_keeps_it_a_slope() -> None:
    raw = np.add.outer(np.arange(4), 2 * np.arange(5)).astype(np.int16)
    fine = field(convert_heightfield_to_trimesh(raw, 1.0, 0.1)).sharpened()
    np.testing.assert_allclose(fine.heights, np.add.outer(np.arange(7) / 2, np.arange(9)) * 0.1, atol=1e-6)


def test_walls_along_y_are_sharpened_likewise() -> None:
    raw = np.zeros((4, 6), dtype=np.int16)
    raw[:, 3:] = 100
    fine = field(convert_heightfield_to_trimesh(raw, 1.0, 0.01, slope_threshold=0.5)).sharpened().sharpened()
    assert fine.heights[7].tolist() == [0] * 12 + [1] * 9


def test_sharp_walls_are_asked_for_by_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = np.zeros((6, 8), dtype=np.int16)
    raw[3:] = 100
    vertices, triangles = convert_heightfield_to_trimesh(raw, 1.0, 0.01, slope_threshold=0.5)
    params = TriangleMeshParams()
    params.nb_vertices, params.nb_triangles = len(vertices), len(triangles)
    shapes = []
    for value in ("0", "1"):
        monkeypatch.setenv(SHARP_WALLS, value)
        (ground,) = mesh_grounds_of(vertices.ravel(), triangles.ravel(), params)
        assert isinstance(ground, HeightField)
        shapes.append((ground.heights.shape, round(ground.spacing[0], 6)))
    assert shapes == [((6, 8), 1.0), ((11, 15), 0.5)]


def test_thirteen_million_samples_take_seconds() -> None:
    raw = np.zeros((3800, 3400), dtype=np.int16)
    raw[::40] = 50
    vertices, triangles = convert_heightfield_to_trimesh(raw, 0.05, 0.005, 0.75)
    begin = time.process_time()
    ground = field((vertices, triangles))
    assert time.process_time() - begin < 5.0
    np.testing.assert_allclose(ground.heights, raw * 0.005, atol=1e-6)
    assert ground.spacing_x == pytest.approx(0.05, rel=1e-6) and abs(ground.origin).max() < 1e-5


def test_boxes_become_boxes_in_any_direction() -> None:
    mesh = together(box((1, 2, 3), (0, 0, 5)), box((4, 0.1, 0.2), (1, 1, 1), yaw=0.3))
    upright, turned = boxes(mesh)
    assert (upright.kind, upright.size) == ("box", pytest.approx((0.5, 1.0, 1.5)))
    np.testing.assert_allclose(upright.pos, (0, 0, 5), atol=1e-6)
    np.testing.assert_allclose(np.abs(upright.quat), (0, 0, 0, 1), atol=1e-6)
    assert turned.size == pytest.approx((2.0, 0.05, 0.1), rel=1e-4)
    np.testing.assert_allclose(turned.quat, quat_from_rpy((0, 0, 0.3)), atol=1e-4)


def test_a_bar_over_a_field_gives_both() -> None:
    raw = np.zeros((12, 9), dtype=np.int16)
    raw[5] = 3
    floor = convert_heightfield_to_trimesh(raw, 0.1, 0.01)
    for mesh in (together(floor, box((0.1, 0.9, 0.2), (0.5, 0.4, 0.6))), together(box((1, 1, 1), (0, 0, 3)), floor)):
        kinds = {type(piece).__name__ for piece in ground_of_mesh(*mesh)}  # type: ignore[union-attr]
        assert kinds == {"HeightFieldGround", "ConvexPiece"}
        (ground,) = [piece for piece in ground_of_mesh(*mesh) if isinstance(piece, HeightFieldGround)]  # type: ignore[union-attr]
        np.testing.assert_allclose(ground.heights, raw * 0.01, atol=1e-6)


def test_convex_solids_that_are_no_boxes_become_hulls() -> None:
    points = np.random.default_rng(0).normal(size=(40, 3))
    vertices, triangles = convex_hull(points)
    (piece,) = boxes((vertices.astype(np.float32), triangles))
    assert piece.kind == "mesh" and len(piece.vertices) == len(vertices)


@pytest.mark.parametrize(
    "faces",
    [
        CUBE_TRIANGLES[:, ::-1],
        CUBE_TRIANGLES[:10],
        np.where(np.arange(12)[:, None] % 2, CUBE_TRIANGLES, CUBE_TRIANGLES[:, ::-1]),
    ],
)
def test_a_box_turned_inside_out_open_or_of_mixed_turning_is_a_box(faces: np.ndarray) -> None:
    (piece,) = boxes((CUBE, faces))
    assert piece.kind == "box" and piece.size == pytest.approx((0.5, 0.5, 0.5))


def test_triangles_that_repeat_their_corners_hang_together_by_position() -> None:
    separate = CUBE[CUBE_TRIANGLES.ravel()]
    (piece,) = boxes((separate, np.arange(36, dtype=np.uint32).reshape(12, 3)))
    assert piece.kind == "box"


def test_a_rectangle_of_two_triangles_gets_a_thickness_behind_its_front() -> None:
    corners = np.array([(0, 0, 1), (2, 0, 1), (2, 1, 1), (0, 1, 1)], dtype=np.float32)
    up = np.array([(0, 1, 2), (0, 2, 3)], dtype=np.uint32)
    (floor,), (ceiling,) = boxes((corners, up)), boxes((corners, up[:, ::-1]))
    assert floor.pos[2] == pytest.approx(0.95) and ceiling.pos[2] == pytest.approx(1.05)
    assert floor.size == pytest.approx((1.0, 0.5, 0.05))


def test_hollows_and_concave_solids_are_refused() -> None:
    valley = np.array([(-1, 0, 1), (-1, 1, 1), (0, 0, 0), (0, 1, 0), (3, 0, 1), (3, 1, 1)], dtype=np.float32)
    faces = np.array([(0, 2, 1), (1, 2, 3), (2, 5, 3), (2, 4, 5)], dtype=np.uint32)
    with pytest.raises(TerrainError, match=r"between \[-1.0, 0.0, 0.0\] and \[3.0, 1.0, 1.0\]"):
        ground_of_mesh(valley, faces)
    ridge = valley * np.array([1, 1, -1], dtype=np.float32)
    assert boxes((ridge, faces))[0].kind == "mesh"
    # Two cubes that share a corner by index are one part, which is concave.
    vertices, triangles = together((CUBE, CUBE_TRIANGLES), (CUBE + np.float32(1), CUBE_TRIANGLES))
    triangles[triangles == 8] = 7
    with pytest.raises(TerrainError, match="24 triangles"):
        ground_of_mesh(vertices, triangles)


WRONG = {
    "flat vertices": (CUBE.ravel(), CUBE_TRIANGLES, r"vertices \(n, 3\)"),
    "flat triangles": (CUBE, CUBE_TRIANGLES.ravel(), r"triangles \(m, 3\)"),
    "index": (CUBE, CUBE_TRIANGLES + 1, "names vertex 8, and there are 8"),
    "negative": (CUBE, CUBE_TRIANGLES.astype(np.int32) - 1, "names vertex"),
    "nan": (np.where(CUBE > 0, np.float32(np.nan), CUBE), CUBE_TRIANGLES, "not finite"),
    "floats": (CUBE, CUBE_TRIANGLES.astype(np.float32), "indices"),
    "empty": (CUBE, CUBE_TRIANGLES[:0], "empty"),
}


@pytest.mark.parametrize("case", WRONG)
def test_arrays_that_are_no_mesh_are_refused(case: str) -> None:
    vertices, triangles, message = WRONG[case]
    with pytest.raises(TerrainError, match=message):
        ground_of_mesh(vertices, triangles)


@given(st.lists(st.floats(-3.2, 3.2), min_size=3, max_size=3))
def test_a_rotation_matrix_gives_its_quaternion_back(angles: list[float]) -> None:
    quat = quat_from_rpy(angles)
    again = quat_from_matrix(quat_to_matrix(quat))
    np.testing.assert_allclose(again * np.sign(again @ quat), quat, atol=1e-9)
