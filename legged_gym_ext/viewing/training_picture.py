"""A picture of what a terminal shows of a training, from the metrics that it has written."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

from st_rl.runners.dashboard import Dashboard
from st_rl.runners.metrics_file import read_metrics
from st_rl.runners.progress import by_importance
from st_rl.utils.errors import UserError
from st_rl.utils.files import write_atomically

_COLUMNS, _ROWS = 100, 12


def training_picture(run: Path, path: Path) -> None:
    """Draw the last display of the training of ``run`` as SVG into ``path``; ``UserError`` without metrics."""
    metrics = read_metrics(run) or {}
    if not metrics:
        raise UserError(f"the run in '{run}' has no metrics to draw")
    dashboard = Dashboard()
    end = int(max(points[-1][0] for points in metrics.values()))
    by_iteration: dict[float, dict[str, float]] = {}
    for name, points in metrics.items():
        for iteration, value in points:
            by_iteration.setdefault(iteration, {})[name] = value
    for _, values in sorted(by_iteration.items()):
        dashboard.remember(values)
    last = {name: points[-1][1] for name, points in metrics.items()}
    head = f"iteration {end}/{end}  {last.get('steps_per_second', 0.0):,.0f} steps/s  left 0:00"
    console = Console(record=True, width=_COLUMNS, file=io.StringIO())
    for line in dashboard.lines(1.0, head, by_importance(last), _COLUMNS, _ROWS):
        console.print(Text.from_ansi(line))
    drawn = console.export_svg(title=f"legged-train {run.parent.name}")
    # No font from elsewhere: the reader's own will do.
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL).replace("Fira Code", "monospace")
    write_atomically(path, drawn.encode())
