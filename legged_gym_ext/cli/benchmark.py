"""Measure speed and memory.

Environment and training over bare physics, the obstacle course's environment over walking's, PPO's update over
rsl-rl-lib's, a mutex policy over one sub-policy, an environment for the Isaac Gym interface over bare physics.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legged_gym_ext.benchmarks.environment import env_ratio, measure
from legged_gym_ext.benchmarks.isaac_gym import isaacgym_over_physics
from legged_gym_ext.benchmarks.mutex import mutex_over_sub_policy
from legged_gym_ext.benchmarks.profile import profile, summary, table
from legged_gym_ext.benchmarks.update import update_vs_rsl_rl
from legged_gym_ext.benchmarks.vision import student_train_steps_per_second, vision_over_field
from legged_gym_ext.benchmarks.watching import watching_off
from legged_gym_ext.evaluation.report import write_report
from legged_gym_ext.runs.command_line import WhereOptions, parse_options, run_script
from legged_gym_ext.runs.outputs import require_own_report
from legged_gym_ext.runs.training_rsl_rl import has_rsl_rl
from legged_gym_ext.sim.registry import require_backend
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.registry import get_task
from st_rl.runners.code_state import versions
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Count

_SEEING_WORLDS = 256
"""Worlds in which a student is trained at most: as many as its task has by itself."""

_ISAAC_GYM_WORLDS = 512
"""Worlds in which the Isaac Gym interface is measured at most."""


@dataclass
class BenchmarkOptions(WhereOptions):
    """Measure speed and memory, as ratios of what runs side by side."""

    task: str = "go1_walk"
    """Task to measure."""
    worlds: Count = 1024
    """Number of worlds."""
    rounds: Count = 7
    """Measurements alternate this many times; medians are reported."""
    steps: Count = 48
    """Control steps per measurement of physics and environment."""
    profile: tuple[str, ...] = ()
    """Print instead where the time of training this task goes, part by part; of several tasks, one table of all."""
    beside: Path | None = None
    """JSON file of an earlier measurement, whose figures are printed beside the new ones."""
    json: Path | None = None
    """JSON file to write the figures to."""


def compared_updates(task: TaskCfg, sizes: dict[str, Any]) -> dict[str, float]:
    """Return the time of an update over that of rsl-rl-lib, and both in ms, for two kinds of policy."""
    update = update_vs_rsl_rl(num_steps=task.train.num_steps_per_env, **sizes)
    recurrent = update_vs_rsl_rl(num_steps=task.train.num_steps_per_env, recurrent=True, **sizes)
    return {
        "update_vs_rsl_rl": update["ratio"],
        "update_ms": update["ours_ms"],
        "rsl_rl_update_ms": update["rsl_rl_ms"],
        "update_vs_rsl_rl_recurrent": recurrent["ratio"],
        "recurrent_update_ms": recurrent["ours_ms"],
        "rsl_rl_recurrent_update_ms": recurrent["rsl_rl_ms"],
    }


def profiles_of(tasks: list[TaskCfg], options: BenchmarkOptions) -> str:
    """Return where the time of training ``tasks`` goes: by parts of a single one, by groups of parts of several."""
    costs = {task.name: profile(task, worlds=options.worlds, where=options.where()) for task in tasks}
    return summary(costs) if len(costs) > 1 else table(costs[tasks[0].name])


def read_report(path: Path) -> dict[str, Any]:
    """Return the figures in ``path``; ``UserError`` where it holds none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"'{path}' cannot be read as figures of an earlier measurement: {error}") from error
    if not isinstance(found, dict) or "env_over_physics" not in found:
        raise UserError(f"'{path}' is not what --json writes: it has no 'env_over_physics'")
    return found


def as_text(result: Mapping[str, Any], earlier: Mapping[str, Any]) -> str:
    """Return a line for each figure of ``result``, with that of an ``earlier`` one behind it where there is one."""
    lines = []
    for name, value in result.items():
        before = earlier.get(name)
        compared = isinstance(value, float) and isinstance(before, int | float)
        text = f"{value:.3f}" if isinstance(value, float) else str(value)
        lines.append(f"{name:<28} {text}" + (f"  before {before:.3f}" if compared else ""))
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options = parse_options(BenchmarkOptions, argv)
    if options.json is not None:
        require_own_report(options.json, "env_over_physics")
    require_backend(options.backend, options.device)
    if options.profile:
        print(profiles_of([get_task(name) for name in options.profile], options))
        return 0
    earlier = {} if options.beside is None else read_report(options.beside)
    task = get_task(options.task)
    size: dict[str, Any] = {"worlds": options.worlds, "rounds": options.rounds, "steps": options.steps}
    where = options.where()
    result = {"backend": where.backend, "device": where.device} | measure(task, where=where, **size)
    result["field_over_walk"] = env_ratio(get_task("go1_field"), get_task("go1_walk"), where=where, **size)
    result["vision_over_field"] = vision_over_field(where=where, **size)
    result["student_train_steps_per_second"] = student_train_steps_per_second(
        worlds=min(options.worlds, _SEEING_WORLDS), rounds=options.rounds, where=where
    )
    result["watching_off"] = watching_off(task, worlds=options.worlds, rounds=options.rounds, where=where)
    sizes: dict[str, Any] = {"num_envs": options.worlds, "repetitions": options.rounds}
    if where.backend == "mujoco":
        isaac_gym = size | {"worlds": min(options.worlds, _ISAAC_GYM_WORLDS)}
        figures = isaacgym_over_physics(**isaac_gym, threads=where.num_threads)
        result |= {name: value for name, value in figures.items() if name.startswith("isaacgym")}
    if has_rsl_rl():
        result |= compared_updates(task, sizes)
    else:
        print("without rsl-rl-lib, an extra, there is no update to compare ours with")
    mutex = mutex_over_sub_policy(**sizes)
    result |= {
        "mutex_over_sub_policy": mutex["ratio"],
        "mutex_act_ms": mutex["mutex_ms"],
        "task": task.name,
        "versions": versions(),
    }
    if options.json is not None:
        write_report(options.json, result)
    print(as_text(result, earlier))
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
