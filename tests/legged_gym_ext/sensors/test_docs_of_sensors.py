"""The page about sensors: what it shows runs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from legged_gym_ext.envs.legged_env import LeggedEnv

PAGE = Path(__file__).resolve().parents[3] / "docs" / "sensors.md"


def test_the_examples_make_environments() -> None:
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(block, names)
    cfg = replace(names["env"], latency=names["late"].latency, num_envs=2)
    env = LeggedEnv(replace(cfg, sim=replace(cfg.sim, num_threads=1)))
    observation, _, _, _ = env.step(torch.zeros(2, 12))
    assert env.obs_segments["forward_depth"] == (1, 48, 64) and env.latency is not None
    assert observation.isfinite().all()
    env.close()
