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
    """Collect trajectories for a trainer. Every field of the task can be set by its dotted name."""

    task: str = ""
    """Registered task; may stand first, without --task."""
    data: Path | None = None
    """Folder of the trajectories, shared with the trainer and with other collectors."""
    teacher: str = ""
    """Run whose policy shows, or labels, what to do: a folder, a run's name, a shipped policy's name, 'latest', or
    'mutex' for the robot's skills together."""
    teacher_source: str = "critic"
    """Observation that the teacher reads first: 'critic' or 'actor'."""
    training_run: str | None = None
    """The trainer's run, whose newest checkpoint plays: a run's name, or a folder (which need not exist yet)."""
    name: str = "collector"
    """Of this collector; no other one that writes to the folder may have it."""
    steps: Whole = 0
    """Stop after that many steps of every world; 0 goes on."""
    trajectories: Whole = 0
    """Stop after that many trajectories; 0 goes on."""
    max_length: Whole = 0
    """Steps after which a trajectory is cut; 0 leaves whole episodes."""
    action_noise: NonNegative = 0.0
    """Deviation of noise on the actions taken, not on the labels."""
    teacher_probability: Share = 0.0
    """Of an episode to be driven by the teacher, once there is a checkpoint."""
    check_interval: Count = 100
    """Steps between two looks for a newer checkpoint."""
    sample_actions: bool = False
    """Let the student explore instead of taking its mean actions."""
    compress: tuple[str, ...] = ()
    """Segments stored as float16 ('name') or as uint8 within a range ('name:low:high')."""
    seed: Seed | None = None
    """Of worlds and noise; by default one drawn anew, so that no two collectors play the same."""
    log_root: Path = runs.LOG_ROOT
    """Where runs are looked for."""


def parse_compression(entries: tuple[str, ...]) -> dict[str, Compression]:
    """``name`` or ``name:low:high`` for each segment that is to be stored in fewer bits."""
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
    """The trainer's run folder; one that is given as a path may be made later."""
    if Path(name).name != name and not Path(name).exists():
        return Path(name)
    return runs.resolve_run(name, root=options.log_root, task=options.task or None)


def make_saver(options: CollectOptions, task: TaskCfg, env: LeggedEnv, data: Path) -> DemonstrationSaver:
    """The collector that the options ask for, in ``env``."""
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
    """Returns the exit code."""
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
    """Run the command as a program; returns the exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
