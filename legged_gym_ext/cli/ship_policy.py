"""Copy a trained and evaluated run to the policies that come with the suite, small and without absolute paths."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import parse_options, run_script
from legged_gym_ext.runs.shipping import ship


@dataclass
class ShipOptions:
    """Copy a trained and evaluated run to the policies that come with the suite, small and without absolute paths."""

    policy: str = "latest"
    """Run to copy: a run folder, a run's name, or 'latest'."""
    checkpoint: str | None = None
    """Checkpoint to copy: the number of its iteration, or 'best'; by default the newest. The run's evaluation must be
    of that one."""
    name: str | None = None
    """Name of the shipped policy; by default that of the task, or <robot>_mutex."""
    replace: bool = False
    """Replace a shipped policy of that name."""
    root: Path = runs.SHIPPED
    """Folder of the shipped policies."""
    log_root: Path = runs.LOG_ROOT
    """Folder in which runs are looked for."""


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options = parse_options(ShipOptions, argv)
    folder = runs.resolve_run(options.policy, root=options.log_root, checkpoint=options.checkpoint)
    target = ship(folder, options.root, options.name, replace=options.replace)
    size = sum(path.stat().st_size for path in target.iterdir()) / 1024
    print(f"{target}: {size:.0f} KiB")
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
