"""Measure speed and memory.

Environment and training over bare physics, the obstacle course's environment over walking's, PPO's update over
rsl-rl-lib's, a mutex policy over one sub-policy, an environment for the Isaac Gym interface over bare physics.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legged_gym_ext.benchmarks.environment import env_ratio, measure
from legged_gym_ext.benchmarks.isaac_gym import isaacgym_over_physics
from legged_gym_ext.benchmarks.mutex import mutex_over_sub_policy
from legged_gym_ext.benchmarks.profile import profile, table
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
    profile: str | None = None
    """Print instead where the time of training this task goes, part by part."""
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


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options = parse_options(BenchmarkOptions, argv)
    if options.json is not None:
        require_own_report(options.json, "env_over_physics")
    require_backend(options.backend, options.device)
    if options.profile is not None:
        print(table(profile(get_task(options.profile), worlds=options.worlds, where=options.where())))
        return 0
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
    for name, value in result.items():
        print(f"{name:<28} {value:.3f}" if isinstance(value, float) else f"{name:<28} {value}")
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
