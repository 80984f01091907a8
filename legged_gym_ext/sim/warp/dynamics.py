"""Randomized dynamics of the ``warp`` backend: each world's own friction, masses, motors, and what follows from them.

MuJoCo weighs constraints by the inverse inertia that they meet in the model's zero pose (``body_invweight0``,
``dof_invweight0``), so these must follow the masses. The engine's own ``set_const`` recomputes them in every world with
several hundred launches, too slow for a step in which a few worlds are reset. Here only the trunk's mass and center
of mass and the armatures vary, and in the zero pose they enter the mass matrix in two places: the block of the free
joint and the diagonal. So the nominal matrix is computed once, corrected and inverted for the masked worlds alone.
"""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
import torch
import warp as wp
from torch import Tensor

from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.sim.interface import DynamicsSample
from legged_gym_ext.sim.mujoco.model import KD, KP, RESISTANCE
from legged_gym_ext.sim.warp import weights as kernels
from st_rl.utils.attributes import attributes

BATCHED = (
    "geom_friction",
    "body_mass",
    "body_subtreemass",
    "body_ipos",
    "body_invweight0",
    "dof_invweight0",
    "dof_frictionloss",
    "dof_armature",
    "actuator_gainprm",
    "actuator_forcerange",
)
"""Fields of the engine's model that every world has its own values of."""


class WarpDynamics:
    """Writes the dynamics of masked worlds into the engine's model, without a synchronization with the host."""

    def __init__(self, robot: RobotCfg, model: mujoco.MjModel, engine_model: Any, num_envs: int) -> None:
        """``engine_model`` is MuJoCo Warp's, with the fields ``BATCHED`` of size N; on Warp's current device."""
        self._num_envs, self._nv = num_envs, int(model.nv)
        self._trunk = int(model.body(robot.trunk_name).id)
        self._engine = engine_model
        self._nominal_mass = float(model.body_mass[self._trunk])
        self._nominal_com = wp.vec3(*model.body_ipos[self._trunk].tolist())
        self._fields = {name: wp.to_torch(array) for name, array in attributes(engine_model, BATCHED).items()}
        device = self._fields["body_mass"].device
        robot_geoms = np.flatnonzero((model.geom_bodyid != 0) & (model.geom_contype != 0))
        self._robot_geoms = torch.zeros(model.ngeom, dtype=torch.bool, device=device)
        self._robot_geoms[robot_geoms.tolist()] = True
        self._nominal = {name: value[0].clone() for name, value in self._fields.items()}
        mass_matrix, jacobians = _zero_pose(model)
        self._mass_matrix = wp.array(mass_matrix, dtype=wp.float32)
        self._jacobians = wp.array(jacobians, dtype=wp.float32)
        self._factor = wp.zeros((num_envs, self._nv, self._nv), dtype=wp.float32)
        self._inverse = wp.zeros((num_envs, self._nv, self._nv), dtype=wp.float32)
        self._mask = wp.zeros(num_envs, dtype=wp.bool)
        self.mask = wp.to_torch(self._mask)
        """(N,) bool, the worlds that ``weigh`` works on; ``write`` sets it."""

    def write(self, mask: Tensor, now: DynamicsSample) -> None:
        """Set the fields of the worlds in ``mask (N,)`` to the values ``now``; ``weigh`` must follow."""
        assert now.friction is not None and now.added_mass is not None and now.com_shift is not None
        assert now.motor_strength is not None and now.stiffness is not None and now.damping is not None
        assert now.joint_friction is not None and now.armature is not None
        self.mask.copy_(mask)
        fields, nominal, trunk = self._fields, self._nominal, self._trunk
        friction = torch.where(self._robot_geoms, now.friction[:, None], nominal["geom_friction"][:, 0])
        _put(mask, fields["geom_friction"][:, :, 0], friction)
        _put(mask, fields["body_mass"][:, trunk], nominal["body_mass"][trunk] + now.added_mass)
        for body in (0, trunk):
            heavier = nominal["body_subtreemass"][body] + now.added_mass
            _put(mask, fields["body_subtreemass"][:, body], heavier)
        _put(mask, fields["body_ipos"][:, trunk], nominal["body_ipos"][trunk] + now.com_shift)
        _put(mask, fields["dof_frictionloss"][:, 6:], now.joint_friction)
        _put(mask, fields["dof_armature"][:, 6:], now.armature)
        gains, strength = fields["actuator_gainprm"], now.motor_strength
        _put(mask, gains[:, :, RESISTANCE], nominal["actuator_gainprm"][:, RESISTANCE] / strength)
        _put(mask, gains[:, :, KP], strength * now.stiffness)
        _put(mask, gains[:, :, KD], strength * now.damping)
        _put(mask, fields["actuator_forcerange"], strength[..., None] * nominal["actuator_forcerange"])

    def weigh(self) -> None:
        """Launch what recomputes the constraints' weights of the worlds in ``self.mask``."""
        engine, n = self._engine, self._num_envs
        inputs = [
            self._mask,
            self._mass_matrix,
            engine.body_mass,
            engine.body_ipos,
            engine.dof_armature,
            self._trunk,
            self._nominal_mass,
            self._nominal_com,
        ]
        wp.launch(kernels.factor_mass_matrix, n, inputs=inputs, outputs=[self._factor])
        wp.launch(kernels.invert_mass_matrix, (n, self._nv), inputs=[self._mask, self._factor], outputs=[self._inverse])
        wp.launch(
            kernels.weigh_bodies,
            (n, engine.nbody),
            inputs=[self._mask, self._jacobians, engine.body_ipos, self._trunk, self._inverse],
            outputs=[engine.body_invweight0],
        )
        wp.launch(
            kernels.weigh_dofs, (n, self._nv), inputs=[self._mask, self._inverse], outputs=[engine.dof_invweight0]
        )


def _put(mask: Tensor, field: Tensor, value: Tensor) -> None:
    """Write ``value (N, ...)`` into ``field (N, ...)`` where ``mask (N,)`` is true, in place."""
    field.copy_(torch.where(mask.view(-1, *([1] * (field.dim() - 1))), value, field))


def _zero_pose(model: mujoco.MjModel) -> tuple[np.ndarray, np.ndarray]:
    """The mass matrix (nv, nv) without armature and the Jacobians (bodies, 6, nv) of the bodies' centers of mass."""
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    mass_matrix = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, mass_matrix)
    mass_matrix -= np.diag(model.dof_armature)
    jacobians = np.zeros((model.nbody, 6, model.nv))
    for body in range(1, model.nbody):
        mujoco.mj_jacBodyCom(model, data, jacobians[body, :3], jacobians[body, 3:], body)
    return mass_matrix, jacobians
