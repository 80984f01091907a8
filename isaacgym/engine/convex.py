"""Parts of a triangle mesh, and whether they are convex."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isaacgym.engine.asset import Array, identity_quat
from isaacgym.engine.meshes import distinct

TOLERANCE = 1e-3
"""How far a corner may stick out of the plane of a face, relative to the size of the part."""
SHEET_THICKNESS = 0.1
"""m, that a flat part of a mesh gets behind its front: a rectangle of two triangles is a floor without a volume."""

Triangles = NDArray[np.integer]


@dataclass
class ConvexPiece:
    """A convex solid of the ground."""

    kind: str
    """``box`` or ``mesh`` (the convex hull of ``vertices``)."""
    vertices: Array
    """(V, 3) m, in the frame of the mesh that the piece comes from."""
    pos: Array = field(default_factory=lambda: np.zeros(3))
    """(3,) m, center of a box in the same frame."""
    quat: Array = field(default_factory=identity_quat)
    """(4,) xyzw, from a box's axes to that frame."""
    size: tuple[float, ...] = ()
    """m, half extents of a box; empty for a mesh."""


def components(vertices: NDArray[np.float32], triangles: Triangles) -> Iterator[tuple[NDArray[np.float32], Triangles]]:
    """Yield the parts of a mesh that no triangle connects, each with its vertices in their order."""
    labels = _labels(len(vertices), triangles)
    used = np.zeros(len(vertices), dtype=bool)
    used[triangles.ravel()] = True
    vertex_ids = np.flatnonzero(used)
    vertex_ids = vertex_ids[np.argsort(labels[vertex_ids], kind="stable")]
    triangle_labels = labels[triangles[:, 0]]
    triangle_ids = np.argsort(triangle_labels, kind="stable")
    position = np.empty(len(vertices), dtype=np.int64)
    vertex_cuts = np.flatnonzero(np.diff(labels[vertex_ids])) + 1
    triangle_cuts = np.flatnonzero(np.diff(triangle_labels[triangle_ids])) + 1
    for part, faces in zip(np.split(vertex_ids, vertex_cuts), np.split(triangle_ids, triangle_cuts), strict=True):
        position[part] = np.arange(len(part))
        yield vertices[part], position[triangles[faces]]


def _labels(count: int, triangles: Triangles) -> NDArray[np.int64]:
    """Return for every vertex the smallest index of those that it is connected with.

    Neighbors take over the smaller label, then every label is replaced by its own label until nothing changes.
    """
    labels = np.arange(count)
    a, b, c = (triangles[:, i].astype(np.int64) for i in range(3))
    while True:
        least = np.minimum(np.minimum(labels[a], labels[b]), labels[c])
        before = labels.copy()
        for corner in (a, b, c):
            np.minimum.at(labels, before[corner], least)
            np.minimum.at(labels, corner, least)
        while True:
            jumped = labels[labels]
            if np.array_equal(jumped, labels):
                break
            labels = jumped
        if np.array_equal(before, labels):
            return labels


def convex_piece(vertices: NDArray[np.float32], triangles: Triangles) -> ConvexPiece | None:
    """Return a connected part of a mesh as a convex solid, or None where it is not convex.

    The part may be open, as a box without a bottom is; a flat one gets a thickness behind its front. Fronts are where
    the corners of a triangle go round counterclockwise, as in PhysX.
    """
    corners = vertices.astype(np.float64)
    points = corners[np.unique(triangles)]
    size = float(np.ptp(points, axis=0).max())
    a, b, c = (corners[triangles[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    areas = np.linalg.norm(normals, axis=1)
    whole = areas > 1e-12 * size**2
    if size <= 0.0 or not whole.any():
        return None
    normals, base = normals[whole] / areas[whole, None], a[whole]
    tolerance = TOLERANCE * size
    flat = np.abs((points - base[0]) @ normals[0]).max() <= tolerance
    if flat:
        return _sheet(distinct(points)[0], normals[0])
    # All corners of a convex solid are behind every face. Where the surface is closed, the faces' turning does not
    # matter; where it is open, it tells a hill from a hollow.
    if not _all_behind(points, normals, base, tolerance, either_side=False) and not (
        _all_behind(points, normals, base, tolerance, either_side=True) and _is_closed(triangles)
    ):
        return None
    points = distinct(points)[0]
    return _box(points) or ConvexPiece("mesh", points)


def _is_closed(triangles: Triangles) -> bool:
    """Return whether every edge belongs to exactly two triangles."""
    edges = np.sort(np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)]), axis=1)
    return bool((np.unique(edges, axis=0, return_counts=True)[1] == 2).all())


