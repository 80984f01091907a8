"""Drawing without a display: finds an OpenGL library that works and makes a MuJoCo renderer on it."""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

import functools
import importlib
import os
import subprocess
import sys
from typing import Any

import mujoco
from mujoco.rendering.classic import gl_context

from isaacgym.engine.errors import GymError

_PROBE = "import mujoco.{name} as gl; context = gl.GLContext(16, 16); context.make_current(); context.free()"


def has_display() -> bool:
    """Return whether a window can be opened."""
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def make_renderer(model: Any, width: int, height: int, max_geoms: int) -> Any:
    """Return an off-screen renderer without shadows and reflections, which in software cost 25 times the rest.

    Raises:
        GymError: where neither EGL nor OSMesa (nor, with a display, GLFW) works.
    """
    library = find_gl_library()
    if library is None:
        raise GymError(
            "no OpenGL library for pictures was found; install EGL (Debian: apt-get install libegl1 libgl1 "
            "libegl-mesa0 libgl1-mesa-dri) or OSMesa (libosmesa6); training works without"
        )
    # MuJoCo reads MUJOCO_GL once, at its import, which may be long past; this is the name its renderer looks up.
    gl_context.GLContext = importlib.import_module(f"mujoco.{library}").GLContext
    renderer = mujoco.Renderer(model, height, width, max_geom=max_geoms)
    renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
    renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
    return renderer


@functools.cache
def find_gl_library() -> str | None:
    """ "egl", "osmesa" or "glfw", the first that can make a context; ``MUJOCO_GL`` limits the choice to its value.

    Each candidate is tried in a process of its own because a failed one spoils PyOpenGL for the next.
    """
    wanted = os.environ.get("MUJOCO_GL", "").lower()
    candidates = [wanted] if wanted else ["egl", "osmesa", *(["glfw"] if os.environ.get("DISPLAY") else [])]
    for name in candidates:
        if name not in ("egl", "osmesa", "glfw"):
            continue
        environment = os.environ | {"MUJOCO_GL": name}
        command = [sys.executable, "-c", _PROBE.format(name=name)]
        if subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0:
            return name
    return None
