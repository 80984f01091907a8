"""Pictures of environments: a model with visual shapes, posed as the worlds are, drawn from any camera."""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from isaacgym.api.vectors import Transform, Vec3
from isaacgym.engine.gl import make_renderer
from isaacgym.engine.ground_window import GroundWindow, make_windows
from isaacgym.engine.simulation import Sim
from isaacgym.engine.worlds import COLLISION_GROUP, VISUAL_GROUP, World, compile_world

MAX_GEOMS = 20_000
FAR = 1_000.0
"""Nothing farther away is drawn, m; farther planes cost precision of depth."""
NEAR = 0.01


@dataclass(frozen=True)
class View:
    """A camera: where it is (looking along its +x, +z up), how wide, and what it draws."""

    pose: Transform
    width: int
    height: int
    horizontal_fov: float
    """Degrees."""
    near: float = NEAR
    far: float = FAR
    collision: bool = False
    reach: float = 2.0
    """How far ahead is what it looks at, m: large height fields are drawn around that point."""


@dataclass(frozen=True)
class Lines:
    """Line segments: ``points`` (L, 2, 3) m, world frame; ``colors`` (L, 3) within 0 and 1."""

    points: np.ndarray
    colors: np.ndarray


class Painter:
    """Draws environments of one simulation; keeps a renderer for every size of picture."""

    def __init__(self, sim: Sim, window: int) -> None:
        """``window``: how many samples of a large height field are drawn along either side."""
        self._sim = sim
        live = sim.live
        drawn, self._windows = make_windows(sim.grounds, window)
        self.world: World = compile_world(sim.envs[0].actors, drawn, live.options, visual=True)
        model = self.world.model
        model.body_mass[:] = np.maximum(model.body_mass, 1e-3)
        self._own_colors = model.geom_rgba.copy()
        blueprints = [actor.asset.blueprint for actor in sim.envs[0].actors]
        # Visual meshes are missing where a file of theirs is, or is of a kind that is not read.
        self.has_visuals = all(body.visuals or not body.shapes for blueprint in blueprints for body in blueprint.bodies)
        self._datas: list[Any] = []
        self._renderers: dict[tuple[int, int], Any] = {}
        self._stale: dict[GroundWindow, set[tuple[int, int]]] = {window: set() for window in self._windows}
        """Sizes of the renderers that have not been given a window where it is now."""

    # ---------------------------------------------------------------- posing

    def data_of(self, env: int, place: int = 0) -> Any:
        """Return the engine's data of an environment as it is now; ``place`` numbers those that are held at once."""
        while len(self._datas) <= place:
            self._datas.append(mujoco.MjData(self.world.model))
        data, physics = self._datas[place], self._sim.live.physics
        data.qpos[:] = physics.qpos[env].cpu().numpy()
        data.mocap_pos[:] = physics.mocap_pos[env].cpu().numpy()
        data.mocap_quat[:] = physics.mocap_quat[env].cpu().numpy()
        mujoco.mj_kinematics(self.world.model, data)
        mujoco.mj_comPos(self.world.model, data)
        mujoco.mj_camlight(self.world.model, data)
        return data

    def take_colors(self, env: int) -> None:
        """Color the bodies as an environment's actors are."""
        model = self.world.model
        model.geom_rgba[:] = self._own_colors
        for slot, actor in zip(self.world.slots, self._sim.envs[env].actors, strict=True):
            for body, color in actor.colors.items():
                geoms = model.geom_bodyid == self.world.body_ids[slot.bodies.start + body]
                model.geom_rgba[geoms, :3] = color

    def option(self, collision: bool) -> Any:
        """Return what is drawn: visual shapes, and collision shapes where asked for or where visuals are missing."""
        option = mujoco.MjvOption()
        option.geomgroup[COLLISION_GROUP] = int(collision or not self.has_visuals)
        option.geomgroup[VISUAL_GROUP] = int(not collision)
        return option

    # ---------------------------------------------------------------- drawing

    def color(self, envs: Sequence[int], view: View, lines: Lines | None = None) -> np.ndarray:
        """Return (H, W, 3) uint8 of the environments, the ground once."""
        renderer = self._scene(envs, view)
        if lines is not None:
            add_lines(renderer.scene, lines)
        return renderer.render()

    def depth(self, env: int, view: View) -> np.ndarray:
        """Return (H, W) float32: the distance along the optical axis, m; infinite where there is nothing."""
        renderer = self._scene([env], view)
        renderer.enable_depth_rendering()
        depth = renderer.render().copy()
        renderer.disable_depth_rendering()
        depth[depth >= 0.99 * min(view.far, FAR)] = np.inf
        return depth

    def segmentation(self, env: int, view: View) -> np.ndarray:
        """Return (H, W) int32: the segmentation id of the body at each pixel, 0 for the ground and for nothing."""
        renderer = self._scene([env], view)
        renderer.enable_segmentation_rendering()
        seen = renderer.render().copy()
        renderer.disable_segmentation_rendering()
        ids = np.zeros(self.world.model.ngeom + 1, np.int32)
        for slot, actor in zip(self.world.slots, self._sim.envs[env].actors, strict=True):
            for body in range(len(slot.bodies)):
                geoms = self.world.model.geom_bodyid == self.world.body_ids[slot.bodies.start + body]
                ids[:-1][geoms] = actor.segmentations.get(body, actor.segmentation)
        is_geom = seen[..., 1] == int(mujoco.mjtObj.mjOBJ_GEOM)
        return ids[np.where(is_geom, seen[..., 0], -1)]

    def _scene(self, envs: Sequence[int], view: View) -> Any:
        renderer = self._renderer(view.width, view.height)
        model = self.world.model
        near, far = max(view.near, NEAR), min(view.far, FAR)
        # The renderer turns its depths into meters with these, so they must be those of the camera.
        model.vis.map.znear, model.vis.map.zfar = near / model.stat.extent, far / model.stat.extent
        self._move_windows(view, renderer)
        self.take_colors(envs[0])
        option = self.option(view.collision)
        renderer.update_scene(self.data_of(envs[0]), scene_option=option)
        for place, env in enumerate(envs[1:], 1):
            self.take_colors(env)
            add_env(model, self.data_of(env, place), option, renderer.scene)
        aim(renderer.scene, view, near, far)
        return renderer

    def _move_windows(self, view: View, renderer: Any) -> None:
        center = view.pose.p + view.pose.r.rotate(Vec3(view.reach, 0.0, 0.0))
        for window, stale in self._stale.items():
            if window.move(self.world.model, center.x, center.y):
                stale |= set(self._renderers)
            size = (view.width, view.height)
            if size in stale:
                # The renderer keeps its contexts to itself, and has no method for height fields.
                renderer._gl_context.make_current()
                window.upload(self.world.model, renderer._mjr_context)
                stale.discard(size)

    def _renderer(self, width: int, height: int) -> Any:
        size = (width, height)
        if size not in self._renderers:
            vis = self.world.model.vis.global_
            vis.offwidth, vis.offheight = max(vis.offwidth, width), max(vis.offheight, height)
            self._renderers[size] = make_renderer(self.world.model, width, height, MAX_GEOMS)
        return self._renderers[size]

    def close(self) -> None:
        """Free the render contexts."""
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers.clear()


