"""Play a trained policy in a window; the keyboard gives the velocity command."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import WhereOptions, parse_options, run_script
from legged_gym_ext.runs.mutex import MutexOptions, mutex_skills, resolve_policy
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.viewing.overlay import track_caption
from legged_gym_ext.viewing.video import TrackVideoCfg
from legged_gym_ext.viewing.window import HELP, KeyboardCommand, play, play_cfg, start_command
from st_rl.utils.ranges import Seed, Share


@dataclass
class PlayOptions(WhereOptions, MutexOptions):
    """Play a trained policy in a window; the keyboard gives the velocity command."""

    task: str = ""
    """Registered task; by default that of the run."""
    policy: str = "latest"
    """A run folder, a run's name, a shipped policy's name, 'latest', or 'mutex'."""
    difficulty: Share = 0.5
    """Of the obstacles of a track, 0 (easiest) to 1 (hardest)."""
    blocks: tuple[str, ...] = ()
    """Types of the obstacles of a track, one after the other; by default those of the task."""
    seed: Seed = 1
    log_root: Path = runs.LOG_ROOT
    """Where runs are looked for."""


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code."""
    from legged_gym_ext.sim.mujoco.viewer import require_display

    options = parse_options(PlayOptions, argv)
    require_display()
    named = get_task(options.task) if options.task else None
    only = options.task or None if options.policy == "latest" else None
    folder = resolve_policy(options.policy, named, options, root=options.log_root, only=only)
    task = named or runs.load_run(folder).task
    cfg = play_cfg(task.env, TrackVideoCfg(options.difficulty, options.blocks))
    env = runs.make_env(cfg, options.where(), num_envs=1, seed=options.seed)
    print(HELP)
    try:
        policy = runs.RunPolicy(folder, env)
        caption = track_caption(env, policy, mutex_skills(folder)) if task.env.track is not None else None
        play(env, policy, KeyboardCommand(task.env.commands, start_command(task.env)), caption)
    finally:
        env.close()
    return 0


def command() -> int:
    """Run the command as a program; returns the exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
