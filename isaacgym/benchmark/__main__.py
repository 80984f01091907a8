"""``python -m isaacgym.benchmark FILE.urdf``: how much of the bare engine's speed an environment keeps."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

from isaacgym.benchmark.measure import measure
from isaacgym.benchmark.walkers import WalkersCfg


def main(words: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 for a wrong call."""
    parser = ArgumentParser(
        prog="python -m isaacgym.benchmark",
        description="Measure an environment of quadrupeds on a plane that is written against the interface, four "
        "simulate in a control step with a PD law in torch, against the bare engine with the same model.",
    )
    parser.add_argument("asset", type=Path, help="URDF file whose joints are named after hip, thigh and calf.")
    parser.add_argument("--worlds", type=int, default=512, help="Number of environments.")
    parser.add_argument("--rounds", type=int, default=7, help="Measurements alternate this often.")
    parser.add_argument("--steps", type=int, default=48, help="Control steps in a measurement.")
    parser.add_argument("--threads", type=int, default=0, help="Threads of the engine; 0 takes all cores.")
    parser.add_argument("--json", action="store_true", help="Print JSON instead of text.")
    args = parser.parse_args(words)
    if not args.asset.is_file():
        parser.error(f"there is no file '{args.asset}'")
    if args.threads < 0:
        parser.error("--threads must be 0 or more")
    sizes = {"worlds": args.worlds, "rounds": args.rounds, "steps": args.steps}
    try:
        figures = measure(args.asset, **sizes, cfg=replace(WalkersCfg(), num_threads=args.threads))
    except ValueError as error:
        parser.error(str(error))
    if args.json:
        print(json.dumps(figures))
        return 0
    for name, value in figures.items():
        print(f"{name:<36} {value:.3f}" if isinstance(value, float) else f"{name:<36} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
