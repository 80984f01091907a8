"""Grounds from what callers pass: planes, int16 height fields, triangle meshes."""

from __future__ import annotations

import logging
import os

import numpy as np

from isaacgym.api.params import HeightFieldParams, PlaneParams, TriangleMeshParams
from isaacgym.api.vectors import Quat, Transform, Vec3
from isaacgym.engine.convex import ConvexPiece
from isaacgym.engine.grounds import ConvexPieces, Ground, HeightField, Material, Piece, Plane
from isaacgym.engine.rasterize import surface_of_mesh
from isaacgym.engine.terrain import HeightFieldGround, grid_of_mesh, ground_of_mesh

log = logging.getLogger(__name__)

SHARP_WALLS = "ISAACGYM_SHARP_WALLS"
"""Environment variable: where it is 1, slopes in place of a mesh's walls are half a sample wide. Unmodified code has no
other place for such a choice, and steps on legged_gym's terrain take 1.6 times as long with it."""
_AXES = (Vec3(1.0, 0.0, 0.0), Vec3(0.0, 1.0, 0.0), Vec3(0.0, 0.0, 1.0))


def _material(params: PlaneParams | HeightFieldParams | TriangleMeshParams) -> Material:
    # MuJoCo has one coefficient; the dynamic one decides how feet slide.
    return Material(params.dynamic_friction, params.restitution)


def plane_of(params: PlaneParams) -> Plane:
    """Return the plane.

    Raises:
        ValueError: where the normal has no length.
    """
    normal = np.array(params.normal.values())
    length = float(np.linalg.norm(normal))
    if not length > 0.0:
        raise ValueError("the normal of a ground plane must not be the zero vector")
    return Plane(normal / length, params.distance / length, _material(params))


def height_field_of(samples: np.ndarray, params: HeightFieldParams) -> HeightField:
    """Return the height field.

    Raises:
        ValueError: where there are more or fewer samples than rows times columns.
    """
    values = np.asarray(samples)
    if values.size != params.nbRows * params.nbColumns or min(params.nbRows, params.nbColumns) < 2:
        raise ValueError(
            f"a height field of {params.nbRows} rows and {params.nbColumns} columns needs as many samples, "
            f"and {values.size} were given"
        )
    heights = values.reshape(params.nbColumns, params.nbRows).astype(np.float32) * params.vertical_scale
    pos, quat = _pose(params.transform)
    return HeightField(heights, (params.column_scale, params.row_scale), pos, quat, _material(params))


def mesh_grounds_of(vertices: np.ndarray, triangles: np.ndarray, params: TriangleMeshParams) -> list[Ground]:
    """Return what a triangle mesh consists of.

    Raises:
        ValueError: for wrong numbers of vertices or triangles, or a mesh that is no terrain.
    """
    points = np.asarray(vertices, dtype=np.float32).reshape(-1)
    faces = np.asarray(triangles).reshape(-1)
    if points.size != 3 * params.nb_vertices or faces.size != 3 * params.nb_triangles:
        raise ValueError(
            f"a mesh of {params.nb_vertices} vertices and {params.nb_triangles} triangles needs three numbers for "
            f"each, and {points.size} and {faces.size} were given"
        )
    if faces.size and (int(faces.min()) < 0 or int(faces.max()) >= params.nb_vertices):
        raise ValueError(f"the triangles of a mesh of {params.nb_vertices} vertices use vertex {int(faces.max())}")
    parts = _parts_of_mesh(points.reshape(-1, 3), faces.reshape(-1, 3).astype(np.uint32))
    material = _material(params)
    grounds: list[Ground] = [_field(part, params) for part in parts if isinstance(part, HeightFieldGround)]
    pieces = [_moved(part, params.transform) for part in parts if not isinstance(part, HeightFieldGround)]
    return [*grounds, ConvexPieces(pieces, material)] if pieces else grounds


def _parts_of_mesh(vertices: np.ndarray, triangles: np.ndarray) -> list[ConvexPiece | HeightFieldGround]:
    """Return a grid, else a surface that is sampled, else the pieces: from the quickest to recognize to the slowest."""
    whole = grid_of_mesh(vertices, triangles)
    if whole is not None:
        return [whole]
    surface = surface_of_mesh(vertices, triangles)
    if surface is not None:
        log.warning("a terrain mesh is an irregular surface; it is sampled every %.3f m", surface.spacing_x)
        return [surface]
    found = ground_of_mesh(vertices, triangles)
    return [found] if isinstance(found, HeightFieldGround) else list(found)


def _field(part: HeightFieldGround, params: TriangleMeshParams) -> HeightField:
    """Return a grid of a mesh where its transform puts it; with ``SHARP_WALLS`` set, of half its spacing."""
    if os.environ.get(SHARP_WALLS, "0") not in ("", "0") and part.walls_x is not None:
        part = part.sharpened()
    origin = params.transform.transform_point(Vec3(*part.origin))
    _, quat = _pose(params.transform)
    spacing = (part.spacing_x, part.spacing_y)
    return HeightField(np.asarray(part.heights), spacing, np.array(origin.values()), quat, _material(params))


def _moved(piece: ConvexPiece, transform: Transform) -> Piece:
    """Return a piece where a transform puts it."""
    turn = np.array([transform.r.rotate(axis).values() for axis in _AXES]).T
    pose = transform * Transform(Vec3(*piece.pos), Quat(*piece.quat))
    corners = piece.vertices @ turn.T + np.array(transform.p.values())
    return Piece(corners, np.array(pose.p.values()), np.array(pose.r.normalize().values()), piece.size)


def _pose(transform: Transform) -> tuple[np.ndarray, np.ndarray]:
    return np.array(transform.p.values()), np.array(transform.r.normalize().values())
