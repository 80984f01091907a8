"""What a browser can show, whether it is simulated now or was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.terrain.height_field import HeightField


class Shown(Protocol):
    """Robots side by side, each in a lane, at a moment that goes on."""

    playing: bool
    """Whether it goes on by itself."""
    speed: float
    """1 is real time."""

    @property
    def lanes(self) -> Sequence[Any]:
        """What is side by side; other objects than before where everything is drawn anew."""
        ...

    @property
    def time(self) -> float:
        """s."""
        ...

    @property
    def control_dt(self) -> float:
        """Seconds of one step."""
        ...

    @property
    def has_track(self) -> bool:
        """Whether the lanes are courses of obstacles."""
        ...

    def do_requests(self) -> None:
        """Do what controls have asked for since the last call."""

    def step(self) -> None:
        """Go on by one step."""

    def robot(self, lane: int) -> RobotCfg:
        """The robot of a lane."""
        ...

    def ground(self) -> HeightField | None:
        """The rough ground; ``None`` where it is flat."""
        ...

    def title(self, lane: int) -> str:
        """What is said about a lane beside its state."""
        ...

    def body_poses(self, lane: int) -> Tensor:
        """(B, 7) position in m and quaternion xyzw of the robot's bodies, world frame."""
        ...

    def boxes(self, lane: int) -> Tensor:
        """(K, 10) center, quaternion xyzw and half extents in m."""
        ...

    def obstacles(self, lane: int) -> Tensor:
        """(K,) bool: which boxes belong to obstacles, not to the floor."""
        ...

    def contact_forces(self, lane: int) -> Tensor:
        """(B, 3) N, world frame."""
        ...

    def skill(self, lane: int) -> str:
        """The active skill; empty where there is none."""
        ...

    def obstacle(self, lane: int) -> str:
        """Number, type and parameter of the obstacle at hand; empty where there is none."""
        ...

    def tracking(self, lane: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(T,) s; (T, 3) commanded and (T, 3) actual velocity, m/s, m/s and rad/s."""
        ...

    def rewards(self, lane: int) -> dict[str, float]:
        """Weighted reward of the step by term, per second."""
        ...

    def torque_shares(self, lane: int) -> dict[str, float]:
        """Torque of every joint over its limit."""
        ...

    def depth_image(self, lane: int) -> Tensor | None:
        """(H, W) in [0, 1], 0 near and 1 far; ``None`` without a camera."""
        ...

    def close(self) -> None:
        """Release what it needs."""
