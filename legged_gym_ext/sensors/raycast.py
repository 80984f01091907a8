"""Rays against boxes and the ground: pure functions of tensors. N worlds, R rays a world, K boxes a world."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym_ext.rotations import quat_rotate

_TINY = 1e-9
"""Components of directions this small are taken for it, so that none is divided by zero."""

Vector = tuple[Tensor, Tensor, Tensor]


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
        boxes: (N, K, 10) centre, quaternion xyzw, half extents; one of zero size is none.
        turned: whether boxes may be turned; upright ones alone are faster.
        ground: whether there is a floor at z = 0, seen from above.
    """
    nearest = _to_the_ground(origins, directions) if ground else torch.full_like(directions[..., 0], torch.inf)
    rays: Vector = directions.unbind(-1)  # type: ignore[assignment]
    upright = _inverse(rays)
    for index in range(boxes.shape[1]):
        box = boxes[:, index, None]
        centre, inverse = box[..., 0:3] - origins[:, None], upright
        if turned:
            axes = _axes(box[..., 3:7])
            x, y, z = (_along(axis, rays) for axis in axes)
            inverse = _inverse((x, y, z))
            centre = torch.stack([(axis * centre).sum(dim=-1) for axis in axes], dim=-1)
        nearest = torch.minimum(nearest, _enter(centre, box[..., 7:10], inverse))
    return nearest


def _enter(centre: Tensor, half: Tensor, inverse: Vector) -> Tensor:
    """(N, R) where rays from the origin meet a box, in its own frame: ``centre`` and ``half`` are (N, 1, 3)."""
    enter, leave = torch.full_like(inverse[0], -torch.inf), torch.full_like(inverse[0], torch.inf)
    for middle, extent, inv in zip(centre.unbind(-1), half.unbind(-1), inverse, strict=True):
        at, reach = middle * inv, extent * inv.abs()
        enter, leave = torch.maximum(enter, at - reach), torch.minimum(leave, at + reach)
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
