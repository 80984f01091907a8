"""Evaluations as JSON files and as tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from legged_gym_ext.evaluation.walk import MakePolicy, evaluate_walk
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.runners.checkpoint import write_atomically

_ROWS = (
    ("fall_rate", "falls", "{:.1%}"),
    ("tracking_rmse_lin", "planar velocity error (RMS)", "{:.3f} m/s"),
    ("tracking_rmse_yaw", "yaw rate error (RMS)", "{:.3f} rad/s"),
    ("cost_of_transport", "cost of transport", "{:.3f}"),
    ("mean_speed", "mean speed", "{:.2f} m/s"),
)


def evaluation_report(
    task: TaskCfg, make_policy: MakePolicy, *, policy: str, episodes: int, seed: int, backend: str, **options: Any
) -> dict[str, Any]:
    """The contents of ``evaluation.json`` for the policy called ``policy``; ``options`` as in ``evaluate_walk``."""
    figures = evaluate_walk(task, make_policy, episodes=episodes, seed=seed, backend=backend, **options)
    return {"task": task.name, "policy": policy, "backend": backend, "seed": seed} | figures.to_json()


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report as JSON, whole or not at all; ``UserError`` where that is not possible."""
    write_atomically(path, (json.dumps(report, indent=2, allow_nan=False) + "\n").encode())


def table(report: Mapping[str, Any]) -> str:
    """The figures as lines of text."""
    low, high = report["fall_rate_interval"]
    lines = [f"{report['task']}, {report['episodes']} episodes, seed {report['seed']}, {report['backend']}"]
    for key, label, form in _ROWS:
        note = f"  (95 %: {low:.1%} to {high:.1%})" if key == "fall_rate" else ""
        lines.append(f"  {label:<30} {form.format(report[key]):>14}{note}")
    return "\n".join(lines)
