"""Evaluate a trained policy and write the figures as JSON."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.evaluation import report
from legged_gym_ext.tasks import runs
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.command_line import parse_options_of, parse_task, run_script
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UserError


@dataclass
class EvaluateOptions:
    """Evaluate a trained policy. Every field of the task can be set by its dotted name."""

    task: str = ""
    """Registered task; by default that of the run."""
    policy: str = "latest"
    """A run folder, a run's name, a shipped policy's name, or 'latest'."""
    episodes: int = 256
    seed: int = 1
    json: Path | None = None
    """File for the figures."""
    backend: str = "mujoco"
    device: str = "cpu"
    num_threads: int | None = None
    log_root: Path = runs.LOG_ROOT
    """Where runs are looked for."""


def base_task(name: str | None, arguments: list[str]) -> TaskCfg:
    """The run's own task with its settings, or another registered one where ``name`` asks for it."""
    options = parse_options_of(EvaluateOptions, arguments)
    if name:
        get_task(name)
    run = runs.load_run(runs.resolve_run(options.policy, root=options.log_root, task=_only(options.policy, name)))
    return run.task if name in (None, run.task.name) else get_task(name)


def _only(policy: str, task: str | None) -> str | None:
    """The latest run is the latest of the task; a named one may be of any."""
    return task or None if policy == "latest" else None


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code."""
    options, task = parse_task(EvaluateOptions, argv, base_task)
    folder = runs.resolve_run(options.policy, root=options.log_root, task=_only(options.policy, options.task))
    if options.json is not None and not options.json.resolve().parent.is_dir():
        raise UserError(f"there is no folder '{options.json.parent}' for the figures; make it first")
    result = report.evaluation_report(
        task,
        lambda env: runs.RunPolicy(folder, env),
        policy=folder.resolve().name,
        episodes=options.episodes,
        seed=options.seed,
        backend=options.backend,
        device=options.device,
        num_threads=options.num_threads,
    )
    result |= runs.checkpoint_facts(folder)
    print(report.table(result))
    if options.json is not None:
        report.write_report(options.json, result)
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
