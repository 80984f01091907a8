"""The metrics of a training as lines of JSON, which any program can read while the training goes on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from st_rl.utils.files import write_atomically

METRICS_FILE = "metrics.jsonl"
"""One object a line: ``iteration``, and every metric of it by name; ``null`` where one is not finite."""
_ITERATION = "iteration"

Points = list[tuple[float, float]]
"""Iteration and value, by rising iteration."""


class MetricsWriter:
    """Appends the metrics of every iteration to ``metrics.jsonl`` of a run folder."""

    def __init__(self, folder: Path, iteration: int) -> None:
        """Open the file to go on after ``iteration``, 0 for a new run; ``UserError`` where it cannot be written.

        What an interrupted run has written after its last checkpoint is dropped, since the resumed one writes it anew.
        """
        path = folder / METRICS_FILE
        kept = [line for line in _lines(path) if line[_ITERATION] <= iteration]
        write_atomically(path, "".join(f"{json.dumps(line)}\n" for line in kept).encode())
        self._file: IO[str] = path.open("a", encoding="utf-8")

    def write(self, metrics: Mapping[str, float], iteration: int) -> None:
        """Add one line and hand it to the operating system; ``OSError`` where that is not possible."""
        finite = {name: float(value) if math.isfinite(value) else None for name, value in metrics.items()}
        self._file.write(json.dumps({_ITERATION: iteration} | finite) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_metrics(folder: Path) -> dict[str, Points] | None:
    """Return every metric of a run by its name, or ``None`` where the folder has no ``metrics.jsonl``.

    The last line of a run that was killed may be cut; it is passed over.
    """
    path = folder / METRICS_FILE
    if not path.is_file():
        return None
    found: dict[str, Points] = {}
    for line in _lines(path):
        for name, value in line.items():
            if name != _ITERATION and value is not None:
                found.setdefault(name, []).append((float(line[_ITERATION]), float(value)))
    return found


def _lines(path: Path) -> Iterator[dict[str, float]]:
    """Yield the whole lines of the file at ``path``, none where it does not exist."""
    if not path.is_file():
        return
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        if isinstance(line, dict) and isinstance(line.get(_ITERATION), int):
            yield line
