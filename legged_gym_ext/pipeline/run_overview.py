"""What there is to know about runs at a glance: task, state, iterations, reward, success, age."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from legged_gym_ext.evaluation.report import read_report
from legged_gym_ext.evaluation.shipped import headline
from legged_gym_ext.runs import folders as runs
from st_rl.runners.metrics_file import METRICS_FILE, Points, read_metrics
from st_rl.runners.run_lock import is_locked
from st_rl.utils.errors import UserError
from st_rl.utils.run_folder import checkpoint_iterations, read_config

State = Literal["training", "finished", "stopped"]
"""Whether a process trains the run now, it has made all its iterations, or neither."""


@dataclass(frozen=True)
class RunSummary:
    """One run at a glance."""

    folder: Path
    task: str
    state: State
    iteration: int
    """Iterations done."""
    end: int
    """Iterations wanted; 0 where the run does not say."""
    reward: float | None
    """Mean return of the episodes that ended last."""
    success: str
    """What its evaluation says first; empty without one."""
    age: float
    """s since anything was written."""

    @property
    def name(self) -> str:
        """The run folder's name."""
        return self.folder.name


def all_runs(root: Path) -> list[Path]:
    """Folders of the runs below ``root``, those without a checkpoint included, the last written first."""
    tasks = [path for path in sorted(root.iterdir()) if path.is_dir()] if root.is_dir() else []
    found = [path for folder in tasks for path in folder.iterdir() if path.is_dir() and runs.is_run(path)]
    return sorted(found, key=lambda path: (_written_at(path), path.name), reverse=True)


def summaries(root: Path) -> list[RunSummary]:
    """Every run below ``root``, the last written first."""
    return [summary(folder) for folder in all_runs(root)]


def summary(folder: Path) -> RunSummary:
    """Return a run at a glance; what cannot be read is left out."""
    config = config_or_nothing(folder)
    end = _wanted(config)
    metrics = read_metrics(folder) or {}
    iteration = max([_last_iteration(metrics), *checkpoint_iterations(folder)[-1:]])
    rewards = metrics.get("mean_reward", [])
    state: State = "training" if is_locked(folder) else "finished" if end and iteration >= end else "stopped"
    return RunSummary(
        folder,
        str(config.get("task", "?")),
        state,
        iteration,
        end,
        rewards[-1][1] if rewards else None,
        _success(folder),
        max(0.0, time.time() - _written_at(folder)),
    )


def _success(folder: Path) -> str:
    with contextlib.suppress(KeyError, TypeError, ValueError):
        return headline(read_report(folder / "evaluation.json"))
    return ""


def config_or_nothing(folder: Path) -> Mapping[str, Any]:
    """Return the ``config.json`` of a run; empty where it cannot be read."""
    try:
        return read_config(folder)
    except UserError:
        return {}


def _wanted(config: Mapping[str, Any]) -> int:
    train = config.get("train")
    wanted = train.get("max_iterations") if isinstance(train, dict) else None
    return wanted if isinstance(wanted, int) else 0


def _last_iteration(metrics: Mapping[str, Points]) -> int:
    return int(max((points[-1][0] for points in metrics.values() if points), default=0.0))


def _written_at(folder: Path) -> float:
    """When the metrics, or without them the configuration, were written last, s since the epoch."""
    times = [0.0]
    for name in (METRICS_FILE, "config.json", "evaluation.json"):
        with contextlib.suppress(OSError):
            times.append((folder / name).stat().st_mtime)
    return max(times)


def age_text(seconds: float) -> str:
    """Return how long ago something was: ``5 s``, ``12 min``, ``3 h``, ``8 d``."""
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


HEADINGS = ("run", "task", "state", "iterations", "reward", "success", "age")


def cells(run: RunSummary) -> tuple[str, ...]:
    """Return what stands below ``HEADINGS`` for a run."""
    iterations = f"{run.iteration}/{run.end}" if run.end else str(run.iteration)
    reward = "" if run.reward is None else f"{run.reward:.3g}"
    return run.name, run.task, run.state, iterations, reward, run.success, age_text(run.age)


def text_table(found: Sequence[RunSummary]) -> str:
    """Return runs as lines of text with aligned columns."""
    rows = [HEADINGS, *(cells(run) for run in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
