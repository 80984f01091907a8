"""Ground that callers hand over as a triangle mesh: recognized as a height field, or taken apart into convex pieces.

MuJoCo has no collisions with arbitrary triangle meshes. What code for legged robots adds is either a height field
that was turned into triangles, some of whose samples may have been moved so that steep slopes become vertical, or boxes
and other convex solids, or both in one mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isaacgym.engine.convex import ConvexPiece, components, convex_piece
from isaacgym.engine.meshes import distinct

MOST_CELLS_AT_ONCE = 1 << 20
"""Cells whose triangles are compared in one go; bounds the memory that a check takes."""
TOLERANCE = 0.02
"""How far from its place in the grid a sample may be, relative to the spacing."""

Floats = NDArray[np.float32]
Triangles = NDArray[np.integer]


class TerrainError(ValueError):
    """A ground that cannot be simulated; the message is one sentence that says why."""


@dataclass
class HeightFieldGround:
    """Heights over a regular grid; sample (i, j) is at ``origin + (i * spacing_x, j * spacing_y, heights[i, j])``."""

    heights: Floats
    """(rows, cols) m; rows go along x."""
    spacing_x: float
    """m."""
    spacing_y: float
    """m."""
    origin: NDArray[np.float64]
    """(3,) m, in the frame of the mesh."""
    walls_x: NDArray[np.bool_] | None = None
    """(rows - 1, cols): whether the ground between samples i and i + 1 keeps the lower height up to the higher sample
    and is vertical there, as the mesh had it. None where the mesh has no moved vertices."""
    walls_y: NDArray[np.bool_] | None = None
    """(rows, cols - 1), likewise between samples j and j + 1."""

    def sharpened(self) -> HeightFieldGround:
        """Return the same ground with half the spacing, so that the slopes in place of walls are half as wide."""
        walls_x, walls_y = self.walls_x, self.walls_y
        rows, cols = self.heights.shape
        walls_x = np.zeros((rows - 1, cols), dtype=bool) if walls_x is None else walls_x
        walls_y = np.zeros((rows, cols - 1), dtype=bool) if walls_y is None else walls_y
        tall = _with_middles(self.heights, walls_x)
        # Between two rows there is a wall along y where either row has one.
        middle = np.zeros((2 * rows - 1, cols - 1), dtype=bool)
        middle[::2], middle[1::2] = walls_y, walls_y[1:] | walls_y[:-1]
        heights = _with_middles(np.ascontiguousarray(tall.T), np.ascontiguousarray(middle.T)).T
        fine = HeightFieldGround(
            np.ascontiguousarray(heights), self.spacing_x / 2, self.spacing_y / 2, self.origin.copy()
        )
        # What is left of a wall is in the half next to its higher sample.
        fine.walls_x, fine.walls_y = _halved(walls_x, fine.heights), _halved(walls_y.T, fine.heights.T).T
        return fine


def _with_middles(heights: Floats, walls: NDArray[np.bool_]) -> Floats:
    """Return heights (2 n - 1, m) with one more between any two rows: the lower of them at a wall, else their mean."""
    result = np.empty((2 * len(heights) - 1, heights.shape[1]), dtype=np.float32)
    result[::2] = heights
    result[1::2] = np.where(walls, np.minimum(heights[1:], heights[:-1]), (heights[1:] + heights[:-1]) / 2)
    return result


def _halved(walls: NDArray[np.bool_], heights: Floats) -> NDArray[np.bool_]:
    """Return the walls (2 n - 2, 2 m - 1) of a refined field: those of the coarse one, in the half that is steep."""
    rows, cols = walls.shape
    result = np.zeros((2 * rows, heights.shape[1]), dtype=bool)
    wide = np.zeros((rows, heights.shape[1]), dtype=bool)
    wide[:, ::2] = walls
    wide[:, 1::2] = walls[:, : cols - 1] | walls[:, 1:]
    rising = heights[2::2] > heights[:-2:2]
    result[::2], result[1::2] = wide & ~rising, wide & rising
    return result


def ground_of_mesh(vertices: Floats, triangles: Triangles) -> HeightFieldGround | list[ConvexPiece | HeightFieldGround]:
    """Return what a triangle mesh is for MuJoCo.

    ``vertices`` (V, 3) are in m, ``triangles`` (T, 3) are indices. A mesh that is one regular grid becomes a
    ``HeightFieldGround``; any other is taken apart where no triangle connects it, and every part has to be a grid or
    convex. Raises ``TerrainError`` where a part is neither, or where the arrays are no mesh.
    """
    vertices, triangles = _checked(vertices, triangles)
    whole = grid_of_mesh(vertices, triangles)
    if whole is not None:
        return whole
    try:
        return _pieces(vertices, triangles)
    except TerrainError:
        # Triangles may repeat their corners instead of sharing them; then parts hang together by position. A mesh that
        # shares them has about half as many vertices as triangles.
        if len(vertices) < len(triangles):
            raise
        points, position = distinct(vertices.astype(np.float64))
        return _pieces(points.astype(np.float32), position[triangles])


def _pieces(vertices: Floats, triangles: Triangles) -> list[ConvexPiece | HeightFieldGround]:
    pieces: list[ConvexPiece | HeightFieldGround] = []
    for part_vertices, part_triangles in components(vertices, triangles):
        piece = grid_of_mesh(part_vertices, part_triangles) or convex_piece(part_vertices, part_triangles)
        if piece is None or (len(part_triangles) == 1 and len(triangles) > 1):
            low, high = (
                np.round(end.astype(float), 2).tolist() for end in (part_vertices.min(0), part_vertices.max(0))
            )
            raise TerrainError(
                f"the part of the triangle mesh between {low} and {high} "
                f"({len(part_triangles)} triangles) is neither a regular grid of heights nor convex, "
                "and MuJoCo collides with nothing else; build it from a height field or from convex solids"
            )
        pieces.append(piece)
    return pieces


def _checked(vertices: Floats, triangles: Triangles) -> tuple[Floats, Triangles]:
    vertices, triangles = np.asarray(vertices), np.asarray(triangles)
    if vertices.ndim != 2 or vertices.shape[1] != 3 or triangles.ndim != 2 or triangles.shape[1] != 3:
        raise TerrainError(
            f"a triangle mesh has vertices (n, 3) and triangles (m, 3), not {vertices.shape} and {triangles.shape}"
        )
    if not len(vertices) or not len(triangles):
        raise TerrainError("the triangle mesh is empty")
    if not np.issubdtype(triangles.dtype, np.integer):
        raise TerrainError(f"the triangles of a mesh are indices, not numbers of type {triangles.dtype}")
    if int(triangles.max()) >= len(vertices) or int(triangles.min()) < 0:
        raise TerrainError(f"a triangle names vertex {int(triangles.max())}, and there are {len(vertices)}")
    vertices = vertices.astype(np.float32, copy=False)
    if not np.isfinite(vertices).all():
        raise TerrainError("the triangle mesh has vertices that are not finite numbers")
    return vertices, triangles


def grid_of_mesh(vertices: Floats, triangles: Triangles) -> HeightFieldGround | None:
    """Return the height field that was turned into this mesh, or None where it did not come from one."""
    shape = grid_shape(len(vertices), triangles)
    if shape is None:
        return None
    x, y, z = (vertices[:, axis].reshape(shape) for axis in range(3))
    if np.abs(x[-1] - x[0]).mean() < np.abs(x[:, -1] - x[:, 0]).mean():
        x, y, z = x.T, y.T, z.T  # the file of samples goes along y first
    along_x, along_y = _axis(x), _axis(y.T)
    if along_x is None or along_y is None:
        return None
    (x0, spacing_x, moved_x), (y0, spacing_y, moved_y) = along_x, along_y
    moved_y = moved_y.T
    # Moves are counted in spacings, so their sign turns with that of the spacing when a backward axis is reversed.
    if spacing_x < 0.0:
        x0, spacing_x = x0 + spacing_x * (len(z) - 1), -spacing_x
        z, moved_x, moved_y = z[::-1], -moved_x[::-1], moved_y[::-1]
    if spacing_y < 0.0:
        y0, spacing_y = y0 + spacing_y * (z.shape[1] - 1), -spacing_y
        z, moved_x, moved_y = z[:, ::-1], moved_x[:, ::-1], -moved_y[:, ::-1]
    ground = HeightFieldGround(np.ascontiguousarray(z), spacing_x, spacing_y, np.array([x0, y0, 0.0]))
    if moved_x.any() or moved_y.any():
        ground.walls_x = _walls(z, moved_x)
        ground.walls_y = _walls(z.T, moved_y.T).T
    return ground


def _walls(heights: Floats, moved: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return (n - 1, m): between which rows the lower sample was moved to below the higher one.

    A sample that a diagonal neighbor moved may also have gone along a level row; that makes no wall.
    """
    rise = np.diff(heights, axis=0)
    return ((moved[:-1] > 0) & (rise > 0)) | ((moved[1:] < 0) & (rise < 0))


