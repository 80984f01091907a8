"""A run of a whole environment that was stopped, by its end or by a signal, goes on bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import SCRIPTS, call

TINY = [
    *("--env.num-envs", "6", "--env.episode-length-s", "0.3", "--train.num-steps-per-env", "6"),
    *("--train.policy.actor-hidden-dims", "16", "--train.policy.critic-hidden-dims", "16"),
    *("--num-threads", "1", "--no-evaluate", "--no-video"),
]
"""Episodes are shorter than an iteration and a half, so that resets, curricula and new tracks are part of it."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def train(*arguments: str) -> int:
    return call("train", *arguments, *TINY)


def start(task: str, root: Path, iterations: int) -> Path:
    assert train(task, "--train.max-iterations", str(iterations), "--log-root", str(root)) == 0
    return next((root / task).iterdir())


def leaves(value: Any) -> list[Any]:
    """Everything below nested dictionaries and sequences, in order."""
    if isinstance(value, dict):
        return [leaf for key in value for leaf in (key, *leaves(value[key]))]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def saved(folder: Path, iteration: int) -> dict[str, list[Any]]:
    """Contents of the files of an iteration: weights, optimizer, environment, random generators."""
    contents = {name: torch.load(folder / f"{name}_{iteration}.pt", weights_only=True) for name in ("model", "state")}
    del contents["state"]["random"]["python"]  # nothing here draws from it, but other tests do
    return {name: leaves(content) for name, content in contents.items()}


def assert_same(one: Path, other: Path, iteration: int) -> None:
    first, second = saved(one, iteration), saved(other, iteration)
    for name, values in first.items():
        for a, b in zip(values, second[name], strict=True):
            same = torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
            assert same, name


@pytest.mark.parametrize("task", ["go1_walk", "go1_tilt"])
def test_a_run_in_two_parts_equals_one_in_one(task: str, tmp_path: Path) -> None:
    whole, parts = start(task, tmp_path / "whole", 4), start(task, tmp_path / "parts", 2)
    weights = torch.load(parts / "model_2.pt", weights_only=True)["model_state_dict"]
    torch.manual_seed(99)
    assert train("--resume", str(parts), "--train.max-iterations", "4") == 0
    assert_same(whole, parts, 4)
    learned = torch.load(parts / "model_4.pt", weights_only=True)["model_state_dict"]
    assert not any(torch.equal(learned[name], weights[name]) for name in weights if name.endswith("weight"))


def test_a_run_that_was_told_to_end_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPTS / "train.py"), "go1_tilt", *TINY, "--train.max-iterations", "100000"]
    process = subprocess.Popen(
        [*command, "--log-root", str(tmp_path / "parts")],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("iteration "):
            break
    process.send_signal(signal.SIGTERM)
    rest = process.stdout.read()
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert "legged-train go1_tilt --resume" in rest
    parts = next((tmp_path / "parts" / "go1_tilt").iterdir())
    (stopped,) = (int(path.stem.removeprefix("model_")) for path in parts.glob("model_*.pt"))
    assert train("--resume", str(parts), "--train.max-iterations", str(stopped + 1)) == 0
    assert_same(start("go1_tilt", tmp_path / "whole", stopped + 1), parts, stopped + 1)
