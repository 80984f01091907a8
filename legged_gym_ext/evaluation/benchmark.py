"""Speed of the environment and of training, relative to the bare physics, measured side by side."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.runs import make_env
from legged_gym_ext.tasks.training import make_runner
from st_rl.utils.errors import UserError

_MIB = 1024.0 * 1024.0


def resident_mib() -> float | None:
    """Memory of this process, MiB; ``None`` where the system does not tell (not Linux)."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return float(line.split()[1]) * 1024.0 / _MIB
    except OSError:
        return None
    return None


def measure(task: TaskCfg, *, worlds: int, rounds: int, steps: int) -> dict[str, Any]:
    """Rates of the ``mujoco`` backend in ``worlds`` worlds, all in control steps of one world per second.

    Each of ``rounds`` rounds measures the bare physics, the environment with random actions for ``steps`` control
    steps each, and one iteration of training; ratios are medians of the ratios within a round.

    Returns:
        ``env_over_physics``, ``train_over_physics``, the three median rates, and the memory of an environment.
    """
    if rounds < 1 or steps < 1:
        raise UserError("a benchmark needs at least one round and one step")
    make_env(task.env, num_envs=1, backend="mujoco").close()  # what is loaded once is not counted as memory of worlds
    before = resident_mib()
    env = make_env(task.env, num_envs=worlds, backend="mujoco", seed=task.train.seed)
    generator = torch.Generator().manual_seed(0)
    actions = [torch.randn(worlds, env.num_actions, generator=generator) for _ in range(steps)]
    try:
        _run(env.step, actions)
        after = resident_mib()
        rates = _alternate(task, env, actions, rounds)
    finally:
        env.close()
    memory = None if before is None or after is None else (after - before) * 1024 / worlds
    physics, environment, training = rates
    return {
        "worlds": worlds,
        "rounds": rounds,
        "env_over_physics": _median_ratio(environment, physics),
        "train_over_physics": _median_ratio(training, physics),
        "physics_steps_per_second": statistics.median(physics),
        "env_steps_per_second": statistics.median(environment),
        "train_steps_per_second": statistics.median(training),
        "memory_mib_per_1024_worlds": memory,
    }


def _alternate(task: TaskCfg, env: LeggedEnv, actions: list[Tensor], rounds: int) -> tuple[list[float], ...]:
    from legged_gym_ext.sim.mujoco_backend import MujocoSimulator
    from legged_gym_ext.sim.mujoco_raw import RawPhysics

    assert isinstance(env.sim, MujocoSimulator)
    raw = RawPhysics(env.sim)
    state = env.state
    limit = env.cfg.normalization.clip_actions
    targets = [state.default_dof_pos + state.action_scale * action.clamp(-limit, limit) for action in actions]
    runner = make_runner(replace(task, env=env.cfg), env, None)
    runner.stream = io.StringIO()
    runner.learn(1, init_at_random_ep_len=True)
    control_steps = env.num_envs * len(actions)
    iteration_steps = env.num_envs * runner.num_steps_per_env
    physics: list[float] = []
    environment: list[float] = []
    training: list[float] = []
    for _ in range(rounds):
        raw.start()
        physics.append(control_steps / _run(raw.step, targets))
        environment.append(control_steps / _run(env.step, actions))
        begin = time.perf_counter()
        runner.learn(1)
        training.append(iteration_steps / (time.perf_counter() - begin))
    return physics, environment, training


def _run(step: Callable[[Tensor], Any], inputs: list[Tensor]) -> float:
    """Seconds that ``step`` takes for all inputs."""
    begin = time.perf_counter()
    for value in inputs:
        step(value)
    return time.perf_counter() - begin


def _median_ratio(rates: list[float], base: list[float]) -> float:
    return statistics.median(rate / other for rate, other in zip(rates, base, strict=True))
