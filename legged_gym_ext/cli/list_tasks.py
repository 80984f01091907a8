"""List the registered tasks, and the settable fields of one."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from legged_gym_ext.runs.command_line import parse_options, run_script
from legged_gym_ext.runs.config_io import leaves
from legged_gym_ext.tasks.registry import get_task, task_names


@dataclass
class ListOptions:
    """List the registered tasks, and the settable fields of one."""

    fields: str | None = None
    """Task whose fields and values to list."""


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code."""
    options = parse_options(ListOptions, argv)
    if options.fields is None:
        print("\n".join(task_names()))
        return 0
    task = get_task(options.fields)
    for section in ("env", "train"):
        for leaf in leaves(vars(task)[section], f"{section}."):
            print(f"--{leaf.name.replace('_', '-')} {leaf.value}")
    return 0


def command() -> int:
    """Run the command as a program; returns the exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
