"""Distances between student and teacher, and how long the teacher leads: pure functions."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from st_rl.utils.errors import UnknownNameError


def real_distance(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Mean Euclidean distance of vectors ``(..., A)``; a scalar."""
    return (student - teacher).norm(dim=-1).mean()


def l1_distance(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Mean, over vectors ``(..., A)``, of the sum of absolute differences; a scalar."""
    return (student - teacher).abs().sum(-1).mean()


def mse_sum_distance(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Mean, over vectors ``(..., A)``, of the sum of squared differences; a scalar."""
    return (student - teacher).square().sum(-1).mean()


def tanh_distance(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """``mse_sum_distance`` of the tanh of both ``(..., A)``: large components differ little; a scalar."""
    return mse_sum_distance(student.tanh(), teacher.tanh())


DISTANCES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "real": real_distance,
    "l1": l1_distance,
    "mse_sum": mse_sum_distance,
    "tanh": tanh_distance,
}

SCHEDULES: dict[str, Callable[[float], float]] = {
    "linear": lambda progress: max(0.0, 1.0 - progress),
    "exp": lambda progress: math.exp(-progress),
    "tanh": lambda progress: 1.0 - math.tanh(progress),
}
"""Share that is left of the initial probability, by progress: 0 at first, 1 after the decay time."""


def get_distance(name: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The distance of that name; ``UnknownNameError`` lists the known ones."""
    if name not in DISTANCES:
        raise UnknownNameError("distillation target", name, sorted(DISTANCES))
    return DISTANCES[name]


def teacher_probability(schedule: str, num_updates: int, decay_updates: float, initial: float = 1.0) -> float:
    """Probability that the teacher drives an episode which begins after ``num_updates`` updates.

    ``initial`` times, at progress p = num_updates / decay_updates: ``linear`` max(0, 1 - p), ``exp``
    exp(-p), ``tanh`` 1 - tanh(p). ``UnknownNameError`` lists the schedules.
    """
    if schedule not in SCHEDULES:
        raise UnknownNameError("teacher schedule", schedule, sorted(SCHEDULES))
    return initial * SCHEDULES[schedule](num_updates / decay_updates)
