"""Drawing without a display: finds an OpenGL library that works and makes a MuJoCo renderer on it."""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

import functools
import importlib
import os
import subprocess
import sys

import mujoco
from mujoco.rendering.classic import gl_context

from st_rl.utils.errors import UserError

_PROBE = "import mujoco.{name} as gl; context = gl.GLContext(16, 16); context.make_current(); context.free()"


def make_renderer(model: mujoco.MjModel, width: int, height: int, shadows: bool = False) -> mujoco.Renderer:
    """An off-screen renderer; without ``shadows``, which in software cost 25 times the rest, and reflections.

    Raises:
        UserError: where neither EGL nor OSMesa (nor, with a display, GLFW) works.
    """
    library = find_gl_library()
    if library is None:
        raise UserError(
            "no OpenGL library for pictures was found; install EGL (Debian: apt-get install libegl1 libgl1 "
            "libegl-mesa0 libgl1-mesa-dri) or OSMesa (libosmesa6), training and evaluation work without"
        )
    # MuJoCo reads MUJOCO_GL once, at its import, which may be long past; this is the name its renderer looks up.
    gl_context.GLContext = importlib.import_module(f"mujoco.{library}").GLContext
    renderer = mujoco.Renderer(model, height, width)
    renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = int(shadows)
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
