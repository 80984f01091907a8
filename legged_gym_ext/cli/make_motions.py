"""Make reference motions of the suite's robots by formulas: gaits at several speeds and yaw rates."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.motions.gaits import GAITS, SPEEDS, YAW_RATES
from legged_gym_ext.robots.registry import get_robot
from legged_gym_ext.runs.command_line import parse_options, run_script
from legged_gym_ext.runs.motions import MOTIONS, write_motions
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Checked


@dataclass
class MotionOptions(Checked):
    """Make reference motions of the suite's robots by formulas: gaits at several speeds and yaw rates."""

    robots: tuple[str, ...] = ("go1", "a1")
    """Robots to make motions of; a folder for each."""
    gaits: tuple[str, ...] = tuple(GAITS)
    """Gaits to make."""
    speeds: tuple[float, ...] = SPEEDS
    """Forward speeds, m/s."""
    yaw_rates: tuple[float, ...] = YAW_RATES
    """Yaw rates, rad/s."""
    root: Path = MOTIONS
    """Folder to write to."""


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options = parse_options(MotionOptions, argv)
    for speed in options.speeds:
        if not -10.0 <= speed <= 10.0:
            raise UserError(f"--speeds must be between -10 and 10 m/s, not {speed:g}")
    for yaw_rate in options.yaw_rates:
        if not -10.0 <= yaw_rate <= 10.0:
            raise UserError(f"--yaw-rates must be between -10 and 10 rad/s, not {yaw_rate:g}")
    for name in options.robots:
        files = write_motions(options.root, get_robot(name), options.gaits, options.speeds, options.yaw_rates)
        size = sum(path.stat().st_size for path in files) / 1024
        print(f"{options.root / name}: {len(files)} motions, {size:.0f} KiB")
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
