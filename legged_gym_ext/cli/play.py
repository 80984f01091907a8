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


@dataclass
class PlayOptions(WhereOptions, MutexOptions):
    """Play a trained policy in a window; the keyboard gives the velocity command."""

    task: str = ""
    """Task to play; by default that of the run, with its settings."""
    policy: str = "latest"
    """Policy to show: a run folder, a run's or shipped policy's name, 'latest', or 'mutex' for the skills of the
    robot together."""
    difficulty: float = 0.5
    """Difficulty of the obstacles, from 0, the easiest of each type, to 1, the hardest."""
    blocks: tuple[str, ...] = ()
    """Types of the obstacles, one after the other; by default the task draws them."""
    seed: int = 1
    """Seed of everything random."""
    log_root: Path = runs.LOG_ROOT
    """Folder in which runs are looked for."""


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
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
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
