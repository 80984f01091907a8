"""Copy a trained, evaluated run to the policies that come with the suite, small and without absolute paths."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import parse_options, run_script
from legged_gym_ext.runs.shipping import ship


@dataclass
class ShipOptions:
    """Copy a trained, evaluated run to the policies that come with the suite, small and without absolute paths."""

    policy: str = "latest"
    """A run folder, a run's name, or 'latest'."""
    checkpoint: str | None = None
    """Which checkpoint of the run is shipped: the number of its iteration, or 'best'; by default the newest. The
    evaluation has to be of that one."""
    name: str | None = None
    """Of the shipped policy; by default the name of the task, or <robot>_mutex."""
    replace: bool = False
    """Put it in the place of an earlier one."""
    root: Path = runs.SHIPPED
    """Where shipped policies lie."""
    log_root: Path = runs.LOG_ROOT
    """Where runs are looked for."""


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code."""
    options = parse_options(ShipOptions, argv)
    folder = runs.resolve_run(options.policy, root=options.log_root, checkpoint=options.checkpoint)
    target = ship(folder, options.root, options.name, replace=options.replace)
    size = sum(path.stat().st_size for path in target.iterdir()) / 1024
    print(f"{target}: {size:.0f} KiB")
    return 0


def command() -> int:
    """Run the command as a program; returns the exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
