"""One web page on a training of skills: success, learning curves, videos. It needs no other file but the videos."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from legged_gym_ext.evaluation.plots import curves, success_plot
from legged_gym_ext.evaluation.report import read_report, table
from legged_gym_ext.pipeline.event_files import read_scalars
from legged_gym_ext.pipeline.plan import ALONE, RPL, WALK, SkillsPlan
from legged_gym_ext.pipeline.stages import Outcome, duration
from st_rl.utils.files import write_atomically

_CURVES = (
    ("mean_reward", "reward of an episode", ("mean_reward",)),
    ("progress", "passed obstacles, share", ("Log/passed_fraction", "Log/solid_probability")),
    ("level", "level of difficulty", ("Log/level", "Log/terrain_level")),
)
"""Key, title and the scalars of each picture of learning; what a run does not have is left out."""
_STYLE = (
    "body{font-family:sans-serif;max-width:1180px;margin:2em auto;color:#222}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:4px 10px;text-align:right}"
    "td:first-child,th:first-child{text-align:left}pre{background:#f4f4f4;padding:1em;overflow-x:auto}"
    "svg,video{margin:4px;vertical-align:top}"
)


def write_page(plan: SkillsPlan, outcomes: Mapping[str, Outcome]) -> Path:
    """Write ``report.html`` in the plan's folder from what there is so far; returns its path."""
    path = plan.out / "report.html"
    parts = [f"<h1>Skills of {escape(plan.robot)}</h1>", _summary(plan), _problems(outcomes)]
    if plan.mutex_folder.is_dir():
        parts.append(_mutex_section(plan))
    for skill in dict.fromkeys((WALK, *plan.skills)):
        run = plan.run(skill)
        if run is not None:
            parts.append(_skill_section(plan, skill, run))
    body = "\n".join(part for part in parts if part)
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Skills of {escape(plan.robot)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )
    write_atomically(path, page.encode())
    return path


def _summary(plan: SkillsPlan) -> str:
    head = "".join(f"<th>{name}</th>" for name, _ in _COLUMNS)
    rows = []
    for skill in plan.skills:
        run = plan.run(skill)
        report = {} if run is None else read_report(run / "evaluation.json")
        seconds = 0.0 if run is None else training_seconds(run)
        iterations = _last_iteration(run)
        cells = "".join(f"<td>{form(report)}</td>" for _, form in _COLUMNS)
        link = "" if run is None else _link(plan.out, run / "video.mp4", "video")
        rows.append(
            f"<tr><td>{escape(skill)}</td>{cells}<td>{iterations}</td><td>{duration(seconds)}</td><td>{link}</td></tr>"
        )
    more = "<th>iterations</th><th>time</th><th></th>"
    return f"<table><tr><th>skill</th>{head}{more}</tr>\n{''.join(rows)}</table>"


def _mutex_section(plan: SkillsPlan) -> str:
    parts = ["<h2>All skills in one policy</h2>"]
    for name in ("evaluation.json", RPL):
        report = read_report(plan.mutex_folder / name)
        if report:
            parts += [_pre(table(report)), success_plot(report)]
    parts += [_comparison(plan), _video(plan.out, plan.mutex_folder / "video.mp4")]
    return "\n".join(parts)


def _comparison(plan: SkillsPlan) -> str:
    """Success of each skill alone and within the mutex, at the obstacles of the course and at the test ranges."""
    together = [read_report(plan.mutex_folder / name) for name in ("evaluation.json", RPL)]
    rows = []
    for skill in plan.learned():
        run = plan.run(skill)
        alone = [{} if run is None else read_report(run / name) for name in (ALONE, "evaluation.json")]
        cells = ""
        for one, all_skills in zip(alone, together, strict=True):
            cells += "".join(f"<td>{_of_block(report, skill)}</td>" for report in (one, all_skills))
        rows.append(f"<tr><td>{escape(skill)}</td>{cells}</tr>")
    head = "<th>alone</th><th>in the mutex</th>" * 2
    over = '<tr><th></th><th colspan="2">on the course</th><th colspan="2">at the test ranges</th></tr>'
    return f"<table>{over}<tr><th>obstacle</th>{head}</tr>\n{''.join(rows)}</table>"


def _of_block(report: Mapping[str, Any], name: str) -> str:
    figures = report.get("per_block", {}).get(name)
    if not figures or not figures["episodes"]:
        return ""
    return f"{figures['success_rate']:.1%} of {figures['episodes']}"


def _skill_section(plan: SkillsPlan, skill: str, run: Path) -> str:
    parts = [f"<h2>{escape(skill)}</h2>"]
    report = read_report(run / "evaluation.json")
    if report:
        parts.append(_pre(table(report)))
    scalars = read_scalars(run)
    for _, title, tags in _CURVES:
        series = {tag.removeprefix("Log/").replace("_", " "): scalars[tag] for tag in tags if tag in scalars}
        if series:
            parts.append(curves(series, f"{skill}: {title}"))
    parts.append(_video(plan.out, run / "video.mp4"))
    return "\n".join(parts)


def training_seconds(run: Path) -> float:
    """Time that the iterations of a run took, s."""
    scalars = read_scalars(run)
    return sum(value for tag in ("time/collection", "time/update") for _, value in scalars.get(tag, []))


def _last_iteration(run: Path | None) -> str:
    points = [] if run is None else read_scalars(run).get("time/update", [])
    return f"{points[-1][0]:.0f}" if points else ""


def _problems(outcomes: Mapping[str, Outcome]) -> str:
    bad = [f"{name}: {outcome}" for name, outcome in outcomes.items() if outcome not in ("done", "kept")]
    return f"<p><b>Not done:</b> {escape(', '.join(bad))}</p>" if bad else ""


def _video(root: Path, path: Path) -> str:
    if not path.is_file():
        return ""
    return f'<video src="{escape(_relative(root, path))}" controls width="480"></video>'


def _link(root: Path, path: Path, text: str) -> str:
    return f'<a href="{escape(_relative(root, path))}">{escape(text)}</a>' if path.is_file() else ""


def _relative(root: Path, path: Path) -> str:
    return Path(os.path.relpath(path.resolve(), root.resolve())).as_posix()


def _pre(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _percent(report: Mapping[str, Any], key: str) -> str:
    return f"{report[key]:.1%}" if key in report else ""


def _interval(report: Mapping[str, Any]) -> str:
    ends: Sequence[float] = report.get("success_ci", ())
    return " to ".join(f"{end:.1%}" for end in ends)


def _number(report: Mapping[str, Any], key: str, form: str) -> str:
    return form.format(report[key]) if key in report else ""


_COLUMNS = (
    ("success", lambda r: _percent(r, "success_rate")),
    ("95 % interval", _interval),
    ("mean distance", lambda r: _number(r, "mean_distance", "{:.2f} m")),
    ("mean power", lambda r: _number(r, "mean_power", "{:.0f} W")),
    ("peak torque", lambda r: _number(r, "peak_torque", "{:.1f} N m")),
    ("worst penetration", lambda r: _number(r.get("solidity", r), "worst_penetration", "{:.3f} m")),
)
"""Heading, and what stands there of an evaluation."""
