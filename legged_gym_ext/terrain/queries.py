"""What one asks of tracks: pure functions of tensors, checked against the engine's own rays and contacts.

N worlds, K boxes a world, P points, M blocks a track. Points are in the frame of the track, which is that of the world.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from legged_gym_ext.terrain.tracks import Tracks
from st_rl.utils.constants import constant
from st_rl.utils.rotations import quat_rotate

CLEARED = 0.5
"""An obstacle is passed when the base is this far behind it, m."""


def height_at(boxes: Tensor, xy: Tensor, skip: Tensor | None = None, *, turned: bool | Sequence[bool] = True) -> Tensor:
    """Height (N, P) m of the highest surface above the points ``xy (N, P, 2)``; the ground, at 0, where there is none.

    Args:
        boxes: (N, K, 10).
        skip: (N, K) bool, boxes to look through, such as bars that one passes under.
        turned: whether boxes may be turned, for all or for each of the K; upright ones are several times faster.
    """
    height = torch.zeros(xy.shape[:-1], device=xy.device)
    flags = [turned] * boxes.shape[1] if isinstance(turned, bool) else turned
    for index, may_be_turned in enumerate(flags):
        box = boxes[:, index, None]
        top = _turned_top if may_be_turned else _upright_top
        surface, hit = top(box, xy)
        hit = hit & (box[..., 9] > 0.0)
        if skip is not None:
            hit = hit & ~skip[:, index, None]
        height = torch.where(hit, torch.maximum(height, surface), height)
    return height


def _upright_top(box: Tensor, xy: Tensor) -> tuple[Tensor, Tensor]:
    """Height of the upper face of ``box (N, 1, 10)``, (N, 1), and whether it is above ``xy (N, P, 2)``, (N, P)."""
    beyond = (xy - box[..., 0:2]).abs() - box[..., 7:9]
    return box[..., 2] + box[..., 9], beyond.amax(dim=-1) <= 0.0


def _turned_top(box: Tensor, xy: Tensor) -> tuple[Tensor, Tensor]:
    """Where a ray straight down on ``xy (N, P, 2)`` enters ``box (N, 1, 10)``, (N, P) m, and whether it does.

    Slab method (Kay and Kajiya 1986) in the frame of the box, axis by axis.
    """
    # The ray begins at the height of the box's center, before which it may have entered: numbers stay small.
    x, y = xy[..., 0] - box[..., 0], xy[..., 1] - box[..., 1]
    enter, leave = torch.full_like(x, -torch.inf), torch.full_like(x, torch.inf)
    for axis, half in zip(_axes(box), box[..., 7:10].unbind(-1), strict=True):
        down = -axis[..., 2]
        inverse = 1.0 / torch.where(down.abs() < 1e-9, 1e-9, down)
        middle = (axis[..., 0] * x + axis[..., 1] * y) * inverse
        reach = half * inverse.abs()
        enter, leave = torch.maximum(enter, -middle - reach), torch.minimum(leave, reach - middle)
    return box[..., 2] - enter, enter <= leave


def _axes(box: Tensor) -> list[Tensor]:
    """The axes of ``box (N, 1, 10)`` in the world, three of (N, 1, 3)."""
    quat = box[..., 3:7]
    eye = constant([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], box.device)
    return [quat_rotate(quat, axis.expand(*quat.shape[:-1], 3)) for axis in eye.unbind(0)]


def penetration(
    boxes: Tensor,
    points: Tensor,
    radius: Tensor | float = 0.0,
    which: Tensor | None = None,
    *,
    turned: bool = True,
) -> Tensor:
    """How deep points or spheres reach into boxes: (N, P) m, the largest over the boxes, 0 outside.

    The depth is the way to the nearest face, plus the radius of the sphere around the point.

    Args:
        boxes: (N, K, 10).
        points: (N, P, 3).
        radius: m, broadcast to (N, P); a sphere whose center is outside by less than its radius reaches into the box.
        which: (N, K) bool, the boxes that count.
        turned: whether boxes may be turned; upright ones alone are several times faster.
    """
    points_only = isinstance(radius, float) and radius == 0.0  # how far outside a point is makes no difference
    deepest = torch.zeros(points.shape[:-1], device=points.device)
    for index in range(boxes.shape[1]):
        box = boxes[:, index, None]
        offset = points - box[..., 0:3]
        local = torch.stack([(offset * axis).sum(dim=-1) for axis in _axes(box)], dim=-1) if turned else offset
        beyond = local.abs() - box[..., 7:10]
        nearest = beyond.amax(dim=-1)
        # Beside an edge or a corner the distance is that to it; inside it is that to the nearest face.
        depth = -nearest if points_only else radius - torch.where(nearest > 0.0, _length(beyond), nearest)
        counts = (box[..., 7:10] > 0.0).all(dim=-1)
        if which is not None:
            counts = counts & which[:, index, None]
        deepest = torch.where(counts, torch.maximum(deepest, depth), deepest)
    return deepest


def _length(beyond: Tensor) -> Tensor:
    """Length (N, P) of the positive part of ``beyond (N, P, 3)``."""
    return beyond.clamp_min(0.0).norm(dim=-1)


def engaged_block(tracks: Tracks, x: Tensor, leave: float = 0.3) -> tuple[Tensor, Tensor]:
    """The first obstacle that the base, at ``x (N,)`` m, is not ``leave`` m beyond.

    Returns:
        Its index (N,), M - 1 where there is none left, and whether there is one (N,) bool.
    """
    behind = (x[:, None] >= tracks.end + leave).sum(dim=1)
    last = tracks.end.shape[1] - 1
    return behind.clamp_max(last), behind <= last


def num_passed(tracks: Tracks, x: Tensor) -> Tensor:
    """(N,) long: obstacles that the base, at ``x (N,)``, is ``CLEARED`` m beyond."""
    return (x[:, None] > tracks.end + CLEARED).sum(dim=1)


def floor_level(tracks: Tracks, x: Tensor) -> Tensor:
    """(N,) m: the lower of the floors before and behind the obstacle at ``x (N,)``, or the floor where there is none.

    What lies lower than this is beside the track or in a gap.
    """
    behind = (x[:, None] > tracks.end).sum(dim=1)
    before = (x[:, None] > tracks.start).sum(dim=1)
    level = tracks.floor_height
    return torch.minimum(_at(level, behind), _at(level, before))


def finish_line(tracks: Tracks) -> Tensor:
    """(N,) m: x at which the last obstacle is passed."""
    return tracks.end[:, -1] + CLEARED


def side_wall_distance(tracks: Tracks, y: Tensor) -> Tensor:
    """(N, 2) m from ``y (N,)`` to the left and to the right edge of the track, negative beyond."""
    half = 0.5 * tracks.width
    return torch.stack((half - y, half + y), dim=1)


def _at(values: Tensor, index: Tensor) -> Tensor:
    """``values[n, index[n]]`` for ``values (N, M)`` and ``index (N,)``."""
    return values.gather(1, index[:, None]).squeeze(1)
