"""Grounds from what callers pass: planes, int16 height fields, triangle meshes."""

from __future__ import annotations

import numpy as np

from isaacgym.api.params import HeightFieldParams, PlaneParams, TriangleMeshParams
from isaacgym.api.vectors import Transform, Vec3
from isaacgym.engine.grounds import ConvexPieces, Ground, HeightField, Material, Plane


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
    from isaacgym.engine.terrain import HeightFieldGround, ground_of_mesh

    points = np.asarray(vertices, dtype=np.float32).reshape(-1)
    faces = np.asarray(triangles).reshape(-1)
    if points.size != 3 * params.nb_vertices or faces.size != 3 * params.nb_triangles:
        raise ValueError(
            f"a mesh of {params.nb_vertices} vertices and {params.nb_triangles} triangles needs three numbers for "
            f"each, and {points.size} and {faces.size} were given"
        )
    found = ground_of_mesh(points.reshape(-1, 3), faces.reshape(-1, 3).astype(np.uint32))
    pos, quat = _pose(params.transform)
    material = _material(params)
    if isinstance(found, HeightFieldGround):
        origin = params.transform.transform_point(Vec3(*found.origin))
        spacing = (found.spacing_x, found.spacing_y)
        return [HeightField(np.asarray(found.heights), spacing, np.array(origin.values()), quat, material)]
    turn = np.array([params.transform.r.rotate(axis).values() for axis in _axes()]).T
    return [ConvexPieces([piece.vertices @ turn.T + pos for piece in found], material)]


def _axes() -> list[Vec3]:
    """Return the unit vectors along x, y, z."""
    return [Vec3(1.0, 0.0, 0.0), Vec3(0.0, 1.0, 0.0), Vec3(0.0, 0.0, 1.0)]


def _pose(transform: Transform) -> tuple[np.ndarray, np.ndarray]:
    return np.array(transform.p.values()), np.array(transform.r.normalize().values())
