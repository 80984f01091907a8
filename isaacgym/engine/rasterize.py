"""Height fields of irregular meshes that are surfaces over the plane, such as simplified terrain.

MuJoCo collides with regular grids and convex solids. A mesh whose triangles all face up and do not lie above each
other has one height at every place, and is sampled here.
"""

from __future__ import annotations

import numpy as np

from isaacgym.engine.terrain import HeightFieldGround

SPACING = 0.05
"""m between samples, more where there would be too many."""
MAX_SAMPLES = 16_000_000
FOLDS = 0.01
"""Simplified meshes fold over in places; so much of the area may."""
_FLAT = 1e-9
"""m^2; triangles with less area, seen from above, are vertical walls, which lie between two samples."""
_BATCH = 4_000_000


def surface_of_mesh(vertices: np.ndarray, triangles: np.ndarray, spacing: float = SPACING) -> HeightFieldGround | None:
    """Return the height field of a mesh, or None where the mesh is no surface over the plane.

    Args:
        vertices: (V, 3) m.
        triangles: (T, 3) indices.
        spacing: m between samples.
    """
    corners = vertices.astype(np.float64)[triangles]
    edge_a, edge_b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = 0.5 * (edge_a[:, 0] * edge_b[:, 1] - edge_a[:, 1] * edge_b[:, 0])
    total = float(np.abs(area).sum())
    low, high = vertices[:, :2].min(axis=0), vertices[:, :2].max(axis=0)
    extent = (high - low).astype(np.float64)
    turned_over = float(np.abs(area[area < 0]).sum())
    # Above each other, triangles have more area than the rectangle that they are in.
    if total <= 0.0 or min(turned_over, total - turned_over) > FOLDS * total or total > (1 + FOLDS) * extent.prod():
        return None
    spacing = max(spacing, float(np.sqrt(extent.prod() / MAX_SAMPLES)))
    shape = np.maximum(np.round(extent / spacing).astype(int) + 1, 2)
    step = extent / (shape - 1)
    heights = _sample(corners[np.abs(area) > _FLAT], low.astype(np.float64), step, shape)
    missing = np.isnan(heights)
    if missing.mean() > 0.01:
        return None
    heights[missing] = np.nanmin(heights)
    origin = np.array([low[0], low[1], 0.0], dtype=np.float64)
    return HeightFieldGround(heights.astype(np.float32), float(step[0]), float(step[1]), origin)


def _sample(corners: np.ndarray, low: np.ndarray, step: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Return heights (X, Y), NaN where no triangle of ``corners`` (T, 3, 3) is; the highest where several are."""
    grid = (corners[..., :2] - low) / step
    first = np.clip(np.ceil(grid.min(axis=1) - 1e-6).astype(int), 0, shape - 1)
    last = np.clip(np.floor(grid.max(axis=1) + 1e-6).astype(int), 0, shape - 1)
    size = np.maximum(last - first + 1, 0)
    count = size.prod(axis=1)
    heights = np.full(shape, -np.inf)
    start = 0
    ends = np.cumsum(count)
    while start < len(corners):
        stop = max(int(np.searchsorted(ends, (ends[start - 1] if start else 0) + _BATCH)), start + 1)
        _fill(heights, corners[start:stop], grid[start:stop], first[start:stop], size[start:stop], count[start:stop])
        start = stop
    heights[np.isneginf(heights)] = np.nan
    return heights


def _fill(
    heights: np.ndarray,
    corners: np.ndarray,
    grid: np.ndarray,
    first: np.ndarray,
    size: np.ndarray,
    count: np.ndarray,
) -> None:
    """Raise ``heights`` to those of the triangles at the samples within them, by barycentric coordinates."""
    owner = np.repeat(np.arange(len(corners)), count)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    row, column = np.divmod(within, size[owner, 1])
    at = np.stack([first[owner, 0] + row, first[owner, 1] + column], axis=-1)
    a, b, c = grid[owner, 0], grid[owner, 1], grid[owner, 2]
    ab, ac, ap = b - a, c - a, at - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    u = (ap[:, 0] * ac[:, 1] - ap[:, 1] * ac[:, 0]) / area
    v = (ab[:, 0] * ap[:, 1] - ab[:, 1] * ap[:, 0]) / area
    inside = (u >= -1e-6) & (v >= -1e-6) & (u + v <= 1.0 + 1e-6)
    z = corners[owner, :, 2]
    height = z[:, 0] + u * (z[:, 1] - z[:, 0]) + v * (z[:, 2] - z[:, 0])
    np.maximum.at(heights, (at[inside, 0], at[inside, 1]), height[inside])
