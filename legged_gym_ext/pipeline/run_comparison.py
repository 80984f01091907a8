"""Chosen runs beside each other: learning curves, what their configurations differ in, evaluations, films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from legged_gym_ext.evaluation.plots import curves
from legged_gym_ext.evaluation.report import read_report, table
from legged_gym_ext.pipeline.learning_curves import learning_curves
from legged_gym_ext.pipeline.run_overview import config_or_nothing
from legged_gym_ext.runs.background_films import FOLDER as FILMS
from st_rl.runners.metrics_file import Points
from st_rl.runners.progress import by_importance

_POINTS = 300
"""Points of a curve at most; each is the mean of equally many iterations."""
_PLOTS = 24
"""Curves that are drawn at most, the most important ones."""
_FILMS = 6
"""Films of a run that are shown at most, the newest ones."""
_OWN = ("versions", "code", "resumed_at")
"""Entries of a configuration that say where and when, not what."""
_MISSING = "-"


@dataclass(frozen=True)
class Difference:
    """A field that is not the same in all runs."""

    name: str
    values: Sequence[str]
    """One for each run."""


@dataclass(frozen=True)
class Film:
    """A film of a run."""

    run: int
    """Place of the run among those that are compared."""
    file: str
    """Its path in the run folder."""


@dataclass(frozen=True)
class Comparison:
    """What the page of chosen runs shows."""

    plots: Sequence[Markup]
    differences: Sequence[Difference]
    evaluations: Sequence[str]
    """One for each run; empty where it has none."""
    films: Sequence[Sequence[Film]]
    """For each run."""


def compare(folders: Sequence[Path]) -> Comparison:
    """Return what ``folders`` have in common to be compared, read now."""
    names = labels(folders)
    metrics = [learning_curves(folder) or {} for folder in folders]
    films = [[Film(index, name) for name in films_of(folder)] for index, folder in enumerate(folders)]
    return Comparison(_plots(names, metrics), differences(folders), [_evaluation(each) for each in folders], films)


def labels(folders: Sequence[Path]) -> list[str]:
    """Return names of the runs that differ: with the task's where two folders have the same name."""
    plain = [folder.name for folder in folders]
    return [f.name if plain.count(f.name) == 1 else f"{f.parent.name}/{f.name}" for f in folders]


def _plots(names: Sequence[str], metrics: Sequence[Mapping[str, Points]]) -> list[Markup]:
    last = {name: points[-1][1] for found in metrics for name, points in found.items() if points}
    plots = []
    for metric in list(by_importance(last))[:_PLOTS]:
        series = {name: thinned(found[metric]) for name, found in zip(names, metrics, strict=True) if metric in found}
        plots.append(Markup(curves(series, metric)))
    return plots


def thinned(points: Points) -> Points:
    """Return at most ``_POINTS`` points, each the mean of equally many of ``points``, the last ones included."""
    size = -(-len(points) // _POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), max(size, 1))]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]


def differences(folders: Sequence[Path]) -> list[Difference]:
    """Return the fields of the runs' configurations that are not the same in all of them, by name."""
    flat = [_flat(config_or_nothing(folder)) for folder in folders]
    found = []
    for name in sorted(set().union(*flat)):
        values = [each.get(name, _MISSING) for each in flat]
        if len(set(values)) > 1:
            found.append(Difference(name, values))
    return found


def _flat(config: Mapping[str, Any]) -> dict[str, str]:
    """Every value of a configuration that is no object, by its dotted name."""
    found: dict[str, str] = {}
    pending = [(str(name), value) for name, value in config.items() if name not in _OWN]
    while pending:
        name, value = pending.pop()
        if isinstance(value, dict) and value:
            pending += [(f"{name}.{key}", part) for key, part in value.items()]
        else:
            found[name] = str(value)[:200]
    return found


def _evaluation(folder: Path) -> str:
    report = read_report(folder / "evaluation.json")
    try:
        return table(report) if report else ""
    except (KeyError, TypeError, ValueError):
        return "the evaluation cannot be read"


def films_of(folder: Path) -> list[str]:
    """Return the films of a run, by their paths in its folder: the newest of those made on the way, then the last."""
    on_the_way = sorted(path.name for path in (folder / FILMS).glob("iteration_*.mp4"))[-_FILMS:]
    last = ["video.mp4"] if (folder / "video.mp4").is_file() else []
    return [*(f"{FILMS}/{name}" for name in on_the_way), *last]
