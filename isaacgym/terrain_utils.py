"""Tiles of uneven ground as height fields, and the triangle mesh of a height field.

Heights are whole multiples of a tile's ``vertical_scale``, samples are ``horizontal_scale`` apart; ``width`` counts
samples along x and ``length`` along y, and tiles need not be square. Functions change the tile that they get and return
it. Randomness comes from NumPy's global generator, which callers seed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "SubTerrain",
    "convert_heightfield_to_trimesh",
    "discrete_obstacles_terrain",
    "pyramid_sloped_terrain",
    "pyramid_stairs_terrain",
    "random_uniform_terrain",
    "sloped_terrain",
    "stairs_terrain",
    "stepping_stones_terrain",
    "wave_terrain",
]


class SubTerrain:
    """A rectangular tile of ground, flat at first.

    ``height_field_raw`` is (width, length) int16; times ``vertical_scale`` it is the height in m.
    """

    def __init__(
        self,
        terrain_name: str = "terrain",
        width: int = 256,
        length: int = 256,
        vertical_scale: float = 1.0,
        horizontal_scale: float = 1.0,
    ) -> None:
        if int(width) < 1 or int(length) < 1:
            raise ValueError(f"a tile needs at least one sample in either direction, not {width} x {length}")
        if vertical_scale <= 0.0 or horizontal_scale <= 0.0:
            raise ValueError("the scales of a tile have to be positive, in m")
        self.terrain_name = terrain_name
        self.width = int(width)
        self.length = int(length)
        self.vertical_scale = vertical_scale
        self.horizontal_scale = horizontal_scale
        self.height_field_raw: NDArray[np.int16] = np.zeros((self.width, self.length), dtype=np.int16)


def _samples(terrain: SubTerrain, distance: float) -> int:
    """Return how many samples a horizontal distance in m is, rounded toward zero."""
    return int(distance / terrain.horizontal_scale + 1e-9)


def _units(terrain: SubTerrain, height: float) -> int:
    """Return how many units of ``vertical_scale`` a height in m is, rounded toward zero."""
    return int(height / terrain.vertical_scale + np.copysign(1e-9, height))


def _platform(terrain: SubTerrain, size: float) -> tuple[slice, slice]:
    """Return the samples of a square of ``size`` m in the middle of a tile."""
    half = _samples(terrain, size) // 2
    middle_x, middle_y = terrain.width // 2, terrain.length // 2
    return (
        slice(max(middle_x - half, 0), min(middle_x + half, terrain.width)),
        slice(max(middle_y - half, 0), min(middle_y + half, terrain.length)),
    )


def _add(terrain: SubTerrain, heights: NDArray[np.float64]) -> SubTerrain:
    """Add heights in units, which may be fractions, to a tile."""
    terrain.height_field_raw += np.rint(heights).astype(np.int16)
    return terrain


def _interpolated(coarse: NDArray[np.float64], rows: int, cols: int) -> NDArray[np.float64]:
    """Return (rows, cols) values that are linear between (m, n) coarse ones, corners on corners."""
    at = np.linspace(0.0, len(coarse) - 1, rows)
    tall = np.stack([np.interp(at, np.arange(len(coarse)), column) for column in coarse.T], axis=1)
    at = np.linspace(0.0, coarse.shape[1] - 1, cols)
    return np.stack([np.interp(at, np.arange(coarse.shape[1]), row) for row in tall])


def random_uniform_terrain(
    terrain: SubTerrain,
    min_height: float,
    max_height: float,
    step: float = 1.0,
    downsampled_scale: float | None = None,
) -> SubTerrain:
    """Add noise: heights drawn from ``min_height``, ``min_height + step``, ... up to ``max_height``, m.

    They are drawn ``downsampled_scale`` m apart (every sample, where that is None) and are linear in between.
    """
    low, high = _units(terrain, min_height), _units(terrain, max_height)
    stride = max(_units(terrain, step), 1)
    if low > high:
        raise ValueError(f"min_height {min_height} is above max_height {max_height}")
    scale = terrain.horizontal_scale if downsampled_scale is None else downsampled_scale
    # As many intervals as fit, at least one, so that the corners of the tile are corners of the coarse grid.
    rows = max(round((terrain.width - 1) * terrain.horizontal_scale / scale), 1) + 1
    cols = max(round((terrain.length - 1) * terrain.horizontal_scale / scale), 1) + 1
    choices = np.arange(low, high + 1, stride)
    coarse = np.random.choice(choices, (rows, cols)).astype(np.float64)  # noqa: NPY002 (callers seed this one)
    return _add(terrain, _interpolated(coarse, terrain.width, terrain.length))


def sloped_terrain(terrain: SubTerrain, slope: float = 1.0) -> SubTerrain:
    """Add a plane that rises along x by ``slope`` m per m."""
    rise = slope * terrain.horizontal_scale / terrain.vertical_scale * np.arange(terrain.width, dtype=np.float64)
    return _add(terrain, np.repeat(rise[:, None], terrain.length, axis=1))


def pyramid_sloped_terrain(terrain: SubTerrain, slope: float = 1.0, platform_size: float = 1.0) -> SubTerrain:
    """Add a hill, or a hollow where ``slope`` is negative, with a flat square of ``platform_size`` m on top.

    Along the two middle lines the ground rises by ``slope`` m per m in the direction of the shorter side of the tile;
    elsewhere its height is the product of the two profiles, so the edge of the tile stays at zero.
    """
    profiles = [1.0 - np.abs(np.linspace(-1.0, 1.0, count)) for count in (terrain.width, terrain.length)]
    side = min(terrain.width, terrain.length) * terrain.horizontal_scale
    top = slope * side / 2 / terrain.vertical_scale
    hill = top * np.outer(*profiles)
    # The hill is cut off at the height that it has at the corner of the platform.
    half = platform_size / 2 / terrain.horizontal_scale
    at_corner = np.prod([max(1.0 - 2.0 * half / (count - 1), 0.0) if count > 1 else 0.0 for count in hill.shape])
    limit = abs(top) * at_corner
    return _add(terrain, np.clip(hill, -limit, limit))


def discrete_obstacles_terrain(
    terrain: SubTerrain,
    max_height: float,
    min_size: float,
    max_size: float,
    num_rects: int,
    platform_size: float = 1.0,
) -> SubTerrain:
    """Put rectangles of random place and size on a tile, and a flat square of ``platform_size`` m in its middle.

    Their sides are between ``min_size`` and ``max_size`` m; their height is one of plus or minus ``max_height`` and
    half of it, m. Where two overlap, the later one counts.
    """
    high = _units(terrain, max_height)
    heights = np.array([-high, -(high // 2), high // 2, high])
    shortest, longest = max(_samples(terrain, min_size), 1), max(_samples(terrain, max_size), 1)
    if shortest > longest:
        raise ValueError(f"min_size {min_size} is above max_size {max_size}")
    random = np.random.randint
    for _ in range(int(num_rects)):
        size = [min(int(random(shortest, longest + 1)), count) for count in (terrain.width, terrain.length)]
        start = [
            int(random(0, count - side + 1)) for side, count in zip(size, (terrain.width, terrain.length), strict=True)
        ]
        x, y = (slice(begin, begin + side) for begin, side in zip(start, size, strict=True))
        terrain.height_field_raw[x, y] = heights[random(len(heights))]
    terrain.height_field_raw[_platform(terrain, platform_size)] = 0
    return terrain


def wave_terrain(terrain: SubTerrain, num_waves: float = 1, amplitude: float = 1.0) -> SubTerrain:
    """Add waves in both directions, ``num_waves`` of them along y, each ``amplitude`` m from trough to crest."""
    if num_waves <= 0:
        return terrain
    samples = terrain.length / num_waves
    phase_x, phase_y = (2 * np.pi * np.arange(count) / samples for count in (terrain.width, terrain.length))
    height = amplitude / 2 / terrain.vertical_scale
    return _add(terrain, height * (np.sin(phase_x)[:, None] + np.cos(phase_y)[None, :]))


def stairs_terrain(terrain: SubTerrain, step_width: float, step_height: float) -> SubTerrain:
    """Add stairs along x with treads of ``step_width`` m, the first one ``step_height`` m above the old ground."""
    tread = max(_samples(terrain, step_width), 1)
    rise = _units(terrain, step_height)
    terrain.height_field_raw += (rise * (np.arange(terrain.width) // tread + 1)).astype(np.int16)[:, None]
    return terrain


def pyramid_stairs_terrain(
    terrain: SubTerrain, step_width: float, step_height: float, platform_size: float = 1.0
) -> SubTerrain:
    """Make square stairs that rise (or sink) toward a flat square of at least ``platform_size`` m in the middle.

    Treads are ``step_width`` m wide, steps ``step_height`` m high; a tread on the ground goes round the edge.
    """
    tread = max(_samples(terrain, step_width), 1)
    rise, platform = _units(terrain, step_height), _samples(terrain, platform_size)
    rings = np.minimum.outer(*(_ring(count, tread) for count in (terrain.width, terrain.length)))
    # As in a real staircase, the last step is the one whose square would otherwise be smaller than the platform.
    shorter = min(terrain.width, terrain.length)
    most = max(-(-(shorter - platform) // (2 * tread)), 0)
    terrain.height_field_raw[:] = (rise * np.minimum(rings, most)).astype(np.int16)
    return terrain


def _ring(count: int, tread: int) -> NDArray[np.int64]:
    """Return how many treads every sample of a line is away from the nearer end of it."""
    index = np.arange(count)
    return np.minimum(index, count - 1 - index) // tread


def stepping_stones_terrain(
    terrain: SubTerrain,
    stone_size: float,
    stone_distance: float,
    max_height: float,
    platform_size: float = 1.0,
    depth: float = -10.0,
) -> SubTerrain:
    """Make square stones of ``stone_size`` m, ``stone_distance`` m apart, over a ground at ``depth`` m.

    They stand in rows across x, every row shifted by a random distance along y; their tops are at random heights of up
    to plus or minus ``max_height`` m. In the middle is a flat square of ``platform_size`` m.
    """
    size, gap = max(_samples(terrain, stone_size), 1), max(_samples(terrain, stone_distance), 0)
    high = _units(terrain, max_height)
    random = np.random.randint
    pitch = size + gap
    heights = np.full((terrain.width, terrain.length), _units(terrain, depth), dtype=np.int16)
    for start in range(0, terrain.width, pitch):
        # The row begins up to one pitch before the tile, so that stones may be cut off at its edge.
        shift = int(random(0, pitch))
        for left in range(-shift, terrain.length, pitch):
            across = slice(max(left, 0), max(left + size, 0))
            heights[start : start + size, across] = random(-high, high + 1)
    heights[_platform(terrain, platform_size)] = 0
    terrain.height_field_raw[:] = heights
    return terrain


def convert_heightfield_to_trimesh(
    height_field_raw: NDArray[np.integer],
    horizontal_scale: float,
    vertical_scale: float,
    slope_threshold: float | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
    """Return the triangle mesh of a height field: vertices (rows * cols, 3) m and triangles (2 per cell, 3).

    Sample (i, j) is vertex i * cols + j at (i, j) * ``horizontal_scale``. Where the ground rises by more than
    ``slope_threshold`` m per m from a sample to its neighbor, the lower one is moved to below the neighbor, so that the
    slope becomes a wall; diagonal neighbors count where no other one moves it.
    """
    heights = np.asarray(height_field_raw)
    rows, cols = heights.shape
    vertices = np.empty((rows, cols, 3), dtype=np.float32)
    vertices[..., 0] = np.arange(rows)[:, None]
    vertices[..., 1] = np.arange(cols)
    if slope_threshold is not None:
        _move_below_walls(vertices, heights.astype(np.int32), slope_threshold * horizontal_scale / vertical_scale)
    vertices[..., :2] *= np.float32(horizontal_scale)
    vertices[..., 2] = heights * np.float32(vertical_scale)
    return vertices.reshape(-1, 3), _grid_triangles(rows, cols)


def _move_below_walls(vertices: NDArray[np.float32], heights: NDArray[np.int32], threshold: float) -> None:
    """Move samples at the foot of a wall by one spacing; ``vertices[..., :2]`` are in spacings, heights in units."""

    def moves(low: tuple[slice, slice], high: tuple[slice, slice]) -> NDArray[np.int8]:
        # A sample between two walls stays where it is: the moves to either side cancel.
        result = np.zeros(heights.shape, dtype=np.int8)
        rise = heights[high] - heights[low]
        result[low] += rise > threshold
        result[high] -= rise < -threshold
        return result

    every, first, last = slice(None), slice(None, -1), slice(1, None)
    along_x, along_y = moves((first, every), (last, every)), moves((every, first), (every, last))
    diagonal = moves((first, first), (last, last))
    vertices[..., 0] += np.where(along_x == 0, diagonal, along_x)
    vertices[..., 1] += np.where(along_y == 0, diagonal, along_y)


def _grid_triangles(rows: int, cols: int) -> NDArray[np.uint32]:
    """Return the triangles of a grid, two a cell, cut along the diagonal from (i, j) to (i + 1, j + 1), facing up."""
    corner = (np.arange(rows - 1, dtype=np.uint32)[:, None] * cols + np.arange(cols - 1, dtype=np.uint32))[
        ..., None, None
    ]
    pattern = np.array([[0, cols + 1, 1], [0, cols, cols + 1]], dtype=np.uint32)
    return (corner + pattern).reshape(-1, 3)
