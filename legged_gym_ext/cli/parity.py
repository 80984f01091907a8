"""Evaluate the shipped policies on two backends and print their rates side by side."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.evaluation.parity import parity_report, parity_table
from legged_gym_ext.evaluation.report import write_report
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import parse_options, run_script
from legged_gym_ext.runs.outputs import require_own_report
from legged_gym_ext.sim.registry import require_backend
from legged_gym_ext.sim.where import Where
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Checked, Count, Seed


@dataclass
class ParityOptions(Checked):
    """Evaluate policies on the mujoco and the warp backend, and say whether their 95 % intervals overlap."""

    policies: tuple[str, ...] = ()
    """Policies to evaluate, by folder or name; by default every shipped one."""
    episodes: Count = 256
    """Number of episodes on each backend."""
    seed: Seed = 1
    """Seed of everything random."""
    stored: bool = False
    """Take the figures of one backend from the policy's evaluation.json, and its episodes and seed for the other."""
    device: str = "cpu"
    """Device of the warp backend: 'cpu' or 'cuda'."""
    json: Path | None = None
    """JSON file to write the figures to."""
    log_root: Path = runs.LOG_ROOT
    """Folder in which runs are looked for."""


def main(argv: list[str] | None = None) -> int:
    """Return the exit code: 1 if a policy does not do the same on both."""
    options = parse_options(ParityOptions, argv)
    if options.json is not None:
        require_own_report(options.json, "policies")
    require_backend("warp", options.device)
    if options.policies:
        folders = [runs.resolve_run(name, root=options.log_root) for name in options.policies]
    else:
        folders = sorted(path for path in runs.SHIPPED.iterdir() if path.is_dir())
    if not folders:
        raise UserError(f"there are no policies in '{runs.SHIPPED}'; name some with --policies")
    places = (Where(), Where("warp", options.device))
    entries = parity_report(folders, places, episodes=options.episodes, seed=options.seed, stored=options.stored)
    if options.json is not None:
        write_report(options.json, {"policies": entries})
    print(parity_table(entries))
    return 0 if all(entry["overlap"] for entry in entries) else 1


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
