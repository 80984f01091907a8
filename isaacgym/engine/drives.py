"""What callers tell the degrees of freedom: efforts for one ``simulate``, targets until they are changed."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from isaacgym.api.enums import DofDriveMode
from isaacgym.api.properties import UNLIMITED
from isaacgym.engine.actors import Actor
from isaacgym.engine.physics import Physics
from isaacgym.engine.worlds import World


class Drives:
    """Turns efforts and targets into the engine's controls.

    The model's actuators exert ``ctrl - kp q - kd v`` within the limits of effort, where kp and kd are those of the
    drive in modes POS and VEL and zero otherwise; so ``ctrl`` is the effort, or kp times the position target and kd
    times the velocity target.
    """

    def __init__(self, world: World, physics: Physics, num_worlds: int) -> None:
        self._physics = physics
        shape = (num_worlds, len(world.dof_qvel))
        like = {"dtype": torch.float32, "device": physics.device}
        self.efforts, self.positions, self.velocities = (torch.zeros(shape, **like) for _ in range(3))
        self._stiffness, self._damping = torch.zeros(shape, **like), torch.zeros(shape, **like)
        self._free = torch.ones(shape, **like)
        self._driven = self._given = self._limited = False
        at = world.dof_qvel.tolist()
        together = bool(at) and at == list(range(at[0], at[0] + len(at)))
        self._at: Tensor | slice = (
            slice(at[0], at[0] + len(at)) if together else torch.tensor(at, dtype=torch.long, device=physics.device)
        )
        self._most = torch.full(shape, torch.inf).to(physics.qvel)
        self._least = -self._most

    def take_properties(self, envs: list[list[Actor]]) -> None:
        """Read modes, gains and speed limits of all worlds."""
        if not self.efforts.shape[1]:
            return
        rows = np.stack([np.concatenate([actor.dofs for actor in actors]) for actors in envs])
        mode = rows["driveMode"]
        position, velocity = mode == DofDriveMode.DOF_MODE_POS, mode == DofDriveMode.DOF_MODE_VEL
        self._stiffness.copy_(torch.from_numpy(np.where(position, rows["stiffness"], 0.0)))
        self._damping.copy_(torch.from_numpy(np.where(position | velocity, rows["damping"], 0.0)))
        self._free.copy_(torch.from_numpy(~(position | velocity)))
        self._driven = bool(np.any(position | velocity))
        speed = rows["velocity"].astype(float)
        self._limited = bool(np.any(speed < UNLIMITED))
        self._most.copy_(torch.from_numpy(speed))
        self._least = -self._most

    def give_efforts(self, values: Tensor, mask: Tensor | None) -> None:
        """Keep efforts (N, D) for the next ``simulate``, of the masked degrees of freedom (N, D)."""
        _give(self.efforts, values, mask)
        self._given = True

    def give_positions(self, values: Tensor, mask: Tensor | None) -> None:
        """Keep position targets (N, D), rad or m."""
        _give(self.positions, values, mask)

    def give_velocities(self, values: Tensor, mask: Tensor | None) -> None:
        """Keep velocity targets (N, D), rad/s or m/s."""
        _give(self.velocities, values, mask)

    def command(self) -> None:
        """Write the engine's controls."""
        if not self._driven:
            if self._given:
                self._physics.ctrl.copy_(self.efforts)
            return
        ctrl = self._free * self.efforts + self._stiffness * self.positions + self._damping * self.velocities
        self._physics.ctrl.copy_(ctrl)

    def forget_efforts(self) -> None:
        """Zero the efforts, which act for one ``simulate``."""
        if self._given:
            self.efforts.zero_()
            self._physics.ctrl.zero_()
            self._given = False

    def limit_speeds(self) -> None:
        """Clamp the speeds of degrees of freedom to their limits."""
        if self._limited:
            qvel = self._physics.qvel
            if isinstance(self._at, slice):
                qvel[:, self._at].clamp_(self._least, self._most)
            else:
                qvel[:, self._at] = qvel[:, self._at].clamp(self._least, self._most)


def _give(target: Tensor, values: Tensor, mask: Tensor | None) -> None:
    values = values.view_as(target)
    target.copy_(values if mask is None else torch.where(mask, values, target))
