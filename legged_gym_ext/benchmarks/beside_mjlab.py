"""Steps per second of mjlab's Go1 on flat ground, as one line of JSON. Imports mjlab and nothing of this suite.

Usage: beside_mjlab.py DEVICE STEPS WORLDS...
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
import time
from typing import Any

import torch

TASK = "Mjlab-Velocity-Flat-Unitree-Go1"


def rate(worlds: int, steps: int, device: str) -> dict[str, Any]:
    """Environment steps per second with random actions in ``worlds`` worlds."""
    importlib.import_module("mjlab.tasks")
    registry, envs = importlib.import_module("mjlab.tasks.registry"), importlib.import_module("mjlab.envs")
    cfg = registry.load_env_cfg(TASK)
    cfg.scene.num_envs = worlds
    env = envs.ManagerBasedRlEnv(cfg=cfg, device=device)
    env.reset()
    generator = torch.Generator(device=device).manual_seed(0)
    size = (worlds, env.action_manager.total_action_dim)
    actions = [torch.randn(size, generator=generator, device=device) for _ in range(steps)]
    seconds = []
    for _ in range(3):  # the first records launches
        torch.cuda.synchronize(device)
        begin = time.perf_counter()
        for action in actions:
            env.step(action)
        torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - begin)
    env.close()
    return {"worlds": worlds, "env_steps_per_second": worlds * steps / min(seconds[1:])}


def main() -> None:
    """The last line on the standard output is the answer."""
    device, steps, *worlds = sys.argv[1:]
    found = [rate(int(count), int(steps), device) for count in worlds]
    version = importlib.metadata.version("mjlab")
    sys.stdout.write(json.dumps([result | {"task": TASK, "mjlab": version} for result in found]) + "\n")


if __name__ == "__main__":
    main()
