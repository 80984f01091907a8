"""Contacts of the legs with the height field, in the ``warp`` backend.

MuJoCo Warp finds contacts with a height field by its general method for convex shapes, prism by prism, which took about
half of a physics step on rough ground. Feet are spheres, and shins and thighs capsules; for those the distance to
a triangle has a closed form (Ericson, Real-Time Collision Detection, 2005, chapter 5). So these pairs are taken from
the engine, one thread looks at each shape, and the contacts are appended to the engine's own.
"""

# pyright: reportInvalidTypeForm=false, reportGeneralTypeIssues=false, reportIndexIssue=false, reportCallIssue=false
# pyright: reportAttributeAccessIssue=false, reportOperatorIssue=false, reportArgumentType=false
# pyright: reportAssignmentType=false
# (kernels are written in Warp's own language, and the names of compiled modules are unknown to the type checker)

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
import warp as wp
from mujoco_warp._src.types import vec5

from legged_gym_ext.sim.scene import GROUND
from legged_gym_ext.terrain.height_field import HeightField
from st_rl.utils.attributes import attributes, set_attributes

_ROUND = (int(mujoco.mjtGeom.mjGEOM_SPHERE), int(mujoco.mjtGeom.mjGEOM_CAPSULE))
_GROUND_BIT = 1 << 8
"""Bit of the collision types of the ground and of what the engine still collides with it."""
_CAPSULE = wp.constant(int(mujoco.mjtGeom.mjGEOM_CAPSULE))
_MAX_CONTACTS = wp.constant(6)
"""Contacts of one shape with the ground at most."""


def take_from_engine(model: mujoco.MjModel) -> list[int]:
    """Keep the engine from colliding the ground with the spheres and capsules of ``model``; their geoms' numbers."""
    ground = int(model.geom(GROUND).id)
    with_ground = _collide(model, ground)
    mine = [i for i in np.flatnonzero(with_ground).tolist() if model.geom_type[i] in _ROUND]
    others = np.setdiff1d(np.flatnonzero(with_ground), mine)
    model.geom_contype[ground], model.geom_conaffinity[ground] = _GROUND_BIT, 0
    model.geom_conaffinity[others] |= _GROUND_BIT
    assert not _collide(model, ground)[mine].any()
    return mine


def _collide(model: mujoco.MjModel, geom: int) -> np.ndarray:
    """(geoms,) bool: what ``geom`` collides with, by the engine's rule."""
    types, affinities = model.geom_contype, model.geom_conaffinity
    return ((types & affinities[geom]) | (affinities & types[geom])) != 0


@wp.struct
class Contacts:
    """The engine's arrays of contacts, all with an entry for each."""

    dist: wp.array[float]
    pos: wp.array[wp.vec3]
    frame: wp.array[wp.mat33]
    includemargin: wp.array[float]
    friction: wp.array[vec5]
    solref: wp.array[wp.vec2]
    solreffriction: wp.array[wp.vec2]
    solimp: wp.array[vec5]
    dim: wp.array[int]
    geom: wp.array[wp.vec2i]
    efc_address: wp.array2d[int]
    worldid: wp.array[int]
    type: wp.array[int]
    adhesion: wp.array[float]


@wp.struct
class Shapes:
    """The engine's arrays of geoms: one row, or a row for each world; ``geom_type`` has no rows."""

    geom_type: wp.array[int]
    geom_size: wp.array2d[wp.vec3]
    geom_friction: wp.array2d[wp.vec3]
    geom_solref: wp.array2d[wp.vec2]
    geom_solimp: wp.array2d[vec5]


class GroundContacts:
    """Appends the contacts of ``geoms`` with ``height_field`` to those of the engine."""

    def __init__(self, engine: Any, data: Any, geoms: list[int], height_field: HeightField) -> None:
        """``geoms``: what ``take_from_engine`` took. The engine's step then leaves collisions to the caller."""
        engine.opt.run_collision_detection = False  # within its step, where nothing can be appended
        self._data = data
        self._shapes, self._contacts = _view(Shapes, engine), _view(Contacts, data.contact)
        self._geoms = wp.array(geoms, dtype=wp.int32)
        self._heights = wp.array(height_field.heights.cpu().numpy(), dtype=wp.float32)
        self._grid = wp.vec3(height_field.x_min, height_field.y_min, height_field.cfg.cell)

    def append(self) -> None:
        """Launch it; the poses of the geoms and the engine's own contacts must be there."""
        data = self._data
        wp.launch(
            find_ground_contacts,
            (data.nworld, len(self._geoms)),
            inputs=[self._geoms, self._heights, self._grid, self._shapes, data.geom_xpos, data.geom_xmat],
            outputs=[self._contacts, data.nacon],
        )


def _view(struct: Any, owner: Any) -> Any:
    """A ``struct`` of the arrays that ``owner`` has under the names of its fields."""
    view = struct()
    set_attributes(view, attributes(owner, struct.vars))
    return view


