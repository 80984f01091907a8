"""Play a trained policy in a window; the keyboard gives the velocity command."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import WhereOptions, parse_options, run_script
from legged_gym_ext.runs.mutex import mutex_skills
from legged_gym_ext.runs.policy_options import PolicyOptions
from legged_gym_ext.viewing.disturbances import DisturbanceOptions, shown_cfg
from legged_gym_ext.viewing.overlay import track_caption
from legged_gym_ext.viewing.video import TrackVideoCfg
from legged_gym_ext.viewing.window import HELP, KeyboardCommand, play, play_cfg, start_command


@dataclass
class PlayOptions(WhereOptions, DisturbanceOptions, PolicyOptions):
    """Play a trained policy in a window; the keyboard gives the velocity command."""

    difficulty: float = 0.5
    """Of the obstacles of a track, 0 (easiest) to 1 (hardest)."""
    blocks: tuple[str, ...] = ()
    """Types of the obstacles of a track, one after the other; by default those of the task."""
    seed: int = 1


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code."""
    from legged_gym_ext.sim.mujoco.viewer import require_display

    options = parse_options(PlayOptions, argv)
    require_display()
    task = options.base_task()
    checkpoint = options.find_policy(task)
    cfg = shown_cfg(play_cfg(task.env, TrackVideoCfg(options.difficulty, options.blocks)), options)
    env = runs.make_env(cfg, options.where(), num_envs=1, seed=options.seed)
    print(HELP)
    try:
        policy = runs.RunPolicy(checkpoint, env, sample=options.sample_actions)
        caption = track_caption(env, policy, mutex_skills(checkpoint)) if task.env.track is not None else None
        play(env, policy, KeyboardCommand(task.env.commands, start_command(task.env)), caption)
    finally:
        env.close()
    return 0


def command() -> int:
    """Run the command as a program; returns the exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
