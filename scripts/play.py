"""Play a trained policy in a window; the keyboard gives the velocity command."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.evaluation.play import HELP, KeyboardCommand, play, play_cfg
from legged_gym_ext.sim.mujoco_viewer import require_display
from legged_gym_ext.tasks import runs
from legged_gym_ext.tasks.command_line import parse_options, run_script


@dataclass
class PlayOptions:
    """Play a trained policy in a window; the keyboard gives the velocity command."""

    policy: str = "latest"
    """A run folder, a run's name, a shipped policy's name, or 'latest'."""
    backend: str = "mujoco"
    seed: int = 1
    log_root: Path = runs.LOG_ROOT
    """Where runs are looked for."""


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code."""
    options = parse_options(PlayOptions, argv)
    require_display()
    run = runs.load_run(runs.resolve_run(options.policy, root=options.log_root))
    env = runs.make_env(play_cfg(run.task.env), num_envs=1, backend=options.backend, seed=options.seed)
    print(HELP)
    try:
        play(env, runs.RunPolicy(run.folder, env), KeyboardCommand(run.task.env.commands))
    finally:
        env.close()
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
