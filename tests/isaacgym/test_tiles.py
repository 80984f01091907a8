"""The tiles of terrain_utils: shapes worked by hand, bounds, and tiles that are not square."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from isaacgym import terrain_utils
from isaacgym.terrain_utils import (
    SubTerrain,
    convert_heightfield_to_trimesh,
    discrete_obstacles_terrain,
    pyramid_sloped_terrain,
    pyramid_stairs_terrain,
    random_uniform_terrain,
    sloped_terrain,
    stairs_terrain,
    stepping_stones_terrain,
    wave_terrain,
)


def tile(width: int = 80, length: int = 80) -> SubTerrain:
    return SubTerrain("terrain", width=width, length=length, vertical_scale=0.005, horizontal_scale=0.1)


KINDS = {
    "random": lambda t: random_uniform_terrain(t, min_height=-0.05, max_height=0.05, step=0.005, downsampled_scale=0.2),
    "slope": lambda t: sloped_terrain(t, slope=0.3),
    "pyramid": lambda t: pyramid_sloped_terrain(t, slope=-0.4, platform_size=3.0),
    "obstacles": lambda t: discrete_obstacles_terrain(t, 0.2, 1.0, 2.0, 20, platform_size=3.0),
    "waves": lambda t: wave_terrain(t, num_waves=2, amplitude=0.4),
    "stairs": lambda t: stairs_terrain(t, step_width=0.5, step_height=0.1),
    "pyramid stairs": lambda t: pyramid_stairs_terrain(t, step_width=0.31, step_height=-0.15, platform_size=3.0),
    "stones": lambda t: stepping_stones_terrain(t, 1.0, 0.1, max_height=0.0, platform_size=4.0),
}


@pytest.mark.parametrize("kind", KINDS)
@given(width=st.integers(1, 120), length=st.integers(1, 120), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_every_kind_works_on_every_tile_and_repeats_with_its_seed(
    kind: str, width: int, length: int, seed: int
) -> None:
    results = []
    for _ in range(2):
        np.random.seed(seed)  # noqa: NPY002
        terrain = tile(width, length)
        assert KINDS[kind](terrain) is terrain
        results.append(terrain.height_field_raw)
    assert results[0].shape == (width, length) and results[0].dtype == np.int16
    assert np.array_equal(results[0], results[1])


def test_every_public_function_is_tested_here() -> None:
    public = {name for name, _ in inspect.getmembers(terrain_utils, inspect.isfunction) if not name.startswith("_")}
    assert public == {
        f.__name__ for f in globals().values() if getattr(f, "__module__", "") == terrain_utils.__name__
    } - {"SubTerrain"}


def test_a_tile_starts_flat_with_the_documented_defaults() -> None:
    terrain = SubTerrain()
    assert terrain.height_field_raw.shape == (256, 256) and not terrain.height_field_raw.any()
    assert (terrain.vertical_scale, terrain.horizontal_scale, terrain.terrain_name) == (1.0, 1.0, "terrain")
    with pytest.raises(ValueError, match="at least one sample"):
        SubTerrain(width=0)
    with pytest.raises(ValueError, match="positive"):
        SubTerrain(vertical_scale=0.0)


def test_noise_takes_the_steps_that_are_asked_for_and_is_linear_in_between() -> None:
    np.random.seed(0)  # noqa: NPY002
    fine = random_uniform_terrain(tile(41, 81), -0.05, 0.05, step=0.025).height_field_raw
    assert set(np.unique(fine)) == {-10, -5, 0, 5, 10}
    coarse = random_uniform_terrain(tile(41, 81), -0.05, 0.05, step=0.005, downsampled_scale=0.4).height_field_raw
    assert coarse.min() >= -10 and coarse.max() <= 10
    # Between samples 0 and 4, 0.4 m apart, heights lie on a line, up to rounding.
    np.testing.assert_allclose(coarse[0, :5], np.linspace(coarse[0, 0], coarse[0, 4], 5), atol=0.51)
    assert np.abs(np.diff(coarse, axis=0)).max() <= 6  # 20 units over 4 samples


def test_noise_adds_to_what_is_there() -> None:
    terrain = tile()
    terrain.height_field_raw[:] = 100
    assert random_uniform_terrain(terrain, 0.0, 0.05, 0.005).height_field_raw.min() >= 100
    with pytest.raises(ValueError, match="above"):
        random_uniform_terrain(terrain, 0.1, 0.0, 0.005)


def test_a_slope_rises_as_much_as_it_says() -> None:
    heights = sloped_terrain(tile(50, 20), slope=0.2).height_field_raw * 0.005
    np.testing.assert_allclose(heights, np.repeat(0.02 * np.arange(50)[:, None], 20, axis=1), atol=0.0026)


def test_a_hill_is_zero_at_its_edge_and_flat_on_top() -> None:
    heights = pyramid_sloped_terrain(tile(81, 81), slope=0.4, platform_size=2.0).height_field_raw * 0.005
    for edge in (heights[0], heights[-1], heights[:, 0], heights[:, -1]):
        assert not edge.any()
    # At the platform's corner, 1 m from the middle of 4 m, the height is 1.62 * (1 - 1 / 4)^2 = 0.911 m.
    assert heights.max() == pytest.approx(0.911, abs=0.01)
    assert (heights[31:50, 31:50] == heights[40, 40]).all()
    # Near the edge the middle line rises by 0.4 m per m.
    assert heights[10, 40] == pytest.approx(0.405, abs=0.01)
    hollow = pyramid_sloped_terrain(tile(81, 81), slope=-0.4, platform_size=2.0).height_field_raw * 0.005
    np.testing.assert_allclose(hollow, -heights, atol=1e-9)


def test_obstacles_have_four_heights_and_leave_the_middle_free() -> None:
    np.random.seed(1)  # noqa: NPY002
    heights = discrete_obstacles_terrain(tile(80, 160), 0.2, 1.0, 2.0, 40, platform_size=3.0).height_field_raw
    assert set(np.unique(heights)) == {-40, -20, 0, 20, 40}
    assert not heights[25:55, 65:95].any() and (heights != 0).mean() > 0.2
    with pytest.raises(ValueError, match="min_size"):
        discrete_obstacles_terrain(tile(), 0.2, 2.0, 1.0, 1)


def test_waves_have_their_number_and_height() -> None:
    heights = wave_terrain(tile(100, 100), num_waves=4, amplitude=0.4).height_field_raw * 0.005
    along = np.fft.rfft(heights.mean(axis=0))
    assert np.argmax(np.abs(along[1:])) + 1 == 4
    assert np.ptp(heights.mean(axis=0)) == pytest.approx(0.4, abs=0.01)
    assert not wave_terrain(tile(), num_waves=0).height_field_raw.any()


def test_stairs_climb_by_equal_steps() -> None:
    heights = stairs_terrain(tile(20, 7), step_width=0.5, step_height=0.1).height_field_raw
    assert heights[:, 3].tolist() == [20] * 5 + [40] * 5 + [60] * 5 + [80] * 5


def test_pyramid_stairs_are_worked_by_hand() -> None:
    # 20 samples, treads of 4: the ground 4 wide, one step 4 wide, and in the middle 4, smaller than a platform of 5.
    heights = pyramid_stairs_terrain(tile(20, 20), step_width=0.4, step_height=0.1, platform_size=0.5).height_field_raw
    assert heights[10].tolist() == [0] * 4 + [20] * 4 + [40] * 4 + [20] * 4 + [0] * 4
    wide = pyramid_stairs_terrain(tile(20, 20), step_width=0.4, step_height=-0.1, platform_size=1.2).height_field_raw
    assert wide[10].tolist() == [0] * 4 + [-20] * 12 + [0] * 4
    assert np.array_equal(heights, heights.T) and np.array_equal(heights, heights[::-1])


def test_pyramid_stairs_of_a_long_tile_have_a_long_platform() -> None:
    heights = pyramid_stairs_terrain(tile(80, 160), step_width=0.3, step_height=0.1, platform_size=3.0).height_field_raw
    levels = np.unique(heights)
    assert np.array_equal(np.diff(levels), np.full(len(levels) - 1, 20))
    top = np.argwhere(heights == levels[-1])
    extent = np.ptp(top, axis=0) + 1
    assert extent[0] <= 30 and extent[1] == extent[0] + 80


def test_stones_stand_apart_over_a_deep_ground() -> None:
    np.random.seed(2)  # noqa: NPY002
    heights = stepping_stones_terrain(tile(90, 130), 0.5, 0.2, max_height=0.05, platform_size=2.0).height_field_raw
    pit = heights == -2000  # 10 m in units of 5 mm
    assert np.abs(heights[~pit]).max() <= 10
    assert not heights[35:55, 55:75].any()
    # Rows of 5 samples along x are followed by gaps of 2; the platform apart, gaps go all the way across.
    assert pit[[5, 6, 12, 13]].all() and not pit[0].all()
    # Along a row, stones are 5 long and gaps 2.
    changes = np.flatnonzero(np.diff(pit[0].astype(int)))
    assert set(np.diff(changes)) == {5, 2}


def test_a_mesh_has_two_triangles_a_cell_that_face_up() -> None:
    raw = np.random.default_rng(0).integers(-9, 9, (5, 8)).astype(np.int16)
    vertices, triangles = convert_heightfield_to_trimesh(raw, 0.25, 0.1)
    assert (vertices.dtype, triangles.dtype) == (np.float32, np.uint32)
    assert vertices.shape == (40, 3) and triangles.shape == (2 * 4 * 7, 3)
    np.testing.assert_allclose(vertices[8 + 3], (0.25, 0.75, raw[1, 3] * 0.1), atol=1e-6)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    assert (normals[:, 2] > 0).all()
    assert normals[:, 2].sum() / 2 == pytest.approx(4 * 7 * 0.25**2, rel=1e-5)


def test_slopes_above_the_threshold_become_walls() -> None:
    # Samples 0.1 m apart, a rise of 0.5 m in both directions around sample 4.
    raw = np.zeros((9, 3), dtype=np.int16)
    raw[4] = 100
    x = convert_heightfield_to_trimesh(raw, 0.1, 0.005, slope_threshold=1.5)[0][:, 0].reshape(9, 3)
    np.testing.assert_allclose(x[:, 1], [0, 0.1, 0.2, 0.4, 0.4, 0.4, 0.6, 0.7, 0.8], atol=1e-6)
    untouched = convert_heightfield_to_trimesh(raw, 0.1, 0.005, slope_threshold=5.1)[0][:, 0].reshape(9, 3)
    np.testing.assert_allclose(untouched[:, 1], np.arange(9) * 0.1, atol=1e-6)
    # The same along y.
    y = convert_heightfield_to_trimesh(raw.T, 0.1, 0.005, slope_threshold=1.5)[0][:, 1].reshape(3, 9)
    np.testing.assert_allclose(y[1], [0, 0.1, 0.2, 0.4, 0.4, 0.4, 0.6, 0.7, 0.8], atol=1e-6)
