"""The Isaac Gym interface is measured in a process of its own."""

from __future__ import annotations

import pytest

from legged_gym_ext.benchmarks.isaac_gym import isaacgym_over_physics
from st_rl.utils.errors import UserError


def test_the_figures_come_back() -> None:
    figures = isaacgym_over_physics(worlds=4, rounds=1, steps=2, threads=1)
    assert figures["worlds"] == 4 and 0.0 < figures["isaacgym_over_physics"] < 1.5


def test_what_went_wrong_is_said() -> None:
    with pytest.raises(UserError, match="worlds, rounds and steps must be 1 or more"):
        isaacgym_over_physics(worlds=0, rounds=1, steps=1)
