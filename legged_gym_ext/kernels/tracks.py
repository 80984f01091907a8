"""Where robots are on their tracks, and what of the tracks is below and inside them.

``legged_gym_ext.terrain.queries`` has the same of tensors, operation by operation. N worlds, M blocks a track, K boxes
a world: M + 1 floors, then ``slots`` boxes for the obstacle of every block, then side walls.
"""

from __future__ import annotations

import numpy as np

from legged_gym_ext.kernels.compiler import Array, array, compiled, fma, inlined, integer, single

_ZERO, _ONE, _TWO, _TINY = np.float32(0.0), np.float32(1.0), np.float32(2.0), np.float32(1e-9)
_INFINITE = np.float32(np.inf)
_BEHIND_AT_MOST = np.float32(-1.5)


@compiled(
    *(array("float", 2), array("float", 2), array("float", 2), array("float", 2), single, single),
    *(array("long", 1), array("bool", 1), array("long", 1), array("float", 1)),
)
def locate(
    first: int,
    last: int,
    root_states: Array,
    start: Array,
    end: Array,
    floor_height: Array,
    leave: float,
    reach_behind: float,
    index: Array,
    engaged: Array,
    near: Array,
    floor: Array,
) -> None:
    """Find the obstacles around the bases.

    Args:
        root_states: (N, 13), of which only x matters.
        start: (N, M) m; ``end`` likewise, and ``floor_height (N, M + 1)``: see ``Tracks``.
        leave: an obstacle is at hand until the base is so far beyond it, m.
        reach_behind: an obstacle is near until the base is so far beyond it, m.
        index: receives the obstacle at hand (N,), M - 1 where none is left.
        engaged: receives whether there is one (N,).
        near: receives the first obstacle that is near (N,), M - 1 where none is.
        floor: receives the lower of the floors before and behind the place of the base, (N,) m.
    """
    blocks = end.shape[1]
    for n in range(first, last):
        x = root_states[n, 0]
        left = passed = behind = begun = 0
        for block in range(blocks):
            left += x >= end[n, block] + leave
            passed += x >= end[n, block] + reach_behind
            behind += x > end[n, block]
            begun += x > start[n, block]
        index[n], engaged[n] = min(left, blocks - 1), left <= blocks - 1
        near[n] = min(passed, blocks - 1)
        floor[n] = min(floor_height[n, behind], floor_height[n, begun])


@compiled(
    *(array("float", 2), array("float", 2), array("long", 2), array("float", 3)),
    *(array("long", 1), array("bool", 1), single, array("float", 2)),
)
def engaging(
    first: int,
    last: int,
    root_states: Array,
    start: Array,
    obstacle_id: Array,
    info: Array,
    index: Array,
    engaged: Array,
    reach: float,
    out: Array,
) -> None:
    """Write the segment ``engaging_block``, ``out (N, 8)``; see ``legged_gym_ext.mdp`` for its content.

    Args:
        obstacle_id: (N, M); ``info`` (N, M, 2); ``index`` and ``engaged`` (N,) as ``locate`` finds them.
        reach: obstacles farther ahead than this do not count, m.
    """
    for n in range(first, last):
        at = index[n]
        ahead = start[n, at] - root_states[n, 0]
        there = engaged[n] and ahead < reach
        row = out[n]
        row[:] = _ZERO
        row[0] = min(max(ahead, _BEHIND_AT_MOST), reach) if there else reach
        row[1 + (obstacle_id[n, at] if there else 0)] = _ONE
        if there:
            for place in range(2):
                row[6 + place] = min(max(info[n, at, place], -_ONE), _ONE)