@wp.func
def _closest_on_triangle(p: wp.vec3, a: wp.vec3, b: wp.vec3, c: wp.vec3) -> wp.vec3:
    """The point of the triangle (a, b, c) that is closest to p, by the Voronoi region that p is in."""
    ab, ac, ap = b - a, c - a, p - a
    d1, d2 = wp.dot(ab, ap), wp.dot(ac, ap)
    if d1 <= 0.0 and d2 <= 0.0:
        return a
    bp = p - b
    d3, d4 = wp.dot(ab, bp), wp.dot(ac, bp)
    if d3 >= 0.0 and d4 <= d3:
        return b
    vc = d1 * d4 - d3 * d2
    if vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
        return a + ab * (d1 / (d1 - d3))
    cp = p - c
    d5, d6 = wp.dot(ab, cp), wp.dot(ac, cp)
    if d6 >= 0.0 and d5 <= d6:
        return c
    vb = d5 * d2 - d1 * d6
    if vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
        return a + ac * (d2 / (d2 - d6))
    va = d3 * d6 - d5 * d4
    if va <= 0.0 and d4 - d3 >= 0.0 and d5 - d6 >= 0.0:
        return b + (c - b) * ((d4 - d3) / ((d4 - d3) + (d5 - d6)))
    scale = 1.0 / (va + vb + vc)
    return a + ab * (vb * scale) + ac * (vc * scale)


@wp.func
def _above(p: wp.vec3, a: wp.vec3, b: wp.vec3) -> bool:
    """Whether p is on the left of the line from a to b, or on it, as seen from above."""
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) >= 0.0


@wp.func
def _point_to_triangle(p: wp.vec3, a: wp.vec3, b: wp.vec3, c: wp.vec3, normal: wp.vec3) -> wp.vec4:
    """Direction from the triangle's closest point to p, and the distance, negative where the triangle is above p.

    A point that is under the plane of the triangle belongs to the triangle that is vertically above it; for others
    the distance is infinite.
    """
    height = wp.dot(normal, p - a)
    if height <= 0.0:
        if _above(p, a, b) and _above(p, b, c) and _above(p, c, a):
            return wp.vec4(normal[0], normal[1], normal[2], height)
        return wp.vec4(0.0, 0.0, 1.0, wp.inf)
    way = p - _closest_on_triangle(p, a, b, c)
    distance = wp.length(way)
    way = way / distance
    return wp.vec4(way[0], way[1], way[2], distance)


@wp.func
def _segment_to_edge(p: wp.vec3, q: wp.vec3, a: wp.vec3, b: wp.vec3) -> wp.vec2:
    """Where the segments (p, q) and (a, b) are closest, as fractions of each."""
    d1, d2, r = q - p, b - a, p - a
    e, f, g = wp.dot(d1, d1), wp.dot(d2, d2), wp.dot(d2, r)
    h, k = wp.dot(d1, r), wp.dot(d1, d2)
    denominator = e * f - k * k
    s = float(0.0)  # noqa: UP018 (a variable, not a constant, to Warp)
    if denominator > 1.0e-12:
        s = wp.clamp((k * g - h * f) / denominator, 0.0, 1.0)
    t = (k * s + g) / f
    if t < 0.0:
        t = 0.0
        s = wp.clamp(-h / e, 0.0, 1.0)
    elif t > 1.0:
        t = 1.0
        s = wp.clamp((k - h) / e, 0.0, 1.0)
    return wp.vec2(s, t)


@wp.func
def _height(heights: wp.array2d[float], grid: wp.vec3, p: wp.vec3) -> float:
    """Return the height of the ground under or above p, m, as ``HeightField.height_at`` has it."""
    u, v = (p[0] - grid[0]) / grid[2], (p[1] - grid[1]) / grid[2]
    i = wp.clamp(int(wp.floor(u)), 0, heights.shape[0] - 2)
    j = wp.clamp(int(wp.floor(v)), 0, heights.shape[1] - 2)
    fu, fv = u - float(i), v - float(j)
    low, high = heights[i, j], heights[i + 1, j + 1]
    if fu >= fv:
        right = heights[i + 1, j]
        return low + fu * (right - low) + fv * (high - right)
    left = heights[i, j + 1]
    return low + fv * (left - low) + fu * (high - left)


@wp.func
def _axis_to_triangle(
    p: wp.vec3, q: wp.vec3, a: wp.vec3, b: wp.vec3, c: wp.vec3, heights: wp.array2d[float], grid: wp.vec3
):
    """``_point_to_triangle`` of the point of the segment (p, q) for which it is smallest, and that point.

    It is an end of the segment, or the point closest to an edge. Where that is under the edge, it is also under the
    ground, or the ground leans away from it and does not count.
    """
    normal = wp.normalize(wp.cross(b - a, c - a))
    best, center = _point_to_triangle(p, a, b, c, normal), p
    if wp.length_sq(q - p) > 0.0:
        other = _point_to_triangle(q, a, b, c, normal)
        if other[3] < best[3]:
            best, center = other, q
        corners = wp.matrix_from_rows(a, b, c)
        for edge in range(3):
            start, end = corners[edge], corners[(edge + 1) % 3]
            at = _segment_to_edge(p, q, start, end)
            point = p + (q - p) * at[0]
            way = point - (start + (end - start) * at[1])
            distance = wp.length(way)
            if way[2] < 0.0 and point[2] < _height(heights, grid, point):
                distance = -distance
            if distance * way[2] > 0.0 and distance < best[3]:
                way = way / distance
                best, center = wp.vec4(way[0], way[1], way[2], distance), point
    return best, center


