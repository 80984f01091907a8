"""Where the time of training goes, part by part: physics, every term of the task, acting, learning."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

from legged_gym_ext.envs.cfg import EnvCfg, ProprioceptionCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.runs.folders import make_env
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.algorithms import PPO
from st_rl.utils.errors import UserError


@dataclass(frozen=True)
class Cost:
    """What one part costs, a control step of all worlds."""

    part: str
    wall_ms: float
    """ms on the clock, without the parts inside it."""
    cpu_ms: float
    """ms of all threads together."""


class Stopwatch:
    """Adds up the time that functions take, each without those timed functions that it calls."""

    def __init__(self) -> None:
        self.spent: dict[str, tuple[float, float]] = {}
        """Name of a part -> s on the clock, s of all threads."""
        self._inside: list[tuple[float, float]] = [(0.0, 0.0)]
        self._timed: dict[tuple[str, Any], Callable[..., Any]] = {}

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, whose time counts as that of ``part``; the same for the same arguments."""
        key = (part, function)
        if key not in self._timed:
            self._timed[key] = self._wrapped(part, function)
        return self._timed[key]

    def _wrapped(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            self._inside.append((0.0, 0.0))
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                inner_wall, inner_cpu = self._inside.pop()
                outer_wall, outer_cpu = self._inside.pop()
                self._inside.append((outer_wall + wall, outer_cpu + cpu))
                sum_wall, sum_cpu = self.spent.get(part, (0.0, 0.0))
                self.spent[part] = (sum_wall + wall - inner_wall, sum_cpu + cpu - inner_cpu)

        return run


def profile(task: TaskCfg, *, worlds: int = 1024, iterations: int = 4, where: Where = Where()) -> list[Cost]:
    """Train ``task`` for ``iterations`` from states in the middle of episodes; the costliest part first.

    What several terms need, such as the poses of the bodies, is computed when the first of them asks, and counts there.
    The first iteration, in which everything is warmed up, does not count.

    Raises:
        UserError: on a GPU, where a part ends long after its function has returned.
    """
    if where.device != "cpu":
        raise UserError("a profile by parts is of the CPU; on a GPU use torch.profiler")
    watch = Stopwatch()
    cfg = _timed_terms(task.env, watch)
    env = make_env(cfg, where, num_envs=worlds, seed=task.train.seed)
    try:
        # The configuration of the run is that of the task: timed terms have no name to be saved under.
        runner = make_runner(replace(task, env=replace(task.env, num_envs=worlds)), env, None)
        runner.stream = io.StringIO()
        _time_environment(env, watch)
        _time_algorithm(runner.alg, watch)
        runner.learn(1, init_at_random_ep_len=True)
        watch.spent.clear()
        learn = watch.timed("the rest: logging, saving", runner.learn)
        learn(iterations)
    finally:
        env.close()
    steps = iterations * runner.num_steps_per_env
    costs = [Cost(part, 1e3 * wall / steps, 1e3 * cpu / steps) for part, (wall, cpu) in watch.spent.items()]
    return sorted(costs, key=lambda cost: -cost.wall_ms)


def table(costs: list[Cost]) -> str:
    """``costs`` as a table of Markdown, with the share of each in the time on the clock; small ones in one row."""
    total = sum(cost.wall_ms for cost in costs)
    large = [cost for cost in costs if cost.wall_ms >= 0.002 * total]
    small = [cost for cost in costs if cost.wall_ms < 0.002 * total]
    if small:
        sums = (sum(cost.wall_ms for cost in small), sum(cost.cpu_ms for cost in small))
        large.append(Cost(f"{len(small)} parts of less than 0.2 %", *sums))
    lines = ["| part | ms | ms of all threads | share |", "|---|---|---|---|"]
    lines += [f"| {c.part} | {c.wall_ms:.2f} | {c.cpu_ms:.2f} | {c.wall_ms / total:.1%} |" for c in large]
    lines.append(f"| everything | {total:.2f} | {sum(cost.cpu_ms for cost in costs):.2f} | 100 % |")
    return "\n".join(lines)


_GROUPS = (
    ("physics", ("physics",)),
    ("terms, state, observations", ()),
    ("resets and new tracks", ("event ", "curriculum ")),
    ("acting and storing", ("acting", "storing the step", "returns")),
    ("the update, shared out among its steps", ("update",)),
)
"""Rows of ``summary``, and with what the names of their parts begin; what belongs to no other row is in the second."""


def summary(profiles: Mapping[str, list[Cost]]) -> str:
    """The profiles of several tasks, by their names, as one table of Markdown: ms on the clock a control step."""
    names = list(profiles)
    lines = [f"| ms | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    for row, _ in _GROUPS:
        sums = [sum(cost.wall_ms for cost in costs if _group(cost.part) == row) for costs in profiles.values()]
        lines.append(f"| {row} | {' | '.join(f'{value:.1f}' for value in sums)} |")
    totals = [sum(cost.wall_ms for cost in costs) for costs in profiles.values()]
    lines.append(f"| everything | {' | '.join(f'{value:.1f}' for value in totals)} |")
    return "\n".join(lines)


def _group(part: str) -> str:
    """The row of ``summary`` that ``part`` belongs to."""
    return next((row for row, starts in _GROUPS if part.startswith(starts) and starts), _GROUPS[1][0])


def _timed_terms(cfg: EnvCfg, watch: Stopwatch) -> EnvCfg:
    """``cfg`` with every term's function timed."""

    def of(kind: str, terms: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: term
            if isinstance(term, ProprioceptionCfg)
            else replace(term, func=watch.timed(f"{kind} {name}", term.func))
            for name, term in terms.items()
        }

    return replace(
        cfg,
        observations=of("observation", cfg.observations),
        critic_observations=of("observation", cfg.critic_observations),
        rewards=of("reward", cfg.rewards),
        terminations=of("termination", cfg.terminations),
        events=of("event", cfg.events),
        curriculum=of("curriculum", cfg.curriculum),
        metrics=of("metric", cfg.metrics),
    )


def _time_environment(env: LeggedEnv, watch: Stopwatch) -> None:
    """Time the parts of a step that are no terms."""
    state = env.state
    env.step = watch.timed("the step itself", env.step)
    env.sim.step = watch.timed("physics", env.sim.step)
    state.update_kinematics = watch.timed("where the robots are", state.update_kinematics)
    state.update_contacts = watch.timed("contacts", state.update_contacts)
    state.update_camera = watch.timed("depth camera", state.update_camera)
    env._compute_observations = watch.timed("putting observations together", env._compute_observations)
    if state.track is not None:
        state.track.advance = watch.timed("progress on the track", state.track.advance)


def _time_algorithm(algorithm: PPO, watch: Stopwatch) -> None:
    """Time acting and learning."""
    algorithm.act = watch.timed("acting", algorithm.act)
    algorithm.process_env_step = watch.timed("storing the step", algorithm.process_env_step)
    algorithm.compute_returns = watch.timed("returns", algorithm.compute_returns)
    algorithm.update = watch.timed("update", algorithm.update)
