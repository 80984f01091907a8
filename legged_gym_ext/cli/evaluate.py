"""Evaluate a trained policy and write the figures as JSON."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from legged_gym_ext.evaluation import plots, report
from legged_gym_ext.evaluation.tracks import TrackOptions
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import WhereOptions, named_task, parse_options_of, parse_task, run_script
from legged_gym_ext.runs.mutex import MUTEX, MutexOptions, policy_facts, resolve_policy
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.registry import get_task
from st_rl.runners.checkpoint import write_atomically
from st_rl.utils.errors import UserError
from st_rl.utils.files import require_suffix
from st_rl.utils.ranges import Bounds, Count, Seed, Share, Whole

EPISODES = {"walk": 256}
"""How many by default, where it is not 400."""


@dataclass
class EvaluateOptions(WhereOptions, MutexOptions):
    """Evaluate a trained policy. Every field of the task can be set by its dotted name."""

    task: str = ""
    """Registered task; by default that of the run."""
    policy: str = "latest"
    """A run folder, a run's name, a shipped policy's name, 'latest', or 'mutex'."""
    protocol: str = ""
    """'walk', 'rpl' (one obstacle at the test ranges), 'levels' (success by difficulty) or 'course'; by default 'walk'
    for tasks without obstacles, 'course' for field, 'rpl' for the others."""
    episodes: Count | None = None
    """By default 256 for 'walk', 400 for the others."""
    blocks: tuple[str, ...] = ()
    """Types of obstacle; by default those of the task."""
    num_blocks: Annotated[int, Bounds(ge=1, le=100)] = 5
    """Obstacles of a course."""
    difficulty: Share = 0.5
    """Of a course: 0 is the easiest and 1 the hardest obstacle of each type."""
    strict_episodes: Whole = 0
    """Additional episodes (100 are good) in which penetration, joint and motor limits are checked at every physics
    step."""
    seed: Seed = 1
    json: Path | None = None
    """File for the figures."""
    plot: Path | None = None
    """SVG file with a picture of success by obstacle or difficulty."""
    log_root: Path = runs.LOG_ROOT
    """Where runs are looked for."""


def base_task(name: str | None, arguments: list[str]) -> TaskCfg:
    """The run's own task with its settings, or another registered one where ``name`` asks for it."""
    options = parse_options_of(EvaluateOptions, arguments)
    if name:
        get_task(name)
    if options.policy == MUTEX:
        return named_task(name)
    run = runs.load_run(runs.resolve_run(options.policy, root=options.log_root, task=_only(options.policy, name)))
    return run.task if name in (None, run.task.name) else get_task(name)


def _only(policy: str, task: str | None) -> str | None:
    """The latest run is the latest of the task; a named one may be of any."""
    return task or None if policy == "latest" else None


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code."""
    options, task = parse_task(EvaluateOptions, argv, base_task)
    for path in (options.json, options.plot):
        if path is not None and not path.resolve().parent.is_dir():
            raise UserError(f"there is no folder '{path.parent}' for the figures; make it first")
    if options.plot is not None:
        require_suffix(options.plot, (".svg",), "--plot")
    protocol = options.protocol or report.default_protocol(task)
    if options.plot is not None and protocol == "walk":
        raise UserError("the protocol 'walk' has no success by obstacle to be drawn; leave --plot out")
    only = _only(options.policy, options.task)
    folder = resolve_policy(options.policy, task, options, root=options.log_root, only=only)
    result = report.evaluation_report(
        task,
        lambda env: runs.RunPolicy(folder, env),
        policy=folder.resolve().name,
        protocol=protocol,
        track=TrackOptions(options.blocks, options.num_blocks, options.difficulty),
        strict_episodes=options.strict_episodes,
        episodes=EPISODES.get(protocol, 400) if options.episodes is None else options.episodes,
        seed=options.seed,
        where=options.where(),
    )
    result |= policy_facts(folder)
    # Files first: whoever reads the table may leave before its end.
    if options.json is not None:
        report.write_report(options.json, result)
    if options.plot is not None:
        write_atomically(options.plot, plots.success_plot(result).encode())
    print(report.table(result))
    return 0


def command() -> int:
    """Run the command as a program; returns the exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
