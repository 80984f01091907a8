"""Constant tensors that are made once: making one anew in every step copies it to the GPU, for which the host waits."""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def constant(values: Sequence[Any] | float, device: torch.device | str, dtype: torch.dtype | None = None) -> Tensor:
    """``torch.tensor(values)`` on ``device``, the same tensor for equal arguments: read it, never write to it.

    Args:
        values: numbers, or sequences of numbers to any depth.
        dtype: by default what torch infers from the numbers.
    """
    device = torch.device(device)
    key = _key(values), device, dtype
    if key not in _MADE:
        same = _key(_as_tuples(values)), device, dtype
        if same not in _MADE:
            # Also of use in training if it is asked for first where torch records nothing.
            with torch.inference_mode(False):
                _MADE[same] = torch.tensor(values, device=device, dtype=dtype)
        _MADE[key] = _MADE[same]
    return _MADE[key]


_MADE: dict[tuple[bytes, torch.device, torch.dtype | None], Tensor] = {}
_PLAIN = 2
"""Version of marshal's format in which equal values are equal bytes, whatever else refers to them."""


def _key(values: Any) -> bytes:
    """Bytes that tell 1, 1.0 and True apart, which are equal to a dictionary; quickly, as steps ask for it."""
    try:
        return marshal.dumps(values, _PLAIN)
    except ValueError:  # a sequence of a class of its own
        return repr(values).encode()


def _as_tuples(values: Any) -> Any:
    return tuple(_as_tuples(value) for value in values) if isinstance(values, Sequence) else values
