"""Scripts for a GPU on a machine that has none: one sentence, exit code 2, nothing left behind."""

from __future__ import annotations

import importlib
import importlib.util
import json
from pathlib import Path

import pytest
import torch
from commands import call

from legged_gym_ext.evaluation import parity
from legged_gym_ext.sim.where import Where

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mujoco_warp") is None, reason="MuJoCo Warp is missing")
ON_CUDA = ["--backend", "warp", "--device", "cuda"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("train", ["go1_walk", *ON_CUDA], "NVIDIA GPU"),
        ("evaluate", ["--policy", "go1_walk", *ON_CUDA], "NVIDIA GPU"),
        ("benchmark", ON_CUDA, "NVIDIA GPU"),
        ("gpu_report", [], "NVIDIA GPU"),
        ("parity", ["--device", "cuda"], "NVIDIA GPU"),
    ],
)
def test_without_a_gpu_scripts_say_so_in_one_sentence(
    script: str,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(script, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_parity_is_printed_and_written_and_a_difference_is_exit_code_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    falls = {"mujoco": 0.02, "warp": 0.03}

    def evaluated(task: object, make_policy: object, *, where: Where, policy: str, **options: object) -> dict:
        rate = falls[where.backend]
        figures = {"fall_rate": rate, "fall_rate_interval": [rate - 0.02, rate + 0.02]}
        return figures | {"policy": policy, "task": "go1_walk", "protocol": "walk", "episodes": 9, "seed": 1}

    monkeypatch.setattr(parity, "evaluation_report", evaluated)
    path = tmp_path / "parity.json"
    assert call("parity", "--policies", "go1_walk", "--json", str(path)) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("go1_walk") and line.endswith("agree")
    (entry,) = json.loads(path.read_text())["policies"]
    assert set(entry["backends"]) == {"mujoco", "warp"} and entry["overlap"] is True
    falls["warp"] = 0.5
    assert call("parity", "--policies", "go1_walk") == 1
