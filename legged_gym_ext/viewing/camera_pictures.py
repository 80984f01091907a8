"""What a depth camera sees of an obstacle as a robot comes nearer, as it is and with what is wrong with real images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from legged_gym_ext.robots.registry import get_robot
from legged_gym_ext.sensors.depth_camera import DepthCamera, DepthCameraCfg
from legged_gym_ext.sensors.depth_noise import DepthNoiseCfg, noisy
from legged_gym_ext.viewing.block_pictures import DIFFICULTIES, block_track
from legged_gym_ext.viewing.overlay import write_text

DISTANCES = (1.4, 1.0, 0.6, 0.2)
"""From the base to the obstacle, m."""
_SCALE = 7
"""Pixels of the picture for one of the camera."""


def approach(name: str, robot: str = "go1", camera: DepthCameraCfg | None = None) -> tuple[DepthCameraCfg, Tensor]:
    """Return the camera and what it measures of a block called ``name``, (distances, H, W) m, without noise.

    The block is in the middle of its range, the robot upright in its default pose.
    """
    cfg = replace(camera or DepthCameraCfg(height=24, width=32), position_range=0.0, angle_range=0.0)
    _, tracks = block_track(name)
    middle, count = DIFFICULTIES.index(0.5), len(DISTANCES)
    boxes = tracks.boxes[middle].expand(count, -1, -1).contiguous()
    position = torch.zeros(count, 3)
    position[:, 0] = tracks.start[middle, 0] - torch.tensor(DISTANCES)
    position[:, 2] = tracks.floor_height[middle, 0] + get_robot(robot).base_height
    upright = torch.tensor([0.0, 0.0, 0.0, 1.0]).expand(count, -1).contiguous()
    seeing = DepthCamera(cfg, count, 0.02, torch.Generator().manual_seed(0), "cpu")
    return cfg, seeing.depth(position, upright, boxes)


def camera_sheet(name: str, robot: str = "go1", camera: DepthCameraCfg | None = None) -> np.ndarray:
    """Return an image (height, width, 3) uint8: near white, far black, each of ``DISTANCES`` side by side.

    The upper row is what there is, the lower one what the camera delivers of it.
    """
    cfg, depth = approach(name, robot, camera)
    generator = torch.Generator().manual_seed(1)
    delivered = noisy(depth, cfg.noise or DepthNoiseCfg(), generator, near=cfg.near, far=cfg.far)
    rows = []
    for images in (depth.clamp(cfg.near, cfg.far), delivered):
        gray = 255.0 * (cfg.far - images) / (cfg.far - cfg.near)
        large = gray.round().to(torch.uint8).numpy().repeat(_SCALE, axis=1).repeat(_SCALE, axis=2)
        pictures = [
            write_text(image[..., None].repeat(3, axis=-1), [f"{name} in {distance:.1f} m"])
            for image, distance in zip(large, DISTANCES, strict=True)
        ]
        pictures = [np.pad(picture, ((1, 1), (1, 1), (0, 0))) for picture in pictures]
        rows.append(np.concatenate(pictures, axis=1))
    return np.concatenate(rows, axis=0)
