"""What the MuJoCo backend needs around the batch: compiled models, actuator parameters, pictures."""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.sim import scene as scene_text
from legged_gym_ext.sim.interface import CameraCfg, DynamicsSample, SceneCfg, SimCfg
from legged_gym_ext.sim.mujoco.gl import make_renderer
from legged_gym_ext.terrain.height_field import HeightField

MIN_BOX = 1e-3
"""Half extents of at most this are no box, m."""

RESISTANCE, KP, KD = 0, 4, 6
"""Where MuJoCo keeps the parameters of a dcmotor in actuator_gainprm."""


def compile_scene(
    robot: RobotCfg, sim: SimCfg, scene: SceneCfg, height_field: HeightField | None, visual: bool = False
) -> mujoco.MjModel:
    """The compiled model of one world, height field filled in."""
    model = mujoco.MjModel.from_xml_string(scene_text.scene_mjcf(robot, sim, scene, height_field, visual=visual))
    if height_field is not None:
        model.hfield_data[:] = scene_text.height_field_data(height_field)
    return model


class ActuatorFields:
    """Writes gains and motor strength into the per-world fields of the ``dcmotor`` actuators."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._resistance = model.actuator_gainprm[:, RESISTANCE].copy()
        self._limit = model.actuator_forcerange.copy()

    def write(self, fields: dict[str, np.ndarray], ids: np.ndarray, dynamics: DynamicsSample) -> None:
        """Set the actuators of the worlds ``ids``; a motor of strength s gives s times the torque at every speed."""
        assert dynamics.motor_strength is not None
        assert dynamics.stiffness is not None and dynamics.damping is not None
        strength = dynamics.motor_strength[ids].double().numpy()
        gains = fields["actuator_gainprm"]
        gains[ids, :, RESISTANCE] = self._resistance / strength
        gains[ids, :, KP] = strength * dynamics.stiffness[ids].numpy()
        gains[ids, :, KD] = strength * dynamics.damping[ids].numpy()
        fields["actuator_forcerange"][ids] = strength[..., None] * self._limit


class WorldRenderer:
    """Draws one world at a time with the robot's visual shapes."""

    def __init__(self, robot: RobotCfg, sim: SimCfg, scene: SceneCfg, height_field: HeightField | None) -> None:
        self.model = compile_scene(robot, sim, scene, height_field, visual=True)
        self.data = mujoco.MjData(self.model)
        self._trunk = self.model.body(robot.trunk_name).id
        self._boxes = [self.model.geom(scene_text.box_name(i)).id for i in range(scene.num_boxes)]
        # Boxes are compiled upright; without this the engine would take them for upright whatever geom_quat says.
        self.model.geom_sameframe[self._boxes] = int(mujoco.mjtSameFrame.mjSAMEFRAME_NONE)
        self._renderer: Any = None
        self._made_for: tuple[int, int, bool] | None = None

    def pose(self, qpos: np.ndarray, boxes: Any, solid: Any) -> None:
        """Take over the pose of a world: ``qpos (19,)``, ``boxes (K, 10)`` xyzw, ``solid (K,)``."""
        for geom, box, is_solid in zip(self._boxes, boxes.tolist(), solid.tolist(), strict=True):
            present = min(box[7:10]) > MIN_BOX
            self.model.geom_pos[geom] = box[0:3] if present else scene_text.PARKED
            self.model.geom_quat[geom] = (box[6], *box[3:6]) if present else (1.0, 0.0, 0.0, 0.0)
            self.model.geom_size[geom] = np.maximum(box[7:10], MIN_BOX)
            self.model.geom_rgba[geom, 3] = 1.0 if is_solid else 0.35
        self.data.qpos[:] = qpos
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_comPos(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)

    def render(self, qpos: np.ndarray, boxes: Any, solid: Any, camera: CameraCfg) -> np.ndarray:
        """An image (height, width, 3), uint8 RGB; see ``Simulator.render``."""
        wanted = (camera.width, camera.height, camera.shadows)
        if self._made_for != wanted:
            self.close()
            self._renderer = make_renderer(self.model, *wanted)
            self._made_for = wanted
        self.pose(qpos, boxes, solid)
        view = mujoco.MjvCamera()
        view.type = mujoco.mjtCamera.mjCAMERA_FREE
        view.lookat[:] = self.data.xpos[self._trunk] + np.array(camera.lookat_offset)
        view.distance, view.azimuth, view.elevation = camera.distance, camera.azimuth, camera.elevation
        self._renderer.update_scene(self.data, view, _scene_option())
        return self._renderer.render()

    def close(self) -> None:
        """Free the render context."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def _scene_option() -> mujoco.MjvOption:
    option = mujoco.MjvOption()
    # Group 3 holds the collision shapes; boxes and ground are in group 0.
    option.geomgroup[3] = 0
    return option
