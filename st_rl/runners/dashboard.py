"""What a terminal shows of a training: a table of what matters with its trend, and a line that stays below it."""

from __future__ import annotations

import io
import math
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import pairwise

from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

_KEPT = 200
"""Iterations that a trend shows."""
_TREND = 20
"""Width of a trend, characters."""
_LEVELS = "▁▂▃▄▅▆▇█"
_BAR = 24
"""Width of the bar, characters."""


def trend(values: Sequence[float], width: int = _TREND) -> str:
    """Return ``values`` as a row of at most ``width`` bars from their lowest to their highest; empty for one value.

    Each bar is the mean of equally many values; those that are not finite are left out.
    """
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < 2:
        return ""
    count = min(width, len(finite))
    ends = [len(finite) * index // count for index in range(count + 1)]
    means = [sum(finite[a:b]) / (b - a) for a, b in pairwise(ends)]
    low, span = min(means), max(means) - min(means)
    if span <= 1e-12 * max(1.0, abs(low)):
        return _LEVELS[3] * count
    return "".join(_LEVELS[min(int(len(_LEVELS) * (mean - low) / span), len(_LEVELS) - 1)] for mean in means)


class Dashboard:
    """Remembers the last values of every metric and draws them."""

    def __init__(self) -> None:
        self._past: dict[str, deque[float]] = {}

    def remember(self, metrics: Mapping[str, float]) -> None:
        """Take in the metrics of one more iteration."""
        for name, value in metrics.items():
            self._past.setdefault(name, deque(maxlen=_KEPT)).append(value)

    def lines(self, done: float, head: str, metrics: Mapping[str, float], columns: int, rows: int) -> list[str]:
        """Return the drawing, a line each, styled for a terminal that is ``columns`` wide.

        Args:
            done: share of the work, in [0, 1].
            head: what the line below the table says.
            metrics: in the order of their importance; the first ``rows`` are shown.
        """
        table = Table.grid(padding=(0, 2), expand=False)
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=34)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True, overflow="crop")
        for name, value in list(metrics.items())[:rows]:
            past = Text(trend(self._past.get(name, ())), style="cyan")
            table.add_row(Text(name, style="dim"), Text(f"{value:.4g}", style="bold"), past)
        line = Table.grid(padding=(0, 1), expand=False)
        line.add_column(width=_BAR, no_wrap=True)
        line.add_column(no_wrap=True, overflow="crop")
        line.add_row(ProgressBar(total=1.0, completed=done, width=_BAR), Text(head))
        drawn = io.StringIO()
        console = Console(file=drawn, force_terminal=True, width=max(columns, 20), legacy_windows=False)
        console.print(Group(table, line), end="", crop=True, no_wrap=True)
        return [text for text in drawn.getvalue().split("\n") if text]
