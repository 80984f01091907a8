"""Distances and schedules, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from st_rl.algorithms.distillation import get_distance, teacher_probability
from st_rl.utils.errors import UnknownNameError

STUDENT = torch.tensor([[3.0, 0.0], [1.0, 2.0]])
TEACHER = torch.tensor([[0.0, 4.0], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("real", (5.0 + 2.0) / 2),
        ("l1", (7.0 + 2.0) / 2),
        ("mse_sum", (25.0 + 4.0) / 2),
        ("tanh", (math.tanh(3.0) ** 2 + math.tanh(4.0) ** 2 + math.tanh(2.0) ** 2) / 2),
    ],
)
def test_the_distance_is_the_one_worked_by_hand(name: str, expected: float) -> None:
    assert get_distance(name)(STUDENT, TEACHER).item() == pytest.approx(expected)
    same = STUDENT.clone().requires_grad_(True)
    distance = get_distance(name)(same, STUDENT)
    distance.backward()
    assert distance.item() == 0.0 and same.grad is not None and same.grad.isfinite().all()


@pytest.mark.parametrize(
    ("schedule", "at_half", "at_once", "at_double"),
    [
        ("linear", 0.5, 0.0, 0.0),
        ("exp", math.exp(-0.5), math.exp(-1.0), math.exp(-2.0)),
        ("tanh", 1.0 - math.tanh(0.5), 1.0 - math.tanh(1.0), 1.0 - math.tanh(2.0)),
    ],
)
def test_the_probability_falls_from_its_initial_value(
    schedule: str, at_half: float, at_once: float, at_double: float
) -> None:
    assert teacher_probability(schedule, 0, 10.0) == 1.0
    assert teacher_probability(schedule, 5, 10.0, initial=0.8) == pytest.approx(0.8 * at_half)
    assert teacher_probability(schedule, 10, 10.0) == pytest.approx(at_once)
    assert teacher_probability(schedule, 20, 10.0) == pytest.approx(at_double)


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="l1, mse_sum, real, tanh"):
        get_distance("l2")
    with pytest.raises(UnknownNameError, match="exp, linear, tanh"):
        teacher_probability("cosine", 0, 1.0)
