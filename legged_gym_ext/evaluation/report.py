"""Evaluations by any protocol as JSON files and as tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from legged_gym_ext.evaluation.blindfold import blindfold_report, blindfold_rows
from legged_gym_ext.evaluation.gaits import evaluate_gaits, gait_rows
from legged_gym_ext.evaluation.solidity import measure_solidity
from legged_gym_ext.evaluation.tracks import TRACK_PROTOCOLS, TrackOptions, run_protocol, track_report
from legged_gym_ext.evaluation.walk import MakePolicy, walk_report
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.files import write_atomically
from st_rl.utils.run_folder import read_json

PROTOCOLS = ("walk", "gaits", *TRACK_PROTOCOLS, "blindfold")
_COURSE_TASKS = ("field", "vision")

_WALK_ROWS = (
    ("fall_rate", "falls", "{:.1%}"),
    ("tracking_rmse_lin", "planar velocity error (RMS)", "{:.3f} m/s"),
    ("tracking_rmse_yaw", "yaw rate error (RMS)", "{:.3f} rad/s"),
    ("cost_of_transport", "cost of transport", "{:.3f}"),
    ("mean_speed", "mean speed", "{:.2f} m/s"),
    ("gait_share", "time in the reference gait", "{:.1%}"),
    ("phase_error", "phase error", "{:.3f} strides"),
    ("duty_factor", "duty factor", "{:.2f}"),
    ("estimate_rmse_lin", "error of its velocity (RMS)", "{:.3f} m/s"),
    ("estimate_r2", "variance of it that is known", "{:.1%}"),
)
_TRACK_ROWS = (
    ("success_rate", "success", "{:.1%}"),
    ("blocks_passed_rate", "blocks passed", "{:.1%}"),
    ("mean_x_displacement", "share of the track covered", "{:.1%}"),
    ("mean_distance", "mean distance", "{:.2f} m"),
    ("edge_violation", "steps at or beyond an edge", "{:.2%}"),
    ("fall_rate", "failures", "{:.1%}"),
    ("mean_speed", "mean speed", "{:.2f} m/s"),
    ("mean_power", "mean power", "{:.0f} W"),
    ("cost_of_transport", "cost of transport", "{:.3f}"),
    ("peak_torque", "peak torque", "{:.1f} N m"),
    ("peak_joint_speed", "peak joint speed", "{:.1f} rad/s"),
    ("worst_penetration", "worst penetration", "{:.4f} m"),
)
_SOLIDITY_ROWS = (
    ("worst_penetration", "worst penetration", "{:.4f} m"),
    ("penetration_p999", "99.9 % of the steps below", "{:.4f} m"),
    ("joint_limit_excess", "beyond joint limits", "{:.4f} rad"),
    ("torque_excess", "beyond torque limits", "{:.4f} N m"),
    ("speed_torque_excess", "beyond speed-torque curves", "{:.4f} N m"),
    ("knee_contact_on_flat", "knees down on flat ground", "{:.2%}"),
)
_INTERVALS = {"fall_rate": "fall_rate_interval", "success_rate": "success_ci"}


def default_protocol(task: TaskCfg) -> str:
    """How ``task`` is evaluated unless told otherwise."""
    if task.env.track is None:
        return "gaits" if task.env.gait else "walk"
    return "course" if task.name.split("_", 1)[-1] in _COURSE_TASKS else "rpl"


def evaluation_report(
    task: TaskCfg,
    make_policy: MakePolicy,
    *,
    policy: str,
    episodes: int,
    seed: int,
    where: Where = Where(),
    protocol: str | None = None,
    track: TrackOptions | None = None,
    strict_episodes: int = 0,
    conditions: Sequence[str] = (),
) -> dict[str, Any]:
    """The contents of ``evaluation.json`` for the policy called ``policy``.

    Args:
        protocol: one of ``PROTOCOLS``, by default that of the task.
        track: what the protocols on tracks leave open.
        strict_episodes: additional episodes in which every physics step is checked, on tracks only; see
            ``measure_solidity``.
        conditions: those of ``WALK_CONDITIONS`` under which the same episodes are run once more, with ``walk`` only.
    """
    protocol = protocol or default_protocol(task)
    if protocol not in PROTOCOLS:
        raise UnknownNameError("protocol", protocol, list(PROTOCOLS))
    head = {"task": task.name, "policy": policy, "backend": where.backend, "seed": seed}
    same: dict[str, Any] = {"seed": seed, "where": where}
    if protocol == "walk":
        return head | {"protocol": protocol} | walk_report(task, make_policy, conditions, episodes=episodes, **same)
    if conditions:
        raise UserError(f"the protocol '{protocol}' knows no other conditions; they are for 'walk'")
    if protocol == "gaits":
        return head | {"protocol": protocol} | evaluate_gaits(task, make_policy, episodes=episodes, **same)
    if protocol == "blindfold":
        return head | blindfold_report(task, make_policy, episodes=episodes, options=track, **same)
    figures = track_report(
        protocol, *run_protocol(task, make_policy, protocol, episodes=episodes, options=track, **same)
    )
    if strict_episodes:
        figures["solidity"] = measure_solidity(
            task, make_policy, protocol, episodes=strict_episodes, options=track, **same
        )
    return head | figures


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report as JSON, whole or not at all; ``UserError`` where that is not possible."""
    write_atomically(path, (json.dumps(report, indent=2, allow_nan=False) + "\n").encode())


