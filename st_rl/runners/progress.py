"""What a person at the terminal sees of a long run."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping
from typing import TextIO

logger = logging.getLogger(__name__)


def duration(seconds: float) -> str:
    """``1:02:03`` or ``2:03``."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"


def by_importance(metrics: Mapping[str, float]) -> dict[str, float]:
    """What a person follows first: return and length of episodes, then what the task measures, then everything else.

    Times are left out, and mean squared errors whose root is there (``x_mse`` beside ``x_rmsd``).
    """
    shown = [name for name in metrics if not name.startswith(("steps_per", "time/"))]
    shown = [name for name in shown if not (name.endswith("_mse") and f"{name[:-4]}_rmsd" in metrics)]
    measured = [name for name in shown if name.startswith("Log/") and name.count("/") == 1]
    first = [name for name in shown if name.startswith("mean_")] + measured
    return {name: metrics[name] for name in dict.fromkeys(first + shown)}


class Progress:
    """A block of lines renewed in place on a terminal; elsewhere one line now and then; nothing without a stream."""

    max_metrics = 12

    def __init__(self, stream: TextIO | None, start: int, end: int, line_interval: int = 10) -> None:
        """Iterations run from ``start`` to ``end``; without a terminal a line appears every ``line_interval``."""
        self.stream, self.start, self.end, self.line_interval = stream, start, end, line_interval
        self.began = time.monotonic()
        self.terminal = stream is not None and stream.isatty()
        self.reader_left = False
        """Whether nobody reads the stream any more, as after ``| head``."""
        self._drawn = 0

    def report(self, iteration: int, steps_per_second: float, metrics: dict[str, float]) -> None:
        """Show the state after ``iteration`` iterations; ``metrics`` in the order of their importance."""
        elapsed = time.monotonic() - self.began
        done = iteration - self.start
        left = elapsed / max(1, done) * (self.end - iteration)
        head = f"iteration {iteration}/{self.end}  {steps_per_second:,.0f} steps/s  left {duration(left)}"
        if self.terminal:
            self._draw([self._bar(done), head, *self._table(metrics)])
        elif done == 1 or iteration == self.end or done % self.line_interval == 0:
            shown = "  ".join(f"{name} {value:.3g}" for name, value in list(metrics.items())[: self.max_metrics])
            self._write(f"{head}  {shown}\n")

    def _bar(self, done: int) -> str:
        width = 40
        filled = width * done // max(1, self.end - self.start)
        return f"[{'#' * filled}{'.' * (width - filled)}]"

    def _table(self, metrics: dict[str, float]) -> list[str]:
        return [f"  {name:<32} {value:>12.4g}" for name, value in list(metrics.items())[: self.max_metrics]]

    def _draw(self, lines: list[str]) -> None:
        columns = shutil.get_terminal_size().columns - 1
        # Back to the first line of the last drawing, then clear to the end of the screen.
        back = f"\x1b[{self._drawn}A\x1b[J" if self._drawn else ""
        self._write(back + "".join(f"{line[:columns]}\n" for line in lines))
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
