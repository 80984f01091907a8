"""Print what the shipped policies achieve, as the Markdown tables of the README."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.evaluation.shipped import shipped_tables
from legged_gym_ext.tasks import runs
from legged_gym_ext.tasks.command_line import parse_options, run_script


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


if __name__ == "__main__":
    sys.exit(run_script(main))
