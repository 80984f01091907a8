"""Static ground: planes, height fields and convex pieces, added to the model that all worlds share."""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

BASE = 1.0
"""Thickness of the solid below the lowest point of a height field, m."""


@dataclass(frozen=True)
class Material:
    """Friction and restitution of a ground."""

    friction: float
    restitution: float


@dataclass(frozen=True)
class Plane:
    """The points x with ``normal`` . x = -``distance``; ``normal`` (3,) of unit length."""

    normal: np.ndarray
    distance: float
    material: Material


@dataclass(frozen=True)
class HeightField:
    """Heights over a regular grid, in the frame of the transform that its caller gave."""

    heights: np.ndarray
    """(X, Y) m: the first index runs along x."""
    spacing: tuple[float, float]
    """m, along x and along y."""
    pos: np.ndarray
    """(3,) m, where sample (0, 0) of height 0 is."""
    quat: np.ndarray
    """(4,) xyzw."""
    material: Material


@dataclass(frozen=True)
class Piece:
    """A convex solid: the hull of ``corners``, which is a box where ``half`` is not empty."""

    corners: np.ndarray
    """(V, 3) m, global."""
    pos: np.ndarray
    """(3,) m, center of a box."""
    quat: np.ndarray
    """(4,) xyzw, from a box's axes to the world's."""
    half: tuple[float, ...] = ()
    """m, half extents of a box."""


@dataclass(frozen=True)
class ConvexPieces:
    """Convex solids."""

    pieces: list[Piece]
    material: Material


Ground = Plane | HeightField | ConvexPieces


def add_ground(spec: Any, ground: Ground, index: int) -> list[str]:
    """Add a ground to a model under construction; return the names of its geoms."""
    if isinstance(ground, Plane):
        return [_add_plane(spec, ground, f"ground{index}")]
    if isinstance(ground, HeightField):
        return [_add_height_field(spec, ground, f"ground{index}")]
    return [_add_piece(spec, piece, f"ground{index}_{i}") for i, piece in enumerate(ground.pieces)]


def _add_plane(spec: Any, ground: Plane, name: str) -> str:
    spec.worldbody.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        pos=-ground.distance * ground.normal,
        quat=_turn_z_to(ground.normal),
        size=[0.0, 0.0, 1.0],
        rgba=[0.4, 0.45, 0.5, 1.0],
        contype=0,
        conaffinity=0,
    )
    return name


def _turn_z_to(normal: np.ndarray) -> np.ndarray:
    """Return the quaternion wxyz of the shortest rotation from z to ``normal``."""
    quat = np.zeros(4)
    mujoco.mju_quatZ2Vec(quat, np.asarray(normal, float))
    return quat


def _add_height_field(spec: Any, ground: HeightField, name: str) -> str:
    heights = ground.heights
    low, high = float(heights.min()), float(heights.max())
    span = max(high - low, 1e-3)
    extent = ((heights.shape[0] - 1) * ground.spacing[0], (heights.shape[1] - 1) * ground.spacing[1])
    # The engine's rows run along y, and its elevations are fractions of the span.
    fractions = ((heights - low) / span).astype(np.float32).T
    spec.add_hfield(
        name=name,
        nrow=fractions.shape[0],
        ncol=fractions.shape[1],
        size=[0.5 * extent[0], 0.5 * extent[1], span, BASE],
        userdata=np.ascontiguousarray(fractions).ravel(),
    )
    center = np.array([0.5 * extent[0], 0.5 * extent[1], low])
    turned = np.zeros(3)
    quat = ground.quat[[3, 0, 1, 2]]
    mujoco.mju_rotVecQuat(turned, center, quat)
    spec.worldbody.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_HFIELD,
        hfieldname=name,
        pos=ground.pos + turned,
        quat=quat,
        rgba=[0.5, 0.5, 0.45, 1.0],
        contype=0,
        conaffinity=0,
    )
    return name


def _add_piece(spec: Any, piece: Piece, name: str) -> str:
    if piece.half:
        shape: dict[str, Any] = {"type": mujoco.mjtGeom.mjGEOM_BOX, "size": list(piece.half)}
        pos, quat = piece.pos, piece.quat[[3, 0, 1, 2]]
    else:
        pos, quat = piece.corners.mean(axis=0), np.array([1.0, 0.0, 0.0, 0.0])
        corners = (piece.corners - pos).astype(np.float32).ravel()
        spec.add_mesh(name=name, uservert=corners, inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
        shape = {"type": mujoco.mjtGeom.mjGEOM_MESH, "meshname": name}
    spec.worldbody.add_geom(
        name=name, pos=pos, quat=quat, rgba=[0.5, 0.5, 0.45, 1.0], contype=0, conaffinity=0, **shape
    )
    return name
