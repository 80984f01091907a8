"""The viewer: MuJoCo's window where there is a display, frames in memory where there is none."""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from isaacgym.api.handles import ActionEvent, Env
from isaacgym.api.keys import KeyboardInput, MouseInput, key_of_glfw
from isaacgym.api.params import CameraProperties
from isaacgym.api.vectors import Quat, Transform, Vec3
from isaacgym.engine.errors import GymError
from isaacgym.engine.gl import has_display
from isaacgym.engine.ground_window import VIEWER_SIZE
from isaacgym.engine.painter import Lines, Painter, View, add_env, add_lines
from isaacgym.engine.png import write_png
from isaacgym.engine.simulation import Sim

MAX_ENVS = 64
"""So many environments are drawn at most: those closest to what the viewer looks at."""


class Viewer:
    """What ``create_viewer`` returns."""

    def __init__(self, sim: Sim, properties: CameraProperties) -> None:
        self.sim, self.properties = sim, properties
        self.events: list[ActionEvent] = []
        self.closed = False
        self._keys: dict[KeyboardInput, str] = {}
        self._mouse: dict[MouseInput, str] = {}
        self._points: list[np.ndarray] = []
        self._colors: list[np.ndarray] = []
        self._position, self._target = Vec3(4.0, 4.0, 3.0), Vec3()
        self._painter: Painter | None = None
        self._window: _Window | None = None
        if has_display():
            self._window = _Window(self)

    # ---------------------------------------------------------------- camera

    def look(self, env: Env | None, position: Vec3, target: Vec3) -> None:
        """Look from a position at a target, in the frame of an environment or the world's."""
        origin = Vec3() if env is None else env.origin
        self._position, self._target = position + origin, target + origin
        if self._window is not None:
            self._window.look(self._position, self._target)

    def pose(self) -> Transform:
        """Return where the viewer's camera is, world frame."""
        if self._window is not None:
            return self._window.pose()
        return look_at(self._position, self._target)

    # ---------------------------------------------------------------- keys

    def subscribe(self, key: KeyboardInput, action: str) -> None:
        """Report a key as ``action``."""
        self._keys[KeyboardInput(key)] = action

    def subscribe_mouse(self, button: MouseInput, action: str) -> None:
        """Remember a mouse button, which MuJoCo's window does not report."""
        self._mouse[MouseInput(button)] = action

    def press(self, key: KeyboardInput) -> None:
        """Report that a key went down and came up."""
        action = self._keys.get(key)
        if action is not None:
            self.events += [ActionEvent(action, 1.0), ActionEvent(action, 0.0)]

    def take_events(self) -> list[ActionEvent]:
        """Return what was pressed since the last call."""
        events, self.events = self.events, []
        return events

    # ---------------------------------------------------------------- drawing

    def add_lines(self, env: Env | None, points: np.ndarray, colors: np.ndarray) -> None:
        """Draw line segments (L, 2, 3), m, in the frame of an environment, until ``clear_lines``."""
        origin = np.zeros(3) if env is None else np.array(env.origin.values())
        self._points.append(points + origin)
        self._colors.append(colors)

    def clear_lines(self) -> None:
        """Forget all line segments."""
        self._points, self._colors = [], []

    def lines(self) -> Lines:
        """Return all line segments."""
        if not self._points:
            return Lines(np.zeros((0, 2, 3)), np.zeros((0, 3)))
        return Lines(np.concatenate(self._points), np.concatenate(self._colors))

    def shown_envs(self) -> list[int]:
        """Return the environments that are drawn, the closest first."""
        physics = self.sim.live.physics
        slot = self.sim.live.world.slots[0]
        if slot.root_qpos >= 0:
            roots = physics.qpos[:, slot.root_qpos : slot.root_qpos + 3]
        else:
            roots = physics.mocap_pos[:, slot.mocap]
        far = np.linalg.norm(roots.cpu().numpy() - np.array(self._target.values()), axis=-1)
        return np.argsort(far, kind="stable")[:MAX_ENVS].tolist()

    def painter(self) -> Painter:
        """Return what draws, made when it is first needed."""
        if self._painter is None:
            self._painter = Painter(self.sim, VIEWER_SIZE)
        return self._painter

    def draw(self, collision: bool) -> None:
        """Show the present state. Without a window nothing is drawn before a frame is asked for."""
        if self._window is not None:
            self._window.draw(collision)
            self.closed = not self._window.is_open()

    def poll(self) -> None:
        """Let the window react."""
        if self._window is not None:
            self._window.sync()
            self.closed = not self._window.is_open()

    def frame(self) -> np.ndarray:
        """Return (H, W, 3) uint8 of the present state, from the viewer's camera."""
        properties, reach = self.properties, (self._target - self._position).length()
        view = View(self.pose(), properties.width, properties.height, properties.horizontal_fov, reach=reach)
        return self.painter().color(self.shown_envs(), view, self.lines())

    def write(self, path: str) -> None:
        """Write the present state as a PNG file."""
        write_png(path, self.frame())

    def close(self) -> None:
        """Close the window."""
        if self._window is not None:
            self._window.close()
            self._window = None
        if self._painter is not None:
            self._painter.close()
            self._painter = None
        self.closed = True


