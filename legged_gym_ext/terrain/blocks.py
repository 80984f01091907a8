"""The obstacles a track is made of: their names, parameters and boxes.

Every function works on a batch of obstacles at once, ``(...)`` is any shape (worlds, or worlds x blocks). An obstacle
lies on a straight track along +x; ``front`` is where it begins, ``level`` the height of the floor in front of it. A box
is ten numbers: center (3), quaternion xyzw (4), half extents (3); one of zero size is no box.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor

from st_rl.utils.ranges import Bounds, Checked, Ends, Whole

NUM_OBSTACLE_IDS = 5
"""0 walk, 1 tilt, 2 crawl, 3 jump, 4 leap."""
NUM_STEPS = 5
"""Risers of a flight of stairs."""
_RUBBLE_ROWS = 2
_RUBBLE_COLUMNS = 5
NUM_RUBBLE = _RUBBLE_ROWS * _RUBBLE_COLUMNS
"""Stones of a rubble block."""
OBSTACLE_HEIGHT = 0.8
"""Height of the walls of a tilt block and thickness of the bar of a crawl block, m."""
_LENGTHS = Bounds(ge=0.0, le=5.0)
_DROPS = Bounds(ge=-5.0, le=0.0)
_ANGLES = Bounds(ge=0.0, le=60.0)
"""Degrees."""


@dataclass
class ObstacleBatch:
    """A batch of obstacles of one type; every tensor is (...), in m unless it says otherwise."""

    front: Tensor
    level: Tensor
    depth: Tensor
    """Extent along x."""
    parameter: Tensor
    """What makes the obstacle hard, in the unit of its type (see ``BlockType``)."""
    width: Tensor
    """Width of the track."""
    noise: Tensor
    """(..., 4 * NUM_RUBBLE) uniform random numbers in [0, 1)."""


@dataclass(frozen=True)
class BlockType(Checked):
    """A type of obstacle."""

    obstacle_id: Annotated[int, Bounds(ge=0, lt=NUM_OBSTACLE_IDS)]
    """Which skill passes it: the place of the one in the one-hot of ``engaging_block``."""
    parameter: Ends
    """Easiest and hardest value of its parameter."""
    depth: Ends
    """m, extent along x; of a leap it is the parameter, of stairs the length of the flight."""
    num_boxes: Whole
    """Boxes of the obstacle itself; floors are the track's."""
    boxes: Callable[[ObstacleBatch], Tensor] | None = None
    """(..., num_boxes, 10) from a batch."""
    rise: Callable[[Tensor], Tensor] | None = None
    """How much higher the floor behind the obstacle is than before it, from the parameter; ``None`` is level."""
    info: Callable[[ObstacleBatch], Tensor] | None = None
    """(...) second number of the block info, from a batch; ``None`` is the parameter."""
    floor: Literal["through", "step", "open"] = "through"
    """Whether the floor goes through under the obstacle, changes its level at the front, or is missing in between."""
    overhang: bool = False
    """One passes under its boxes, so that they are no part of the ground."""
    soft: bool = False
    """Its boxes need not collide while it is being learned; what one walks on is always solid."""
    limits: Bounds = _LENGTHS
    """Between which its parameter makes sense."""


