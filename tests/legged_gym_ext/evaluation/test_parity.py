"""Rates of one policy on several backends, side by side."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from legged_gym_ext.evaluation import parity
from legged_gym_ext.evaluation.parity import compared, parity_report, parity_table
from legged_gym_ext.evaluation.statistics import wilson_interval
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.sim.where import Where


def report(backend: str, falls: int, success: int | None = None) -> dict[str, Any]:
    """An evaluation of 100 episodes."""
    head = {"policy": "walker", "task": "go1_walk", "protocol": "walk", "episodes": 100, "seed": 1, "backend": backend}
    head |= {"fall_rate": falls / 100, "fall_rate_interval": list(wilson_interval(falls, 100))}
    if success is not None:
        head |= {"success_rate": success / 100, "success_ci": list(wilson_interval(success, 100))}
    return head


def test_rates_agree_where_their_intervals_overlap() -> None:
    entry = compared({"mujoco": report("mujoco", 2), "warp": report("warp", 5)})
    assert entry["overlap"] and entry["rate"] == "falls" and entry["policy"] == "walker"
    assert entry["backends"]["warp"] == {"rate": 0.05, "interval": list(wilson_interval(5, 100))}
    assert not compared({"mujoco": report("mujoco", 2), "warp": report("warp", 30)})["overlap"]


def test_success_counts_where_there_is_one() -> None:
    entry = compared({"mujoco": report("mujoco", 2, 90), "warp": report("warp", 2, 50)})
    assert entry["rate"] == "success" and not entry["overlap"]


def test_the_table_has_a_line_for_each_policy() -> None:
    entries = [
        compared({"mujoco": report("mujoco", 2), "warp": report("warp", 5)}),
        compared({"mujoco": report("mujoco", 2), "warp": report("warp", 30)}),
    ]
    agree, differ = parity_table(entries).splitlines()
    assert agree.endswith("agree") and differ.endswith("DIFFER")
    assert "2.0%" in agree and "30.0%" in differ and "walker" in agree


def test_shipped_policies_are_evaluated_on_every_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def evaluated(task: Any, make_policy: Any, *, where: Where, **options: Any) -> dict[str, Any]:
        asked.append((task.name, where.backend, where.device, options["policy"], options["episodes"]))
        return report(where.backend, 2)

    monkeypatch.setattr(parity, "evaluation_report", evaluated)
    folder = runs.SHIPPED / "go1_walk"
    entries = parity_report([folder], [Where(), Where("warp", "cuda")], episodes=7, seed=1)
    assert asked == [("go1_walk", "mujoco", "cpu", "go1_walk", 7), ("go1_walk", "warp", "cuda", "go1_walk", 7)]
    assert entries[0]["overlap"]


def test_what_a_run_holds_need_not_be_measured_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def evaluated(task: Any, make_policy: Any, *, where: Where, **options: Any) -> dict[str, Any]:
        asked.append((where.backend, options["episodes"], options["seed"]))
        return report(where.backend, 2)

    monkeypatch.setattr(parity, "evaluation_report", evaluated)
    folder = tmp_path / "run"
    shutil.copytree(runs.SHIPPED / "go1_walk", folder)
    (folder / "evaluation.json").write_text(json.dumps(report("mujoco", 1) | {"episodes": 100, "seed": 5}))
    entries = parity_report([folder], [Where(), Where("warp")], episodes=7, seed=1, stored=True)
    assert asked == [("warp", 100, 5)]
    assert entries[0]["backends"]["mujoco"]["rate"] == 0.01
