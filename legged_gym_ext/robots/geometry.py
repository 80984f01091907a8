"""Rotations, mirror images, inertias and sample points of primitive shapes; pure functions on tuples."""

import itertools
import math
from dataclasses import replace

import numpy as np

from legged_gym_ext.robots.base import GeomCfg, Inertia, LinkCfg, RotorCfg, Vec3

Quat = tuple[float, float, float, float]


def rpy_to_quat(rpy: Vec3) -> Quat:
    """Quaternion (w, x, y, z) of the rotation about fixed x, y, z by ``rpy`` in rad: q = qz * qy * qx."""
    cr, cp, cy = (math.cos(0.5 * a) for a in rpy)
    sr, sp, sy = (math.sin(0.5 * a) for a in rpy)
    return (
        cr * cp * cy + sr * sp * sy,
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
    )


def rpy_to_matrix(rpy: Vec3) -> np.ndarray:
    """Rotation matrix (3, 3), geom to link frame, of the fixed-axis angles ``rpy`` in rad: Rz @ Ry @ Rx."""
    (cr, cp, cy), (sr, sp, sy) = ([math.cos(a) for a in rpy], [math.sin(a) for a in rpy])
    rx = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    ry = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    rz = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return rz @ ry @ rx


def flip_vec(vec: Vec3, signs: Vec3) -> Vec3:
    """Component-wise product; ``signs`` of -1 mirror that axis. Adding 0.0 keeps zeros positive."""
    return (signs[0] * vec[0] + 0.0, signs[1] * vec[1] + 0.0, signs[2] * vec[2] + 0.0)


def flip_inertia(inertia: Inertia, signs: Vec3) -> Inertia:
    """Mirror image of an inertia (kg m^2): a product of inertia changes sign with each of its axes."""
    x, y, z = signs
    ixx, ixy, ixz, iyy, iyz, izz = inertia
    return (ixx, x * y * ixy + 0.0, x * z * ixz + 0.0, iyy, y * z * iyz + 0.0, izz)


def flip_geom(geom: GeomCfg, signs: Vec3) -> GeomCfg:
    """Mirror image of a shape, which every primitive is of itself: S R(rpy) S with S = diag(``signs``)."""
    x, y, z = signs
    rpy = flip_vec(geom.rpy, (y * z, x * z, x * y))
    return replace(geom, pos=flip_vec(geom.pos, signs), rpy=rpy)


def inertia_matrix(inertia: Inertia) -> np.ndarray:
    """Symmetric matrix (3, 3) in kg m^2 from (ixx, ixy, ixz, iyy, iyz, izz)."""
    ixx, ixy, ixz, iyy, iyz, izz = inertia
    return np.array([[ixx, ixy, ixz], [ixy, iyy, iyz], [ixz, iyz, izz]])


def merge_rotors(link: LinkCfg, rotors: tuple[RotorCfg, ...]) -> LinkCfg:
    """``link`` with the rigidly attached ``rotors`` made part of its mass, center of mass and inertia.

    Every part's inertia moves to the common center of mass by the parallel axis theorem,
    I' = I + m (|d|^2 1 - d d^T), with d from the common to the part's center of mass.
    """
    if not rotors:
        return link
    masses = [link.mass, *(rotor.mass for rotor in rotors)]
    coms = np.array([link.com, *(rotor.origin for rotor in rotors)])  # (parts, 3)
    inertias = [link.inertia, *(rotor.inertia for rotor in rotors)]
    mass = math.fsum(masses)
    com = np.average(coms, axis=0, weights=masses)
    total = np.zeros((3, 3))
    for part_mass, part_com, part_inertia in zip(masses, coms, inertias, strict=True):
        d = part_com - com
        total += inertia_matrix(part_inertia) + part_mass * (d @ d * np.eye(3) - np.outer(d, d))
    x, y, z = (float(v) for v in com)
    upper = [float(total[i, j]) for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))]
    return replace(link, mass=mass, com=(x, y, z), inertia=(upper[0], upper[1], upper[2], upper[3], upper[4], upper[5]))


def sample_points(geom: GeomCfg) -> tuple[Vec3, ...]:
    """Points (m, link frame) by which a penetration of the collision shape ``geom`` into a box is noticed.

    A box gives the 42 points of a 5 x 3 x 3 grid that lie on its surface, a capsule five points along its axis, a
    cylinder the centers of both ends and four points on the rim of each, anything else its center.
    """
    if geom.type == "box":
        grid = itertools.product((-1.0, -0.5, 0.0, 0.5, 1.0), (-1.0, 0.0, 1.0), (-1.0, 0.0, 1.0))
        unit = [p for p in grid if max(abs(c) for c in p) == 1.0]
        local = np.array(unit) * np.array(geom.size)
    elif geom.type == "capsule":
        local = np.array([[0.0, 0.0, s * geom.size[1]] for s in (-1.0, -0.5, 0.0, 0.5, 1.0)])
    elif geom.type == "cylinder":
        radius, half = geom.size
        ring = ((0.0, 0.0), (radius, 0.0), (-radius, 0.0), (0.0, radius), (0.0, -radius))
        local = np.array([[x, y, z] for z in (-half, half) for x, y in ring])
    else:
        local = np.zeros((1, 3))
    points = local @ rpy_to_matrix(geom.rpy).T + np.array(geom.pos)
    return tuple((round(float(x), 9), round(float(y), 9), round(float(z), 9)) for x, y, z in points)
