"""Print what the shipped policies achieve, as the Markdown tables of the README."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.evaluation.shipped import shipped_tables
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import parse_options, run_script


@dataclass
class ListPoliciesOptions:
    """Print what the shipped policies achieve, as the Markdown tables of the README."""

    root: Path = runs.SHIPPED
    """Where shipped policies lie."""


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code."""
    options = parse_options(ListPoliciesOptions, argv)
    print("\n\n".join(shipped_tables(options.root).values()))
    return 0


def command() -> int:
    """Run the command as a program; returns the exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
