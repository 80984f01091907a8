"""Collect trajectories for a trainer: let a trained policy show what to do, or label what a student does.

A collector shares nothing with the trainer but folders: it writes whole trajectories into ``--data`` and reads the
newest checkpoint from ``--training-run``. It may run on another machine, and be killed and started again at any time.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.envs.settings import segment_ranges
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import WhereOptions, parse_task, run_script
from legged_gym_ext.runs.mutex import MutexOptions, resolve_policy
from legged_gym_ext.runs.outputs import require_folder_for_trajectories
from legged_gym_ext.runs.training import with_threads
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.algorithms.teacher import teacher_from_run
from st_rl.env import VecEnv
from st_rl.runners import DaggerSaver, DemonstrationSaver
from st_rl.runners.demonstration_saver import EnvDescription
from st_rl.storage.rollout_files import Compression
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.ranges import Count, Ends, NonNegative, Seed, Share, Whole

_WIDE = 50.0
"""A range wider than this is none that 255 steps could resolve."""


@dataclass
class CollectOptions(WhereOptions):
    """Collect trajectories for a trainer."""

    task: str = ""
    """The task to play, such as go1_walk. It may stand first, without --task."""
    data: Path | None = None
    """Folder to write the trajectories to, shared with the trainer and with other collectors."""
    teacher: str = ""
    """Policy that shows, or labels, what to do: a run folder, a run's or shipped policy's name, 'latest', or 'mutex'
    for the skills of the robot together."""
    teacher_source: str = "critic"
    """Observation in which the teacher's segments are looked for first: 'critic' or 'actor'."""
    training_run: str | None = None
    """Let the newest checkpoint of this run play, and the teacher label: a run's name, or a folder, which may appear
    later. By default the teacher plays."""
    name: str = "collector"
    """Name of this collector. Each collector that writes to the folder needs a name of its own."""
    steps: Whole = 0
    """Stop after this many steps of every world; 0 goes on until it is stopped."""
    trajectories: Whole = 0
    """Stop after this many trajectories; 0 goes on until it is stopped."""
    max_length: Whole = 0
    """Cut a trajectory after this many steps; 0 keeps whole episodes."""
    action_noise: NonNegative = 0.0
    """Standard deviation of the noise that is added to the actions, but not to the labels."""
    teacher_probability: Share = 0.0
    """Probability that the teacher drives an episode, once the run has a checkpoint."""
    check_interval: Count = 100
    """Look for a newer checkpoint every this many steps."""
    sample_actions: bool = False
    """Draw the student's actions at random, as in training, instead of taking their means."""
    compress: tuple[str, ...] = ()
    """Segments to store in fewer bits: 'name' as float16, 'name:uint8' as a byte per number within the range that the
    segment states, 'name:low:high' within another one, outside of which numbers are clipped and counted."""
    seed: Seed | None = None
    """Seed of worlds and noise. By default it is drawn anew, so that no two collectors play the same."""
    log_root: Path = runs.LOG_ROOT
    """Folder in which runs are looked for."""


def parse_compression(entries: tuple[str, ...], ranges: Mapping[str, Ends]) -> dict[str, Compression]:
    """Return how each segment of ``entries`` is stored: ``name``, ``name:uint8`` or ``name:low:high``.

    Args:
        ranges: between which bounds the numbers of each segment lie, which is what ``uint8`` stands for.

    Raises:
        UserError: an unknown segment, no such compression, or ``uint8`` of a segment without bounds.
    """
    found: dict[str, Compression] = {}
    for entry in entries:
        name, *rest = entry.split(":")
        if name not in ranges:
            raise UnknownNameError("observation segment", name, list(ranges))
        if rest == ["uint8"]:
            low, high = ranges[name]
            if high - low > _WIDE:
                raise UserError(f"'{name}' states no range to divide into 255 steps; write '{name}:low:high'")
            found[name] = Compression("uint8", low, high)
            continue
        try:
            low, high = (float(bound) for bound in rest) if rest else (0.0, 0.0)
        except ValueError as error:
            raise UserError(
                f"'{entry}' is no compression; write 'segment', 'segment:uint8' or 'segment:low:high'"
            ) from error
        found[name] = Compression("uint8", low, high) if rest else Compression()
        least, most = ranges[name]
        if rest and most - least <= _WIDE and (low > least or high < most):
            print(f"'{name}' lies between {least:g} and {most:g}; what is outside {low:g} to {high:g} will be clipped")
    return found


def find_training_run(name: str, task: str, root: Path) -> Path | None:
    """Return the trainer's run folder, given as a path or by name; ``None`` as long as there is none of that name."""
    if Path(name).name != name:
        return Path(name)
    try:
        return runs.resolve_run(name, root=root, task=task)
    except UserError:
        return None


def make_saver(options: CollectOptions, task: TaskCfg, env: LeggedEnv, data: Path) -> DemonstrationSaver:
    """Return the collector that the options ask for, in ``env``."""
    # Its properties behave like the protocol's plain attributes, which the type checker does not accept.
    vec_env = cast(VecEnv, env)
    folder = resolve_policy(options.teacher, task, MutexOptions(), root=options.log_root)
    teacher = teacher_from_run(folder, EnvDescription.of(vec_env), options.teacher_source).to(env.device)
    settings: dict[str, Any] = {
        "collector": options.name,
        "compression": parse_compression(options.compress, segment_ranges(task.env)),
        "action_noise": options.action_noise,
        "max_length": options.max_length or None,
    }
    if options.training_run is None:
        return DemonstrationSaver(vec_env, teacher, data, **settings)
    return DaggerSaver(
        vec_env,
        teacher,
        data,
        training_run=partial(find_training_run, options.training_run, task.name, options.log_root),
        teacher_probability=options.teacher_probability,
        check_interval=options.check_interval,
        sample_actions=options.sample_actions,
        **settings,
    )


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options, task = parse_task(CollectOptions, argv)
    data = options.data
    if data is None or not options.teacher:
        raise UserError("a collector needs --data, a folder, and --teacher, a run")
    if options.teacher_source not in ("actor", "critic"):
        raise UnknownNameError("teacher source", options.teacher_source, ["actor", "critic"])
    require_folder_for_trajectories(data)
    task = with_threads(task, options.num_threads)
    seed = secrets.randbits(31) if options.seed is None else options.seed
    torch.manual_seed(seed)
    env = LeggedEnv(task.env, options.where(), seed=seed)
    try:
        saver = make_saver(options, task, env, data)
        print(f"{options.name}: writing to {data}, seed {seed}")
        if isinstance(saver, DaggerSaver) and saver.training_run is None:
            print(f"{options.name}: there is no run '{options.training_run}' yet; until there is, the teacher plays")
        done = saver.collect(options.steps or None, options.trajectories or None)
    finally:
        env.close()
    print(
        f"{options.name}: {done['trajectories']} trajectories of {done['steps']} steps in each of {env.num_envs} worlds"
    )
    if not done["trajectories"]:
        raise UserError("there is no trajectory yet: play more --steps, at least 2 of every world")
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
