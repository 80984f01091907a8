"""How much of the bare engine's speed an environment keeps that is written against the Isaac Gym interface.

The package ``isaacgym`` measures itself, in a process of its own: nothing here imports it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from legged_gym_ext.resource_folder import resource_folder
from st_rl.utils.errors import UserError


def isaacgym_over_physics(*, worlds: int = 512, rounds: int = 7, steps: int = 48, threads: int = 0) -> dict[str, Any]:
    """Return the figures of ``python -m isaacgym.benchmark`` with the A1, ``isaacgym_over_physics`` among them.

    Args:
        threads: of the engine; 0 takes all cores.

    Raises:
        UserError: where the measurement fails, with what it said.
    """
    asset = resource_folder() / "robots" / "a1" / "a1.urdf"
    sizes = {"--worlds": worlds, "--rounds": rounds, "--steps": steps, "--threads": threads}
    words = [word for name, value in sizes.items() for word in (name, str(value))]
    run = [sys.executable, "-m", "isaacgym.benchmark", str(asset), "--json", *words]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"the Isaac Gym interface could not be measured: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout)
