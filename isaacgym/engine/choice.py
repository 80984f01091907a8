"""Which engine runs a simulation: MuJoCo's batch on the CPU, MuJoCo Warp for the GPU pipeline."""

from __future__ import annotations

import logging
import os
import warnings

import numpy as np
import torch

from isaacgym.api.params import SimParams
from isaacgym.engine.errors import GymError
from isaacgym.engine.physics import Physics
from isaacgym.engine.worlds import World

log = logging.getLogger(__name__)
VARIABLE = "ISAACGYM_ENGINE"
"""Environment variable that forces ``mujoco`` or ``warp``; without a GPU, ``warp`` runs slowly on the CPU."""


def choose_engine(compute_device: int, params: SimParams) -> tuple[str, torch.device]:
    """Return the engine's name and the device of its tensors.

    Raises:
        GymError: where the environment variable names no engine.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", "mujoco", "warp"):
        raise GymError(f"{VARIABLE} must be mujoco or warp, not {wanted!r}")
    has_gpu = torch.cuda.is_available()
    on_gpu = params.use_gpu_pipeline and has_gpu and wanted != "mujoco"
    if params.use_gpu_pipeline and not has_gpu:
        warnings.warn("no GPU was found: the GPU pipeline was asked for and the CPU pipeline runs", stacklevel=2)
        params.use_gpu_pipeline = False
    if on_gpu:
        return "warp", torch.device("cuda", max(compute_device, 0))
    return wanted or "mujoco", torch.device("cpu")


def make_physics(
    name: str, device: torch.device, world: World, num_worlds: int, params: SimParams, fields: dict[str, np.ndarray]
) -> Physics:
    """Return the named engine with ``num_worlds`` worlds; ``fields`` are those that differ between worlds."""
    physics: Physics
    if name == "warp":
        # Imported here: it is optional, and takes seconds.
        from isaacgym.engine.warp_engine import WarpPhysics

        physics = WarpPhysics(world.model, num_worlds, device)
    else:
        from isaacgym.engine.mujoco_engine import MujocoPhysics

        # What scripts ask for suits PhysX; more threads than cores only cost here.
        threads = min(params.physx.num_threads, os.cpu_count() or 1)
        physics = MujocoPhysics(world.model, num_worlds, max(threads, 0), sensors=bool(world.sensor_bodies))
    for field, values in fields.items():
        physics.set_field(field, values)
    if fields:
        physics.finish_fields()
    return physics
