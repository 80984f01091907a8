"""Combine trained skills into one policy that chooses by the obstacle ahead, and write it as a run folder."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import named_task, parse_options, run_script
from legged_gym_ext.runs.mutex import MutexOptions, make_mutex, sub_policy_folders
from legged_gym_ext.runs.outputs import require_folder_for_mutex
from st_rl.utils.errors import UserError


@dataclass
class MakeMutexOptions(MutexOptions):
    """Combine trained skills into one policy that chooses by the obstacle ahead, and write it as a run folder."""

    task: str = ""
    """Task in which the policy acts, such as go1_field."""
    out: Path | None = None
    """Run folder to write; by default a new one in the folder of the runs."""
    replace: bool = False
    """Replace the mutex that is in the folder."""
    log_root: Path = runs.LOG_ROOT
    """Folder in which runs are looked for."""


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options = parse_options(MakeMutexOptions, argv)
    task = named_task(options.task)
    if task.env.track is None:
        raise UserError(f"{task.name} has no obstacles to choose by; use another --task, such as go1_field")
    if options.out is not None:
        require_folder_for_mutex(options.out, replace=options.replace)
    folders = sub_policy_folders(task.env.robot, options.sub_policies, options.log_root)
    out = options.out or runs.new_run_folder(options.log_root, task.name, "mutex")
    with runs.removed_if_refused(out):
        print(f"run folder: {make_mutex(out, task, folders, options)}")
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
