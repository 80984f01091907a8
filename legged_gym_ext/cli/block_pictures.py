"""Draw every type of block at three difficulties, with a robot before it, as docs/reference/obstacles.md shows."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.runs.command_line import parse_options, run_script
from legged_gym_ext.runs.outputs import require_own_picture
from legged_gym_ext.viewing.block_pictures import PICTURED, contact_sheet, write_png


@dataclass
class BlockPicturesOptions:
    """Draw every type of block at three difficulties, with a robot before it, as docs/reference/obstacles.md shows."""

    robot: str = "go1"
    """Robot that stands before the obstacle."""
    out: Path = Path("docs/images/blocks")
    """Folder to write one file per type of block to."""
    blocks: tuple[str, ...] = PICTURED
    """Types of block to draw."""


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options = parse_options(BlockPicturesOptions, argv)
    for name in options.blocks:
        path = options.out / f"{name}.png"
        options.out.mkdir(parents=True, exist_ok=True)
        require_own_picture(path)
        write_png(path, contact_sheet(name, options.robot))
        print(path)
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