def _all_behind(points: Array, normals: Array, base: Array, tolerance: float, either_side: bool) -> bool:
    """Return whether the points are behind all faces, or on one side of each face where ``either_side``.

    Most meshes that are not convex fail at the first faces, so few are checked at first.
    """
    start, count = 0, 8
    while start < len(normals):
        part = slice(start, start + count)
        distance = normals[part] @ points.T - np.einsum("ij,ij->i", normals[part], base[part])[:, None]
        behind = distance.max(axis=1) <= tolerance
        if either_side:
            behind |= distance.min(axis=1) >= -tolerance
        if not behind.all():
            return False
        start, count = start + count, max(1, min(2 * count, (1 << 22) // len(points)))
    return True


def _sheet(points: Array, normal: Array) -> ConvexPiece:
    """Return a flat convex part with a thickness behind its front."""
    thick = np.concatenate((points, points - SHEET_THICKNESS * normal))
    return _box(thick) or ConvexPiece("mesh", thick)


def _box(points: Array) -> ConvexPiece | None:
    """Return a box in whatever direction whose corners are the points, or None where they are not those of a box."""
    if len(points) != 8:
        return None
    center = points.mean(axis=0)
    edges = points - points[0]
    lengths = np.linalg.norm(edges, axis=1)
    tolerance = TOLERANCE * lengths.max()
    directions = edges / np.maximum(lengths, tolerance)[:, None]
    # The two shortest ways from a corner are edges; the third edge is the one at a right angle to both.
    first, second = np.argsort(lengths)[1:3]
    cosines = np.abs(directions @ directions[[first, second]].T)
    right_angle = (cosines <= TOLERANCE).all(axis=1)
    right_angle[0] = False
    if right_angle.sum() != 1 or cosines[first, 1] > TOLERANCE:
        return None
    x, y, z = edges[[first, second, int(np.flatnonzero(right_angle)[0])]]
    expected = np.array([i * x + j * y + k * z for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    if any(np.linalg.norm(edges - corner, axis=1).min() > tolerance for corner in expected):
        return None
    axes = np.stack([side / np.linalg.norm(side) for side in (x, y, z)], axis=1)
    order, signs = _nearest_axes(axes)
    axes = axes[:, order] * signs
    half = np.array([np.linalg.norm(side) / 2 for side in (x, y, z)])[order]
    return ConvexPiece("box", points, center, quat_from_matrix(axes), tuple(float(side) for side in half))


def _nearest_axes(axes: Array) -> tuple[list[int], Array]:
    """Return the order and signs of columns that bring a frame close to the world's and make it right-handed."""
    order: list[int] = []
    for row in np.abs(axes):
        order.append(next(int(i) for i in np.argsort(-row, kind="stable") if int(i) not in order))
    chosen = axes[:, order]
    signs = np.where(np.diag(chosen) < 0.0, -1.0, 1.0)
    if np.linalg.det(chosen * signs) < 0.0:
        signs[int(np.argmin(np.abs(np.diag(chosen))))] *= -1.0
    return order, signs


def quat_from_matrix(matrix: Array) -> Array:
    """Return the quaternion (4,) xyzw of a rotation matrix (3, 3); the largest component is computed first."""
    m = matrix
    squares = np.array(
        [
            1 + m[0, 0] - m[1, 1] - m[2, 2],
            1 - m[0, 0] + m[1, 1] - m[2, 2],
            1 - m[0, 0] - m[1, 1] + m[2, 2],
            1 + m[0, 0] + m[1, 1] + m[2, 2],
        ]
    )
    # The products of a quaternion's components, 4 q_i q_j, on and beside the diagonal.
    products = np.array(
        [
            [squares[0], m[1, 0] + m[0, 1], m[0, 2] + m[2, 0], m[2, 1] - m[1, 2]],
            [m[1, 0] + m[0, 1], squares[1], m[2, 1] + m[1, 2], m[0, 2] - m[2, 0]],
            [m[0, 2] + m[2, 0], m[2, 1] + m[1, 2], squares[2], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], squares[3]],
        ]
    )
    row = products[int(np.argmax(squares))]
    return row / np.linalg.norm(row)
