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
    """Evaluate a trained policy."""

    task: str = ""
    """Task to evaluate on; by default that of the run, with its settings."""
    policy: str = "latest"
    """Policy to evaluate: a run folder, a run's or shipped policy's name, 'latest', or 'mutex' for the skills of the
    robot together."""
    protocol: str = ""
    """How it is measured: 'walk', 'rpl' (one obstacle at the test ranges), 'levels' (success by difficulty) or
    'course'. By default 'walk' for tasks without obstacles, 'course' for field, and 'rpl' for the others."""
    episodes: Count | None = None
    """Number of episodes; by default 256 for 'walk' and 400 for the others."""
    blocks: tuple[str, ...] = ()
    """Types of obstacle to meet; by default those of the task."""
    num_blocks: Annotated[int, Bounds(ge=1, le=100)] = 5
    """Number of obstacles of a course."""
    difficulty: Share = 0.5
    """Difficulty of a course, from 0, the easiest obstacle of each type, to 1, the hardest."""
    strict_episodes: Whole = 0
    """Additional episodes (100 are good) in which penetration, joint and motor limits are checked at every physics
    step."""
    seed: Seed = 1
    """Seed of everything random; the same seed gives the same figures."""
    json: Path | None = None
    """JSON file to write the figures to."""
    plot: Path | None = None
    """SVG file to draw success by obstacle or difficulty into."""
    log_root: Path = runs.LOG_ROOT
    """Folder in which runs are looked for."""


def base_task(name: str | None, arguments: list[str]) -> TaskCfg:
    """Return the run's own task with its settings, or the registered one that ``name`` asks for."""
    options = parse_options_of(EvaluateOptions, arguments)
    if name:
        get_task(name)
    if options.policy == MUTEX:
        return named_task(name)
    run = runs.load_run(runs.resolve_run(options.policy, root=options.log_root, task=_only(options.policy, name)))
    return run.task if name in (None, run.task.name) else get_task(name)


def _only(policy: str, task: str | None) -> str | None:
    """Return the task whose runs are looked at: with 'latest' the given one, and any for a run that has a name."""
    return task or None if policy == "latest" else None


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
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
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