def box(center: tuple[Tensor, Tensor, Tensor], half: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Upright boxes (..., 10) from center and half extents, each (...) m."""
    zero = torch.zeros_like(center[0])
    return torch.stack((*center, zero, zero, zero, zero + 1.0, *half), dim=-1)


def span(x: tuple[Tensor, Tensor], y: tuple[Tensor, Tensor], z: tuple[Tensor, Tensor]) -> Tensor:
    """Upright boxes (..., 10) that fill the ranges ``(low, high)`` of x, y and z, each (...) m."""
    cx, cy, cz = (0.5 * (low + high) for low, high in (x, y, z))
    hx, hy, hz = (0.5 * (high - low) for low, high in (x, y, z))
    return box((cx, cy, cz), (hx, hy, hz))


def _tilt(o: ObstacleBatch) -> Tensor:
    """Two walls with a slot of ``parameter`` m between them."""
    x, z = (o.front, o.front + o.depth), (o.level, o.level + OBSTACLE_HEIGHT)
    inner, outer = 0.5 * o.parameter, 0.5 * o.width
    return torch.stack((span(x, (inner, outer), z), span(x, (-outer, -inner), z)), dim=-2)


def _crawl(o: ObstacleBatch) -> Tensor:
    """A bar across the track, ``parameter`` m above the floor."""
    bottom = o.level + o.parameter
    y = 0.5 * o.width
    return span((o.front, o.front + o.depth), (-y, y), (bottom, bottom + OBSTACLE_HEIGHT)).unsqueeze(-2)


def _hurdle(o: ObstacleBatch) -> Tensor:
    """A bar on the floor, ``parameter`` m high."""
    y = 0.5 * o.width
    return span((o.front, o.front + o.depth), (-y, y), (o.level, o.level + o.parameter)).unsqueeze(-2)


def _stairs(o: ObstacleBatch, sign: float) -> Tensor:
    """The steps between the first and the last riser, ``parameter`` m each; the floor behind is the track's."""
    tread = o.depth / (NUM_STEPS - 1)
    y, zero = 0.5 * o.width, torch.zeros_like(o.front)
    steps = []
    for index in range(NUM_STEPS - 1):
        x = o.front + index * tread
        steps.append(span((x, x + tread), (-y, y), (zero, o.level + sign * (index + 1) * o.parameter)))
    return torch.stack(steps, dim=-2)


def _stairs_up(o: ObstacleBatch) -> Tensor:
    return _stairs(o, 1.0)


def _stairs_down(o: ObstacleBatch) -> Tensor:
    return _stairs(o, -1.0)


def _slope(o: ObstacleBatch) -> Tensor:
    """A ridge across the track: a ramp up and one down, of ``parameter`` degrees."""
    angle = torch.deg2rad(o.parameter)
    run, thickness = 0.5 * o.depth, torch.full_like(o.front, 0.1)
    length = 0.5 * run / angle.cos()
    zero, y = torch.zeros_like(o.front), 0.5 * o.width
    ramps = []
    for side in (-1.0, 1.0):
        # The middle of the upper face, moved down its normal by half the thickness; pitch is about +y: up is negative.
        x = o.front + run + side * (0.5 * run - thickness * angle.sin())
        z = o.level + 0.5 * run * angle.tan() - thickness * angle.cos()
        pitch = side * angle
        quat = (zero, (0.5 * pitch).sin(), zero, (0.5 * pitch).cos())
        ramps.append(torch.stack((x, zero, z, *quat, length, y, thickness), dim=-1))
    return torch.stack(ramps, dim=-2)


def _ridge_height(o: ObstacleBatch) -> Tensor:
    return 0.5 * o.depth * torch.deg2rad(o.parameter).tan()


def _rubble(o: ObstacleBatch) -> Tensor:
    """Stones of random size, at most ``parameter`` m high, each at a random place of its own part of the block."""
    noise = o.noise.unflatten(-1, (NUM_RUBBLE, 4))
    size = 0.1 + 0.1 * noise[..., 0]
    depth, width = o.depth.unsqueeze(-1), o.width.unsqueeze(-1)
    stone = torch.arange(NUM_RUBBLE, device=noise.device)
    row, column = stone // _RUBBLE_COLUMNS, stone % _RUBBLE_COLUMNS
    x = o.front.unsqueeze(-1) + size + (depth - 2.0 * size).clamp_min(0.0) * (row + noise[..., 1]) / _RUBBLE_ROWS
    y = (width - 2.0 * size).clamp_min(0.0) * ((column + noise[..., 2]) / _RUBBLE_COLUMNS - 0.5)
    height = o.parameter.unsqueeze(-1) * (0.3 + 0.7 * noise[..., 3])
    level = o.level.unsqueeze(-1).expand_as(x)
    return span((x - size, x + size), (y - size, y + size), (level, level + height))


def _same(parameter: Tensor) -> Tensor:
    return parameter


def _flight(parameter: Tensor) -> Tensor:
    return NUM_STEPS * parameter


def _down(parameter: Tensor) -> Tensor:
    return -NUM_STEPS * parameter


def _minus_riser(o: ObstacleBatch) -> Tensor:
    return -o.parameter


def _gap_depth(o: ObstacleBatch) -> Tensor:
    """Down to the ground, which is at z = 0."""
    return o.level


BLOCKS: dict[str, BlockType] = {
    "flat": BlockType(0, (0.0, 0.0), (0.0, 0.0), 0),
    "tilt": BlockType(1, (0.40, 0.26), (0.4, 1.0), 2, _tilt, soft=True),
    "crawl": BlockType(2, (0.45, 0.20), (0.1, 0.6), 1, _crawl, overhang=True, soft=True),
    "jump": BlockType(3, (0.05, 0.50), (0.1, 0.8), 0, rise=_same, floor="step"),
    "down": BlockType(3, (-0.05, -0.60), (0.1, 0.8), 0, rise=_same, floor="step", limits=_DROPS),
    "leap": BlockType(4, (0.10, 0.90), (0.1, 0.9), 0, info=_gap_depth, floor="open"),
    "hurdle": BlockType(3, (0.05, 0.45), (0.1, 0.8), 1, _hurdle, soft=True),
    "stairs_up": BlockType(0, (0.05, 0.20), (1.0, 1.2), NUM_STEPS - 1, _stairs_up, rise=_flight, floor="open"),
    "stairs_down": BlockType(
        0, (0.05, 0.20), (1.0, 1.2), NUM_STEPS - 1, _stairs_down, rise=_down, info=_minus_riser, floor="open"
    ),
    "slope": BlockType(0, (5.0, 30.0), (1.0, 1.2), 2, _slope, info=_ridge_height, limits=_ANGLES),
    "rubble": BlockType(0, (0.02, 0.15), (0.8, 1.0), NUM_RUBBLE, _rubble),
}
"""Every type of block by its name; the table of the design, section "Blocks and tracks"."""
BLOCK_NAMES = tuple(BLOCKS)