@inlined
def _axis(box: Array, axis: int, out: Array) -> None:
    """An axis of ``box (10,)`` in the world: ``v + w t + q x t``, ``t = 2 q x v``."""
    qx, qy, qz, qw = box[3], box[4], box[5], box[6]
    x, y, z = _ONE * (axis == 0), _ONE * (axis == 1), _ONE * (axis == 2)
    tx = _TWO * fma(qy, z, -(qz * y))
    ty = _TWO * fma(qz, x, -(qx * z))
    tz = _TWO * fma(qx, y, -(qy * x))
    out[0] = (x + qw * tx) + fma(qy, tz, -(qz * ty))
    out[1] = (y + qw * ty) + fma(qz, tx, -(qx * tz))
    out[2] = (z + qw * tz) + fma(qx, ty, -(qy * tx))


@inlined
def _raise_upright(box: Array, x: Array, y: Array, height: Array) -> None:
    """Raise ``height (P,)`` to the upper face of the box above those of the points that are below it."""
    cx, cy, hx, hy = box[0], box[1], box[7], box[8]
    top = box[2] + box[9]
    for p in range(len(x)):
        inside = (abs(x[p] - cx) - hx <= _ZERO) & (abs(y[p] - cy) - hy <= _ZERO)
        height[p] = max(height[p], top if inside else _ZERO)


@inlined
def _raise_turned(box: Array, x: Array, y: Array, height: Array, axes: Array) -> None:
    """As ``_raise_upright``, of a box that is turned: slab method, straight down; ``axes (3, 3)`` is overwritten."""
    for axis in range(3):
        _axis(box, axis, axes[axis])
    for p in range(len(x)):
        dx, dy = x[p] - box[0], y[p] - box[1]
        enter, leave = -_INFINITE, _INFINITE
        for axis in range(3):
            down = -axes[axis, 2]
            inverse = _ONE / (_TINY if abs(down) < _TINY else down)
            middle = (axes[axis, 0] * dx + axes[axis, 1] * dy) * inverse
            reach = box[7 + axis] * abs(inverse)
            enter, leave = max(enter, -middle - reach), min(leave, reach - middle)
        if enter <= leave:
            height[p] = max(height[p], box[2] - enter)


