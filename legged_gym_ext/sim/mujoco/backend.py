"""The ``mujoco`` backend: MuJoCo's batch API, one thread per CPU core.

Facts used here (MuJoCo 4.0, each checked by a contract test): quaternions are wxyz; the angular velocity of a free
joint is in the body frame; the engine's body poses describe the state before its last physics step, so that ours are
computed from the joints; moved boxes are not collided with before ``set_const``.
"""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

import mujoco
import numpy as np
import torch
from mujoco.batch import Batch
from torch import Tensor

from legged_gym_ext.kernels.available import compiled_kernels
from legged_gym_ext.robots import kinematics
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.sim import scene as scene_text
from legged_gym_ext.sim.interface import (
    MAX_COORDINATE,
    CameraCfg,
    DynamicsSample,
    SceneCfg,
    SimCfg,
    Simulator,
    default_dynamics,
    update_dynamics,
)
from legged_gym_ext.sim.mujoco.model import MIN_BOX, ActuatorFields, WorldRenderer, compile_scene
from legged_gym_ext.terrain.height_field import HeightField
from st_rl.utils.attributes import field_values
from st_rl.utils.rotations import quat_rotate, quat_rotate_inverse

if TYPE_CHECKING:
    from legged_gym_ext.sim.mujoco.compiled import CompiledReader

log = logging.getLogger(__name__)
# Otherwise the engine reports broken worlds on stderr and in a file in the working directory.
mujoco.set_mju_user_warning(log.debug)

_NOT_WORTH_IT = int(mujoco.mjtDisableBit.mjDSBL_ISLAND) | int(mujoco.mjtDisableBit.mjDSBL_MIDPHASE)
"""One robot is one island, and so few boxes are tested sooner than sorted: the same results, 5 to 9 % faster."""
_DYNAMICS_FIELDS = (
    "geom_friction",
    "body_mass",
    "body_ipos",
    "actuator_gainprm",
    "actuator_forcerange",
    "dof_frictionloss",
    "dof_armature",
)
_BOX_FIELDS = ("geom_pos", "geom_quat", "geom_size", "geom_contype", "geom_conaffinity")


