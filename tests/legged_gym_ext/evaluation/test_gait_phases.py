"""The classifier of gaits, on contact patterns drawn by hand."""

import numpy as np
import pytest

from legged_gym_ext.evaluation.gait_phases import (
    LONGEST_STRIDE_S,
    OTHER,
    TEMPLATES,
    Stride,
    phase_errors,
    steadied,
    strides_of,
)

STEP = 0.02


def pattern(*feet: str) -> np.ndarray:
    """Contacts (T, 4) from one line a foot, in which ``#`` is the ground."""
    return np.array([[mark == "#" for mark in line] for line in feet]).T


def walking(
    phases: tuple[float, float, float, float], length: int = 20, strides: int = 5, duty: float = 0.5
) -> np.ndarray:
    """Contacts (T, 4) of a robot with these phases of FL, FR, RL and RR."""
    steps = np.arange(length * strides)[:, None]
    return ((steps - np.round(np.array(phases) * length)) % length) < duty * length


def test_a_trot_drawn_by_hand_has_the_phases_one_reads_off() -> None:
    contacts = pattern(
        "___#####___#####___#####___#####",  # FL touches down in steps 3, 11, 19 and 27
        "#####___#####___#####___#####___",  # FR in 8, 16 and 24: 5 / 8 of a stride later
        "#####___#####___#####___#####___",
        "___#####___#####___#####___#####",
    )
    strides = strides_of(contacts, STEP)
    assert [(stride.start, stride.length) for stride in strides] == [(3, 8), (11, 8), (19, 8)]
    assert strides[0].phases == pytest.approx((0.625, 0.625, 0.0))
    assert [stride.gait for stride in strides] == ["trot"] * 3


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_every_gait_is_told_from_the_others(name: str) -> None:
    strides = strides_of(walking((0.0, *TEMPLATES[name])), STEP)
    assert len(strides) == 3 and {stride.gait for stride in strides} == {name}


def test_a_phase_up_to_an_eighth_away_is_still_the_gait_and_more_is_none() -> None:
    assert Stride(0, 20, (0.5, 0.62, 0.0)).gait == "trot"
    assert Stride(0, 20, (0.5, 0.62, 0.13)).gait == OTHER
    assert Stride(0, 20, (0.4, 0.5, 0.95)).gait == "trot"  # 0.95 is 0.05 before 0
    assert Stride(0, 20, (0.5, 0.75, 0.25)).gait == "walk"


def test_phase_errors_are_taken_on_the_circle() -> None:
    assert phase_errors((0.9, 0.4, 0.25), (0.0, 0.5, 0.75)) == pytest.approx([0.1, 0.1, 0.5])


def test_touches_and_gaps_of_one_or_two_steps_do_not_count() -> None:
    one = pattern("__##___####_###__", "_________________", "#################", "____###___###____")
    steady = steadied(one)
    lines = ["".join("#" if each else "_" for each in foot) for foot in steady.T]
    assert lines == ["_______########__", "_________________", "#################", "____###___###____"]


def test_a_foot_just_outside_a_stride_is_in_step() -> None:
    # RR touches down a step before FL in one stride and a step after it in the next.
    contacts = walking((0.0, 0.5, 0.5, 0.0), strides=4)
    contacts[:, 3] = False
    for start in (19, 41, 59):
        contacts[start : start + 10, 3] = True
    strides = strides_of(contacts, STEP)
    assert [stride.gait for stride in strides] == ["trot"] * 2
    for stride in strides:
        assert stride.phases is not None
        assert min(stride.phases[2], 1.0 - stride.phases[2]) == pytest.approx(0.05)


def test_a_foot_that_steps_twice_in_a_stride_makes_it_no_gait() -> None:
    contacts = walking((0.0, 0.5, 0.5, 0.0))
    contacts[:, 1] = walking((0.0, 0.0, 0.0, 0.0), length=10, strides=10)[:, 0]
    assert {stride.gait for stride in strides_of(contacts, STEP)} == {OTHER}


def test_standing_still_is_time_in_no_gait() -> None:
    standing = np.ones((200, 4), dtype=bool)
    (stride,) = strides_of(standing, STEP)
    assert (stride.gait, stride.length) == (OTHER, 200)
    # A second and a half on one spot between two trots, and half a second, which is not looked at, at the end.
    trot, pause = walking((0.0, 0.5, 0.5, 0.0), strides=3), np.ones((75, 4), dtype=bool)
    strides = strides_of(np.concatenate((trot, pause, trot, pause[:25])), STEP)
    assert max(stride.length for stride in strides if stride.gait == OTHER) * STEP > LONGEST_STRIDE_S
    assert sum(stride.length for stride in strides if stride.gait == "trot") >= 3 * 20


def test_a_robot_that_never_lands_on_its_front_left_foot_is_in_no_gait() -> None:
    contacts = walking((0.0, 0.5, 0.5, 0.0), strides=10)
    contacts[:, 0] = False
    assert [stride.gait for stride in strides_of(contacts, STEP)] == [OTHER]
