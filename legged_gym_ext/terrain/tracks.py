"""Tracks: a start platform and a row of blocks, for many worlds at once.

The frame of a track: x along it, z = 0 the ground; the robot starts at x = 0 on the start platform. N worlds, M blocks
a track, K boxes a world, T types of block in the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import torch
from torch import Tensor

from legged_gym_ext.terrain.blocks import BLOCKS, NUM_RUBBLE, BlockType, ObstacleBatch, span
from st_rl.utils.attributes import field_values
from st_rl.utils.constants import constant
from st_rl.utils.errors import UnknownNameError
from st_rl.utils.ranges import Bounds, Checked, Ends, Ordered, RangeError, ShareInterval, check_value

_BEHIND = 1.5
"""Floor behind the start, m."""
_AFTER = 3.0
"""Floor behind the last block, m."""
_WALL_THICKNESS = 0.05
_MIN_FLOOR = 2.5e-3
"""A floor this low is the ground itself, m; engines leave out boxes of half extents up to 1 mm."""

Length = Annotated[float, Bounds(ge=0.0, le=100.0)]
Lengths = Annotated[tuple[Length, Length], Ordered()]
Widths = Annotated[
    tuple[Annotated[float, Bounds(ge=0.1, le=100.0)], Annotated[float, Bounds(ge=0.1, le=100.0)]], Ordered()
]
"""The smallest and the largest width of a track, which has to carry a robot, m."""


@dataclass(frozen=True)
class TrackCfg(Checked):
    """Which blocks a track has, and how large they are; lengths in m."""

    blocks: tuple[str, ...]
    """Types by their names in ``BLOCKS``; one that is named twice comes twice as often where the order is random."""
    num_blocks: Annotated[int, Bounds(ge=1, le=100)] = 3
    order: Literal["random", "shuffled", "given"] = "random"
    """``random``: each block any of ``blocks``; ``shuffled``: every type in turn, in random order; ``given``."""
    width: Widths = (1.6, 3.0)
    block_length: Lengths = (1.6, 2.0)
    start_length: Lengths = (0.4, 0.8)
    """Floor between the start and the first block."""
    gap_depth: Lengths = (0.4, 0.8)
    """Depth of the gaps of ``leap``, as far as the track around them does not lie higher."""
    difficulty: ShareInterval = (0.0, 1.0)
    """Part of the range of each parameter that the levels of the curriculum cover."""
    parameters: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Easiest and hardest parameter of a type, where it is not that of ``BLOCKS``."""
    depths: dict[str, Lengths] = field(default_factory=dict)
    """Extents along x of a type, where they are not those of ``BLOCKS``."""
    side_walls: bool = False
    """Walls along both edges, ``wall_height`` m above the highest floor."""
    wall_height: Length = 0.5
    soft_obstacles: bool = True
    """Whether obstacles may be soft; where all are solid from the start, nothing tests how deep bodies are in them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (*self.blocks, *self.parameters, *self.depths):
            if name not in BLOCKS:
                raise UnknownNameError("block", name, list(BLOCKS))
        if not self.blocks:
            raise RangeError("blocks", "must name at least one type of block")
        for name, bounds in self.parameters.items():
            limited = Annotated[float, BLOCKS[name].limits]
            check_value(bounds, tuple[limited, limited], f"parameters.{name}")

    def types(self) -> tuple[BlockType, ...]:
        """Return the block types, in the order of ``blocks``."""
        return tuple(BLOCKS[name] for name in self.blocks)


@dataclass
class Tracks:
    """The tracks of N worlds."""

    kind: Tensor
    """(N, M) long, place of the block's type in ``TrackCfg.blocks``."""
    obstacle_id: Tensor
    """(N, M) long."""
    difficulty: Tensor
    """(N, M) in [0, 1]."""
    parameter: Tensor
    """(N, M) in the unit of the type."""
    start: Tensor
    """(N, M) m, where the obstacle begins."""
    end: Tensor
    """(N, M) m, where it ends."""
    floor_height: Tensor
    """(N, M + 1) m, height of the floor before each obstacle, and behind the last."""
    info: Tensor
    """(N, M, 2) block info."""
    width: Tensor
    """(N,) m."""
    boxes: Tensor
    """(N, K, 10): M + 1 floors, then the obstacles block by block, then the side walls."""
    obstacle: Tensor
    """(N, K) bool, the boxes that can be soft."""
    overhang: Tensor
    """(N, K) bool, the boxes that one passes under."""

    def write(self, rows: Tensor, other: Tracks) -> None:
        """Replace the tracks of the worlds in ``rows (n,)``, or of all where it is a (N,) mask, by those of ``other``.

        ``other`` has n tracks, or N if ``rows`` is a mask.
        """
        for old, new in zip(field_values(self).values(), field_values(other).values(), strict=True):
            if rows.dtype == torch.bool:
                old.copy_(torch.where(rows.view(-1, *[1] * (old.dim() - 1)), new, old))
            else:
                old[rows] = new