def read_report(path: Path) -> dict[str, Any]:
    """An evaluation that was written before; empty where there is none, or the file is no evaluation."""
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def table(report: Mapping[str, Any]) -> str:
    """The figures as lines of text."""
    protocol = report.get("protocol", "walk")
    head = f"{report['task']}, {protocol}, {report['episodes']} episodes, seed {report['seed']}"
    lines = [f"{head}, {report['backend']}"]
    for key, label, form in _WALK_ROWS if protocol in ("walk", "gaits") else _TRACK_ROWS:
        if key in report:
            lines.append(f"  {label:<30} {form.format(report[key]):>14}{_interval(report, _INTERVALS.get(key))}")
    if protocol == "gaits":
        lines += gait_rows(report)
    for name, figures in report.get("conditions", {}).items():
        lines.append(name.replace("_", " "))
        lines += [f"  {label:<30} {form.format(figures[key]):>14}" for key, label, form in _WALK_ROWS if key in figures]
    if protocol == "blindfold":
        for name, *shares in blindfold_rows(report):
            lines.append(f"  {name:<30}" + "".join(f"{share:>10}" for share in shares))
    for name, figures in report.get("per_block", {}).items():
        low, high = figures["parameter"]
        lines.append(f"  {f'{name} ({low:g} to {high:g})':<30} {_share(figures)}")
        for part in figures.get("parts", ()):
            low, high = part["parameter"]
            lines.append(f"    {f'{low:g} to {high:g}':<28} {_share(part)}")
    for figures in report.get("levels", ()):
        low, high = figures["difficulty"]
        lines.append(f"  {f'difficulty {low:.1f} to {high:.1f}':<30} {_share(figures)}")
    if "solidity" in report:
        figures = report["solidity"]
        lines.append(f"every physics step of {figures['episodes']} episodes, {figures['physics_steps']} in all")
        lines += [f"  {label:<30} {form.format(figures[key]):>14}" for key, label, form in _SOLIDITY_ROWS]
    return "\n".join(lines)


def _share(figures: Mapping[str, Any]) -> str:
    rate = f"{figures['success_rate']:.1%}" if figures["episodes"] else "-"
    return f"{rate:>14}{_interval(figures, 'success_ci')}, {figures['passed']} of {figures['episodes']}"


def _interval(figures: Mapping[str, Any], key: str | None) -> str:
    if key is None:
        return ""
    low, high = figures[key]
    return f"  (95 %: {low:.1%} to {high:.1%})"
