"""Handles that the ``Gym`` object gives out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from isaacgym.api.vectors import Vec3

if TYPE_CHECKING:
    from isaacgym.engine.actors import Actor
    from isaacgym.engine.simulation import Sim


class Tensor:
    """A handle of a torch tensor, made by ``acquire_*`` and ``gymtorch.unwrap_tensor``."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes."""
        return tuple(self.tensor.shape)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self.tensor.dim()

    @property
    def dtype(self) -> torch.dtype:
        """Element type."""
        return self.tensor.dtype

    @property
    def device(self) -> int:
        """-1 on the CPU, else the number of the GPU."""
        return self.tensor.device.index if self.tensor.is_cuda else -1

    @property
    def data_address(self) -> int:
        """Address of the first element."""
        return self.tensor.data_ptr()

    @property
    def data_ptr(self) -> int:
        """Address of the first element."""
        return self.tensor.data_ptr()

    @property
    def own_data(self) -> bool:
        """False: the memory is torch's."""
        return False


class Env:
    """An environment: a world of its own, with the actors that were created in it."""

    def __init__(self, sim: Sim, index: int, origin: Vec3) -> None:
        self.sim, self.index, self.origin = sim, index, origin
        self.actors: list[Actor] = []

    def __repr__(self) -> str:
        return f"Env({self.index})"


class ActionEvent:
    """A subscribed key: ``value`` is 1 when it went down and 0 when it came up."""

    def __init__(self, action: str = "", value: float = 0.0) -> None:
        self.action, self.value = action, value

    def __repr__(self) -> str:
        return f"ActionEvent({self.action!r}, {self.value})"


class PerformanceTimers:
    """Seconds of the last frame, by kind of work."""

    def __init__(self, physics: float = 0.0, rendering: float = 0.0, total: float = 0.0) -> None:
        self.frame_idling = self.graphics_image_retrieval = self.graphics_sensor_rendering = 0.0
        self.physics_data_movement = 0.0
        self.graphics_viewer_rendering, self.physics_sim, self.total_time = rendering, physics, total
