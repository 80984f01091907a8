"""Backends by name; an engine is imported only when its backend is asked for."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import torch

from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.check import check_robot
from legged_gym_ext.sim.interface import SceneCfg, SimCfg, Simulator
from legged_gym_ext.sim.kernel_cache import require_kernel_cache
from legged_gym_ext.sim.where import check_device_name
from legged_gym_ext.terrain.height_field import HeightField
from st_rl.utils.errors import UserError
from st_rl.utils.registry import Registry

Factory = Callable[[RobotCfg, int, SimCfg, SceneCfg, HeightField | None, str], Simulator]


def _mujoco(
    robot: RobotCfg, num_envs: int, sim: SimCfg, scene: SceneCfg, height_field: HeightField | None, device: str
) -> Simulator:
    if device != "cpu":
        raise UserError(f"the mujoco backend runs on the CPU, not on '{device}'; leave --device out")
    from legged_gym_ext.sim.mujoco.backend import MujocoSimulator

    return MujocoSimulator(robot, num_envs, sim, scene, height_field)


def _warp(
    robot: RobotCfg, num_envs: int, sim: SimCfg, scene: SceneCfg, height_field: HeightField | None, device: str
) -> Simulator:
    if importlib.util.find_spec("mujoco_warp") is None:
        raise UserError("the warp backend needs MuJoCo Warp; install it with: pip install -e '.[warp]'")
    require_device(device)
    require_kernel_cache()
    from legged_gym_ext.sim.warp.backend import WarpSimulator

    return WarpSimulator(robot, num_envs, sim, scene, height_field, device)


def require_device(device: str) -> None:
    """``UserError`` where ``device`` is neither the CPU nor a CUDA device of this machine."""
    check_device_name(device)
    kind, _, index = device.partition(":")
    if kind == "cuda" and not torch.cuda.is_available():
        raise UserError(
            f"--device {device} needs an NVIDIA GPU that torch can use, and there is none; use --device cpu"
        )
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise UserError(f"there is no device '{device}'; this machine has {torch.cuda.device_count()} GPUs")


BACKENDS: Registry[Factory] = Registry("backend", {"mujoco": _mujoco, "warp": _warp})


def require_backend(backend: str, device: str) -> None:
    """Raise what ``make_simulator`` would, before anything is made on ``device``."""
    BACKENDS[backend]
    require_device(device)


def make_simulator(
    backend: str,
    robot: RobotCfg,
    num_envs: int,
    *,
    sim: SimCfg,
    scene: SceneCfg,
    height_field: HeightField | None = None,
    device: str = "cpu",
) -> Simulator:
    """The simulator of the backend called ``backend``.

    Raises:
        UnknownNameError: for an unknown backend, listing the known ones.
        UserError: where the backend cannot run on ``device``, or the facts of ``robot`` do not fit together.
    """
    check_robot(robot)
    return BACKENDS[backend](robot, num_envs, sim, scene, height_field, device)
