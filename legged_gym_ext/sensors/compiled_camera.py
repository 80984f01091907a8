"""``CompiledCamera``: images of depth cameras by the compiled kernels, on the CPU."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from legged_gym_ext.kernels import depth_noise, rays
from legged_gym_ext.sensors.depth_noise import DepthNoiseCfg
from st_rl.utils.pool import shared_pool

_LEAST = 8
"""Fewer images than this are not worth waking a thread for."""


class CompiledCamera:
    """Takes and keeps the images of N cameras of H x W pixels; ``DepthCamera`` does the same with tensors."""

    def __init__(
        self, pixel_rays: Tensor, size: tuple[int, int], reach: tuple[float, float], num_threads: int, fov: float
    ) -> None:
        """Prepare the optics.

        Args:
            pixel_rays: (H * W, 3) as ``legged_gym_ext.sensors.depth_camera.pixel_rays`` makes them.
            size: H and W.
            reach: the nearest and the farthest depth that is measured, m.
            num_threads: as in ``SimCfg``.
            fov: degrees, over the width of the image.
        """
        (height, width), (self._near, self._far) = size, reach
        self._size, self._pool = size, shared_pool(num_threads)
        self._rays = pixel_rays[:, 1:].t().contiguous().numpy()
        focal = 0.5 * width / math.tan(math.radians(0.5 * fov))
        self._optics = np.array([focal, 0.5 * height - 0.5, 0.5 * width - 0.5, height, width], np.float32)

    def depth(self, rows: Tensor, pose: Tensor, position: Tensor, mount: Tensor, boxes: Tensor) -> Tensor:
        """Perfect depths (n, H, W) m of the worlds ``rows (n,)``; see ``DepthCamera.depth``.

        Args:
            pose: (N, 7) of the bases: position in m, quaternion xyzw.
            position: (N, 3) m and ``mount (N, 4)``: place and quaternion of the cameras in the frames of the bases.
            boxes: (N, K, 10).
        """
        out = torch.empty(len(rows), self._rays.shape[1])
        cameras = (pose.numpy(), position.numpy(), mount.numpy(), self._rays, self._optics, self._far)
        boxes = boxes.contiguous()
        self._run(rays.look, len(out), rows.numpy(), *cameras, boxes.numpy(), out.numpy())
        return out.view(-1, *self._size)

    def measure(self, depth: Tensor, noise: DepthNoiseCfg | None, generator: torch.Generator) -> None:
        """Replace ``depth (n, H, W)`` by what cameras deliver of it; each image draws one number from ``generator``."""
        count = len(depth)
        seeds = torch.zeros(count, dtype=torch.long)
        if noise is not None:
            seeds = torch.randint(2**63 - 1, (count,), generator=generator)
        numbers = (-1 if noise is None else noise.num_blocks, self._near, self._far)
        values = np.zeros(depth_noise.NUM_NOISE, np.float32) if noise is None else _values(noise)
        flat = depth.view(count, -1).numpy()
        self._run(depth_noise.measure, count, seeds.numpy(), values, *numbers, flat, *self._size)

    def keep(self, rows: Tensor, fresh: Tensor, taken: Tensor, images: Tensor) -> None:
        """Put the images ``taken (n, H, W)`` of the worlds ``rows (n,)`` before the earlier ``images (L, N, H, W)``.

        In a world that is ``fresh (N,)`` the image also takes the place of the earlier ones.
        """
        where = (rows.numpy(), fresh.numpy(), taken.view(len(rows), -1).numpy())
        rays.keep(0, len(rows), *where, images.view(*images.shape[:2], -1).numpy())

    def deliver(self, images: Tensor, age: Tensor) -> Tensor:
        """The images of ``age (N,)``, (N, 1, H, W), from -0.5 for the nearest to 0.5 for the farthest depth."""
        out = torch.empty(images.shape[1], self._rays.shape[1])
        flat = images.view(*images.shape[:2], -1).numpy()
        self._run(rays.deliver, len(out), flat, age.numpy(), self._near, self._far - self._near, out.numpy())
        return out.view(-1, 1, *self._size)

    def _run(self, kernel: Any, count: int, *arguments: Any) -> None:
        self._pool.run(kernel, count, *arguments, least=_LEAST)


def _values(noise: DepthNoiseCfg) -> np.ndarray:
    """The numbers of ``noise`` in the order of ``legged_gym_ext.kernels.depth_noise.NOISE``."""
    per_pixel = (noise.near_std, noise.near_limit, noise.far_std, noise.spark_probability)
    edges = (noise.sky_probability, noise.edge_jump, noise.edge_probability)
    return np.array([*per_pixel, *edges, noise.block_probability, *noise.block_size, *noise.sky_depth], np.float32)