def _axis(places: Floats) -> tuple[float, float, NDArray[np.int8]] | None:
    """Return where a grid starts, its signed spacing, and how many spacings (n, m) every sample is off its place.

    ``places`` (n, m) are coordinates that should grow by one spacing from row to row and be equal along a row. Samples
    may be moved by one whole spacing. None where they are not on such a grid.
    """
    lines = places[:, :: max(1, places.shape[1] // 64)].astype(np.float64)
    # Moved samples are few, so the middle of all steps is the spacing; in small grids the whole extent tells better.
    for guess in (
        float(np.median(np.diff(lines, axis=0))),
        float(lines[-1].mean() - lines[0].mean()) / (len(lines) - 1),
    ):
        fit = _line(lines, guess) if guess != 0.0 else None
        if fit is None:
            continue
        origin, spacing = fit
        on_grid = (origin + np.arange(len(places)) * spacing).astype(np.float32)[:, None]
        off = (places - on_grid) / np.float32(spacing)
        moved = np.rint(off)
        if np.abs(off - moved).max() <= TOLERANCE and np.abs(moved).max() <= 1:
            return origin, spacing, moved.astype(np.int8)
    return None


def _line(lines: NDArray[np.float64], spacing: float) -> tuple[float, float] | None:
    """Return origin and spacing of the line through the unmoved samples (n, m), by least squares, from a guess.

    In single precision a guess from neighbors is off by too much for a long field, so it is only used near the start,
    and again and again twice as far.
    """
    steps = np.arange(len(lines), dtype=np.float64)
    reach = min(16, len(lines))
    origin = float(np.median(lines[:reach] - steps[:reach, None] * spacing))
    while True:
        off = (lines[:reach] - origin - steps[:reach, None] * spacing) / spacing
        unmoved = np.abs(off) < 0.5
        counts = unmoved.sum(axis=1)
        if np.count_nonzero(counts) < 2:
            return None
        place = np.where(unmoved, lines[:reach], 0.0).sum(axis=1)[counts > 0] / counts[counts > 0]
        spacing, origin = (
            float(x) for x in np.polyfit(steps[:reach][counts > 0], place, 1, w=np.sqrt(counts[counts > 0]))
        )
        if reach == len(lines) or spacing == 0.0:
            return (origin, spacing) if spacing != 0.0 else None
        reach = min(2 * reach, len(lines))


def grid_shape(count: int, triangles: Triangles) -> tuple[int, int] | None:
    """Return rows and columns of the grid whose cells the triangles halve, or None where they do not.

    Vertex (i, j) of the grid has index i * columns + j, and the two triangles of every cell touch its four corners.
    """
    if len(triangles) < 2:
        return None
    corners = np.unique(triangles[:2])
    cols = int(corners[-1]) - 1
    if len(corners) != 4 or cols < 2 or corners.tolist() != [0, 1, cols, cols + 1] or count % cols:
        return None
    rows = count // cols
    if len(triangles) != 2 * (rows - 1) * (cols - 1):
        return None
    if _repeats(triangles, rows, cols) or _halves_every_cell(triangles, rows, cols):
        return rows, cols
    return None


def _repeats(triangles: Triangles, rows: int, cols: int) -> bool:
    """Return whether cell after cell is cut in the way of the first: the usual case, and quick to check."""
    cells = triangles.reshape(rows - 1, cols - 1, 2, 3)
    pattern = cells[0, 0].astype(np.int64)
    step = max(1, MOST_CELLS_AT_ONCE // cols)
    row = (np.arange(cols - 1)[:, None, None] + pattern).astype(triangles.dtype)
    for start in range(0, rows - 1, step):
        chunk = cells[start : start + step]
        first = (np.arange(start, start + len(chunk)) * cols).astype(triangles.dtype)
        if not np.array_equal(chunk, first[:, None, None, None] + row):
            return False
    return True


def _halves_every_cell(triangles: Triangles, rows: int, cols: int) -> bool:
    """Return whether every cell has two triangles that share a diagonal, whatever the order and the diagonal."""
    row, col = np.divmod(triangles.astype(np.int64), cols)
    if not (np.ptp(row, axis=1) == 1).all() or not (np.ptp(col, axis=1) == 1).all():
        return False
    cell_row, cell_col = row.min(axis=1), col.min(axis=1)
    cell = cell_row * (cols - 1) + cell_col
    # A triangle lacks one corner of its cell; those that the two lack are opposite, so (row, column) add up to (1, 1).
    lacks_row = 2 - (row - cell_row[:, None]).sum(axis=1)
    lacks_col = 2 - (col - cell_col[:, None]).sum(axis=1)
    cells = (rows - 1) * (cols - 1)
    return all(
        np.array_equal(np.bincount(cell, weights=weights, minlength=cells), np.full(cells, total))
        for weights, total in ((None, 2), (lacks_row, 1), (lacks_col, 1))
    )
