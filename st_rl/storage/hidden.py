"""Nested tuples of recurrent states, as policies hand them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def map_states(function: Callable[[torch.Tensor], torch.Tensor], states: Any) -> Any:
    """Apply ``function`` to every tensor of nested (named) tuples; ``None`` stays ``None``."""
    if states is None:
        return None
    if isinstance(states, torch.Tensor):
        return function(states)
    parts = [map_states(function, part) for part in states]
    return type(states)(*parts) if hasattr(states, "_fields") else type(states)(parts)


def flatten_states(states: Any) -> list[torch.Tensor]:
    """The tensors of nested tuples, depth first."""
    if states is None:
        return []
    if isinstance(states, torch.Tensor):
        return [states]
    return [tensor for part in states for tensor in flatten_states(part)]


def unflatten_states(template: Any, tensors: list[torch.Tensor]) -> Any:
    """Nested tuples shaped like ``template``, with ``tensors`` in the order of ``flatten_states``."""
    remaining = iter(tensors)
    return map_states(lambda _: next(remaining), template)
