"""The part of a large height field that is drawn: a window around what a camera sees.

Terrains have millions of samples. Drawing all of them takes seconds a picture, and cameras see a few meters.
"""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

import dataclasses
from typing import Any

import mujoco
import numpy as np

from isaacgym.engine.grounds import Ground, HeightField

CAMERA_SIZE, VIEWER_SIZE = 112, 400
"""Samples along either side. Cameras stand at many places, so that their window moves with every picture."""


class GroundWindow:
    """One height field whose window follows the pictures."""

    def __init__(self, ground: HeightField, name: str, size: int) -> None:
        heights = ground.heights
        self._ground, self._name = ground, name
        self._size = (min(size, heights.shape[0]), min(size, heights.shape[1]))
        low, high = float(heights.min()), float(heights.max())
        self._low, self._span = low, max(high - low, 1e-3)
        self._at = (-1, -1)

    def cropped(self) -> HeightField:
        """Return the window as a ground of its own, with the whole field's lowest and highest sample in it."""
        heights = np.full(self._size, self._low, np.float32)
        heights[0, 0] = self._low + self._span
        return dataclasses.replace(self._ground, heights=heights)

    def move(self, model: Any, x: float, y: float) -> bool:
        """Put the window around (x, y), m, world frame; return whether the model changed."""
        ground, size = self._ground, self._size
        quat = ground.quat[[3, 0, 1, 2]]
        back, local = np.zeros(4), np.zeros(3)
        mujoco.mju_negQuat(back, quat)
        mujoco.mju_rotVecQuat(local, np.array([x, y, ground.pos[2]]) - ground.pos, back)
        start = tuple(
            int(np.clip(round(local[axis] / ground.spacing[axis]) - size[axis] // 2, 0, limit - size[axis]))
            for axis, limit in enumerate(ground.heights.shape)
        )
        # Moved only when a quarter of the window has been passed: handing it to the drawing library costs.
        if self._at[0] >= 0 and all(abs(new - old) < n // 4 for new, old, n in zip(start, self._at, size, strict=True)):
            return False
        self._at = (start[0], start[1])
        part = ground.heights[start[0] : start[0] + size[0], start[1] : start[1] + size[1]]
        field = int(model.hfield(self._name).id)
        at = int(model.hfield_adr[field])
        model.hfield_data[at : at + part.size] = ((part - self._low) / self._span).T.ravel()
        center = np.array(
            [
                (start[0] + 0.5 * (size[0] - 1)) * ground.spacing[0],
                (start[1] + 0.5 * (size[1] - 1)) * ground.spacing[1],
                self._low,
            ]
        )
        turned = np.zeros(3)
        mujoco.mju_rotVecQuat(turned, center, quat)
        model.geom(self._name).pos[:] = ground.pos + turned
        return True

    def upload(self, model: Any, context: Any) -> None:
        """Hand the window to a drawing context."""
        mujoco.mjr_uploadHField(model, context, int(model.hfield(self._name).id))


def make_windows(grounds: list[Ground], size: int) -> tuple[list[Ground], list[GroundWindow]]:
    """Return the grounds with windows in place of large height fields, and the windows."""
    drawn: list[Ground] = []
    windows: list[GroundWindow] = []
    for index, ground in enumerate(grounds):
        if isinstance(ground, HeightField) and ground.heights.size > size * size:
            windows.append(GroundWindow(ground, f"ground{index}", size))
            drawn.append(windows[-1].cropped())
        else:
            drawn.append(ground)
    return drawn, windows
