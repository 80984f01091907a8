"""Memories and convolutions evaluated in several threads, each of which takes a part of the sequences or images.

torch shares every single operation among its threads, which wait for each other after each of them: in a memory after
every matrix product of every step. Sequences need not wait for one another, nor do images. The parts are the same
whatever the number of threads, and so are the results.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.func import functional_call

from st_rl.utils.pool import shared_pool
from st_rl.utils.threads import in_one_thread, wide_threads

_PARTS = 8
_LEAST_SEQUENCES = 128
"""In a part; fewer make matrix products slow."""
_LEAST_IMAGES = 64
"""In a part."""

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

    slices = slices_of(values.shape[1], _LEAST_SEQUENCES)
    return _Sharded.apply(one, slices, 1, 1 + len(states), values, *states, *weights)


def run_images(module: nn.Module, images: Tensor) -> Tensor:
    """``module(images)``, (B, ...), which makes of every image by itself what it makes of it.

    Within ``OneThread``, where that is worth it, it is shared among threads; otherwise it is computed as it is.
    """
    if not (in_one_thread() and images.device.type == "cpu" and len(images) >= 2 * _LEAST_IMAGES):
        return module(images)
    names, weights = zip(*module.named_parameters(), strict=True)
    slices = slices_of(len(images), _LEAST_IMAGES)
    # While a module is called with other weights they are its own, so that no two threads may call the same one.
    free = _copies(module, len(slices))

    def one(inputs: Sequence[Tensor]) -> Outputs:
        copy_of_it = free.pop()
        try:
            return (functional_call(copy_of_it, dict(zip(names, inputs[1:], strict=True)), (inputs[0],)),)
        finally:
            free.append(copy_of_it)

    return _Sharded.apply(one, slices, 0, 1, images, *weights)[0]


_COPIES: WeakKeyDictionary[nn.Module, list[nn.Module]] = WeakKeyDictionary()


def _copies(module: nn.Module, count: int) -> list[nn.Module]:
    """At least ``count`` modules like ``module``, in the same mode, whose weights do not matter."""
    copies = _COPIES.setdefault(module, [])
    while len(copies) < count:
        copies.append(copy.deepcopy(module))
    for each in copies:
        each.train(module.training)
    return list(copies)


class _Sharded(torch.autograd.Function):
    """``one(tensors)`` for a slice at a time of dimension ``dim`` of the first ``num_split`` tensors."""

    @staticmethod
    def forward(
        ctx: Any, one: Callable[..., Outputs], slices: list[slice], dim: int, num_split: int, *tensors: Tensor
    ) -> Outputs:
        needed = ctx.needs_input_grad[4:]
        leaves: list[list[Tensor]] = [[] for _ in slices]
        made: list[Outputs] = [() for _ in slices]

        def run(part: int) -> None:
            split = [_part(tensor, dim, slices[part]) for tensor in tensors[:num_split]]
            own = [tensor.detach() for tensor in (*split, *tensors[num_split:])]
            for leaf, needs in zip(own, needed, strict=True):
                if needs:
                    leaf.requires_grad_()
            with torch.set_grad_enabled(any(needed)):
                made[part] = one(own)
            leaves[part] = own

        in_threads(run, len(slices))
        ctx.parts, ctx.how = list(zip(leaves, made, strict=True)), (slices, dim, num_split)
        return tuple(torch.cat([outputs[i].detach() for outputs in made], dim=dim) for i in range(len(made[0])))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        needed, (slices, dim, num_split) = ctx.needs_input_grad[4:], ctx.how
        found: list[list[Tensor]] = [[] for _ in slices]

        def run(part: int) -> None:
            own, outputs = ctx.parts[part]
            wanted = [leaf for leaf, needs in zip(own, needed, strict=True) if needs]
            given = [_part(grad, dim, slices[part]) for grad in grads]
            found[part] = list(torch.autograd.grad(outputs, wanted, given))

        in_threads(run, len(slices))
        per_tensor = iter(zip(*found, strict=True))
        results: list[Tensor | None] = []
        for index, needs in enumerate(needed):
            parts = next(per_tensor) if needs else None
            if parts is None:
                results.append(None)
            else:
                results.append(torch.cat(parts, dim=dim) if index < num_split else torch.stack(parts).sum(dim=0))
        return (None, None, None, None, *results)


def _part(tensor: Tensor, dim: int, which: slice) -> Tensor:
    return tensor.narrow(dim, which.start, which.stop - which.start).contiguous()


def slices_of(count: int, least: int) -> list[slice]:
    """``count`` in about equal parts of at least ``least``."""
    parts = max(1, min(_PARTS, count // least))
    bounds = [count * part // parts for part in range(parts + 1)]
    return [slice(first, last) for first, last in itertools.pairwise(bounds)]


def in_threads(run: Callable[[int], None], count: int) -> None:
    """Call ``run`` for all of ``range(count)``, one thread of torch's in each of ours."""
    inference = torch.is_inference_mode_enabled()

    def piece(first: int, last: int) -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.inference_mode(inference):
                for part in range(first, last):
                    run(part)
        finally:
            torch.set_num_threads(before)

    shared_pool(wide_threads()).run(piece, count, least=1)
