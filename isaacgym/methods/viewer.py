"""The viewer: window or frames, keys, lines."""

from __future__ import annotations

from typing import Any

import numpy as np

from isaacgym.api.handles import ActionEvent, Env
from isaacgym.api.keys import KeyboardInput, MouseInput
from isaacgym.api.params import CameraProperties
from isaacgym.api.vectors import Transform, Vec2, Vec3
from isaacgym.engine.simulation import Sim
from isaacgym.engine.viewer import Viewer


class ViewerMethods:
    """See the module."""

    def create_viewer(self, sim: Sim, properties: CameraProperties | None = None) -> Viewer:
        """Return a viewer: a window where there is a display, else frames that are drawn when they are written."""
        sim.prepare()
        return Viewer(sim, properties or CameraProperties())

    def destroy_viewer(self, viewer: Viewer | None) -> None:
        """Close a viewer."""
        if viewer is not None:
            viewer.close()

    def viewer_camera_look_at(self, viewer: Viewer, env: Env | None, position: Vec3, target: Vec3) -> None:
        """Look from a position at a target, m, in the frame of an environment or, with None, the world's."""
        viewer.look(env, position, target)

    def get_viewer_camera_transform(self, viewer: Viewer, env: Env | None) -> Transform:
        """Return where the camera is, in the frame of an environment or, with None, the world's."""
        pose = viewer.pose()
        return pose if env is None else Transform(pose.p - env.origin, pose.r)

    def get_viewer_size(self, viewer: Viewer) -> Vec2:
        """Return width and height in pixels."""
        return Vec2(viewer.properties.width, viewer.properties.height)

    def query_viewer_has_closed(self, viewer: Viewer) -> bool:
        """Return whether the user closed the window."""
        return viewer.closed

    def subscribe_viewer_keyboard_event(self, viewer: Viewer, key: KeyboardInput, action: str) -> None:
        """Report a key under the name ``action``."""
        viewer.subscribe(key, action)

    def subscribe_viewer_mouse_event(self, viewer: Viewer, button: MouseInput, action: str) -> None:
        """Subscribe to a mouse button. Differs: MuJoCo's window keeps the mouse to itself, so that no events come."""
        viewer.subscribe_mouse(button, action)

    def query_viewer_action_events(self, viewer: Viewer) -> list[ActionEvent]:
        """Return what happened since the last call; a key gives an event of value 1 and one of value 0."""
        return viewer.take_events()

    def step_graphics(self, sim: Sim) -> None:
        """Take over the present state for drawing, which here is read when something is drawn."""

    def draw_viewer(self, viewer: Viewer, sim: Sim, render_collision: bool = True) -> None:
        """Draw the present state; collision shapes are drawn where an asset has no visual ones."""
        viewer.draw(render_collision)

    def poll_viewer_events(self, viewer: Viewer) -> None:
        """Let the window react without drawing."""
        viewer.poll()

    def write_viewer_image_to_file(self, viewer: Viewer, path: str) -> None:
        """Write what the viewer shows as a PNG file."""
        viewer.write(path)

    def add_lines(self, viewer: Viewer, env: Env | None, count: int, vertices: Any, colors: Any) -> None:
        """Draw ``count`` line segments until ``clear_lines``.

        Args:
            vertices: two points each, m, in the frame of the environment: floats, or an array of ``Vec3.dtype``.
            colors: rgb within 0 and 1 for each: floats, or an array of ``Vec3.dtype``.
        """
        points, shades = _floats(vertices), _floats(colors)
        if points.size < 6 * count or shades.size < 3 * count:
            raise ValueError(f"{count} lines need {6 * count} coordinates and {3 * count} color values")
        viewer.add_lines(env, points[: 6 * count].reshape(count, 2, 3), shades[: 3 * count].reshape(count, 3))

    def clear_lines(self, viewer: Viewer | None) -> None:
        """Forget all line segments."""
        if viewer is not None:
            viewer.clear_lines()


def _floats(values: Any) -> np.ndarray:
    array = np.ascontiguousarray(values)
    if array.dtype.names:
        array = array.view(np.float32)
    return array.astype(np.float64).reshape(-1)
