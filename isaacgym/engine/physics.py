"""The interface of the engines: many worlds of one model, their state as torch tensors that alias the engine's own."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor


class Physics(Protocol):
    """``N`` worlds of one MuJoCo model. Tensors stay where they are and change as the worlds do."""

    device: torch.device
    qpos: Tensor
    """(N, nq) positions; free joints hold x y z, then a quaternion wxyz."""
    qvel: Tensor
    """(N, nv) velocities; free joints hold the velocity of the frame's origin in world axes, then the angular velocity
    in body axes."""
    ctrl: Tensor
    """(N, nu) what actuators are told."""
    mocap_pos: Tensor
    """(N, nmocap, 3) m."""
    mocap_quat: Tensor
    """(N, nmocap, 4) wxyz."""
    xfrc: Tensor
    """(N, nbody, 6) force at the center of mass, N, then torque, N m, world axes, applied until changed."""

    def step(self, count: int) -> None:
        """Advance by ``count`` physics steps."""
        ...

    def contact_wrenches(self) -> Tensor:
        """(N, nbody, 6) torque about the center of mass of the whole actor, N m, then force, N, world axes, of
        contacts and of ``xfrc`` during the last step."""
        ...

    def tree_com(self) -> Tensor:
        """(N, nbody, 3) m, center of mass of each body's subtree before the last step."""
        ...

    def actuator_forces(self) -> Tensor:
        """(N, nu) what actuators exerted in the last step, N m or N."""
        ...

    def set_field(self, name: str, values: np.ndarray) -> None:
        """Give a field of the model per-world values ``(N, ...)``; ``finish_fields`` makes them count."""
        ...

    def finish_fields(self) -> None:
        """Derive what depends on fields."""
        ...

    def set_gravity(self, gravity: np.ndarray) -> None:
        """Set the gravity of all worlds, (3,) m/s^2."""
        ...

    def close(self) -> None:
        """Free memory."""
        ...


def repair(physics: Physics, home: Tensor) -> None:
    """Put worlds whose state is not finite back to ``home`` (N, nq), at rest; no host waits for a device."""
    fine = torch.isfinite(physics.qpos).all(-1) & torch.isfinite(physics.qvel).all(-1)
    physics.qpos.copy_(torch.where(fine[:, None], physics.qpos, home))
    physics.qvel.copy_(torch.where(fine[:, None], physics.qvel, 0.0))
