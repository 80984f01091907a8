"""Mesh files (binary and text STL, OBJ) and the convex hulls that stand for them in collisions."""

# MuJoCo's classes are made by its binary, where pyright does not see them.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isaacgym.engine.asset import AssetError, AssetNotFoundError

Array = NDArray[np.float64]
Triangles = NDArray[np.int32]

HULL_VERTICES = 64
"""Most corners of a hull: the limit of PhysX's GPU collisions, and the default of ``vhacd_params``."""
READABLE = (".stl", ".obj")
FLAT_THICKNESS = 1e-3
"""Thickness, relative to its size, that the hull of a flat mesh gets."""

STL_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def is_readable(path: Path) -> bool:
    """Return whether files of this kind are read at all."""
    return path.suffix.lower() in READABLE


@lru_cache(maxsize=256)
def read_mesh(path: Path) -> tuple[Array, Triangles]:
    """Return vertices (V, 3), in the file's unit, and triangles (T, 3) of a mesh file.

    Raises ``AssetNotFoundError`` where there is no such file and ``AssetError`` where it holds no triangles.
    """
    if not path.is_file():
        raise AssetNotFoundError(f"there is no mesh file '{path}'")
    if not is_readable(path):
        raise AssetError(f"'{path}' is not read: meshes have to be STL or OBJ files")
    data = path.read_bytes()
    if data.startswith(b"version https://git-lfs"):
        raise AssetError(f"'{path}' is a Git LFS pointer and not the mesh itself; run 'git lfs pull' in its repository")
    try:
        vertices, triangles = _read_obj(data) if path.suffix.lower() == ".obj" else _read_stl(data)
    except (ValueError, IndexError) as error:
        raise AssetError(f"'{path}' cannot be read as a mesh: {error}") from None
    if not len(triangles):
        raise AssetError(f"'{path}' holds no triangles")
    if not np.isfinite(vertices).all():
        raise AssetError(f"'{path}' has corners that are not finite numbers")
    vertices.setflags(write=False)
    triangles.setflags(write=False)
    return vertices, triangles


def _read_stl(data: bytes) -> tuple[Array, Triangles]:
    """Read either kind of STL; the length tells them apart, since some binary files also start with ``solid``."""
    count = int(np.frombuffer(data, "<u4", count=1, offset=80)[0]) if len(data) >= 84 else -1
    if count >= 0 and len(data) >= 84 + count * STL_RECORD.itemsize and not _is_text_stl(data):
        corners = np.frombuffer(data, STL_RECORD, count=count, offset=84)["corners"].reshape(-1, 3)
    else:
        words = data.split()
        places = [i for i, word in enumerate(words) if word == b"vertex"]
        corners = np.array([words[i + 1 : i + 4] for i in places], dtype="S32").astype(np.float64).reshape(-1, 3)
        if not len(corners) or len(corners) % 3:
            raise ValueError("it is neither a binary STL of the length that it states nor a text STL")
    return welded(corners.astype(np.float64))


def _is_text_stl(data: bytes) -> bool:
    return data.lstrip().startswith(b"solid") and b"facet" in data[:1024] and b"\0" not in data[:1024]


def _read_obj(data: bytes) -> tuple[Array, Triangles]:
    """Read vertices and faces of an OBJ file; polygons are cut into fans, groups and materials are ignored."""
    vertices: list[list[bytes]] = []
    triangles: list[tuple[int, int, int]] = []
    for line in data.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == b"v":
            vertices.append(words[1:4])
        elif words[0] == b"f":
            # Positive numbers count from 1, negative ones back from the last vertex so far.
            corners = [int(word.split(b"/")[0]) for word in words[1:]]
            corners = [i - 1 if i > 0 else len(vertices) + i for i in corners]
            triangles.extend((corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1))
    array = np.array(triangles, dtype=np.int32).reshape(-1, 3)
    if len(array) and (array.min() < 0 or array.max() >= len(vertices)):
        raise ValueError("a face names a vertex that is not there")
    return np.array(vertices, dtype="S32").astype(np.float64).reshape(-1, 3), array


def welded(corners: Array) -> tuple[Array, Triangles]:
    """Return distinct vertices and triangles of (3 T, 3) corners, in which equal points repeat."""
    points, position = distinct(corners)
    return points, position.reshape(-1, 3).astype(np.int32)


def distinct(points: Array) -> tuple[Array, NDArray[np.int64]]:
    """Return points (m, 3) without repetition, to single precision, and which of them each of ``points`` (n, 3) is."""
    keys = np.ascontiguousarray(points.astype(np.float32) + np.float32(0.0))  # + 0 turns -0 into 0
    packed = keys.view(np.dtype((np.void, keys.dtype.itemsize * 3))).ravel()
    _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    return points[first], inverse.ravel()


def convex_hull(vertices: Array, max_vertices: int = HULL_VERTICES) -> tuple[Array, Triangles]:
    """Return corners (H, 3) and outward triangles of the convex hull, with at most ``max_vertices`` corners.

    Where the hull has more, those that stick out farthest are kept. A flat set of points gets a small thickness.
    """
    points = np.unique(vertices, axis=0)
    center = (points.min(axis=0) + points.max(axis=0)) / 2
    extent = float(np.ptp(points, axis=0).max())
    if extent <= 0.0:
        raise AssetError("a mesh of a single point has no convex hull")
    scaled = (points - center) / extent
    spread, axes = np.linalg.svd(scaled - scaled.mean(axis=0), full_matrices=False)[1:]
    if len(scaled) < 4 or spread[2] < FLAT_THICKNESS / 100 * spread[0]:
        normal = axes[2] if len(axes) > 2 else np.cross(axes[0], axes[-1])
        scaled = np.concatenate((scaled - FLAT_THICKNESS / 2 * normal, scaled + FLAT_THICKNESS / 2 * normal))
    used, triangles = _hull_of_scaled(scaled, max_vertices)
    return scaled[used] * extent + center, triangles


def _hull_of_scaled(points: Array, max_vertices: int) -> tuple[NDArray[np.int32], Triangles]:
    """Return which points (H,) are corners of the hull and its triangles in terms of these, from MuJoCo's compiler."""
    import mujoco  # an engine is imported when it is needed

    spec = mujoco.MjSpec()
    mesh = spec.add_mesh(name="hull")
    mesh.uservert = points.astype(np.float32).ravel()
    mesh.maxhullvert = max_vertices
    mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="hull")
    try:
        graph = spec.compile().mesh_graph
    except ValueError as error:
        raise AssetError(f"MuJoCo finds no convex hull of a mesh: {str(error).splitlines()[0]}") from None
    # The graph holds: number of corners V and of faces F, V edge addresses, V point numbers, V + 3 F edges, 3 F faces.
    corners, faces = int(graph[0]), int(graph[1])
    used = graph[2 + corners : 2 + 2 * corners]
    start = 2 + 3 * corners + 3 * faces
    triangles = graph[start : start + 3 * faces].reshape(-1, 3)
    position = np.full(len(points), -1, dtype=np.int32)
    position[used] = np.arange(corners)
    return used.copy(), position[triangles]


@lru_cache(maxsize=256)
def read_hull(path: Path, scale: tuple[float, float, float]) -> tuple[Array, Triangles]:
    """Return corners (H, 3) m and triangles of the convex hull of a scaled mesh file; errors as in ``read_mesh``."""
    vertices, triangles = convex_hull(read_mesh(path)[0] * np.asarray(scale))
    vertices.setflags(write=False)
    triangles.setflags(write=False)
    return vertices, triangles
