"""Memories evaluated in several threads, each of which takes a part of the sequences through all their steps.

torch shares every single matrix product of every step among its threads, which wait for each other after each of them;
sequences need not wait for one another. The parts are the same whatever the number of threads, and so are the results.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from st_rl.utils.pool import shared_pool
from st_rl.utils.threads import wide_threads

_PARTS = 8
_LEAST_SEQUENCES = 128
"""In a part; fewer make matrix products slow."""

Outputs = tuple[Tensor, ...]


def can_be_sharded(arguments: Sequence[Any]) -> bool:
    """Whether ``torch.lstm`` or ``torch.gru`` with these ``arguments`` is worth sharing: many sequences."""
    if len(arguments) != 9 or not isinstance(arguments[0], Tensor):
        return False
    values, states, _, _, _, dropout, _, _, batch_first = arguments
    states = (states,) if isinstance(states, Tensor) else states
    plain = values.dim() == 3 and dropout == 0.0 and not batch_first and values.dtype is torch.float32
    return plain and len(states) in (1, 2) and values.shape[0] > 1 and values.shape[1] >= 2 * _LEAST_SEQUENCES


def run_sharded(function: Callable[..., Outputs], arguments: Sequence[Any]) -> Outputs:
    """What ``torch.lstm`` or ``torch.gru`` returns: outputs (T, M, H), and one or two states (layers, M, H)."""
    values, states, weights, *options = arguments
    states = (states,) if isinstance(states, Tensor) else tuple(states)

    def one(inputs: Sequence[Tensor]) -> Outputs:
        value, given, own = inputs[0], inputs[1 : 1 + len(states)], inputs[1 + len(states) :]
        return function(value, given[0] if len(given) == 1 else tuple(given), list(own), *options)

    return _Sharded.apply(one, 1 + len(states), values, *states, *weights)


class _Sharded(torch.autograd.Function):
    """``one(tensors)`` for a slice of the sequences at a time; the first ``num_split`` tensors have them in dim 1."""

    @staticmethod
    def forward(ctx: Any, one: Callable[..., Outputs], num_split: int, *tensors: Tensor) -> Outputs:
        needed = ctx.needs_input_grad[2:]
        slices = _slices(tensors[0].shape[1])
        leaves: list[list[Tensor]] = [[] for _ in slices]
        made: list[Outputs] = [() for _ in slices]

        def run(part: int) -> None:
            split = [tensor[:, slices[part]].contiguous() for tensor in tensors[:num_split]]
            own = [tensor.detach() for tensor in (*split, *tensors[num_split:])]
            for leaf, needs in zip(own, needed, strict=True):
                leaf.requires_grad_(needs)
            with torch.set_grad_enabled(any(needed)):
                made[part] = one(own)
            leaves[part] = own

        _in_threads(run, len(slices))
        ctx.parts, ctx.slices, ctx.num_split = list(zip(leaves, made, strict=True)), slices, num_split
        return tuple(torch.cat([outputs[i].detach() for outputs in made], dim=1) for i in range(len(made[0])))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        needed, slices, num_split = ctx.needs_input_grad[2:], ctx.slices, ctx.num_split
        found: list[list[Tensor]] = [[] for _ in slices]

        def run(part: int) -> None:
            own, outputs = ctx.parts[part]
            wanted = [leaf for leaf, needs in zip(own, needed, strict=True) if needs]
            given = [grad[:, slices[part]].contiguous() for grad in grads]
            found[part] = list(torch.autograd.grad(outputs, wanted, given))

        _in_threads(run, len(slices))
        ctx.parts = None
        per_tensor = iter(zip(*found, strict=True))
        results: list[Tensor | None] = []
        for index, needs in enumerate(needed):
            parts = next(per_tensor) if needs else None
            if parts is None:
                results.append(None)
            else:
                results.append(torch.cat(parts, dim=1) if index < num_split else torch.stack(parts).sum(dim=0))
        return (None, None, *results)


def _slices(count: int) -> list[slice]:
    """``count`` sequences in about equal parts."""
    parts = max(1, min(_PARTS, count // _LEAST_SEQUENCES))
    bounds = [count * part // parts for part in range(parts + 1)]
    return [slice(first, last) for first, last in itertools.pairwise(bounds)]


def _in_threads(run: Callable[[int], None], count: int) -> None:
    """Call ``run`` for all of ``range(count)``, one thread of torch's in each of ours."""

    def piece(first: int, last: int) -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            for part in range(first, last):
                run(part)
        finally:
            torch.set_num_threads(before)

    shared_pool(wide_threads()).run(piece, count, least=1)
