"""Say what works on this machine and what does not, with a remedy for each; run it first when something fails."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.benchmarks.checks import examine
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import parse_options, run_script


@dataclass
class DoctorOptions:
    """Say what works on this machine and what does not, with a remedy for each; run it first when something fails."""

    log_root: Path = runs.LOG_ROOT
    """Folder of the runs, which must be writable."""


def main(argv: list[str] | None = None) -> int:
    """Return the exit code: 1 where training does not work."""
    options = parse_options(DoctorOptions, argv)
    broken = 0
    for finding in examine(options.log_root):
        print(f"{finding.state:<8} {finding.name}: {finding.text}", flush=True)
        if finding.remedy:
            print(f"{'':<8} -> {finding.remedy}", flush=True)
        broken += finding.state == "broken"
    return 1 if broken else 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
