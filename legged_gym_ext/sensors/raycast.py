"""Rays against boxes and the ground: pure functions of tensors. N worlds, R rays a world, K boxes a world."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from st_rl.utils.rotations import quat_rotate

_TINY = 1e-9
"""Components of directions this small are taken for it, so that none is divided by zero."""

_WORLDS_AT_A_TIME = 8

_SECANT_STEPS = 3

Vector = tuple[Tensor, Tensor, Tensor]
HeightAt = Callable[[Tensor], Tensor]
"""From points (..., 2) m to the height of the ground, (...) m."""


def cast_rays(
    origins: Tensor, directions: Tensor, boxes: Tensor, *, turned: bool = True, ground: bool = True
) -> Tensor:
    """(N, R): how many ``directions`` it is from the origin to the first surface; infinite where there is none.

    In units of the length of the direction: of a direction that is 1 m long in depth, this is the depth in m. A ray
    that begins inside a box finds the face through which it leaves.

    Slab method (Kay and Kajiya 1986), one box at a time on separate coordinates, which is several times faster than on
    vectors.

    Args:
        origins: (N, 3) m, one for all rays of a world.
        directions: (N, R, 3), of any length.
        boxes: (N, K, 10) center, quaternion xyzw, half extents; one of zero size is none.
        turned: whether boxes may be turned; upright ones alone are faster.
        ground: whether there is a floor at z = 0, seen from above.
    """
    nearest = _to_the_ground(origins, directions) if ground else torch.full_like(directions[..., 0], torch.inf)
    x, y, z = directions.unbind(-1)
    rays = (x, y, z)
    upright = _inverse(rays)
    sizes = _magnitudes(upright)
    for index in range(boxes.shape[1]):
        box = boxes[:, index, None]
        center, inverse = box[..., 0:3] - origins[:, None], upright
        if turned:
            axes = _axes(box[..., 3:7])
            x, y, z = (_along(axis, rays) for axis in axes)
            inverse = _inverse((x, y, z))
            sizes = _magnitudes(inverse)
            center = torch.stack([(axis * center).sum(dim=-1) for axis in axes], dim=-1)
        nearest = torch.minimum(nearest, _enter(center, box[..., 7:10], inverse, sizes))
    return nearest


def cast_rays_on_surface(
    origins: Tensor, directions: Tensor, height_at: HeightAt, reach: float, stride: float
) -> Tensor:
    """(N, R) as ``cast_rays``: where rays that begin above rough ground meet it; infinite where not before ``reach``.

    Rays are followed in steps and, where a step ends below the ground, the place in between is found by three steps of
    the secant method kept between both ends. What is narrower than a step may be missed.

    Args:
        origins: (N, 3) m.
        directions: (N, R, 3).
        height_at: from points (N, R, 2) m to the height of the ground there, (N, R) m.
        reach: in lengths of the directions.
        stride: length of a step, in lengths of the directions.
    """

    def above(along: Tensor) -> Tensor:
        points = torch.addcmul(origins[:, None], directions, along[..., None])
        return points[..., 2] - height_at(points[..., :2])

    near = torch.zeros_like(directions[..., 0])
    far, met = torch.full_like(near, torch.inf), torch.zeros_like(near, dtype=torch.bool)
    near_above = above(near)
    far_above, last_above = near_above, near_above
    for index in range(1, math.ceil(reach / stride) + 1):
        along = torch.full_like(near, index * stride)
        now = above(along)
        crossed = ~met & (now <= 0.0) & (last_above > 0.0)
        near, near_above = (torch.where(crossed, *pair) for pair in ((along - stride, near), (last_above, near_above)))
        far, far_above = (torch.where(crossed, *pair) for pair in ((along, far), (now, far_above)))
        met, last_above = met | crossed, now
    far = torch.where(met, far, near + stride)
    for _ in range(_SECANT_STEPS):
        share = (near_above / (near_above - far_above).clamp_min(_TINY)).clamp(0.05, 0.95)
        middle = torch.lerp(near, far, share)
        now = above(middle)
        below = now <= 0.0
        far, far_above = torch.where(below, middle, far), torch.where(below, now, far_above)
        near, near_above = torch.where(below, near, middle), torch.where(below, near_above, now)
    share = (near_above / (near_above - far_above).clamp_min(_TINY)).clamp(0.0, 1.0)
    return torch.where(met, torch.lerp(near, far, share), torch.inf)


def cast_rays_on_cpu(origins: Tensor, directions: Tensor, boxes: Tensor, reach: float) -> Tensor:
    """(N, R) as ``cast_rays``, as far as it is less than ``reach``; for it looks before it works.

    Only boxes before the camera and within ``reach`` are tested, upright and turned ones apart, and few worlds at a
    time, whose tensors then stay in the processor's cache.

    Args:
        origins: (N, 3) m.
        directions: (N, R, 3), the middle one in the direction of the camera.
        boxes: (N, K, 10).
        reach: in lengths of the directions.
    """
    middle = directions.mean(dim=1)
    length = directions.norm(dim=-1).amax(dim=1, keepdim=True)  # (N, 1)
    offset, radius = boxes[..., 0:3] - origins[:, None], boxes[..., 7:10].norm(dim=-1)
    ahead = (offset * middle[:, None]).sum(dim=-1) > -radius * middle.norm(dim=-1, keepdim=True)
    near = offset.norm(dim=-1) - radius < reach * length
    seen = near & ahead & (boxes[..., 7:10] > 0.0).all(dim=-1)
    turned = (boxes[..., 3:6] != 0.0).any(dim=-1)
    found = torch.empty_like(directions[..., 0])
    for rows in seen.sum(dim=1).argsort().split(_WORLDS_AT_A_TIME):
        some = origins[rows], directions[rows]
        upright, others = (_chosen(boxes[rows], seen[rows] & which[rows]) for which in (~turned, turned))
        nearest = cast_rays(*some, upright, turned=False)
        found[rows] = torch.minimum(nearest, cast_rays(*some, others, ground=False)) if others.shape[1] else nearest
    return found


def _chosen(boxes: Tensor, which: Tensor) -> Tensor:
    """The boxes (n, k, 10) of each world in ``which (n, K)``, filled up with others to the greatest number of them."""
    order = which.to(torch.uint8).argsort(dim=1, descending=True)[:, : int(which.sum(dim=1).amax())]
    return boxes.gather(1, order[..., None].expand(-1, -1, 10))


def _slab(middle: Tensor, half: Tensor, inverse: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """Where rays enter and leave the space between two faces, (N, R) each; ``middle`` and ``half`` are (N, 1)."""
    at = middle * inverse
    return torch.addcmul(at, size, half, value=-1.0), torch.addcmul(at, size, half)


def _enter(center: Tensor, half: Tensor, inverse: Vector, sizes: Vector) -> Tensor:
    """(N, R) where rays from the origin meet a box, in its own frame.

    ``center`` and ``half`` are (N, 1, 3), ``inverse`` one over the components of the rays and ``sizes`` its magnitude.
    """
    sides = [_slab(*axis) for axis in zip(center.unbind(-1), half.unbind(-1), inverse, sizes, strict=True)]
    enter = torch.maximum(torch.maximum(sides[0][0], sides[1][0]), sides[2][0])
    leave = torch.minimum(torch.minimum(sides[0][1], sides[1][1]), sides[2][1])
    first = torch.where(enter > 0.0, enter, leave)
    there = (half > 0.0).all(dim=-1)
    return torch.where((enter <= leave) & (leave > 0.0) & there, first, torch.inf)


def _axes(quat: Tensor) -> list[Tensor]:
    """The axes, three of (N, 1, 3), of boxes turned by ``quat (N, 1, 4)``."""
    eye = torch.eye(3, device=quat.device)
    return [quat_rotate(quat, axis.expand(*quat.shape[:-1], 3)) for axis in eye.unbind(0)]


def _along(axis: Tensor, rays: Vector) -> Tensor:
    """(N, R) the components of ``rays`` along ``axis (N, 1, 3)``."""
    return axis[..., 0] * rays[0] + axis[..., 1] * rays[1] + axis[..., 2] * rays[2]


def _to_the_ground(origins: Tensor, directions: Tensor) -> Tensor:
    """(N, R) where rays from above meet z = 0."""
    down = directions[..., 2].neg()
    above = origins[:, None, 2]
    return torch.where((down > _TINY) & (above >= 0.0), above / down.clamp_min(_TINY), torch.inf)


def _inverse(components: Vector) -> Vector:
    x, y, z = (1.0 / torch.where(c.abs() < _TINY, _TINY, c) for c in components)
    return x, y, z


def _magnitudes(components: Vector) -> Vector:
    x, y, z = (c.abs() for c in components)
    return x, y, z
