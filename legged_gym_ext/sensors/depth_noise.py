"""What is wrong with the images of a depth camera: pure functions of images and random numbers.

N images of H x W pixels, m. A pixel without a measurement reads ``far``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from st_rl.utils.ranges import Bounds, Checked, NonNegative, NonNegativeInterval, Share, ShareInterval


@dataclass(frozen=True)
class DepthNoiseCfg(Checked):
    """How much of each; probabilities are per pixel or per image as they say."""

    near_std: NonNegative = 0.01
    """Standard deviation of the depth below ``near_limit``, m."""
    near_limit: NonNegative = 0.5
    far_std: NonNegative = 0.03
    """Standard deviation at and beyond 1 m, growing with the square of the depth, m at 1 m."""
    num_blocks: Annotated[int, Bounds(ge=0, le=100)] = 3
    """Rectangles that may be missing from an image."""
    block_probability: Share = 0.3
    """Probability that each of them is missing."""
    block_size: ShareInterval = (0.05, 0.25)
    """Sides, as parts of the height and the width of the image."""
    spark_probability: Share = 0.002
    """Probability that a pixel reads a depth that has nothing to do with what is there."""
    sky_probability: Share = 0.1
    """Probability that an image shows something near in a strip of what is out of range."""
    sky_depth: NonNegativeInterval = (0.5, 2.0)
    """What it shows there, m."""
    edge_jump: NonNegative = 0.15
    """Neighboring pixels that differ by more are an edge, m."""
    edge_probability: Share = 0.5
    """Probability that a pixel at an edge reads nothing."""


@dataclass(frozen=True)
class NoiseDraws:
    """Random numbers of n images: ``normal`` standard normal, all others uniform in [0, 1)."""

    normal: Tensor
    """(n, H, W), of the error of a depth."""
    sky: Tensor
    """(n, 4) for ``sky_artifacts``."""
    edge: Tensor
    """(n, H, W), whether a pixel at an edge reads nothing."""
    blocks: Tensor
    """(n, num_blocks, 5) for ``missing_blocks``."""
    spark: Tensor
    """(n, H, W), whether a pixel reads any depth at all."""
    spark_value: Tensor
    """(n, H, W), which."""


def noisy(
    depth: Tensor, cfg: DepthNoiseCfg, generator: torch.Generator | None, *, near: float = 0.1, far: float = 3.0
) -> Tensor:
    """``depth (n, H, W)`` m as a camera would deliver it, within [near, far]."""

    def rand(*size: int) -> Tensor:
        return torch.rand(size, generator=generator, device=depth.device)

    count, shape = depth.shape[0], depth.shape
    draws = NoiseDraws(
        normal=torch.randn(shape, generator=generator, device=depth.device),
        sky=rand(count, 4),
        edge=rand(*shape),
        blocks=rand(count, cfg.num_blocks, 5),
        spark=rand(*shape),
        spark_value=rand(*shape),
    )
    return with_noise(depth, cfg, draws, near=near, far=far)


def with_noise(depth: Tensor, cfg: DepthNoiseCfg, draws: NoiseDraws, *, near: float, far: float) -> Tensor:
    """``depth (n, H, W)`` m as a camera would deliver it with these random numbers, within [near, far]."""
    clipped = depth.clamp(near, far)
    measured = torch.where(clipped < far, range_noise(clipped, cfg, draws.normal), clipped)
    measured = sky_artifacts(measured, cfg, draws.sky, far)
    measured = torch.where(edges(clipped, cfg.edge_jump) & (draws.edge < cfg.edge_probability), far, measured)
    measured = torch.where(missing_blocks(depth, cfg, draws.blocks), far, measured)
    measured = torch.where(draws.spark < cfg.spark_probability, near + (far - near) * draws.spark_value, measured)
    return measured.clamp(near, far)


def range_noise(depth: Tensor, cfg: DepthNoiseCfg, normal: Tensor) -> Tensor:
    """``depth (N, H, W)`` with errors that grow with the distance; ``normal`` is standard normal, of the same shape."""
    return depth + normal * torch.where(
        depth < cfg.near_limit, cfg.near_std, cfg.far_std * depth.square().clamp_max(1e3)
    )


def edges(depth: Tensor, jump: float) -> Tensor:
    """(N, H, W) bool: pixels that differ by more than ``jump`` m from the one to the right of or below them, or it."""
    found = torch.zeros_like(depth, dtype=torch.bool)
    right = (depth[:, :, 1:] - depth[:, :, :-1]).abs() > jump
    below = (depth[:, 1:] - depth[:, :-1]).abs() > jump
    found[:, :, 1:] |= right
    found[:, :, :-1] |= right
    found[:, 1:] |= below
    found[:, :-1] |= below
    return found


def missing_blocks(depth: Tensor, cfg: DepthNoiseCfg, uniform: Tensor) -> Tensor:
    """(N, H, W) bool, inside any of the rectangles that ``uniform (N, blocks, 5)`` places."""
    low, high = cfg.block_size
    there, v, u, height, width = uniform.unbind(-1)
    height, width = low + (high - low) * height, low + (high - low) * width
    rows, columns = _pixel_centers(depth)
    inside_v = _between(rows, v * (1.0 - height), height)  # (N, blocks, H)
    inside_u = _between(columns, u * (1.0 - width), width)  # (N, blocks, W)
    inside = inside_v[..., :, None] & inside_u[..., None, :] & (there < cfg.block_probability)[..., None, None]
    return inside.any(dim=1)


def sky_artifacts(depth: Tensor, cfg: DepthNoiseCfg, uniform: Tensor, far: float) -> Tensor:
    """``depth`` with something near in a vertical strip of what reads ``far``; ``uniform (N, 4)`` places it."""
    there, u, width, value = uniform.unbind(-1)
    _, columns = _pixel_centers(depth)
    strip = _between(columns, u, 0.02 + 0.1 * width)  # (N, W)
    where = (depth >= far) & strip[:, None] & (there < cfg.sky_probability)[:, None, None]
    low, high = cfg.sky_depth
    return torch.where(where, (low + (high - low) * value)[:, None, None], depth)


def _pixel_centers(depth: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (H,) and columns (W,) of the pixels' centers, as parts of the image."""
    height, width = depth.shape[1:]
    rows = (torch.arange(height, device=depth.device) + 0.5) / height
    return rows, (torch.arange(width, device=depth.device) + 0.5) / width


def _between(centers: Tensor, first: Tensor, extent: Tensor) -> Tensor:
    """(*first.shape, pixels) bool: ``centers (pixels,)`` in [first, first + extent]."""
    return (centers >= first[..., None]) & (centers <= (first + extent)[..., None])