@inlined
def _column(place: int, near: int, blocks: int, slots: int) -> int:
    """The box at a ``place`` in the list of near ones: three floors, the obstacles of two blocks, the side walls."""
    if place < 3:
        return min(near + place, blocks)
    place -= 3
    if place < 2 * slots:
        block = min(near + place // slots, blocks - 1)
        return blocks + 1 + block * slots + place % slots
    return blocks + 1 + blocks * slots + place - 2 * slots


@compiled(
    *(array("float", 2), array("float", 1), array("float", 1), array("float", 2), single),
    *(array("float", 3), array("bool", 2), array("long", 1), integer, integer, array("float", 2)),
    fast=True,
)
def height_scan(
    first: int,
    last: int,
    root_states: Array,
    cos: Array,
    sin: Array,
    grid: Array,
    offset: float,
    boxes: Array,
    overhang: Array,
    near: Array,
    blocks: int,
    slots: int,
    out: Array,
) -> None:
    """Write how far the bases are above the ground around them, less ``offset`` m, in [-1, 1] m, ``out (N, P)``.

    Args:
        root_states: (N, 13).
        cos: (N,) of the headings; ``sin`` likewise.
        grid: (2, P) m, x and y of the points in the headings' frames.
        boxes: (N, K, 10).
        overhang: (N, K), boxes that are not ground.
        near: (N,) as ``locate`` finds it.
        blocks: M.
    """
    points = grid.shape[1]
    x, y, height = np.empty(points, np.float32), np.empty(points, np.float32), np.empty(points, np.float32)
    axes = np.empty((3, 3), np.float32)
    places = 3 + 2 * slots + boxes.shape[1] - (blocks + 1 + blocks * slots)
    for n in range(first, last):
        c, s = cos[n], sin[n]
        for p in range(points):
            x[p] = (c * grid[0, p] - s * grid[1, p]) + root_states[n, 0]
            y[p] = (s * grid[0, p] + c * grid[1, p]) + root_states[n, 1]
            height[p] = _ZERO
        for place in range(places):
            column = _column(place, near[n], blocks, slots)
            box = boxes[n, column]
            if box[9] > _ZERO and not overhang[n, column]:
                if box[3] == _ZERO and box[4] == _ZERO and box[5] == _ZERO:
                    _raise_upright(box, x, y, height)
                else:
                    _raise_turned(box, x, y, height, axes)
        above = root_states[n, 2] - offset
        for p in range(points):
            out[n, p] = min(max(above - height[p], -_ONE), _ONE)


@inlined
def _point(state: Array, point: Array, out: Array) -> None:
    """Where a ``point (3,)`` of a body in the ``state (13,)`` is in the world."""
    qx, qy, qz, qw = state[3], state[4], state[5], state[6]
    x, y, z = point[0], point[1], point[2]
    tx = _TWO * fma(qy, z, -(qz * y))
    ty = _TWO * fma(qz, x, -(qx * z))
    tz = _TWO * fma(qx, y, -(qy * x))
    out[0] = state[0] + ((x + qw * tx) + fma(qy, tz, -(qz * ty)))
    out[1] = state[1] + ((y + qw * ty) + fma(qz, tx, -(qx * tz)))
    out[2] = state[2] + ((z + qw * tz) + fma(qx, ty, -(qy * tx)))


@compiled(array("float", 3), array("float", 2), array("long", 1), array("float", 3))
def body_points(first: int, last: int, body_states: Array, points: Array, point_bodies: Array, out: Array) -> None:
    """Write where the ``points (P, 3)`` on the bodies ``point_bodies (P,)`` are, ``out (N, P, 3)`` m."""
    for n in range(first, last):
        for p in range(len(points)):
            _point(body_states[n, point_bodies[p]], points[p], out[n, p])


@inlined
def _deepen(box: Array, x: Array, y: Array, z: Array, depth: Array) -> None:
    """Raise ``depth (P,)`` to how deep the points are in an upright box."""
    for p in range(len(x)):
        beyond_x, beyond_y = abs(x[p] - box[0]) - box[7], abs(y[p] - box[1]) - box[8]
        beyond_z = abs(z[p] - box[2]) - box[9]
        depth[p] = max(depth[p], -max(beyond_x, beyond_y, beyond_z))


@compiled(
    *(array("float", 3), array("float", 2), array("long", 1), array("float", 3), array("bool", 2), array("bool", 2)),
    *(array("long", 1), integer, integer, integer, array("float", 2)),
    fast=True,
)
def penetration(
    first: int,
    last: int,
    body_states: Array,
    points: Array,
    point_bodies: Array,
    boxes: Array,
    obstacle: Array,
    solid: Array,
    near: Array,
    blocks: int,
    slots: int,
    yielding: int,
    depth: Array,
) -> None:
    """Write how deep the points of the bodies are in soft obstacles, ``depth (N, P)`` m.

    Args:
        body_states: (N, B, 13); ``points`` and ``point_bodies`` as in ``body_points``.
        obstacle: (N, K), boxes that can be soft, which stand upright; ``solid`` (N, K), those that are not now.
        near: (N,) as ``locate`` finds it.
        yielding: how many of a block's ``slots`` can be soft, the first ones.
    """
    count = len(points)
    x, y, z = np.empty(count, np.float32), np.empty(count, np.float32), np.empty(count, np.float32)
    place = np.empty(3, np.float32)
    for n in range(first, last):
        depth[n] = _ZERO
        placed = False
        for block in range(near[n], min(near[n] + 2, blocks)):
            for slot in range(yielding):
                column = blocks + 1 + block * slots + slot
                box = boxes[n, column]
                there = box[7] > _ZERO and box[8] > _ZERO and box[9] > _ZERO
                if obstacle[n, column] and not solid[n, column] and there:
                    if not placed:
                        for p in range(count):
                            _point(body_states[n, point_bodies[p]], points[p], place)
                            x[p], y[p], z[p] = place[0], place[1], place[2]
                        placed = True
                    _deepen(box, x, y, z, depth[n])
