"""MuJoCo's batch stepped with nothing around it: the yardstick of the benchmarks."""

from __future__ import annotations

import numpy as np
from mujoco.batch import Batch
from torch import Tensor

from legged_gym_ext.sim.mujoco.backend import MujocoSimulator


class RawPhysics:
    """As many worlds as a simulator has, with its model, its per-world fields and its number of threads."""

    def __init__(self, sim: MujocoSimulator) -> None:
        self._sim, self._substeps = sim, sim.cfg.decimation
        self._batch = Batch(sim.model, sim.num_envs, sim.cfg.num_threads)
        self._ctrl, self._qpos, self._qvel = (self._batch.bind(name) for name in ("ctrl", "qpos", "qvel"))
        # The yardstick must not be of another model than what it measures, so it looks at the simulator's own fields.
        for name, values in sim._fields.items():
            self._batch.expand(name)[:] = values
        self._batch.set_const(np.arange(sim.num_envs))

    def start(self) -> None:
        """Take over the simulator's present state."""
        sim = self._sim
        root = sim.root_states.double().numpy()
        self._qpos[:, 0:3], self._qpos[:, 3:7] = root[:, 0:3], root[:, [6, 3, 4, 5]]
        self._qpos[:, 7:], self._qvel[:, 6:] = sim.dof_pos.numpy(), sim.dof_vel.numpy()
        self._qvel[:, 0:3], self._qvel[:, 3:6] = root[:, 7:10], 0.0
        self._batch.forward()

    def step(self, targets: Tensor) -> None:
        """One control step toward the joint positions ``targets (N, D)``, rad."""
        np.copyto(self._ctrl, targets.numpy())
        self._batch.step(nstep=self._substeps)

    def stop(self) -> None:
        """The simulator has a batch of its own, which was not touched."""
