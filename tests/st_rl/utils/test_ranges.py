"""Numbers of a configuration are checked when it is built."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np
import pytest

from st_rl.utils.ranges import (
    Bounds,
    Checked,
    Count,
    Interval,
    NonNegativeInterval,
    Positive,
    RangeError,
    Seed,
    Share,
    Whole,
    check_arguments,
    checked_hints,
    range_text,
    without_ranges,
)


@dataclass(frozen=True)
class Part(Checked):
    """A configuration of every kind of number."""

    count: Count = 1
    gamma: Share = 0.99
    step: Annotated[float, Bounds(gt=0.0, le=0.05)] = 0.005
    weight: float = 1.0
    span: Interval = (-1.0, 1.0)
    delays: NonNegativeInterval = (0.0, 0.1)
    sizes: tuple[Count, ...] = (8, 4)
    until: Count | None = None
    named: Mapping[str, Positive] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    flag: bool = False
    name: str = ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 0}, "count must be at least 1, not 0"),
        ({"count": 2.0}, "count must be a whole number, not 2.0"),
        ({"count": True}, "count must be a whole number, not True"),
        ({"count": 2**40}, "count must be at most 2147483647, not 1099511627776"),
        ({"gamma": 2.0}, "gamma must be from 0 to 1, not 2.0"),
        ({"gamma": math.nan}, "gamma must be finite, not nan"),
        ({"step": 0.0}, "step must be more than 0 and at most 0.05, not 0.0"),
        ({"step": 1.0}, "step must be more than 0 and at most 0.05, not 1.0"),
        ({"weight": -math.inf}, "weight must be finite, not -inf"),
        ({"weight": 1e39}, "weight must fit into a 32-bit float, unlike 1e+39"),
        ({"weight": "heavy"}, "weight must be a number, not 'heavy'"),
        ({"span": (1.0, -1.0)}, "span must be two numbers, the smaller first, not 1.0 and -1.0"),
        ({"span": (0.0, math.nan)}, "span must be finite, not nan"),
        ({"span": (0.0,)}, "span must have 2 values, not 1"),
        ({"delays": (-0.1, 0.1)}, "delays must be from 0 to 1e+06, not -0.1"),
        ({"sizes": (8, 0)}, "sizes must be at least 1, not 0"),
        ({"sizes": 8}, "sizes must be several values, not 8"),
        ({"until": 0}, "until must be at least 1, not 0"),
        ({"named": {"a": -1.0}}, "named.a must be more than 0, not -1.0"),
        ({"extra": {"b": (1.0, math.inf)}}, "extra.b must be finite, not inf"),
        ({"flag": 1}, "flag must be true or false, not 1"),
    ],
)
def test_a_number_outside_its_range_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RangeError) as caught:
        Part(**change)
    assert str(caught.value).startswith(message)
    # However it is built.
    with pytest.raises(RangeError):
        replace(Part(), **change)


def test_numbers_of_other_libraries_and_whole_floats_are_numbers() -> None:
    part = Part(count=int(np.int64(3)), weight=2, step=float(np.float32(0.01)), span=(0, 0), until=None)
    assert (part.count, part.weight, part.span) == (3, 2, (0, 0))
    Part(count=np.int64(3), weight=np.float32(0.5))  # pyright: ignore[reportArgumentType]


def test_an_error_can_be_told_where_it_belongs() -> None:
    error = RangeError("dt", "must be more than 0, not 0.0").within("env.sim")
    assert (str(error), error.name) == ("env.sim.dt must be more than 0, not 0.0", "env.sim.dt")


def test_ranges_are_told_in_words() -> None:
    texts = {name: range_text(hint) for name, hint in checked_hints(Part).items()}
    assert {name: text for name, text in texts.items() if text} == {
        "count": "at least 1",
        "gamma": "from 0 to 1",
        "step": "more than 0 and at most 0.05",
        "span": "each from -1e+06 to 1e+06, the smaller first",
        "delays": "each from 0 to 1e+06, the smaller first",
        "sizes": "at least 1",
        "until": "at least 1",
    }
    assert without_ranges(checked_hints(Part)["until"]) == int | None
    assert without_ranges(checked_hints(Part)["sizes"]) == tuple[int, ...]
    assert range_text(Seed) == "at least 0 and less than 4294967296"


def term(env: object, mask: object, *, share: Share, steps: Whole = 3, free: float = 0.0) -> None:
    """A function with ranges."""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"share": 0.5, "steps": 0, "free": -3.0}, None),
        ({"share": 1.5}, "params.share must be from 0 to 1, not 1.5"),
        ({"share": 0.5, "free": math.nan}, "params.free must be finite, not nan"),
        ({"share": 0.5, "speed": 1.0}, "params.speed is no parameter; choose one of: share, steps, free"),
        ({}, "params.share must be given"),
    ],
)
def test_arguments_of_a_function_are_checked(given: dict[str, Any], message: str | None) -> None:
    if message is None:
        check_arguments(term, given, 2, "params")
        return
    with pytest.raises(RangeError) as caught:
        check_arguments(term, given, 2, "params")
    assert str(caught.value) == message
