"""The ``warp`` backend: MuJoCo Warp on an NVIDIA GPU, or on Warp's CPU device for tests and comparisons.

The contract's tensors are the engine's neighbors: Warp kernels read and write both, nothing goes through the host.
Every operation is recorded once and replayed as one graph (a CUDA graph on a GPU); see ``warp_model.Launches``.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch
import warp as wp
from torch import Tensor

from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.sim import scene as scene_text
from legged_gym_ext.sim.interface import (
    CameraCfg,
    DynamicsSample,
    SceneCfg,
    SimCfg,
    Simulator,
    default_dynamics,
    update_dynamics,
)
from legged_gym_ext.sim.mujoco.model import MIN_BOX, WorldRenderer, compile_scene
from legged_gym_ext.sim.warp import kernels
from legged_gym_ext.sim.warp.dynamics import WarpDynamics
from legged_gym_ext.sim.warp.ground import GroundContacts, take_from_engine
from legged_gym_ext.sim.warp.model import NO_ROOM, Launches, make_engine, mjw, wp_device
from legged_gym_ext.terrain.height_field import HeightField
from st_rl.utils.attributes import attributes, field_values

log = logging.getLogger(__name__)

_ENGINE_STATE = ("qpos", "qvel", "qacc_warmstart")
_TENSORS = ("torques", "substep_dof_vel", "contact_forces", "boxes", "solid")


class WarpSimulator(Simulator):
    """See ``Simulator``. On the CPU it skips operations whose mask is empty; on a GPU it never looks."""

    def __init__(
        self,
        robot: RobotCfg,
        num_envs: int,
        cfg: SimCfg,
        scene: SceneCfg,
        height_field: HeightField | None = None,
        device: str = "cpu",
    ) -> None:
        self.robot, self.num_envs, self.cfg, self.scene = robot, num_envs, cfg, scene
        self._wp_device = wp_device(torch.device(device))
        self.device = torch.device(wp.device_to_torch(self._wp_device))
        self._height_field = height_field
        self._on_cpu = self.device.type == "cpu"
        model = compile_scene(robot, cfg, scene, height_field)
        self._trunk = int(model.body(robot.trunk_name).id)
        self._first_box = int(model.geom(scene_text.box_name(0)).id) if scene.num_boxes else 0
        on_field = [] if height_field is None else take_from_engine(model)
        with wp.ScopedDevice(self._wp_device):
            self._engine, self._data = make_engine(model, num_envs, boxes=scene.num_boxes > 0)
            self._ground = height_field and GroundContacts(self._engine, self._data, on_field, height_field)
            self._dynamics = WarpDynamics(robot, model, self._engine, num_envs)
            self._body_ids = wp.array([int(model.body(name).id) for name in robot.body_names], dtype=wp.int32)
            self._make_buffers(model.nq, model.nv)
            wp.synchronize_device()
        self._launches = Launches(self.device)
        self._renderer: WorldRenderer | None = None
        everyone = torch.ones(num_envs, dtype=torch.bool, device=self.device)
        self.set_dynamics(everyone, default_dynamics(robot, num_envs, self.device))
        self.set_boxes(everyone, self.boxes.clone(), self.solid.clone())
        rest = torch.zeros(num_envs, 13, device=self.device)
        rest[:, 2], rest[:, 6] = robot.base_height, 1.0
        joints = torch.tensor(robot.default_dof_pos, device=self.device).expand(num_envs, -1)
        self.reset(everyone, rest, joints, torch.zeros_like(joints))

    def _make_buffers(self, nq: int, nv: int) -> None:
        """Arrays that both sides see: ``self._w`` holds Warp's view of each, ``self._t`` torch's."""
        n, d, b, s = self.num_envs, self.robot.num_dof, len(self.robot.body_names), self.cfg.decimation
        k = self.scene.num_boxes
        shapes: dict[str, tuple[int, ...]] = {
            "root_states": (n, 13),
            "dof_pos": (n, d),
            "dof_vel": (n, d),
            "torques": (n, s, d),
            "substep_dof_vel": (n, s, d),
            "contact_forces": (n, b, 3),
            "body_states": (n, b, 13),
            "boxes": (n, k, 10),
            "targets": (n, s, d),
            "qpos_before": (n, nq),
            "qvel_before": (n, nv),
            "new_root": (n, 13),
            "new_dof_pos": (n, d),
            "new_dof_vel": (n, d),
            "velocity": (n, 6),
        }
        self._w: dict[str, Any] = {name: wp.zeros(shape, dtype=wp.float32) for name, shape in shapes.items()}
        flags = {"invalid": (n,), "mask": (n,), "solid": (n, k)}
        self._w |= {name: wp.zeros(shape, dtype=wp.bool) for name, shape in flags.items()}
        self._w["num_invalid"] = wp.zeros(1, dtype=wp.int32)
        self._w |= attributes(self._data, _ENGINE_STATE)
        t = self._t = {name: wp.to_torch(array) for name, array in self._w.items()}
        self.root_states, self.dof_pos, self.dof_vel = t["root_states"], t["dof_pos"], t["dof_vel"]
        self.torques, self.substep_dof_vel = t["torques"], t["substep_dof_vel"]
        self.boxes, self.solid, self.invalid = t["boxes"], t["solid"], t["invalid"]
        self.dynamics = default_dynamics(self.robot, n, self.device)
        self._bodies_stale = True

    # ---------------------------------------------------------------- stepping

    def step(self, targets: Tensor) -> None:
        targets = targets.detach()
        self._t["targets"].copy_(targets if targets.dim() == 3 else targets[:, None])
        self._launches(self._step)
        self._bodies_stale = True

    def _step(self) -> None:
        engine, data, w = self._engine, self._data, self._w
        wp.copy(w["qpos_before"], data.qpos)
        wp.copy(w["qvel_before"], data.qvel)
        joints = (self.num_envs, self.robot.num_dof)
        last = self.cfg.decimation - 1
        for substep in range(self.cfg.decimation):
            wp.launch(kernels.load_targets, joints, inputs=[w["targets"], substep], outputs=[data.ctrl])
            # Only the last physics step's contact forces are asked for.
            engine.opt.run_rne_postconstraint = substep == last
            self.step_engine()
            wp.launch(
                kernels.record_substep,
                joints,
                inputs=[data.actuator_force, data.qvel, substep],
                outputs=[w["torques"], w["substep_dof_vel"]],
            )
        self._read_state()
        wp.launch(
            kernels.read_contacts,
            (self.num_envs, len(self.robot.body_names)),
            inputs=[data.cfrc_ext, self._body_ids],
            outputs=[w["contact_forces"]],
        )

    def step_engine(self) -> None:
        """Launch one physics step."""
        if self._ground is not None:
            mjw.kinematics(self._engine, self._data)
            mjw.collision(self._engine, self._data)
            self._ground.append()
        mjw.step(self._engine, self._data)

    def _read_state(self) -> None:
        outputs = ("root_states", "dof_pos", "dof_vel", "torques", "substep_dof_vel", "invalid", "num_invalid")
        self._launch_over_worlds(kernels.read_state, ("qpos", "qvel", "targets"), outputs)

    @property
    def num_invalid(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """How many broken worlds there have been since the start; waits for the device."""
        return int(self._t["num_invalid"].item())

    def last_inputs(self, world: int) -> dict[str, np.ndarray]:
        names = {"qpos": "qpos_before", "qvel": "qvel_before", "targets": "targets"}
        return {name: self._t[buffer][world].cpu().numpy().copy() for name, buffer in names.items()}

    # ---------------------------------------------------------------- lazily computed state

    @property
    def body_states(self) -> Tensor:
        if self._bodies_stale:
            self._launches(self._read_bodies)
            self._bodies_stale = False
        return self._t["body_states"]

    def _read_bodies(self) -> None:
        # The engine's poses are those before the last physics step.
        data = self._data
        mjw.kinematics(self._engine, data)
        mjw.com_pos(self._engine, data)
        mjw.com_vel(self._engine, data)
        wp.launch(
            kernels.read_bodies,
            (self.num_envs, len(self.robot.body_names)),
            inputs=[data.xpos, data.xquat, data.cvel, data.subtree_com, self._body_ids, self._trunk],
            outputs=[self._w["body_states"]],
        )

    @property
    def contact_forces(self) -> Tensor:
        return self._t["contact_forces"]

    # ---------------------------------------------------------------- writing

    def _nothing_in(self, mask: Tensor) -> bool:
        return self._on_cpu and not bool(mask.any())

    def reset(self, mask: Tensor, root_states: Tensor, dof_pos: Tensor, dof_vel: Tensor) -> None:
        if self._nothing_in(mask):
            return
        t = self._t
        t["mask"].copy_(mask)
        t["new_root"].copy_(root_states)
        t["new_dof_pos"].copy_(dof_pos)
        t["new_dof_vel"].copy_(dof_vel)
        self._launches(self._write_state)
        self._bodies_stale = True

    def _write_state(self) -> None:
        inputs = ("mask", "new_root", "new_dof_pos", "new_dof_vel")
        outputs = ("qpos", "qvel", "qacc_warmstart", "root_states", "dof_pos", "dof_vel")
        outputs += ("torques", "substep_dof_vel", "contact_forces", "invalid")
        self._launch_over_worlds(kernels.write_state, inputs, outputs)

    def push(self, mask: Tensor, velocity: Tensor) -> None:
        if self._nothing_in(mask):
            return
        self._t["mask"].copy_(mask)
        self._t["velocity"].copy_(velocity)
        self._launches(self._add_velocity)
        self._bodies_stale = True

    def _add_velocity(self) -> None:
        outputs = ("qpos", "qvel", "root_states", "dof_pos", "dof_vel")
        self._launch_over_worlds(kernels.add_velocity, ("mask", "velocity"), outputs)

    def _launch_over_worlds(self, kernel: Any, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        w = self._w
        wp.launch(kernel, self.num_envs, inputs=[w[name] for name in inputs], outputs=[w[name] for name in outputs])

    def set_dynamics(self, mask: Tensor, sample: DynamicsSample) -> None:
        if self._nothing_in(mask):
            return
        update_dynamics(self.dynamics, mask, sample)
        self._dynamics.write(mask, self.dynamics)
        self._launches(self._dynamics.weigh)
        self._bodies_stale = True

    def set_boxes(self, mask: Tensor, boxes: Tensor, solid: Tensor) -> None:
        if not self.scene.num_boxes or self._nothing_in(mask):
            return
        self._t["mask"].copy_(mask)
        self.boxes.copy_(torch.where(mask[:, None, None], boxes, self.boxes))
        self.solid.copy_(torch.where(mask[:, None], solid, self.solid))
        self._launches(self._place_boxes)

    def _place_boxes(self) -> None:
        engine, data, w = self._engine, self._data, self._w
        wp.launch(
            kernels.place_boxes,
            (self.num_envs, self.scene.num_boxes),
            inputs=[w["mask"], w["boxes"], w["solid"], self._first_box, MIN_BOX, wp.vec3(*scene_text.PARKED)],
            outputs=[data.geom_xpos, data.geom_xmat, engine.geom_size, engine.geom_aabb, engine.geom_rbound],
        )

    # ---------------------------------------------------------------- pictures, persistence

    def render(self, world: int, camera: CameraCfg) -> np.ndarray:
        if self._renderer is None:
            self._renderer = WorldRenderer(self.robot, self.cfg, self.scene, self._height_field)
        qpos = self._t["qpos"][world].double().cpu().numpy()
        return self._renderer.render(qpos, self.boxes[world].cpu(), self.solid[world].cpu(), camera)

    def num_overflows(self) -> int:
        """Worlds that once had more contacts or constraints than there was room for; waits for the device."""
        return int((wp.to_torch(self._data.overflow) & NO_ROOM != 0).sum().item())

    def state_dict(self) -> dict[str, Tensor]:
        count = self.num_overflows()
        if count:
            log.warning("%d worlds had more contacts than there is room for; some were left out", count)
        state = {name: self._t[name].clone() for name in (*_ENGINE_STATE, *_TENSORS)}
        state["num_invalid"] = self._t["num_invalid"][0].clone()
        return state | {f"dynamics.{name}": value.clone() for name, value in field_values(self.dynamics).items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        everyone = torch.ones(self.num_envs, dtype=torch.bool, device=self.device)
        prefix = "dynamics."
        sample = {
            name.removeprefix(prefix): value.to(self.device) for name, value in state.items() if name.startswith(prefix)
        }
        self.set_dynamics(everyone, DynamicsSample(**sample))
        self.set_boxes(everyone, state["boxes"].to(self.device), state["solid"].to(self.device))
        for name in (*_ENGINE_STATE, *_TENSORS):
            self._t[name].copy_(state[name])
        self._t["targets"].zero_()
        self._launches(self._read_state)
        self._bodies_stale = True
        self._t["num_invalid"].fill_(int(state["num_invalid"]))

    def close(self) -> None:
        self._launches.clear()
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
