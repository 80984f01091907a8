"""Whether policies do on one backend what they do on another: rates with their 95 % intervals, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from legged_gym_ext.evaluation.report import evaluation_report, read_report
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.sim.where import Where

_RATES = (("success_rate", "success_ci", "success"), ("fall_rate", "fall_rate_interval", "falls"))
"""Rate, its interval and what it is called, the most telling first."""


def parity_report(
    folders: Sequence[Path], places: Sequence[Where], *, episodes: int, seed: int, stored: bool = False
) -> list[dict[str, Any]]:
    """Evaluate each run by its task's own protocol on every backend.

    Args:
        folders: run folders.
        places: the backends to compare, and what each runs on.
        stored: where a run holds the evaluation of a backend, take that one, and its episodes and seed for the others.

    Returns:
        One entry a run: ``policy``, ``task``, what the ``rate`` is of, per backend the rate and its interval, and
        ``overlap``, whether all intervals have a point in common.
    """
    entries = []
    for folder in folders:
        task = runs.load_run(folder).task
        reports = {}
        kept = read_report(folder / "evaluation.json") if stored else {}
        for where in places:
            if kept.get("backend") == where.backend:
                reports[where.backend] = kept
                continue
            reports[where.backend] = evaluation_report(
                task,
                lambda env, folder=folder: runs.RunPolicy(folder, env),
                policy=folder.resolve().name,
                episodes=kept.get("episodes", episodes),
                seed=kept.get("seed", seed),
                where=where,
            )
        entries.append(compared(reports))
    return entries


def compared(reports: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An entry of ``parity_report`` from the evaluations of one policy, by backend."""
    first = next(iter(reports.values()))
    rate, interval, label = next(names for names in _RATES if names[0] in first)
    found = {backend: {"rate": report[rate], "interval": report[interval]} for backend, report in reports.items()}
    lows, highs = zip(*(figures["interval"] for figures in found.values()), strict=True)
    head = {key: first[key] for key in ("policy", "task", "protocol", "episodes", "seed")}
    return head | {"rate": label, "backends": found, "overlap": max(lows) <= min(highs)}


def parity_table(entries: Sequence[Mapping[str, Any]]) -> str:
    """The entries as lines of text."""
    lines = []
    for entry in entries:
        cells = [
            f"{backend} {figures['rate']:6.1%} ({figures['interval'][0]:.1%} to {figures['interval'][1]:.1%})"
            for backend, figures in entry["backends"].items()
        ]
        verdict = "agree" if entry["overlap"] else "DIFFER"
        lines.append(f"{entry['policy']:<20} {entry['rate']:<8} {'   '.join(cells)}   {verdict}")
    return "\n".join(lines)
