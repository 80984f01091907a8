"""``torchrun scripts/train.py``: two processes that learn together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from commands import SCRIPTS, SMALL, call


def torchrun(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Two processes of ``scripts/train.py``."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SCRIPTS.parent)}
    command += [str(SCRIPTS / "train.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_two_processes_train_one_policy_with_half_the_worlds_each(tmp_path: Path) -> None:
    arguments = ["go1_walk", *SMALL, "--train.max-iterations", "2", "--log-root", str(tmp_path)]
    done = torchrun(*arguments, "--episodes", "2", "--no-video")
    assert done.returncode == 0, done.stderr
    # Said once, by the first process.
    assert done.stdout.count("run folder:") == 1 and done.stdout.count("iteration 2/2") == 1
    assert done.stdout.count("planar velocity error") == 1
    (run,) = (tmp_path / "go1_walk").iterdir()
    config = json.loads((run / "config.json").read_text())
    assert (config["num_envs"], config["num_processes"], config["env"]["num_envs"]) == (16, 2, 16)
    states = [torch.load(run / name, weights_only=True) for name in ("state_2.pt", "state_2.1.pt")]
    first, second = (state["observations"][0] for state in states)
    assert first.shape == second.shape == (8, 48) and not torch.equal(first, second)
    assert json.loads((run / "evaluation.json").read_text())["episodes"] == 2
    # Alone it cannot go on exactly, and says so.
    assert call("train", "--resume", str(run), "--train.max-iterations", "3", "--no-evaluate", "--no-video") == 2


def test_worlds_that_cannot_be_divided_are_refused_once(tmp_path: Path) -> None:
    done = torchrun("go1_walk", "--env.num-envs", "15", "--log-root", str(tmp_path))
    assert done.returncode != 0 and not list(tmp_path.iterdir())
    assert done.stderr.count("15 worlds cannot be divided among 2 processes") == 1
