"""What a person at the terminal sees of a long run."""

from __future__ import annotations

import logging
import shutil
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from st_rl.runners.dashboard import Dashboard

logger = logging.getLogger(__name__)


def duration(seconds: float) -> str:
    """``1:02:03`` or ``2:03``."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"


_EPISODES = ("mean_reward", "mean_episode_length")
"""Return and length of the episodes that have ended."""
_WATCHED = ("Loss/kl", "Policy/mean_std")
"""How far an update moved the policy, and how noisy it is: whether a training goes well."""


def by_importance(metrics: Mapping[str, float]) -> dict[str, float]:
    """What a person follows first: return and length of episodes, KL and noise, what the task measures, then the rest.

    Times are left out, and mean squared errors whose root is there (``x_mse`` beside ``x_rmsd``).
    """
    shown = [name for name in metrics if not name.startswith(("steps_per", "time/"))]
    shown = [name for name in shown if not (name.endswith("_mse") and f"{name[:-4]}_rmsd" in metrics)]
    measured = [name for name in shown if name.startswith("Log/") and name.count("/") == 1]
    watched = [name for name in _WATCHED if name in metrics]
    episodes = [name for name in _EPISODES if name in metrics]
    first = episodes + [name for name in shown if name.startswith("mean_")] + watched + measured
    return {name: metrics[name] for name in dict.fromkeys(first + shown)}


_LINE = 120
"""Columns of a line where nobody knows how wide the terminal is."""


class Progress:
    """A table and a line renewed in place on a terminal; elsewhere one line now and then; nothing without a stream."""

    max_metrics = 12

    def __init__(self, stream: TextIO | None, start: int, end: int, line_interval: int = 10) -> None:
        """Iterations run from ``start`` to ``end``; without a terminal a line appears every ``line_interval``."""
        self.stream, self.start, self.end, self.line_interval = stream, start, end, line_interval
        self.began = time.monotonic()
        self.terminal = stream is not None and stream.isatty()
        self.reader_left = False
        """Whether nobody reads the stream any more, as after ``| head``."""
        self._drawn = 0
        self._dashboard: Dashboard | None = None

    def report(self, iteration: int, steps_per_second: float, metrics: dict[str, float]) -> None:
        """Show the state after ``iteration`` iterations; ``metrics`` in the order of their importance."""
        elapsed = time.monotonic() - self.began
        done = iteration - self.start
        left = elapsed / max(1, done) * (self.end - iteration)
        head = f"iteration {iteration}/{self.end}  {steps_per_second:,.0f} steps/s  left {duration(left)}"
        if self.terminal:
            self._draw(self._picture(done, head, metrics))
        elif done == 1 or iteration == self.end or done % self.line_interval == 0:
            self._write(f"{self._line(head, metrics)}\n")

    def _line(self, head: str, metrics: dict[str, float]) -> str:
        """``head`` and as many whole metrics as there is room for."""
        columns = shutil.get_terminal_size(fallback=(_LINE, 24)).columns
        line = head
        for name, value in metrics.items():
            more = f"  {name.rpartition('/')[2]} {value:.3g}"
            if len(line) + len(more) > columns:
                break
            line += more
        return line

    def _picture(self, done: int, head: str, metrics: dict[str, float]) -> list[str]:
        """The table of the metrics and the line below it, as wide and as high as the terminal allows."""
        from st_rl.runners.dashboard import Dashboard  # only where somebody looks

        if self._dashboard is None:
            self._dashboard = Dashboard()
        self._dashboard.remember(metrics)
        size = shutil.get_terminal_size()
        # The head and the line of the cursor are there too.
        rows = max(1, min(self.max_metrics, size.lines - 2))
        share = done / max(1, self.end - self.start)
        return self._dashboard.lines(share, head, metrics, size.columns - 1, rows)

    def _draw(self, lines: list[str]) -> None:
        # Back to the first line of the last drawing, then clear to the end of the screen.
        back = f"\x1b[{self._drawn}A\x1b[J" if self._drawn else ""
        self._write(back + "".join(f"{line}\n" for line in lines))
        self._drawn = len(lines)

    def _write(self, text: str) -> None:
        """Show ``text``; a stream that cannot be written is left alone from then on, for the work is worth more."""
        if self.stream is None:
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except BrokenPipeError:
            self.stream, self.reader_left = None, True
        except (OSError, ValueError) as error:
            self.stream = None
            logger.warning("the progress can no longer be shown (%s); training goes on", error)


class Countdown:
    """One line about work whose end is known, renewed in place on a terminal; elsewhere a line every half minute."""

    interval = 30.0
    """Seconds between two lines where there is no terminal."""

    def __init__(self, what: str, total: int, stream: TextIO | None = None) -> None:
        """``what`` says what is done in ``total`` steps; shown on standard error unless there is another ``stream``."""
        self.what, self.total, self.stream = what, total, sys.stderr if stream is None else stream
        self.terminal = self.stream.isatty()
        self.began = self._shown = time.monotonic()

    def report(self, done: int) -> None:
        """Show that ``done`` of the steps are done, if it is time for that."""
        now = time.monotonic()
        if now - self._shown < (0.2 if self.terminal else self.interval):
            return
        self._shown = now
        left = duration((now - self.began) / max(1, done) * (self.total - done))
        line = f"{self.what}  {done / max(1, self.total):.0%}  left at most {left}"
        self.stream.write(f"\r\x1b[K{line}" if self.terminal else f"{line}\n")
        self.stream.flush()

    def close(self) -> None:
        """Clear the line of a terminal."""
        if self.terminal:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
