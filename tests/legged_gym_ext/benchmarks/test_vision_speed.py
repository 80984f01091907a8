"""The benchmarks of what sees can be run, small."""

from __future__ import annotations

import pytest

from legged_gym_ext.benchmarks.vision import student_train_steps_per_second, vision_over_field
from legged_gym_ext.sim.where import Where
from st_rl.utils.errors import UserError


def test_rates_are_positive_and_sight_costs_something_but_not_everything() -> None:
    ratio = vision_over_field(worlds=16, rounds=3, steps=12, where=Where(num_threads=1))
    assert 0.05 < ratio < 3.0
    assert student_train_steps_per_second(worlds=4, rounds=1, where=Where(num_threads=1)) > 1.0
    with pytest.raises(UserError, match="at least one round"):
        student_train_steps_per_second(worlds=4, rounds=0)
