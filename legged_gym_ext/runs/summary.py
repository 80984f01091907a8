"""What a training has reached, told when it was stopped."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from st_rl.runners.checkpoint import read_best
from st_rl.runners.metrics_file import Points, read_metrics
from st_rl.runners.progress import by_importance, duration
from st_rl.utils.run_folder import checkpoint_iterations

_SHOWN = 6
"""Metrics that are told, the most important ones."""
_TIMES = ("time/collection", "time/update")


def training_seconds(metrics: Mapping[str, Points]) -> float:
    """Return the time that the iterations of a run took, s."""
    return sum(value for name in _TIMES for _, value in metrics.get(name, []))


def reached(folder: Path, task: str, end: int) -> str:
    """Return what the run in ``folder`` has reached of its ``end`` iterations, and how it goes on, as lines."""
    metrics = read_metrics(folder) or {}
    done = checkpoint_iterations(folder)
    at = done[-1] if done else 0
    share = f"{at / end:.0%}" if end else ""
    lines = [
        f"stopped and saved after iteration {at} of {end} ({share}), {duration(training_seconds(metrics))} of work"
    ]
    last = {name: points[-1][1] for name, points in metrics.items() if points}
    for name in list(by_importance(last))[:_SHOWN]:
        first, best = metrics[name][0][1], _best(metrics[name]) if name == "mean_reward" else ""
        lines.append(f"  {name:<28} {first:>10.4g} -> {last[name]:.4g}{best}")
    saved = read_best(folder)
    best = f", and the one with the highest mean reward is {saved[0]}" if saved is not None else ""
    lines.append(f"  the newest checkpoint is that of iteration {at}{best}")
    name = shlex.quote(str(folder))
    lines += [
        "go on, evaluate or watch with:",
        f"  legged-train {task} --resume {name}",
        f"  legged-evaluate --policy {name}",
        f"  legged-play --policy {name}",
    ]
    return "\n".join(lines)


def _best(points: Points) -> str:
    iteration, value = max(points, key=lambda point: point[1])
    return f"  (best {value:.4g} at iteration {iteration:.0f})"
