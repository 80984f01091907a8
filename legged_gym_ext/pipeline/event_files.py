"""Learning curves from the TensorBoard files of a run."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Points = list[tuple[float, float]]
"""Step and value, by rising step."""


def read_scalars(folder: Path) -> dict[str, Points]:
    """Every scalar of the event files in ``folder``, by its tag.

    Where several files have a value for a step, as after a run was resumed, that of the latest file counts. What a
    killed run left incomplete is passed over.
    """
    curves: dict[str, dict[int, float]] = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for event in _events(path):
            for value in event.summary.value:
                curves.setdefault(value.tag, {})[event.step] = value.simple_value
    return {tag: [(float(step), value) for step, value in sorted(points.items())] for tag, points in curves.items()}


def _events(path: Path) -> Iterator[Any]:
    """The events of a file: records of length (8 bytes), its checksum (4), the message, and its checksum (4)."""
    # Its classes are made when the module is loaded, which the type checker cannot follow.
    from google.protobuf.message import DecodeError
    from tensorboardX.proto import event_pb2

    event_type: Any = vars(event_pb2)["Event"]
    data = path.read_bytes()
    start = 0
    while start + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, start)
        message = data[start + 12 : start + 12 + length]
        if len(message) < length:
            return
        start += 12 + length + 4
        try:
            yield event_type.FromString(message)
        except DecodeError:
            return
