"""One web page on a training of skills: success, learning curves, videos. It needs no other file but the videos.

What stands on the page is worked out here; how it looks is in ``report_page.html`` beside this file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from legged_gym_ext.evaluation.plots import curves, success_plot
from legged_gym_ext.evaluation.report import read_report, table
from legged_gym_ext.pipeline.learning_curves import learning_curves
from legged_gym_ext.pipeline.plan import ALONE, RPL, WALK, SkillsPlan
from legged_gym_ext.pipeline.stages import Outcome, duration
from legged_gym_ext.runs.summary import training_seconds
from st_rl.runners.metrics_file import Points
from st_rl.utils.files import write_atomically

_CURVES = (
    ("reward of an episode", ("mean_reward",)),
    ("passed obstacles, share", ("Log/passed_fraction", "Log/solid_probability", "Log/hardness")),
    ("level of difficulty", ("Log/level", "Log/terrain_level")),
)
"""Title and metrics of each picture of learning; what a run does not have is left out."""
_NO_CURVES = "There are no learning curves: the run has no metrics.jsonl, and tensorboard is not installed."


@dataclass(frozen=True)
class _Row:
    """A line of a table."""

    skill: str
    cells: Sequence[str]
    iterations: str = ""
    time: str = ""
    video: str = ""


@dataclass(frozen=True)
class _Report:
    """An evaluation of the mutex."""

    table: str
    plot: Markup


@dataclass(frozen=True)
class _Mutex:
    """What is said about the policy of all skills."""

    reports: Sequence[_Report]
    comparison: Sequence[_Row]
    video: str


@dataclass(frozen=True)
class _Section:
    """What is said about one skill."""

    skill: str
    table: str
    video: str
    plots: Sequence[Markup] = field(default_factory=tuple)
    note: str = ""


def write_page(plan: SkillsPlan, outcomes: Mapping[str, Outcome]) -> Path:
    """Write ``report.html`` in the plan's folder from what there is so far, and return its path."""
    path = plan.out / "report.html"
    learned = {skill: run for skill in dict.fromkeys((WALK, *plan.skills)) if (run := plan.run(skill)) is not None}
    metrics = {skill: learning_curves(run) for skill, run in learned.items()}
    environment = Environment(
        loader=PackageLoader("legged_gym_ext.pipeline", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    page = environment.get_template("report_page.html").render(
        robot=plan.robot,
        columns=[name for name, _ in _COLUMNS],
        skills=[_summary_row(plan, skill, metrics.get(skill)) for skill in plan.skills],
        problems=[f"{name}: {outcome}" for name, outcome in outcomes.items() if outcome not in ("done", "kept")],
        mutex=_mutex(plan) if plan.mutex_folder.is_dir() else None,
        sections=[_section(plan, skill, run, metrics[skill]) for skill, run in learned.items()],
    )
    write_atomically(path, page.encode())
    return path


def _summary_row(plan: SkillsPlan, skill: str, metrics: Mapping[str, Points] | None) -> _Row:
    run = plan.run(skill)
    report = {} if run is None else read_report(run / "evaluation.json")
    steps = (metrics or {}).get("time/update", [])
    return _Row(
        skill,
        [form(report) for _, form in _COLUMNS],
        iterations=f"{steps[-1][0]:.0f}" if steps else "",
        time=duration(training_seconds(metrics)) if metrics else "",
        video="" if run is None else _video(plan.out, run),
    )


def _mutex(plan: SkillsPlan) -> _Mutex:
    found = [read_report(plan.mutex_folder / name) for name in ("evaluation.json", RPL)]
    reports = [_Report(table(report), Markup(success_plot(report))) for report in found if report]
    return _Mutex(reports, _comparison(plan, found), _video(plan.out, plan.mutex_folder))


def _comparison(plan: SkillsPlan, together: Sequence[Mapping[str, Any]]) -> list[_Row]:
    """Return the success of each skill alone and within the mutex, on the course and at the test ranges."""
    rows = []
    for skill in plan.learned():
        run = plan.run(skill)
        alone = [{} if run is None else read_report(run / name) for name in (ALONE, "evaluation.json")]
        pairs = zip(alone, together, strict=True)
        rows.append(_Row(skill, [_success_at(report, skill) for pair in pairs for report in pair]))
    return rows


def _success_at(report: Mapping[str, Any], block: str) -> str:
    figures = report.get("per_block", {}).get(block)
    if not figures or not figures["episodes"]:
        return ""
    return f"{figures['success_rate']:.1%} of {figures['episodes']}"


def _section(plan: SkillsPlan, skill: str, run: Path, metrics: Mapping[str, Points] | None) -> _Section:
    report = read_report(run / "evaluation.json")
    plots = []
    for title, names in _CURVES:
        found = metrics or {}
        series = {name.removeprefix("Log/").replace("_", " "): found[name] for name in names if name in found}
        if series:
            plots.append(Markup(curves(series, f"{skill}: {title}")))
    note = _NO_CURVES if metrics is None else ""
    return _Section(skill, table(report) if report else "", _video(plan.out, run), plots, note)


def _video(root: Path, run: Path) -> str:
    """Return where the video of a run is, as seen from the page; empty where there is none."""
    path = run / "video.mp4"
    return Path(os.path.relpath(path.resolve(), root.resolve())).as_posix() if path.is_file() else ""


def _percent(report: Mapping[str, Any], key: str) -> str:
    return f"{report[key]:.1%}" if key in report else ""


def _interval(report: Mapping[str, Any]) -> str:
    ends: Sequence[float] = report.get("success_ci", ())
    return " to ".join(f"{end:.1%}" for end in ends)


def _number(report: Mapping[str, Any], key: str, form: str) -> str:
    return form.format(report[key]) if key in report else ""


_COLUMNS: tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("success", lambda r: _percent(r, "success_rate")),
    ("95 % interval", _interval),
    ("mean distance", lambda r: _number(r, "mean_distance", "{:.2f} m")),
    ("mean power", lambda r: _number(r, "mean_power", "{:.0f} W")),
    ("peak torque", lambda r: _number(r, "peak_torque", "{:.1f} N m")),
    ("worst penetration", lambda r: _number(r.get("solidity", r), "worst_penetration", "{:.3f} m")),
)
"""Heading of a column, and what it shows of an evaluation."""
