"""Which gait a robot is in, from when its feet touch the ground and nothing else.

A stride goes from one touch-down of the front left foot to the next; in it every other foot has a *phase*, the share of
the stride after which it touches down (Hildebrand 1965, "Symmetrical Gaits of Horses"). Nothing of this is rewarded or
shown to a discriminator. T control steps, feet in the order FL, FR, RL, RR.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from legged_gym_ext.motions.gaits import GAITS

OTHER = "other"
"""Strides in no known gait."""
TEMPLATES: dict[str, tuple[float, float, float]] = {
    **{name: gait.offsets[1:] for name, gait in GAITS.items()},
    "walk": (0.5, 0.75, 0.25),
    "pronk": (0.0, 0.0, 0.0),
}
"""Gait -> phases of FR, RL and RR; that of FL is 0. A walk is in lateral sequence: RL, FL, RR, FR."""
TOLERANCE = 0.125
"""A stride is in a gait if no foot is further than this from its phase: half of the way between a trot and a walk."""
LONGEST_STRIDE_S = 1.0
"""The front left foot has stopped stepping if it takes longer, s."""
_ALONE = 0.6
"""Of a stride: a foot that touches down again sooner than this does not step once a stride."""

Steps = NDArray[np.int64]


@dataclass(frozen=True)
class Stride:
    """One stride of a robot."""

    start: int
    """Control step in which the front left foot touches down."""
    length: int
    """Control steps to its next touch-down."""
    phases: tuple[float, float, float] | None
    """Of FR, RL and RR, in [0, 1); ``None`` where one of them does not step once a stride, or the stride is none."""

    @property
    def gait(self) -> str:
        """The gait that it is in, or ``OTHER``."""
        if self.phases is None:
            return OTHER
        errors = {name: max(phase_errors(self.phases, template)) for name, template in TEMPLATES.items()}
        nearest = min(errors, key=lambda name: errors[name])
        return nearest if errors[nearest] <= TOLERANCE else OTHER


def phase_errors(phases: tuple[float, float, float], template: tuple[float, float, float]) -> list[float]:
    """Distances of three phases from those of a template on the circle of a stride, each in [0, 0.5]."""
    return [abs((phase - wanted + 0.5) % 1.0 - 0.5) for phase, wanted in zip(phases, template, strict=True)]


def steadied(contacts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``contacts (T, 4)`` without touches and gaps of one or two steps: the majority of each step and two on each side.

    A foot that scuffs while it swings, or bounces when it lands, has not taken a step.
    """
    padded = np.pad(contacts.astype(np.int64), ((2, 2), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 5, axis=0).sum(axis=-1) >= 3


def strides_of(contacts: NDArray[np.bool_], step_s: float) -> list[Stride]:
    """The strides of one robot, in their order.

    Where the front left foot does not touch down for longer than ``LONGEST_STRIDE_S``, at the start and the end too,
    that time is a stride without phases.

    Args:
        contacts: (T, 4), which feet are on the ground.
        step_s: duration of a control step, s.
    """
    steady = steadied(contacts)
    downs = [np.flatnonzero(steady[1:, foot] & ~steady[:-1, foot]) + 1 for foot in range(4)]
    longest = LONGEST_STRIDE_S / step_s
    marks = downs[0].tolist()
    inner = [
        Stride(start, end - start, _phases(downs[1:], start, end) if end - start <= longest else None)
        for start, end in itertools.pairwise(marks)
    ]
    first, last = (marks[0], marks[-1]) if marks else (len(contacts), len(contacts))
    before = [Stride(0, first, None)] if first > longest else []
    after = [Stride(last, len(contacts) - last, None)] if len(contacts) - last > longest else []
    return before + inner + after


def _phases(downs: list[Steps], start: int, end: int) -> tuple[float, float, float] | None:
    """Phases of three feet with touch-downs ``downs`` in the stride from ``start`` to ``end``."""
    length, found = end - start, []
    for steps in downs:
        if not len(steps):
            return None
        # The touch-down nearest to the middle: a foot in step with the first one may be just outside the stride.
        distance = np.abs(steps - 0.5 * (start + end))
        nearest = int(distance.argmin())
        beside = [abs(int(steps[i]) - int(steps[nearest])) for i in (nearest - 1, nearest + 1) if 0 <= i < len(steps)]
        if distance[nearest] > length or any(gap < _ALONE * length for gap in beside):
            return None
        found.append(((int(steps[nearest]) - start) / length) % 1.0)
    fr, rl, rr = found
    return fr, rl, rr
