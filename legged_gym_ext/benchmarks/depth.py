"""What a depth image costs: by the compiled kernels, and with tensors."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import torch
from torch import Tensor

from legged_gym_ext.sensors.depth_camera import DepthCamera, DepthCameraCfg
from legged_gym_ext.terrain.blocks import BLOCK_NAMES
from legged_gym_ext.terrain.tracks import TrackCfg, build_tracks, draw_kinds, num_random
from st_rl.utils.threads import OneThread


def depth_frame_ms(
    *, noise: bool = True, compiled: bool = True, images: int = 192, rounds: int = 7, num_blocks: int = 5
) -> float:
    """Return ms of one core for an image of ``DepthCameraCfg`` on a course of every block: the median of the rounds.

    Args:
        noise: as a camera delivers it, or perfect.
        compiled: by the kernels, or with tensors as without a compiler.
        images: taken in a round, by robots anywhere on their tracks.
        num_blocks: of a track; five are 56 boxes.
    """
    cfg = DepthCameraCfg() if noise else replace(DepthCameraCfg(), noise=None)
    camera = DepthCamera(cfg, images, 0.02, torch.Generator().manual_seed(0), "cpu", num_threads=1)
    if not compiled:
        camera._kernels = None
    position, quat, boxes = _course(images, num_blocks)
    due = torch.ones(images, dtype=torch.bool)
    seconds = []
    with OneThread():
        camera.update(position, quat, boxes, due)  # warms up
        for _ in range(rounds):
            begin = time.process_time()
            camera.update(position, quat, boxes, due)
            seconds.append(time.process_time() - begin)
    return 1e3 * statistics.median(seconds) / images


def _course(count: int, num_blocks: int) -> tuple[Tensor, Tensor, Tensor]:
    """Positions (N, 3) m and quaternions (N, 4) of robots on tracks, and their boxes (N, K, 10)."""
    cfg, generator = TrackCfg(blocks=BLOCK_NAMES, num_blocks=num_blocks), torch.Generator().manual_seed(0)

    def rand(*size: int) -> Tensor:
        return torch.rand(count, *size, generator=generator)

    kinds = draw_kinds(cfg, count, generator, "cpu")
    made = build_tracks(cfg, kinds, rand(num_blocks), rand(num_random(cfg)))
    x = rand() * made.end[:, -1]
    position = torch.stack((x, torch.zeros(count), made.floor_height[:, 0] + 0.3), dim=1)
    upright = torch.zeros(count, 4)
    upright[:, 3] = 1.0
    return position, upright, made.boxes
