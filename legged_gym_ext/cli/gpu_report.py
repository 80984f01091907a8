"""Measure everything that matters on a GPU in one call: physics, environment, training, memory, time to walk, mjlab."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from legged_gym_ext.benchmarks import gpu_report
from legged_gym_ext.benchmarks.gpu_report import WalkGoal
from legged_gym_ext.evaluation.report import write_report
from legged_gym_ext.runs.command_line import parse_options, run_script
from legged_gym_ext.runs.outputs import require_own_report
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from st_rl.runners.code_state import versions
from st_rl.utils.ranges import Checked, Count, Whole


@dataclass
class GpuReportOptions(Checked):
    """Measure everything that matters on a GPU in one call."""

    task: str = "go1_walk"
    """Task to measure."""
    worlds: tuple[Count, ...] = (1024, 2048, 4096, 8192, 16384)
    """Numbers of worlds to measure at."""
    rounds: Count = 5
    """Measurements of physics, environment and training alternate this many times; medians are reported."""
    steps: Count = 100
    """Control steps per measurement of physics and environment."""
    backend: str = "warp"
    device: str = "cuda"
    walk_worlds: Whole = 4096
    """Worlds of the training that is timed until the robot walks; 0 leaves it out."""
    goal: WalkGoal = field(default_factory=WalkGoal)
    image_task: str = "go1_field"
    """Task whose memory in training is measured, with a depth image added to it."""
    image_worlds: Whole = 8192
    """Worlds of that training; 0 leaves it out."""
    mjlab_python: Path | None = None
    """Python interpreter that can import mjlab, to measure it too. mjlab needs another version of the engine."""
    json: Path = Path("gpu_report.json")
    """JSON file to write the figures to."""


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options = parse_options(GpuReportOptions, argv)
    require_own_report(options.json, "sweep")
    task = get_task(options.task)
    image_task = gpu_report.seeing(get_task(options.image_task))
    gpu_report.require_gpu(options.device)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    where = Where(options.backend, options.device)
    result: dict[str, Any] = {
        "gpu": torch.cuda.get_device_name(options.device),
        "task": task.name,
        "versions": versions(),
        "backend": where.backend,
        "device": where.device,
    }
    size: dict[str, Any] = {"rounds": options.rounds, "steps": options.steps}
    result["sweep"] = gpu_report.sweep(task, options.worlds, where=where, **size)
    result["sweep"] += gpu_report.sweep(task, options.worlds, where=where, graphed=True, **size)
    result["mjlab"] = gpu_report.mjlab_rates(
        options.mjlab_python, options.worlds, steps=options.steps, device=options.device
    )
    write_report(options.json, result)
    if options.walk_worlds:
        result["walk"] = gpu_report.time_to_walk(
            task, options.goal, worlds=options.walk_worlds, where=where, graphed=gpu_report.graphs_pay(result["sweep"])
        )
        write_report(options.json, result)
    if options.image_worlds:
        result["images"] = gpu_report.memory_of(image_task, options.image_worlds, where)
        write_report(options.json, result)
    for name in ("gpu", "mjlab", "images", "walk"):
        print(f"{name}: {result.get(name)}")
    for row in result["sweep"]:
        print(
            "  ".join(
                f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()
            )
        )
    print(f"written to {options.json}")
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
