"""Collect trajectories for a trainer: let a trained policy show what to do, or label what a student does.

A collector shares nothing with the trainer but folders: it writes whole trajectories into ``--data`` and reads the
newest checkpoint from ``--training-run``. It may run on another machine, and be killed and started again at any time.
"""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import WhereOptions, parse_task, run_script
from legged_gym_ext.runs.mutex import MutexOptions, resolve_policy
from legged_gym_ext.runs.training import with_threads
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.algorithms.teacher import teacher_from_run
from st_rl.env import VecEnv
from st_rl.runners import DaggerSaver, DemonstrationSaver
from st_rl.runners.demonstration_saver import Observer
from st_rl.storage.rollout_files import Compression
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.ranges import Count, NonNegative, Seed, Share, Whole


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
    """Segments to store in fewer bits: 'name' as float16, 'name:low:high' as uint8 within that range."""
    seed: Seed | None = None
    """Seed of worlds and noise. By default it is drawn anew, so that no two collectors play the same."""
    log_root: Path = runs.LOG_ROOT
    """Folder in which runs are looked for."""


def parse_compression(entries: tuple[str, ...]) -> dict[str, Compression]:
    """Return how each segment of ``entries``, ``name`` or ``name:low:high``, is stored in fewer bits."""
    found: dict[str, Compression] = {}
    for entry in entries:
        name, *bounds = entry.split(":")
        try:
            low, high = (float(bound) for bound in bounds) if bounds else (0.0, 0.0)
        except ValueError as error:
            raise UserError(f"'{entry}' is no compression; write 'segment' or 'segment:low:high'") from error
        found[name] = Compression("uint8", low, high) if bounds else Compression()
    return found


def find_training_run(name: str, options: CollectOptions) -> Path:
    """Return the trainer's run folder. One that is given as a path may be made later."""
    if Path(name).name != name and not Path(name).exists():
        return Path(name)
    return runs.resolve_run(name, root=options.log_root, task=options.task or None)


def make_saver(options: CollectOptions, task: TaskCfg, env: LeggedEnv, data: Path) -> DemonstrationSaver:
    """Return the collector that the options ask for, in ``env``."""
    # Its properties behave like the protocol's plain attributes, which the type checker does not accept.
    vec_env = cast(VecEnv, env)
    folder = resolve_policy(options.teacher, task, MutexOptions(), root=options.log_root)
    teacher = teacher_from_run(folder, Observer.of(vec_env), options.teacher_source).to(env.device)
    settings: dict[str, Any] = {
        "collector": options.name,
        "compression": parse_compression(options.compress),
        "action_noise": options.action_noise,
        "max_length": options.max_length or None,
    }
    if options.training_run is None:
        return DemonstrationSaver(vec_env, teacher, data, **settings)
    return DaggerSaver(
        vec_env,
        teacher,
        data,
        training_run=find_training_run(options.training_run, options),
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
    task = with_threads(task, options.num_threads)
    seed = secrets.randbits(31) if options.seed is None else options.seed
    torch.manual_seed(seed)
    env = LeggedEnv(task.env, options.where(), seed=seed)
    try:
        saver = make_saver(options, task, env, data)
        print(f"{options.name}: writing to {data}, seed {seed}")
        done = saver.collect(options.steps or None, options.trajectories or None)
    finally:
        env.close()
    print(
        f"{options.name}: {done['trajectories']} trajectories of {done['steps']} steps in each of {env.num_envs} worlds"
    )
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