def look_at(position: Vec3, target: Vec3) -> Transform:
    """Return the pose of a camera at ``position`` that looks at ``target`` and is upright."""
    forward = (target - position).normalize()
    yaw = float(np.arctan2(forward.y, forward.x))
    pitch = float(-np.arcsin(np.clip(forward.z, -1.0, 1.0)))
    return Transform(Vec3(*position), Quat.from_euler_zyx(0.0, pitch, yaw))


class _Window:
    """MuJoCo's passive viewer: the first environment is its own, the others are added to its scene."""

    def __init__(self, owner: Viewer) -> None:
        # Imported here: it opens the window system.
        from mujoco import viewer

        self._owner, self._painter = owner, owner.painter()
        self._data = self._painter.data_of(0)
        try:
            self._handle: Any = viewer.launch_passive(
                self._painter.world.model,
                self._data,
                key_callback=self._on_key,
                show_left_ui=False,
                show_right_ui=False,
            )
        except RuntimeError as error:
            raise GymError(f"no window could be opened ({error}); run without a display, or headless") from error

    def _on_key(self, code: int) -> None:
        key = key_of_glfw(code)
        if key is not None:
            self._owner.press(key)

    def look(self, position: Vec3, target: Vec3) -> None:
        offset = position - target
        distance = max(offset.length(), 1e-3)
        with self._handle.lock():
            camera = self._handle.cam
            camera.type = mujoco.mjtCamera.mjCAMERA_FREE
            camera.lookat[:] = target.values()
            camera.distance = distance
            camera.azimuth = np.degrees(np.arctan2(-offset.y, -offset.x))
            camera.elevation = -np.degrees(np.arcsin(offset.z / distance))

    def pose(self) -> Transform:
        camera = self._handle.cam
        azimuth, elevation = np.radians(camera.azimuth), np.radians(camera.elevation)
        turn = Quat.from_euler_zyx(0.0, -elevation, azimuth)
        return Transform(Vec3(*camera.lookat) - turn.rotate(Vec3(camera.distance, 0.0, 0.0)), turn)

    def draw(self, collision: bool) -> None:
        envs = self._owner.shown_envs()
        with self._handle.lock():
            painter, scene = self._painter, self._handle.user_scn
            option = painter.option(collision and not painter.has_visuals)
            self._handle.opt.geomgroup[:] = option.geomgroup
            painter.data_of(envs[0])
            scene.ngeom = 0
            for place, env in enumerate(envs[1:], 1):
                add_env(painter.world.model, painter.data_of(env, place), option, scene)
            add_lines(scene, self._owner.lines())
        self.sync()

    def sync(self) -> None:
        self._handle.sync()

    def is_open(self) -> bool:
        return self._handle.is_running()

    def close(self) -> None:
        self._handle.close()
