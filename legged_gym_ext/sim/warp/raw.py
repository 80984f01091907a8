"""MuJoCo Warp stepped with nothing around it: the yardstick of the benchmarks on a GPU."""

from __future__ import annotations

import warp as wp
from torch import Tensor

from legged_gym_ext.sim.warp.backend import WarpSimulator
from legged_gym_ext.sim.warp.model import Launches


class RawPhysics:
    """As many worlds as a simulator has, with its model and data; it moves the simulator's own worlds on."""

    def __init__(self, sim: WarpSimulator) -> None:
        self._sim, self._engine, self._substeps = sim, sim._engine, sim.cfg.decimation
        self._ctrl = wp.to_torch(sim._data.ctrl)
        self._state = [wp.to_torch(array) for array in (sim._data.qpos, sim._data.qvel, sim._data.qacc_warmstart)]
        self._kept = [tensor.clone() for tensor in self._state]
        self._launches = Launches(sim.device)

    def start(self) -> None:
        """Go on from the simulator's present state."""
        for kept, tensor in zip(self._kept, self._state, strict=True):
            kept.copy_(tensor)

    def step(self, targets: Tensor) -> None:
        """One control step toward the joint positions ``targets (N, D)``, rad."""
        self._ctrl.copy_(targets)
        self._launches(self._steps)

    def stop(self) -> None:
        """Leave the simulator in the state that ``start`` found."""
        for kept, tensor in zip(self._kept, self._state, strict=True):
            tensor.copy_(kept)

    def _steps(self) -> None:
        self._engine.opt.run_rne_postconstraint = False
        for _ in range(self._substeps):
            self._sim.step_engine()
