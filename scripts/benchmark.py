"""Measure speed and memory: environment and training over bare physics, PPO's update over rsl-rl-lib's."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from benchmark_update import update_vs_rsl_rl

from legged_gym_ext.evaluation.benchmark import measure
from legged_gym_ext.evaluation.report import write_report
from legged_gym_ext.tasks.command_line import parse_options, run_script
from legged_gym_ext.tasks.registry import get_task
from st_rl.runners.code_state import versions


@dataclass
class BenchmarkOptions:
    """Measure speed and memory: environment and training over bare physics, PPO's update over rsl-rl-lib's."""

    task: str = "go1_walk"
    worlds: int = 1024
    rounds: int = 7
    """Measurements alternate this many times; medians are reported."""
    steps: int = 48
    """Control steps per measurement of physics and environment."""
    json: Path | None = None
    """File for the figures."""


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code."""
    options = parse_options(BenchmarkOptions, argv)
    task = get_task(options.task)
    result = measure(task, worlds=options.worlds, rounds=options.rounds, steps=options.steps)
    update = update_vs_rsl_rl(
        num_envs=options.worlds, num_steps=task.train.num_steps_per_env, repetitions=options.rounds
    )
    result |= {
        "update_vs_rsl_rl": update["ratio"],
        "update_ms": update["ours_ms"],
        "rsl_rl_update_ms": update["rsl_rl_ms"],
        "task": task.name,
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }
    for name, value in result.items():
        print(f"{name:<28} {value:.3f}" if isinstance(value, float) else f"{name:<28} {value}")
    if options.json is not None:
        write_report(options.json, result)
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