class MujocoSimulator(Simulator):
    """See ``Simulator``; tensors are on the CPU."""

    def __init__(
        self,
        robot: RobotCfg,
        num_envs: int,
        cfg: SimCfg,
        scene: SceneCfg,
        height_field: HeightField | None = None,
    ) -> None:
        self.robot, self.num_envs, self.cfg, self.scene = robot, num_envs, cfg, scene
        self.device = torch.device("cpu")
        self._height_field = height_field
        self.model = compile_scene(robot, cfg, scene, height_field)
        self.model.opt.disableflags |= _NOT_WORTH_IT
        self._batch = Batch(self.model, num_envs, cfg.num_threads)
        self._bind_state()
        self._index_model()
        self._make_buffers()
        self._compiled = self._compile()
        everyone = torch.ones(num_envs, dtype=torch.bool)
        self.set_dynamics(everyone, default_dynamics(robot, num_envs, "cpu"))
        rest = torch.zeros(num_envs, 13)
        rest[:, 2], rest[:, 6] = robot.base_height, 1.0
        joints = torch.tensor(robot.default_dof_pos).expand(num_envs, -1)
        self.reset(everyone, rest, joints, torch.zeros_like(joints))
        self._renderer: WorldRenderer | None = None

    def _bind_state(self) -> None:
        bind = self._batch.bind
        self._qpos, self._qvel, self._ctrl = bind("qpos"), bind("qvel"), bind("ctrl")
        self._warmstart = bind("qacc_warmstart")
        with warnings.catch_warnings():
            # torch warns that it could write into the engine's read-only outputs; nothing here does.
            warnings.simplefilter("ignore", UserWarning)
            self._bound_forces = bind("cfrc_ext")
            self._forces = torch.from_numpy(self._bound_forces)
        self._qpos_t, self._qvel_t = torch.from_numpy(self._qpos), torch.from_numpy(self._qvel)

    def _index_model(self) -> None:
        robot, model = self.robot, self.model
        self._trunk = model.body(robot.trunk_name).id
        self._body_ids = torch.tensor([model.body(name).id for name in robot.body_names])
        self._robot_geoms = np.flatnonzero((model.geom_bodyid != 0) & (model.geom_contype != 0))
        self._box_geoms = np.array([model.geom(scene_text.box_name(i)).id for i in range(self.scene.num_boxes)], int)
        self._fields = {name: self._batch.expand(name) for name in _DYNAMICS_FIELDS}
        if self.scene.num_boxes:
            self._fields |= {name: self._batch.expand(name) for name in _BOX_FIELDS}
        self._actuators = ActuatorFields(model)
        self._nominal_mass = float(model.body_mass[self._trunk])
        self._nominal_com = model.body_ipos[self._trunk].copy()

    def _make_buffers(self) -> None:
        n, d, b, s = self.num_envs, self.robot.num_dof, len(self.robot.body_names), self.cfg.decimation
        self.root_states, self.dof_pos, self.dof_vel = torch.zeros(n, 13), torch.zeros(n, d), torch.zeros(n, d)
        self.torques, self.substep_dof_vel = torch.zeros(n, s, d), torch.zeros(n, s, d)
        self.invalid, self.num_invalid = torch.zeros(n, dtype=torch.bool), 0
        self.dynamics = default_dynamics(self.robot, n, "cpu")
        self.boxes = torch.zeros(n, self.scene.num_boxes, 10)
        self.solid = torch.zeros(n, self.scene.num_boxes, dtype=torch.bool)
        self._contact_forces, self._body_states = torch.zeros(n, b, 3), torch.zeros(n, b, 13)
        self._bodies_stale = self._contacts_stale = True
        self._record = {"actuator_force": np.zeros((n, s, d)), "qvel": np.zeros((n, s, self.model.nv))}
        self._recorded_torques = torch.from_numpy(self._record["actuator_force"])
        self._recorded_dof_vel = torch.from_numpy(self._record["qvel"])[..., 6:]
        self._before = {"qpos": self._qpos.copy(), "qvel": self._qvel.copy(), "targets": np.zeros((n, s, d))}

    def _compile(self) -> CompiledReader | None:
        """Compiled kernels that read the engine's state; ``None`` where there is no compiler."""
        if not compiled_kernels():
            return None
        from legged_gym_ext.sim.mujoco.compiled import CompiledReader

        return CompiledReader(self.robot, self.cfg.num_threads, self._qpos, self._qvel)

    # ---------------------------------------------------------------- stepping

    def step(self, targets: Tensor) -> None:
        np.copyto(self._before["qpos"], self._qpos)
        np.copyto(self._before["qvel"], self._qvel)
        ctrl = targets.detach().numpy()
        self._before["targets"][:] = ctrl if ctrl.ndim == 3 else ctrl[:, None]
        control = self._before["targets"] if ctrl.ndim == 3 else None
        np.copyto(self._ctrl, ctrl[:, -1] if ctrl.ndim == 3 else ctrl)
        self._batch.rollout(self.cfg.decimation, control=control, record=tuple(self._record), out=self._record)
        self._read_steps()
        self._read_state()
        self._contacts_stale = True
        count = int(self.invalid.sum())
        if count:
            self.num_invalid += count
            for tensor in (self.root_states, self.dof_pos, self.dof_vel, self.torques, self.substep_dof_vel):
                _bound(tensor)

    def _read_state(self) -> None:
        """Copy the engine's state into the float32 tensors of the contract."""
        self._bodies_stale = True
        if self._compiled is not None:
            self._compiled.read_state(self.root_states, self.dof_pos, self.dof_vel)
            return
        root = self.root_states
        root[:, 0:3].copy_(self._qpos_t[:, 0:3])
        root[:, 3:6].copy_(self._qpos_t[:, 4:7])
        root[:, 6].copy_(self._qpos_t[:, 3])
        root[:, 7:10].copy_(self._qvel_t[:, 0:3])
        root[:, 10:13].copy_(quat_rotate(root[:, 3:7], self._qvel_t[:, 3:6].float()))
        self.dof_pos.copy_(self._qpos_t[:, 7:])
        self.dof_vel.copy_(self._qvel_t[:, 6:])

    def _read_steps(self) -> None:
        """Copy what the physics steps recorded, and find the broken worlds."""
        if self._compiled is not None:
            recorded = (self._before["targets"], self._record)
            self._compiled.read_steps(*recorded, self.torques, self.substep_dof_vel, self.invalid)
            return
        self.torques.copy_(self._recorded_torques)
        self.substep_dof_vel.copy_(self._recorded_dof_vel)
        worst = torch.maximum(self._qpos_t.abs().amax(1), self._qvel_t.abs().amax(1))
        # The engine takes targets that are not finite for zeros, which would hide a broken policy.
        worst = torch.maximum(worst, torch.from_numpy(self._before["targets"]).abs().amax((1, 2)))
        torch.le(worst, MAX_COORDINATE, out=self.invalid).logical_not_()

    def last_inputs(self, world: int) -> dict[str, np.ndarray]:
        return {name: values[world].copy() for name, values in self._before.items()}

    # ---------------------------------------------------------------- lazily computed state

    @property
    def body_states(self) -> Tensor:
        if self._bodies_stale:
            known = (self.root_states, self.dof_pos, self.dof_vel)
            if self._compiled is not None:
                self._compiled.body_states(*known, self._body_states)
            else:
                self._body_states = kinematics.body_states(self.robot, *known)
            if self.invalid.any():
                _bound(self._body_states)
            self._bodies_stale = False
        return self._body_states

    @property
    def contact_forces(self) -> Tensor:
        if self._contacts_stale:
            if self._compiled is not None:
                self._compiled.read_contacts(self._bound_forces, self._body_ids, self._contact_forces)
            else:
                self._contact_forces.copy_(self._forces[:, self._body_ids, 3:6])
            if self.invalid.any():
                _bound(self._contact_forces)
            self._contacts_stale = False
        return self._contact_forces

    # ---------------------------------------------------------------- writing

    def reset(self, mask: Tensor, root_states: Tensor, dof_pos: Tensor, dof_vel: Tensor) -> None:
        ids = np.flatnonzero(mask.numpy())
        if not len(ids):
            return
        root, rows = root_states[ids].double(), torch.from_numpy(ids)
        self._qpos[ids, 0:3] = root[:, 0:3]
        self._qpos[ids, 3] = root[:, 6]
        self._qpos[ids, 4:7] = root[:, 3:6]
        self._qpos[ids, 7:] = dof_pos[ids]
        self._qvel[ids, 0:3] = root[:, 7:10]
        self._qvel[ids, 3:6] = quat_rotate_inverse(root[:, 3:7], root[:, 10:13])
        self._qvel[ids, 6:] = dof_vel[ids]
        self._warmstart[ids] = 0.0
        self._ctrl[ids] = dof_pos[ids]
        self._read_state()
        for tensor in (self.contact_forces, self.torques):
            tensor[rows] = 0.0
        self.substep_dof_vel[rows] = self.dof_vel[rows, None]
        self.invalid[rows] = False

    def push(self, mask: Tensor, velocity: Tensor) -> None:
        ids = np.flatnonzero(mask.numpy())
        if len(ids):
            self._qvel[ids, 0:3] += velocity[ids, 0:3].double().numpy()
            quat = self.root_states[ids, 3:7].double()
            self._qvel[ids, 3:6] += quat_rotate_inverse(quat, velocity[ids, 3:6].double()).numpy()
            self._read_state()

    def set_dynamics(self, mask: Tensor, sample: DynamicsSample) -> None:
        ids = np.flatnonzero(mask.numpy())
        if not len(ids):
            return
        update_dynamics(self.dynamics, mask, sample)
        now, fields = self.dynamics, self._fields
        assert now.friction is not None and now.added_mass is not None and now.com_shift is not None
        assert now.joint_friction is not None and now.armature is not None
        fields["geom_friction"][np.ix_(ids, self._robot_geoms, np.array([0]))] = now.friction[ids, None, None].numpy()
        fields["body_mass"][ids, self._trunk] = self._nominal_mass + now.added_mass[ids].numpy()
        fields["body_ipos"][ids, self._trunk] = self._nominal_com + now.com_shift[ids].numpy()
        fields["dof_frictionloss"][ids, 6:] = now.joint_friction[ids].numpy()
        fields["dof_armature"][ids, 6:] = now.armature[ids].numpy()
        self._actuators.write(fields, ids, now)
        self._batch.set_const(ids)

    def set_boxes(self, mask: Tensor, boxes: Tensor, solid: Tensor) -> None:
        ids = np.flatnonzero(mask.numpy())
        if not len(ids) or not self.scene.num_boxes:
            return
        self.boxes.copy_(torch.where(mask[:, None, None], boxes, self.boxes))
        self.solid.copy_(torch.where(mask[:, None], solid, self.solid))
        new = self.boxes[ids].double().numpy()
        present: np.ndarray = np.all(new[..., 7:10] > MIN_BOX, axis=-1)
        at = np.ix_(ids, self._box_geoms)
        self._fields["geom_pos"][at] = np.where(present[..., None], new[..., 0:3], np.array(scene_text.PARKED))
        self._fields["geom_quat"][at] = np.where(present[..., None], new[..., [6, 3, 4, 5]], np.array([1.0, 0, 0, 0]))
        self._fields["geom_size"][at] = np.maximum(new[..., 7:10], MIN_BOX)
        collides = present & self.solid[ids].numpy()
        self._fields["geom_contype"][at] = 2 * collides
        self._fields["geom_conaffinity"][at] = 1 * collides
        self._batch.set_const(ids)

    # ---------------------------------------------------------------- pictures, persistence

    def render(self, world: int, camera: CameraCfg) -> np.ndarray:
        if self._renderer is None:
            self._renderer = WorldRenderer(self.robot, self.cfg, self.scene, self._height_field)
        return self._renderer.render(self._qpos[world], self.boxes[world], self.solid[world], camera)

    def state_dict(self) -> dict[str, Tensor]:
        state = {
            "qpos": torch.from_numpy(self._qpos.copy()),
            "qvel": torch.from_numpy(self._qvel.copy()),
            "qacc_warmstart": torch.from_numpy(self._warmstart.copy()),
            "torques": self.torques.clone(),
            "substep_dof_vel": self.substep_dof_vel.clone(),
            "contact_forces": self.contact_forces.clone(),
            "boxes": self.boxes.clone(),
            "solid": self.solid.clone(),
            "num_invalid": torch.tensor(self.num_invalid),
        }
        return state | {f"dynamics.{name}": value.clone() for name, value in field_values(self.dynamics).items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        everyone = torch.ones(self.num_envs, dtype=torch.bool)
        prefix = "dynamics."
        sample = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        self.set_dynamics(everyone, DynamicsSample(**sample))
        self.set_boxes(everyone, state["boxes"], state["solid"])
        self._qpos[:], self._qvel[:] = state["qpos"], state["qvel"]
        self._warmstart[:] = state["qacc_warmstart"]
        self._read_state()
        self.torques.copy_(state["torques"])
        self.substep_dof_vel.copy_(state["substep_dof_vel"])
        self._contact_forces.copy_(state["contact_forces"])
        self._contacts_stale = False
        self.num_invalid = int(state["num_invalid"])

    def close(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def _bound(tensor: Tensor) -> None:
    """Make what a broken world reports finite, in place, so that it cannot spoil sums over worlds."""
    tensor.nan_to_num_(0.0, 0.0, 0.0).clamp_(-MAX_COORDINATE, MAX_COORDINATE)
