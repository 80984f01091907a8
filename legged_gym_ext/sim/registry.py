"""Backends by name; an engine is imported only when its backend is asked for."""

from __future__ import annotations

from collections.abc import Callable

from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.sim.interface import SceneCfg, SimCfg, Simulator
from legged_gym_ext.terrain.height_field import HeightField
from st_rl.utils.errors import UnknownNameError, UserError

Factory = Callable[[RobotCfg, int, SimCfg, SceneCfg, HeightField | None, str], Simulator]


def _mujoco(
    robot: RobotCfg, num_envs: int, sim: SimCfg, scene: SceneCfg, height_field: HeightField | None, device: str
) -> Simulator:
    if device != "cpu":
        raise UserError(f"the mujoco backend runs on the CPU, not on '{device}'; leave --device out")
    from legged_gym_ext.sim.mujoco_backend import MujocoSimulator

    return MujocoSimulator(robot, num_envs, sim, scene, height_field)


BACKENDS: dict[str, Factory] = {"mujoco": _mujoco}


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
        UserError: where the backend cannot run on ``device``.
    """
    if backend not in BACKENDS:
        raise UnknownNameError("backend", backend, sorted(BACKENDS))
    return BACKENDS[backend](robot, num_envs, sim, scene, height_field, device)
