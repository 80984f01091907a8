"""Speed of the environment and of training, relative to the bare physics, measured side by side."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.runs.folders import make_env
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.sim.interface import Simulator
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.utils.errors import UnknownNameError, UserError

_MIB = 1024.0 * 1024.0


class RawPhysics(Protocol):
    """An engine stepped with nothing around it."""

    def start(self) -> None:
        """Take over the state of the simulator it was made from."""

    def step(self, targets: Tensor) -> None:
        """One control step toward the joint positions ``targets (N, D)``, rad."""

    def stop(self) -> None:
        """Leave the simulator in the state that ``start`` found."""


def _raw_mujoco(sim: Simulator) -> RawPhysics:
    from legged_gym_ext.sim.mujoco.backend import MujocoSimulator
    from legged_gym_ext.sim.mujoco.raw import RawPhysics

    assert isinstance(sim, MujocoSimulator)
    return RawPhysics(sim)


def _raw_warp(sim: Simulator) -> RawPhysics:
    from legged_gym_ext.sim.warp.backend import WarpSimulator
    from legged_gym_ext.sim.warp.raw import RawPhysics

    assert isinstance(sim, WarpSimulator)
    return RawPhysics(sim)


RAW_PHYSICS: dict[str, Callable[[Simulator], RawPhysics]] = {"mujoco": _raw_mujoco, "warp": _raw_warp}
"""Name of a backend -> its bare engine."""


def memory_mib(device: torch.device | str = "cpu") -> float | None:
    """Memory in use, MiB: of this process, or of everything on a GPU; ``None`` where the system does not tell."""
    if torch.device(device).type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return (total - free) / _MIB
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return float(line.split()[1]) * 1024.0 / _MIB
    except OSError:
        return None
    return None


def measure(
    task: TaskCfg,
    *,
    worlds: int,
    rounds: int,
    steps: int,
    where: Where = Where(),
    graphed: bool = False,
) -> dict[str, Any]:
    """Rates of a backend in ``worlds`` worlds, all in control steps of one world per second.

    Each of ``rounds`` rounds measures the bare physics, the environment with random actions for ``steps`` control
    steps each, and one iteration of training; ratios are medians of the ratios within a round.

    Args:
        graphed: whole control steps are replayed; on a GPU only.

    Returns:
        ``env_over_physics``, ``train_over_physics``, the three median rates, the memory of an environment, and that of
        everything while it is trained.
    """
    if rounds < 1 or steps < 1:
        raise UserError("a benchmark needs at least one round and one step")
    if where.backend not in RAW_PHYSICS:
        raise UnknownNameError("backend", where.backend, sorted(RAW_PHYSICS))
    # What is loaded once is not counted as memory of worlds.
    make_env(task.env, where, num_envs=1).close()
    device = where.device
    before = memory_mib(device)
    seed = task.train.seed
    env = make_env(task.env, where, num_envs=worlds, seed=seed, graphed=graphed)
    actions = random_actions(env, steps)
    try:
        _run(env.step, actions)
        after = memory_mib(device)
        rates = _alternate(task, env, actions, rounds)
        at_work = memory_mib(device)
    finally:
        env.close()
    memory = None if before is None or after is None else (after - before) * 1024 / worlds
    physics, environment, training = rates
    return {
        "worlds": worlds,
        "graphed": graphed,
        "rounds": rounds,
        "threads": torch.get_num_threads(),
        "env_over_physics": _median_ratio(environment, physics),
        "train_over_physics": _median_ratio(training, physics),
        "physics_steps_per_second": statistics.median(physics),
        "env_steps_per_second": statistics.median(environment),
        "train_steps_per_second": statistics.median(training),
        "memory_mib_per_1024_worlds": memory,
        "memory_mib_in_training": at_work,
    }


def env_ratio(task: TaskCfg, base: TaskCfg, *, worlds: int, rounds: int, steps: int, where: Where = Where()) -> float:
    """Environment steps per second of ``task`` over those of ``base``: the median of the rounds, side by side.

    Both take random actions; arguments as in ``measure``.
    """
    envs = [make_env(each.env, where, num_envs=worlds, seed=each.train.seed) for each in (task, base)]
    try:
        actions = random_actions(envs[0], steps)
        for env in envs:
            _run(env.step, actions)
        seconds = [[_run(env.step, actions) for env in envs] for _ in range(rounds)]
    finally:
        for env in envs:
            env.close()
    return statistics.median(base_seconds / task_seconds for task_seconds, base_seconds in seconds)


def env_rate(task: TaskCfg, *, worlds: int, steps: int, where: Where = Where()) -> float:
    """Environment steps per second of ``task`` in ``worlds`` worlds, from ``steps`` control steps of random actions."""
    env = make_env(task.env, where, num_envs=worlds, seed=task.train.seed)
    try:
        actions = random_actions(env, steps)
        _run(env.step, actions[:4])
        return worlds * steps / _run(env.step, actions)
    finally:
        env.close()


def random_actions(env: LeggedEnv, steps: int) -> list[Tensor]:
    """Standard normal actions (N, A) for ``steps`` control steps of ``env``, the same at every call."""
    generator = torch.Generator(device=env.device).manual_seed(0)
    shape = (env.num_envs, env.num_actions)
    return [torch.randn(shape, generator=generator, device=env.device) for _ in range(steps)]


def _alternate(task: TaskCfg, env: LeggedEnv, actions: list[Tensor], rounds: int) -> tuple[list[float], ...]:
    raw = RAW_PHYSICS[env.where.backend](env.sim)
    state = env.state
    limit = env.cfg.normalization.clip_actions
    targets = [state.default_dof_pos + state.action_scale * action.clamp(-limit, limit) for action in actions]
    runner = make_runner(replace(task, env=env.cfg), env, None)
    runner.stream = io.StringIO()
    runner.learn(1, init_at_random_ep_len=True)
    raw.start()
    _run(raw.step, targets[:2])  # launches are recorded
    raw.stop()
    control_steps = env.num_envs * len(actions)
    iteration_steps = env.num_envs * runner.num_steps_per_env
    physics: list[float] = []
    environment: list[float] = []
    training: list[float] = []
    for _ in range(rounds):
        raw.start()
        physics.append(control_steps / _run(raw.step, targets))
        raw.stop()
        environment.append(control_steps / _run(env.step, actions))
        begin = now(env.device)
        runner.learn(1)
        training.append(iteration_steps / (now(env.device) - begin))
    return physics, environment, training


def _run(step: Callable[[Tensor], Any], inputs: list[Tensor]) -> float:
    """Seconds that ``step`` takes for all inputs."""
    begin = now(inputs[0].device)
    for value in inputs:
        step(value)
    return now(inputs[0].device) - begin


def now(device: torch.device) -> float:
    """The time when ``device`` has done what it was asked to, s."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _median_ratio(rates: list[float], base: list[float]) -> float:
    return statistics.median(rate / other for rate, other in zip(rates, base, strict=True))