def slots_per_block(cfg: TrackCfg) -> int:
    """Boxes that are kept for the obstacle of every block."""
    return max(kind.num_boxes for kind in cfg.types())


def num_boxes(cfg: TrackCfg) -> int:
    """K, the boxes of one world."""
    return cfg.num_blocks + 1 + cfg.num_blocks * slots_per_block(cfg) + 2 * cfg.side_walls


def draw_kinds(cfg: TrackCfg, num: int, generator: torch.Generator | None, device: torch.device | str) -> Tensor:
    """(num, M) long: the types of the blocks of fresh tracks, as ``cfg.order`` says."""
    count = len(cfg.blocks)
    if cfg.order == "random":
        uniform = torch.rand(num, cfg.num_blocks, generator=generator, device=device)
        return (uniform * count).long().clamp_max(count - 1)
    order = torch.arange(count, device=device).expand(num, -1)
    if cfg.order == "shuffled":
        order = torch.rand(num, count, generator=generator, device=device).argsort(dim=1)
    repeats = -(-cfg.num_blocks // count)
    return order.repeat(1, repeats)[:, : cfg.num_blocks]


def num_random(cfg: TrackCfg) -> int:
    """Random numbers that one track needs."""
    per_block = 2 + (4 * NUM_RUBBLE if "rubble" in cfg.blocks else 0)
    return 3 + cfg.num_blocks * per_block


def build_tracks(cfg: TrackCfg, kind: Tensor, difficulty: Tensor, noise: Tensor) -> Tracks:
    """Tracks from the types ``kind (N, M)`` of their blocks, their ``difficulty (N, M)`` and uniform random numbers.

    ``noise (N, num_random(cfg))`` gives lengths, widths and the places of stones.
    """
    num, blocks = kind.shape
    common, per_block = noise[:, :3], noise[:, 3:].unflatten(1, (blocks, -1))
    width = _lerp(cfg.width, common[:, 0])
    low, high = cfg.difficulty
    difficulty = low + (high - low) * difficulty
    parameter, depth, rise = _sizes(cfg, kind, difficulty, per_block[..., 0])
    length = _lerp(cfg.block_length, per_block[..., 1])
    first = _lerp(cfg.start_length, common[:, 1:2])
    # The run-up comes first: a block ends where its obstacle ends.
    end = first + torch.cumsum(torch.maximum(length, depth + 0.6), dim=1)
    start = end - depth
    level = torch.cat((torch.zeros(num, 1, device=kind.device), torch.cumsum(rise, dim=1)), dim=1)
    leaps = constant([name == "leap" for name in cfg.blocks], kind.device)[kind].any(dim=1)
    lowest = level.amin(dim=1).neg() + leaps * _lerp(cfg.gap_depth, common[:, 2])
    level = level + lowest[:, None]
    batch = ObstacleBatch(
        front=start,
        level=level[:, :-1],
        depth=depth,
        parameter=parameter,
        width=width[:, None].expand(-1, blocks),
        noise=per_block[..., 2:],
    )
    boxes, obstacle, overhang = _all_boxes(cfg, kind, batch, level, end)
    ids = constant([t.obstacle_id for t in cfg.types()], kind.device)[kind]
    second = _select(kind, [t.info(batch) if t.info else parameter for t in cfg.types()])
    info = torch.stack((depth, second), dim=-1)
    return Tracks(kind, ids, difficulty, parameter, start, end, level, info, width, boxes, obstacle, overhang)


def _lerp(bounds: Ends, fraction: Tensor) -> Tensor:
    return bounds[0] + (bounds[1] - bounds[0]) * fraction


def _select(kind: Tensor, values: list[Tensor]) -> Tensor:
    """The value of each block's own type: ``values[t]`` is of the shape of ``kind`` or (*kind.shape, ...)."""
    result = values[0]
    for index, value in enumerate(values[1:], start=1):
        where = (kind == index).view(*kind.shape, *[1] * (value.dim() - kind.dim()))
        result = torch.where(where, value, result)
    return result


def _sizes(cfg: TrackCfg, kind: Tensor, difficulty: Tensor, fraction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Parameter, depth and rise (N, M) of the blocks; ``fraction (N, M)`` places the depth in its range."""
    parameters, depths, rises = [], [], []
    for name, block in zip(cfg.blocks, cfg.types(), strict=True):
        parameter = _lerp(cfg.parameters.get(name, block.parameter), difficulty)
        parameters.append(parameter)
        depths.append(parameter if name == "leap" else _lerp(cfg.depths.get(name, block.depth), fraction))
        rises.append(block.rise(parameter) if block.rise else torch.zeros_like(parameter))
    return _select(kind, parameters), _select(kind, depths), _select(kind, rises)


def _all_boxes(
    cfg: TrackCfg, kind: Tensor, batch: ObstacleBatch, level: Tensor, end: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (N, K, 10), which of them are obstacles and which overhang, (N, K) bool each."""
    num, blocks = kind.shape
    slots = slots_per_block(cfg)
    parts = [_floors(cfg, kind, batch, level, end)]
    overhangs = [torch.zeros(num, blocks + 1, dtype=torch.bool, device=kind.device)]
    if slots:
        padded = [_padded(block, batch, slots) for block in cfg.types()]
        parts.append(_select(kind, padded).flatten(1, 2))
        over = constant([block.overhang for block in cfg.types()], kind.device)[kind]
        overhangs.append(over.unsqueeze(-1).expand(-1, -1, slots).flatten(1, 2))
    if cfg.side_walls:
        parts.append(_walls(cfg, batch.width[:, 0], level.amax(dim=1), end[:, -1]))
        overhangs.append(torch.zeros(num, 2, dtype=torch.bool, device=kind.device))
    boxes = torch.cat(parts, dim=1)
    obstacle = torch.zeros(boxes.shape[:2], dtype=torch.bool, device=kind.device)
    soft = constant([block.soft for block in cfg.types()], kind.device)[kind]
    obstacle[:, blocks + 1 : blocks + 1 + blocks * slots] = soft.unsqueeze(-1).expand(-1, -1, slots).flatten(1, 2)
    obstacle &= (boxes[..., 7:10] > 0.0).all(dim=-1)
    return boxes, obstacle, torch.cat(overhangs, dim=1)


def _padded(block: BlockType, batch: ObstacleBatch, slots: int) -> Tensor:
    """Boxes (N, M, slots, 10) of one type for every block, filled up with boxes of zero size."""
    num, blocks = batch.front.shape
    empty = torch.zeros(num, blocks, slots - block.num_boxes, 10, device=batch.front.device)
    empty[..., 6] = 1.0
    return empty if block.boxes is None else torch.cat((block.boxes(batch), empty), dim=2)


def _floors(cfg: TrackCfg, kind: Tensor, batch: ObstacleBatch, level: Tensor, end: Tensor) -> Tensor:
    """The M + 1 floors (N, M + 1, 10) between the obstacles; a floor at height zero is the ground."""
    middle = batch.front + 0.5 * batch.depth
    # Where the floor before a block ends, and where the one behind it begins.
    before = {"through": middle, "step": batch.front, "open": batch.front}
    behind = {"through": middle, "step": batch.front, "open": end}
    stops = _select(kind, [before[block.floor] for block in cfg.types()])
    starts = _select(kind, [behind[block.floor] for block in cfg.types()])
    first = torch.full_like(starts[:, :1], -_BEHIND)
    low, high = torch.cat((first, starts), dim=1), torch.cat((stops, end[:, -1:] + _AFTER), dim=1)
    half_width = 0.5 * batch.width[:, :1].expand_as(low)
    floors = span((low, high), (-half_width, half_width), (torch.zeros_like(level), level))
    none = torch.zeros_like(floors)
    none[..., 6] = 1.0
    return torch.where((level > _MIN_FLOOR).unsqueeze(-1), floors, none)


def _walls(cfg: TrackCfg, width: Tensor, top: Tensor, end: Tensor) -> Tensor:
    """The two side walls (N, 2, 10), from the ground to ``cfg.wall_height`` above ``top``."""
    x = (torch.full_like(end, -_BEHIND), end + _AFTER)
    z = (torch.zeros_like(top), top + cfg.wall_height)
    inner, outer = 0.5 * width, 0.5 * width + _WALL_THICKNESS
    return torch.stack((span(x, (inner, outer), z), span(x, (-outer, -inner), z)), dim=1)
