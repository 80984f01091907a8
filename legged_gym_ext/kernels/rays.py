"""Rays of depth cameras against boxes and the ground, and the images that cameras keep.

``legged_gym_ext.sensors.raycast`` has the rays of tensors. N worlds, n images, H x W pixels, K boxes a world. Camera
frame: x forward along the optical axis, y left, z up.

A box is tested against the pixels that it can cover, which are those around the projections of its corners; one that
reaches behind the camera, against all.
"""

from __future__ import annotations

import numpy as np

from legged_gym_ext.kernels.compiler import Array, array, compiled, fma, inlined, single

_ZERO, _ONE, _TWO, _TINY = np.float32(0.0), np.float32(1.0), np.float32(2.0), np.float32(1e-9)
_HALF, _INFINITE = np.float32(0.5), np.float32(np.inf)
_CLOSE = np.float32(0.02)
"""A corner nearer than this, along the optical axis, is not projected, m."""


@inlined
def _rotate(quat: Array, x: float, y: float, z: float, out: Array) -> None:
    """``v + w t + q x t`` with ``t = 2 q x v``, of the quaternion q and the vector v."""
    qx, qy, qz, qw = quat[0], quat[1], quat[2], quat[3]
    tx = _TWO * fma(qy, z, -(qz * y))
    ty = _TWO * fma(qz, x, -(qx * z))
    tz = _TWO * fma(qx, y, -(qy * x))
    out[0] = (x + qw * tx) + fma(qy, tz, -(qz * ty))
    out[1] = (y + qw * ty) + fma(qz, tx, -(qx * tz))
    out[2] = (z + qw * tz) + fma(qx, ty, -(qy * tx))


@inlined
def _unit(quat: Array, axis: int, out: Array) -> None:
    """Where an axis of a frame turned by ``quat`` points."""
    _rotate(quat, _ONE * (axis == 0), _ONE * (axis == 1), _ONE * (axis == 2), out)


@inlined
def _aim(axes: Array, rays: Array, direction: Array) -> None:
    """``direction (3, pixels)`` of the rays ``(2, pixels)`` of a camera whose axes are the rows of ``axes``."""
    for axis in range(3):
        forward, left, up = axes[0, axis], axes[1, axis], axes[2, axis]
        for p in range(rays.shape[1]):
            direction[axis, p] = (forward + rays[0, p] * left) + rays[1, p] * up


@inlined
def _to_the_ground(height: float, direction: Array, depth: Array) -> None:
    """Begin ``depth (pixels,)`` with where the rays meet z = 0, seen from above."""
    for p in range(len(depth)):
        down = -direction[2, p]
        depth[p] = height / max(down, _TINY) if (down > _TINY) & (height >= _ZERO) else _INFINITE


@inlined
def _invert(direction: Array, inverse: Array) -> None:
    """One over the components of ``direction (3, pixels)``."""
    for axis in range(3):
        for p in range(direction.shape[1]):
            d = direction[axis, p]
            inverse[axis, p] = _ONE / (_TINY if abs(d) < _TINY else d)


@inlined
def _window(box: Array, sides: Array, origin: Array, axes: Array, optics: Array, far: float, window: Array) -> bool:
    """Write the first and last row and column, ``window (4,)``, that a box can cover; whether it can cover any.

    Args:
        sides: (3, 3) the axes of the box.
        axes: (3, 3) those of the camera at ``origin``.
        optics: focal length in pixels, then the coordinates of the optical axis in the image, row and column.
    """
    height, width = np.int64(optics[3]), np.int64(optics[4])
    nearest, farthest = _INFINITE, -_INFINITE
    top, bottom, left, right = _INFINITE, -_INFINITE, _INFINITE, -_INFINITE
    for corner in range(8):
        ahead, aside, above = _ZERO, _ZERO, _ZERO
        for axis in range(3):
            at = box[axis] - origin[axis]
            for side in range(3):
                half = box[7 + side] if (corner >> side) & 1 else -box[7 + side]
                at += half * sides[side, axis]
            ahead, aside, above = ahead + at * axes[0, axis], aside + at * axes[1, axis], above + at * axes[2, axis]
        nearest, farthest = min(nearest, ahead), max(farthest, ahead)
        if ahead > _CLOSE:
            row, column = optics[1] - optics[0] * above / ahead, optics[2] - optics[0] * aside / ahead
            top, bottom, left, right = min(top, row), max(bottom, row), min(left, column), max(right, column)
    if farthest <= _ZERO or nearest >= far:
        return False
    if nearest <= _CLOSE:
        window[0], window[1], window[2], window[3] = 0, height - 1, 0, width - 1
        return True
    # A pixel more on every side, for rounding; bounded before they become integers.
    window[0] = np.int64(max(top, _ZERO)) - 1
    window[1] = np.int64(min(max(bottom, -_TWO), np.float32(height))) + 2
    window[2] = np.int64(max(left, _ZERO)) - 1
    window[3] = np.int64(min(max(right, -_TWO), np.float32(width))) + 2
    window[0], window[1] = max(window[0], 0), min(window[1], height - 1)
    window[2], window[3] = max(window[2], 0), min(window[3], width - 1)
    return window[0] <= window[1] and window[2] <= window[3]


