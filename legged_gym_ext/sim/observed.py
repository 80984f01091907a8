"""A simulator that shows somebody every physics step, whatever its backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from legged_gym_ext.sim.interface import CameraCfg, DynamicsSample, SimCfg, Simulator

Observer = Callable[[Simulator, Tensor], None]
"""Is called after every physics step with the simulator, whose state is that after the step and whose ``torques`` and
``substep_dof_vel`` are (N, 1, D) of that step alone, and with the joint speeds before the step, (N, D) rad/s."""


class ObservedSimulator(Simulator):
    """``inner``, of one physics step per control step, as a simulator of ``cfg.decimation`` of them.

    What happens is the same as without an observer.
    """

    def __init__(self, make: Callable[[SimCfg], Simulator], cfg: SimCfg, observer: Observer) -> None:
        """``make`` makes the simulator that is observed."""
        self.inner = inner = make(replace(cfg, decimation=1))
        self.cfg, self._observer = cfg, observer
        self.robot, self.num_envs, self.device, self.scene = inner.robot, inner.num_envs, inner.device, inner.scene
        shape = (inner.num_envs, cfg.decimation, inner.robot.num_dof)
        self.torques = torch.zeros(shape, device=inner.device)
        self.substep_dof_vel = torch.zeros(shape, device=inner.device)
        self._invalid = torch.zeros(inner.num_envs, dtype=torch.bool, device=inner.device)

    def step(self, targets: Tensor) -> None:
        inner = self.inner
        for index in range(self.cfg.decimation):
            before = inner.dof_vel.clone()
            inner.step(targets if targets.dim() == 2 else targets[:, index])
            self.torques[:, index] = inner.torques[:, 0]
            self.substep_dof_vel[:, index] = inner.substep_dof_vel[:, 0]
            self._invalid = inner.invalid.clone() if index == 0 else self._invalid | inner.invalid
            self._observer(inner, before)

    def reset(self, mask: Tensor, root_states: Tensor, dof_pos: Tensor, dof_vel: Tensor) -> None:
        self.inner.reset(mask, root_states, dof_pos, dof_vel)
        where = mask[:, None, None]
        self.torques.copy_(torch.where(where, 0.0, self.torques))
        self.substep_dof_vel.copy_(torch.where(where, self.inner.dof_vel[:, None], self.substep_dof_vel))
        self._invalid = self._invalid & ~mask

    # ---------------------------------------------------------------- handed through

    @property
    def dynamics(self) -> DynamicsSample:  # type: ignore[override]
        return self.inner.dynamics

    @property
    def boxes(self) -> Tensor:  # type: ignore[override]
        return self.inner.boxes

    @property
    def solid(self) -> Tensor:  # type: ignore[override]
        return self.inner.solid

    @property
    def root_states(self) -> Tensor:  # type: ignore[override]
        return self.inner.root_states

    @property
    def dof_pos(self) -> Tensor:  # type: ignore[override]
        return self.inner.dof_pos

    @property
    def dof_vel(self) -> Tensor:  # type: ignore[override]
        return self.inner.dof_vel

    @property
    def invalid(self) -> Tensor:  # type: ignore[override]
        return self._invalid

    @property
    def num_invalid(self) -> int:  # type: ignore[override]
        return self.inner.num_invalid

    @property
    def body_states(self) -> Tensor:
        return self.inner.body_states

    @property
    def contact_forces(self) -> Tensor:
        return self.inner.contact_forces

    def set_dynamics(self, mask: Tensor, sample: DynamicsSample) -> None:
        self.inner.set_dynamics(mask, sample)

    def set_boxes(self, mask: Tensor, boxes: Tensor, solid: Tensor) -> None:
        self.inner.set_boxes(mask, boxes, solid)

    def push(self, mask: Tensor, velocity: Tensor) -> None:
        self.inner.push(mask, velocity)

    def render(self, world: int, camera: CameraCfg) -> np.ndarray:
        return self.inner.render(world, camera)

    def last_inputs(self, world: int) -> dict[str, np.ndarray]:
        """As in ``Simulator``, of the last physics step."""
        return self.inner.last_inputs(world)

    def state_dict(self) -> dict[str, Tensor]:
        own = {"torques": self.torques.clone(), "substep_dof_vel": self.substep_dof_vel.clone()}
        return self.inner.state_dict() | own

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        last = {name: state[name][:, -1:] for name in ("torques", "substep_dof_vel")}
        self.inner.load_state_dict(state | last)
        self.torques.copy_(state["torques"])
        self.substep_dof_vel.copy_(state["substep_dof_vel"])

    def close(self) -> None:
        self.inner.close()
