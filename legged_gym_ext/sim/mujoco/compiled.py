"""``CompiledReader``: the engine's state as tensors, by the compiled kernels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from legged_gym_ext.kernels import bodies, state
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.kinematics import joint_angles, leg_origins
from legged_gym_ext.sim.interface import MAX_COORDINATE
from st_rl.utils.pool import shared_pool


class CompiledReader:
    """Writes into the tensors of a simulator of N worlds what the same lines of ``MujocoSimulator`` write."""

    def __init__(self, robot: RobotCfg, num_threads: int, qpos: np.ndarray, qvel: np.ndarray) -> None:
        """``qpos (N, 19)`` and ``qvel (N, 18)`` are the engine's own arrays; ``num_threads`` as in ``SimCfg``."""
        self._qpos, self._qvel, self._num_envs = qpos, qvel, len(qpos)
        self._origins = leg_origins(robot).numpy()
        self._pool = shared_pool(num_threads)

    def read_state(self, root_states: Tensor, dof_pos: Tensor, dof_vel: Tensor) -> None:
        """The present state."""
        out = (root_states.numpy(), dof_pos.numpy(), dof_vel.numpy())
        state.read_state(0, self._num_envs, self._qpos, self._qvel, *out)

    def read_steps(
        self,
        targets: np.ndarray,
        record: dict[str, np.ndarray],
        torques: Tensor,
        substep_dof_vel: Tensor,
        invalid: Tensor,
    ) -> None:
        """What the last physics steps recorded under ``targets (N, S, D)``, and which worlds are broken."""
        recorded = (targets, record["actuator_force"], record["qvel"], MAX_COORDINATE)
        out = (torques.numpy(), substep_dof_vel.numpy(), invalid.numpy())
        state.read_steps(0, self._num_envs, self._qpos, self._qvel, *recorded, *out)

    def read_contacts(self, forces: np.ndarray, body_ids: Tensor, out: Tensor) -> None:
        """The contact forces ``out (N, B, 3)`` N on the bodies ``body_ids (B,)``, of the engine's ``forces``."""
        state.read_contacts(0, self._num_envs, forces, body_ids.numpy(), out.numpy())

    def body_states(self, root_states: Tensor, dof_pos: Tensor, dof_vel: Tensor, out: Tensor) -> None:
        """The states ``out (N, B, 13)`` of all bodies; see ``legged_gym_ext.robots.kinematics.body_states``."""
        angles = joint_angles(dof_pos)
        # torch computes many sines at once, which a loop over worlds does not.
        waves = torch.stack((angles.sin(), angles.cos(), (half := 0.5 * angles).sin(), half.cos())).numpy()
        known = (root_states.numpy(), dof_vel.numpy(), self._origins, *waves)
        self._pool.run(bodies.body_states, self._num_envs, *known, out.numpy())
