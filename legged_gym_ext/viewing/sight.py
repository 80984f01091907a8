"""A camera that goes around what would hide the robot."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from legged_gym_ext.sim.interface import CameraCfg
from st_rl.utils.rotations import quat_rotate_inverse

_TURNS = (0.0, 15.0, -15.0, 30.0, -30.0, 45.0, -45.0, 60.0, -60.0, 90.0, -90.0, 135.0, -135.0, 180.0)
"""Changes of the azimuth that are tried, degrees."""
_ELEVATIONS = (-10.0, -35.0, -50.0, -70.0)
"""Elevations that are tried beside the wanted one, degrees."""
_BODY = ((0.0, 0.0, 0.0), (0.2, 0.0, 0.05), (-0.2, 0.0, 0.05), (0.0, 0.12, 0.0), (0.0, -0.12, 0.0))
"""Points of the trunk that should be seen, m from its middle, world frame."""
_HIDDEN = 8.0
"""What a hidden robot costs, in turns of 90 degrees."""
_RESTLESS = 0.4
"""What it costs to leave the present angle, over what it costs to be away from the wanted one."""
_SHARE = 0.12
"""Share of the way to the best angle that is turned from one picture to the next."""


def camera_offsets(distance: float, azimuth: Tensor, elevation: Tensor) -> Tensor:
    """(C, 3) m from the point looked at to the camera, world frame; angles (C,) in degrees as in ``CameraCfg``."""
    az, el = azimuth.deg2rad(), elevation.deg2rad()
    forward = torch.stack((el.cos() * az.cos(), el.cos() * az.sin(), el.sin()), dim=-1)
    return -distance * forward


def blocked(start: Tensor, end: Tensor, boxes: Tensor) -> Tensor:
    """(R,) bool: whether a box lies between ``start (R, 3)`` and ``end (R, 3)``, world frame, m.

    A slab test in the frame of each of ``boxes (K, 10)``; boxes without size are none.
    """
    boxes = boxes[(boxes[:, 7:10] > 0.0).all(dim=1)]
    count, rays = len(boxes), len(start)
    quat = boxes[None, :, 3:7].expand(rays, count, 4)
    origin = quat_rotate_inverse(quat, start[:, None] - boxes[None, :, 0:3])
    direction = quat_rotate_inverse(quat, (end - start)[:, None].expand(rays, count, 3))
    direction = torch.where(direction.abs() < 1e-9, 1e-9, direction)
    near, far = (-boxes[:, 7:10] - origin) / direction, (boxes[:, 7:10] - origin) / direction
    enter, leave = torch.minimum(near, far).amax(dim=-1), torch.maximum(near, far).amin(dim=-1)
    # What touches the end of a ray, as the ground below a foot, hides nothing.
    return ((enter < leave) & (leave > 0.0) & (enter < 0.98)).any(dim=1)


class Cameraman:
    """Follows a robot with the angle of ``camera``, and goes around what would hide it, without haste."""

    def __init__(self, camera: CameraCfg, *, steady: bool = False) -> None:
        """``steady``: keep the angle whatever is in the way."""
        self._camera, self._steady = camera, steady
        turns, elevations = torch.tensor(_TURNS), torch.tensor((camera.elevation, *_ELEVATIONS))
        grid = torch.cartesian_prod(turns, elevations)
        self._turn, self._elevation = grid[:, 0], grid[:, 1]
        self._offsets = camera_offsets(camera.distance, camera.azimuth + self._turn, self._elevation)
        self._now: tuple[float, float] | None = None
        """Turn away from the wanted azimuth, and elevation, degrees."""

    def view(self, trunk: Tensor, boxes: Tensor) -> CameraCfg:
        """Return where to look from, with ``trunk (3,)`` m in the world frame among ``boxes (K, 10)``."""
        if self._steady or not len(boxes):
            return self._camera
        turn, elevation = self._best(trunk.cpu(), boxes.cpu())
        if self._now is not None:
            turn, elevation = (
                old + _SHARE * (new - old) for old, new in zip(self._now, (turn, elevation), strict=True)
            )
        self._now = turn, elevation
        azimuth = math.remainder(self._camera.azimuth + turn, 360.0)
        return replace(self._camera, azimuth=azimuth, elevation=elevation)

    def _best(self, trunk: Tensor, boxes: Tensor) -> tuple[float, float]:
        """Turn and elevation at which most of the robot is seen, the nearest to the wanted and the present ones."""
        body = trunk + torch.tensor(_BODY)
        eyes = trunk + torch.tensor(self._camera.lookat_offset) + self._offsets
        start = eyes[:, None].expand(-1, len(body), 3).reshape(-1, 3)
        hidden = blocked(start, body.repeat(len(eyes), 1), boxes).view(len(eyes), -1).float().mean(dim=1)
        away = self._turn.abs() + (self._elevation - self._camera.elevation).abs()
        now_turn, now_elevation = self._now or (0.0, self._camera.elevation)
        restless = (self._turn - now_turn).abs() + (self._elevation - now_elevation).abs()
        cost = _HIDDEN * hidden + (away + _RESTLESS * restless) / 90.0
        best = int(cost.argmin())
        return float(self._turn[best]), float(self._elevation[best])
