"""Between which bounds the numbers of an observation term lie."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from st_rl.utils.ranges import Ends

UNBOUNDED: Ends = (-math.inf, math.inf)
"""What is stated for terms whose numbers have no bounds but those of ``normalization.clip_observations``."""
_RANGES: dict[Callable[..., Any], Ends] = {}

Term = TypeVar("Term", bound=Callable[..., Any])


def within(low: float, high: float) -> Callable[[Term], Term]:
    """Declare that an observation term returns numbers from ``low`` to ``high``, in its own unit, before noise."""

    def declare(term: Term) -> Term:
        _RANGES[term] = (low, high)
        return term

    return declare


def range_of(term: Callable[..., Any]) -> Ends:
    """The bounds that ``term`` was declared with; ``UNBOUNDED`` without a declaration."""
    return _RANGES.get(term, UNBOUNDED)


def is_declared(term: Callable[..., Any]) -> bool:
    """Whether ``term`` states its range."""
    return term in _RANGES