@wp.func
def _append(
    contacts: Contacts, shapes: Shapes, slot: int, world: int, geom: int, normal: wp.vec3, depth: float, pos: wp.vec3
):
    """Fill in one contact; its parameters are the geom's, not the ground's, as those of the robot take precedence."""
    across = wp.vec3(0.0, 1.0, 0.0)
    if wp.abs(normal[1]) > 0.5:
        across = wp.vec3(0.0, 0.0, 1.0)
    across = wp.normalize(across - normal * wp.dot(normal, across))
    contacts.frame[slot] = wp.matrix_from_rows(normal, across, wp.cross(normal, across))
    contacts.dist[slot] = depth
    contacts.pos[slot] = pos
    contacts.includemargin[slot] = 0.0
    mu = shapes.geom_friction[world % shapes.geom_friction.shape[0], geom]
    contacts.friction[slot] = vec5(mu[0], mu[0], mu[1], mu[2], mu[2])
    contacts.solref[slot] = shapes.geom_solref[world % shapes.geom_solref.shape[0], geom]
    contacts.solreffriction[slot] = wp.vec2(0.0, 0.0)
    contacts.solimp[slot] = shapes.geom_solimp[world % shapes.geom_solimp.shape[0], geom]
    contacts.dim[slot] = 3
    contacts.geom[slot] = wp.vec2i(0, geom)
    contacts.worldid[slot] = world
    contacts.type[slot] = 1
    contacts.adhesion[slot] = 0.0
    for row in range(contacts.efc_address.shape[1]):
        contacts.efc_address[slot, row] = -1


@wp.kernel
def find_ground_contacts(
    geoms: wp.array[int],
    heights: wp.array2d[float],
    grid: wp.vec3,
    shapes: Shapes,
    geom_xpos: wp.array2d[wp.vec3],
    geom_xmat: wp.array2d[wp.mat33],
    contacts: Contacts,
    num_contacts: wp.array[int],
):
    """(N, shapes) threads: one contact for each triangle of the ground that a sphere or capsule reaches into.

    ``grid`` holds the smallest x, the smallest y and the spacing of ``heights``, all in m.
    """
    world, index = wp.tid()
    geom = geoms[index]
    size = shapes.geom_size[world % shapes.geom_size.shape[0], geom]
    radius, half = size[0], wp.vec3(0.0, 0.0, 0.0)
    if shapes.geom_type[geom] == _CAPSULE:
        half = geom_xmat[world, geom] @ wp.vec3(0.0, 0.0, size[1])
    p, q = geom_xpos[world, geom] - half, geom_xpos[world, geom] + half
    lowest = wp.min(p[2], q[2]) - radius
    cell = grid[2]
    i0 = wp.max(int(wp.floor((wp.min(p[0], q[0]) - radius - grid[0]) / cell)), 0)
    i1 = wp.min(int(wp.floor((wp.max(p[0], q[0]) + radius - grid[0]) / cell)), heights.shape[0] - 2)
    j0 = wp.max(int(wp.floor((wp.min(p[1], q[1]) - radius - grid[1]) / cell)), 0)
    j1 = wp.min(int(wp.floor((wp.max(p[1], q[1]) + radius - grid[1]) / cell)), heights.shape[1] - 2)
    count = int(0)  # noqa: RUF046, UP018 (a variable, not a constant, to Warp)
    for i in range(i0, i1 + 1):
        for j in range(j0, j1 + 1):
            x, y = grid[0] + float(i) * cell, grid[1] + float(j) * cell
            near, far = wp.vec3(x, y, heights[i, j]), wp.vec3(x + cell, y + cell, heights[i + 1, j + 1])
            right, left = wp.vec3(x + cell, y, heights[i + 1, j]), wp.vec3(x, y + cell, heights[i, j + 1])
            if wp.max(wp.max(near[2], far[2]), wp.max(right[2], left[2])) > lowest:
                for side in range(2):
                    # Counter-clockwise as seen from above.
                    b, c = right, far
                    if side == 1:
                        b, c = far, left
                    best, center = _axis_to_triangle(p, q, near, b, c, heights, grid)
                    depth = best[3] - radius
                    if depth < 0.0 and count < _MAX_CONTACTS:
                        count += 1
                        slot = wp.atomic_add(num_contacts, 0, 1)
                        if slot < contacts.dist.shape[0]:
                            normal = wp.vec3(best[0], best[1], best[2])
                            pos = center - normal * (radius + 0.5 * depth)
                            _append(contacts, shapes, slot, world, geom, normal, depth, pos)
