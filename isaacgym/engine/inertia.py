"""Mass properties: of shapes of one density, of bodies joined into one, and repaired where a file's cannot be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isaacgym.engine.asset import Shape
from isaacgym.engine.frames import quat_to_matrix

Array = NDArray[np.float64]

SLENDER = 1e-6
"""Smallest ratio of the second moments of mass that a repaired tensor gets: no real body is an exact plane or rod."""


@dataclass(frozen=True)
class MassProperties:
    """What a rigid body opposes to forces and torques."""

    mass: float
    """kg."""
    com: Array
    """(3,) m, center of mass."""
    inertia: Array
    """(3, 3) kg m^2, about the center of mass."""

    def moved(self, pos: Array, quat: Array) -> MassProperties:
        """Return the same body, expressed in the frame in which its own frame is at ``pos``, ``quat``."""
        rotation = quat_to_matrix(quat)
        return MassProperties(self.mass, pos + rotation @ self.com, rotation @ self.inertia @ rotation.T)


def parallel_axis(mass: float, offset: Array) -> Array:
    """Return the inertia (3, 3) of a point mass at ``offset`` (Huygens and Steiner)."""
    return mass * (offset @ offset * np.eye(3) - np.outer(offset, offset))


def joined(parts: Iterable[MassProperties]) -> MassProperties:
    """Return the mass properties of parts that are fixed to each other, all given in one frame."""
    parts = list(parts)
    mass = sum(part.mass for part in parts)
    if mass <= 0.0:
        return MassProperties(0.0, np.zeros(3), sum((part.inertia for part in parts), np.zeros((3, 3))))
    com = sum((part.mass * part.com for part in parts), np.zeros(3)) / mass
    inertia = sum((part.inertia + parallel_axis(part.mass, part.com - com) for part in parts), np.zeros((3, 3)))
    return MassProperties(mass, com, inertia)


def of_shapes(shapes: Iterable[Shape], density: float) -> MassProperties:
    """Return the mass properties, in the body's frame, of solid shapes of one density in kg/m^3.

    Overlaps count twice, as in PhysX.
    """
    return joined(of_shape(shape, density).moved(shape.pos, shape.quat) for shape in shapes)


def of_shape(shape: Shape, density: float) -> MassProperties:
    """Return the mass properties of one solid shape in its own frame."""
    if shape.kind == "mesh":
        if shape.vertices is None or shape.triangles is None:
            raise ValueError("a shape of kind 'mesh' needs vertices and triangles")
        return of_solid(shape.vertices, shape.triangles, density)
    volume, squares = _moments(shape.kind, shape.size)
    second = density * volume * np.asarray(squares)
    return MassProperties(density * volume, np.zeros(3), np.diag(second.sum() - second))


def _moments(kind: str, size: tuple[float, ...]) -> tuple[float, tuple[float, float, float]]:
    """Return the volume, m^3, and the means of x^2, y^2, z^2 over it, m^2."""
    if kind == "box":
        x, y, z = size
        return 8 * x * y * z, (x * x / 3, y * y / 3, z * z / 3)
    if kind == "sphere":
        square = size[0] ** 2 / 5
        return 4 / 3 * np.pi * size[0] ** 3, (square, square, square)
    if kind == "ellipsoid":
        x, y, z = size
        return 4 / 3 * np.pi * x * y * z, (x * x / 5, y * y / 5, z * z / 5)
    radius, half = size
    tube = 2 * np.pi * radius**2 * half
    if kind == "cylinder":
        return tube, (radius**2 / 4, radius**2 / 4, half**2 / 3)
    if kind != "capsule":
        raise ValueError(f"unknown kind of shape '{kind}'")
    # The two half spheres make one ball; its z^2 grows with the distance h at which its halves sit: the mean of
    # (z + h)^2 over a half ball is r^2/5 + 2 h (3 r/8) + h^2.
    ball = 4 / 3 * np.pi * radius**3
    across = (tube * radius**2 / 4 + ball * radius**2 / 5) / (tube + ball)
    along = (tube * half**2 / 3 + ball * (radius**2 / 5 + 0.75 * radius * half + half**2)) / (tube + ball)
    return tube + ball, (across, across, along)


def of_solid(vertices: Array, triangles: NDArray[np.int32], density: float) -> MassProperties:
    """Return the mass properties of the solid inside a closed surface with outward triangles.

    Every triangle spans a tetrahedron with the origin; signed volumes and second moments add up (Tonon, "Explicit
    exact formulas for the 3-D tetrahedron inertia tensor", 2005).
    """
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    six_volumes = np.einsum("ij,ij->i", a, np.cross(b, c))
    volume = six_volumes.sum() / 6
    if volume <= 0.0:
        return MassProperties(0.0, vertices.mean(axis=0), np.zeros((3, 3)))
    total = a + b + c
    com = six_volumes @ total / 24 / volume
    second = sum(np.einsum("t,ti,tj->ij", six_volumes, p, p) for p in (a, b, c, total)) / 120
    central = second - volume * np.outer(com, com)
    return MassProperties(density * volume, com, density * (np.trace(central) * np.eye(3) - central))


def is_physical(inertia: Array) -> bool:
    """Return whether a body could have this inertia: positive principal values, none above the sum of the others."""
    principal = np.linalg.eigvalsh(inertia)
    return bool(principal[0] > 0 and principal[0] + principal[1] >= principal[2] * (1 + 1e-9))


def repaired(inertia: Array) -> Array:
    """Return the inertia (3, 3) itself if a body can have it, else one close to it that a body can have.

    The second moments of mass along the principal axes, p_i = (I_j + I_k - I_i) / 2, must be positive; those that
    are not become a small positive number, so the largest principal inertia hardly changes. The axes are kept.
    """
    symmetric = (inertia + inertia.T) / 2
    if is_physical(symmetric):
        return symmetric
    principal, axes = np.linalg.eigh(symmetric)
    second = principal.sum() / 2 - principal
    scale = float(np.abs(principal).max())
    if second.max() < SLENDER * scale:
        second = np.full(3, scale / 2)  # nothing of it is usable, so it becomes that of a ball
    second = np.maximum(second, SLENDER * second.max())
    return (axes * (second.sum() - second)) @ axes.T
