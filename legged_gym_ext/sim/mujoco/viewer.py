"""A window onto one world of any backend, drawn by MuJoCo's passive viewer."""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable

import numpy as np

from legged_gym_ext.sim.interface import Simulator
from legged_gym_ext.terrain.height_field import HeightField
from st_rl.utils.errors import UserError

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
"""Environment variables, one of which names the display of a desktop."""


def require_display() -> None:
    """Raise ``UserError`` where no window can be opened."""
    if sys.platform.startswith("linux") and not any(map(os.environ.get, _DISPLAYS)):
        raise UserError("there is no display for a window; use legged-record to make a video instead")


def _require_window_system() -> None:
    """Raise ``UserError`` where the display that is named is not there, which the viewer itself would pass over."""
    if not sys.platform.startswith("linux"):
        return
    import glfw  # type: ignore[import-untyped]

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if glfw.init():
            return
    named = " or ".join(f"'{os.environ[name]}'" for name in _DISPLAYS if os.environ.get(name))
    reason = f" ({said[-1].message})" if said else ""
    raise UserError(f"no window can be opened on the display {named}{reason}; use legged-record instead")


class Viewer:
    """Shows one world; keys go to a callback as GLFW key codes."""

    def __init__(self, sim: Simulator, height_field: HeightField | None, on_key: Callable[[int], None]) -> None:
        """Raises ``UserError`` where no window can be opened."""
        require_display()
        _require_window_system()
        # Imported here: these open the window system.
        from mujoco import mjtCamera, mjtGridPos, viewer

        from legged_gym_ext.sim.mujoco.model import WorldRenderer

        self._sim, self._world = sim, WorldRenderer(sim.robot, sim.cfg, sim.scene, height_field)
        try:
            self._handle = viewer.launch_passive(
                self._world.model, self._world.data, key_callback=on_key, show_left_ui=False, show_right_ui=False
            )
        except RuntimeError as error:
            raise UserError(f"no window could be opened ({error}); use legged-record instead") from error
        self._corner, self._text = mjtGridPos.mjGRID_TOPLEFT, ""
        with self._handle.lock():
            self._handle.cam.type = mjtCamera.mjCAMERA_TRACKING
            self._handle.cam.trackbodyid = self._world.model.body(sim.robot.trunk_name).id
            self._handle.cam.distance, self._handle.cam.elevation = 2.0, -18.0
            # Group 3 holds the collision shapes.
            self._handle.opt.geomgroup[3] = 0

    def is_open(self) -> bool:
        """Whether the user has not closed the window."""
        return self._handle.is_running()

    def show(self, world: int = 0, text: str = "") -> None:
        """Draw the present state of ``world``, with ``text`` in the upper left corner."""
        root = self._sim.root_states[world].double().cpu().numpy()
        joints = self._sim.dof_pos[world].double().cpu().numpy()
        qpos = np.concatenate((root[0:3], root[[6, 3, 4, 5]], joints))
        with self._handle.lock():
            self._world.pose(qpos, self._sim.boxes[world], self._sim.solid[world])
        if text != self._text:
            self._text = text
            self._handle.set_texts((None, self._corner, text, ""))
        self._handle.sync()

    def close(self) -> None:
        """Close the window."""
        self._handle.close()