def add_env(model: Any, data: Any, option: Any, scene: Any) -> None:
    """Add the moving bodies of another environment to a scene."""
    dynamic = int(mujoco.mjtCatBit.mjCAT_DYNAMIC)
    mujoco.mjv_addGeoms(model, data, option, mujoco.MjvPerturb(), dynamic, scene)


def aim(scene: Any, view: View, near: float, far: float) -> None:
    """Point both of a scene's cameras (left and right eye) as ``view`` says."""
    forward = view.pose.r.rotate(Vec3(1.0, 0.0, 0.0))
    up = view.pose.r.rotate(Vec3(0.0, 0.0, 1.0))
    half_width = near * float(np.tan(np.radians(0.5 * view.horizontal_fov)))
    half_height = half_width * view.height / view.width
    for camera in scene.camera:
        camera.pos, camera.forward, camera.up = view.pose.p.values(), forward.values(), up.values()
        camera.frustum_center, camera.frustum_width = 0.0, half_width
        camera.frustum_bottom, camera.frustum_top = -half_height, half_height
        camera.frustum_near, camera.frustum_far = near, far


def add_lines(scene: Any, lines: Lines) -> None:
    """Add line segments to a scene, as many as there is room for."""
    for ends, color in zip(lines.points, lines.colors, strict=True):
        if scene.ngeom >= scene.maxgeom:
            return
        geom = scene.geoms[scene.ngeom]
        rgba = np.array([*color, 1.0], np.float32)
        mujoco.mjv_initGeom(geom, mujoco.mjtGeom.mjGEOM_LINE, np.zeros(3), np.zeros(3), np.eye(3).ravel(), rgba)
        mujoco.mjv_connector(geom, mujoco.mjtGeom.mjGEOM_LINE, 2.0, ends[0].astype(float), ends[1].astype(float))
        scene.ngeom += 1
