"""Rough ground as one height field that all worlds share.

The field is divided into strips along x, one per difficulty level, flat first. A world of level ``l`` starts somewhere
in strip ``l``; the field is large enough that a robot does not walk off it within an episode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from st_rl.utils.ranges import Bounds, Checked, RangeError, Seed

Height = Annotated[float, Bounds(ge=0.0, le=10.0)]
MAX_POINTS = 4_000_000
"""How many points a grid may have; an engine keeps a few numbers for each."""


@dataclass(frozen=True)
class HeightFieldCfg(Checked):
    """Size and roughness of the ground, in meters."""

    num_levels: Annotated[int, Bounds(ge=1, le=1000)] = 8
    strip_length: Annotated[float, Bounds(ge=0.1, le=1000.0)] = 8.0
    """Extent of one level along x."""
    width: Annotated[float, Bounds(ge=0.1, le=1000.0)] = 56.0
    """Extent of the field along y."""
    margin: Annotated[float, Bounds(ge=0.0, le=1000.0)] = 20.0
    """Ground before the first and behind the last strip, as rough as those."""
    cell: Annotated[float, Bounds(ge=0.001, le=100.0)] = 0.2
    """Grid spacing."""
    feature_size: Annotated[float, Bounds(ge=0.001, le=100.0)] = 0.2
    """Spacing of the random heights; between them the ground is interpolated linearly."""
    roughness: tuple[Height, Height] = (0.0, 0.06)
    """Peak-to-peak height of the easiest and of the hardest level."""
    seed: Seed = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        length = self.num_levels * self.strip_length + 2 * self.margin
        for name, spacing in (("cell", self.cell), ("feature_size", self.feature_size)):
            if spacing > min(length, self.width):
                raise RangeError(
                    name, f"must be less than the ground, {length:g} m x {self.width:g} m, not {spacing:g} m"
                )
            points = (length / spacing + 1) * (self.width / spacing + 1)
            if points > MAX_POINTS:
                raise RangeError(
                    name,
                    f"of {spacing:g} m makes a grid of {points:.2g} points on a ground of {length:g} m x "
                    f"{self.width:g} m; at most {MAX_POINTS} can be simulated",
                )


class HeightField:
    """The heights of a ``HeightFieldCfg``, and what one asks of them.

    The grid is centered on the origin of y; x = 0 is the middle of the first strip. Heights average zero.
    """

    def __init__(self, cfg: HeightFieldCfg, device: torch.device | str = "cpu") -> None:
        self.cfg = cfg
        self.length = cfg.num_levels * cfg.strip_length + 2 * cfg.margin
        self.x_min = -cfg.margin - 0.5 * cfg.strip_length
        self.y_min = -0.5 * cfg.width
        self.heights = _random_heights(cfg, self.length).to(device)
        """(nx, ny) m, heights at ``x_min + i * cell``, ``y_min + j * cell``."""

    @property
    def num_levels(self) -> int:
        """How many levels of difficulty the field has."""
        return self.cfg.num_levels

    def level_origin_x(self, levels: Tensor) -> Tensor:
        """x of the middle of the strip of each level; same shape as ``levels``, m."""
        return levels * self.cfg.strip_length

    def contains(self, xy: Tensor, border: float = 1.0) -> Tensor:
        """Whether points ``xy (..., 2)`` lie on the field, ``border`` m away from its edge; (...) bool."""
        x, y = xy[..., 0] - self.x_min, xy[..., 1] - self.y_min
        inside_x = (x > border) & (x < self.length - border)
        return inside_x & (y > border) & (y < self.cfg.width - border)

    def height_at(self, xy: Tensor) -> Tensor:
        """Height under the points ``xy (..., 2)``, m, exactly the surface that the engine collides with.

        The surface over a cell is two triangles that share the diagonal from (x, y) to (x + cell, y + cell), as in
        MuJoCo's rays and contacts. Points off the field get the height of its edge.
        """
        nx, ny = self.heights.shape
        u = ((xy[..., 0] - self.x_min) / self.cfg.cell).clamp(0.0, nx - 1.001)
        v = ((xy[..., 1] - self.y_min) / self.cfg.cell).clamp(0.0, ny - 1.001)
        i, j = u.long(), v.long()
        fu, fv = u - i, v - j
        flat = self.heights.view(-1)
        index = i * ny + j
        h00, h01, h10, h11 = flat[index], flat[index + 1], flat[index + ny], flat[index + ny + 1]
        right = h00 + fu * (h10 - h00) + fv * (h11 - h10)
        left = h00 + fv * (h01 - h00) + fu * (h11 - h01)
        return torch.where(fu >= fv, right, left)


def _random_heights(cfg: HeightFieldCfg, length: float) -> Tensor:
    """Uniform random heights at ``feature_size``, interpolated to ``cell``, scaled level by level; (nx, ny) m."""
    nx, ny = round(length / cfg.cell) + 1, round(cfg.width / cfg.cell) + 1
    coarse = (round(length / cfg.feature_size) + 1, round(cfg.width / cfg.feature_size) + 1)
    generator = torch.Generator().manual_seed(cfg.seed)
    noise = torch.rand(coarse, generator=generator, device="cpu") - 0.5
    fine = torch.nn.functional.interpolate(noise[None, None], size=(nx, ny), mode="bilinear", align_corners=True)[0, 0]
    x = torch.linspace(0.0, length, nx, device="cpu") - cfg.margin
    level = (x / cfg.strip_length).floor().clamp(0, cfg.num_levels - 1)
    low, high = cfg.roughness
    scale = low + (high - low) * level / max(cfg.num_levels - 1, 1)
    return fine * scale[:, None]