@inlined
def _meet_upright(box: Array, origin: Array, inverse: Array, first: int, last: int, depth: Array) -> None:
    """Lower ``depth`` of the pixels from ``first`` to before ``last`` to where the rays enter an upright box."""
    cx, cy, cz = box[0] - origin[0], box[1] - origin[1], box[2] - origin[2]
    hx, hy, hz = box[7], box[8], box[9]
    for p in range(first, last):
        ix, iy, iz = inverse[0, p], inverse[1, p], inverse[2, p]
        ax, ay, az = cx * ix, cy * iy, cz * iz
        sx, sy, sz = abs(ix), abs(iy), abs(iz)
        enter = max(fma(-sx, hx, ax), fma(-sy, hy, ay), fma(-sz, hz, az))
        leave = min(fma(sx, hx, ax), fma(sy, hy, ay), fma(sz, hz, az))
        there = (enter <= leave) & (leave > _ZERO)
        found = enter if enter > _ZERO else leave
        depth[p] = min(depth[p], found if there else _INFINITE)


@inlined
def _meet_turned(
    box: Array, sides: Array, origin: Array, direction: Array, first: int, last: int, depth: Array
) -> None:
    """As ``_meet_upright``, of a box whose axes are the rows of ``sides``."""
    ox, oy, oz = box[0] - origin[0], box[1] - origin[1], box[2] - origin[2]
    for p in range(first, last):
        x, y, z = direction[0, p], direction[1, p], direction[2, p]
        enter, leave = -_INFINITE, _INFINITE
        for side in range(3):
            a, b, c = sides[side, 0], sides[side, 1], sides[side, 2]
            along = (a * x + b * y) + c * z
            inverse = _ONE / (_TINY if abs(along) < _TINY else along)
            at, size = ((a * ox + b * oy) + c * oz) * inverse, abs(inverse)
            enter = max(enter, fma(-size, box[7 + side], at))
            leave = min(leave, fma(size, box[7 + side], at))
        there = (enter <= leave) & (leave > _ZERO)
        found = enter if enter > _ZERO else leave
        depth[p] = min(depth[p], found if there else _INFINITE)


@inlined
def _look(
    root: Array, position: Array, mount: Array, rays: Array, optics: Array, far: float, boxes: Array, scratch: Array
) -> None:
    """Write what a camera at ``position`` of a base in the state ``root`` sees: row 6 of ``scratch``.

    Args:
        mount: the camera's quaternion in the frame of the base.
        scratch: (7, pixels) that is overwritten.
    """
    origin, window = np.empty(3, np.float32), np.empty(4, np.int64)
    axes, sides = np.empty((3, 3), np.float32), np.empty((3, 3), np.float32)
    width = np.int64(optics[4])
    direction, inverse, depth = scratch[0:3], scratch[3:6], scratch[6]
    _rotate(root[3:7], position[0], position[1], position[2], origin)
    for axis in range(3):
        origin[axis] = root[axis] + origin[axis]
        _unit(mount, axis, sides[axis])
        _rotate(root[3:7], sides[axis, 0], sides[axis, 1], sides[axis, 2], axes[axis])
    _aim(axes, rays, direction)
    _invert(direction, inverse)
    _to_the_ground(origin[2], direction, depth)
    for k in range(len(boxes)):
        box = boxes[k]
        if not (box[7] > _ZERO and box[8] > _ZERO and box[9] > _ZERO):
            continue
        turned = box[3] != _ZERO or box[4] != _ZERO or box[5] != _ZERO
        for axis in range(3):
            _unit(box[3:7], axis, sides[axis])
        if _window(box, sides, origin, axes, optics, far, window):
            for row in range(window[0], window[1] + 1):
                first, last = row * width + window[2], row * width + window[3] + 1
                if turned:
                    _meet_turned(box, sides, origin, direction, first, last, depth)
                else:
                    _meet_upright(box, origin, inverse, first, last, depth)


@compiled(
    *(array("long", 1), array("float", 2), array("float", 2), array("float", 2), array("float", 2), array("float", 1)),
    *(single, array("float", 3), array("float", 2)),
    fast=True,
)
def look(
    first: int,
    last: int,
    rows: Array,
    root_states: Array,
    position: Array,
    mount: Array,
    rays: Array,
    optics: Array,
    far: float,
    boxes: Array,
    out: Array,
) -> None:
    """Write perfect and unclipped depths, ``out (n, pixels)`` m, of the worlds ``rows (n,)``.

    Args:
        root_states: (N, 13); ``boxes`` (N, K, 10).
        position: (N, 3) m and ``mount (N, 4)``: the cameras in the frames of their bases.
        rays: (2, pixels) how far left and up they go in 1 m along the optical axis.
        optics: (5,) focal length in pixels, row and column of the optical axis, H, W.
        far: m; what is beyond may be there or not. Infinite is nothing.
    """
    scratch = np.empty((7, rays.shape[1]), np.float32)
    for i in range(first, last):
        n = rows[i]
        _look(root_states[n], position[n], mount[n], rays, optics, far, boxes[n], scratch)
        out[i] = scratch[6]


@compiled(array("long", 1), array("bool", 1), array("float", 2), array("float", 3))
def keep(first: int, last: int, rows: Array, fresh: Array, taken: Array, images: Array) -> None:
    """Put the newest images ``taken (n, pixels)`` of the worlds ``rows (n,)`` before the others, ``images (L, N, ..)``.

    Where a world is ``fresh (N,)`` the new image is also what was before.
    """
    for i in range(first, last):
        n = rows[i]
        for age in range(len(images) - 1, 0, -1):
            images[age, n] = taken[i] if fresh[n] else images[age - 1, n]
        images[0, n] = taken[i]


@compiled(array("float", 3), array("long", 1), single, single, array("float", 2))
def deliver(first: int, last: int, images: Array, age: Array, near: float, span: float, out: Array) -> None:
    """Write the images of ``age (N,)``, ``out (N, pixels)``, from -0.5 for ``near`` to 0.5 for ``near + span``."""
    for n in range(first, last):
        image = images[age[n], n]
        for p in range(len(image)):
            out[n, p] = (image[p] - near) / span - _HALF
