"""Linear layers and ELUs in a row, computed for some rows at a time.

A part of the rows goes through all layers before the next one: what a layer leaves behind is still in the cache when
the next one reads it, and threads take parts instead of sharing every single product. The parts are the same whatever
the number of threads, and so are the results.

Matrix products are oneDNN's, in single precision: MKL, which torch takes for them, leaves half of the vector units idle
on processors that are not Intel's (2.2 times the rate measured on Zen 5, the same on Intel).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from st_rl.utils.sharded import in_threads, slices_of

ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
"""Whether the products are there: the operator is torch's own, but not part of its documented interface."""
_LEAST_ROWS = 512
"""In a part; fewer make matrix products slow."""


class _Switch(threading.local):
    depth = 0


_switch = _Switch()


@contextlib.contextmanager
def layers_in_parts() -> Iterator[None]:
    """A context in which ``run_layers`` takes the faster path, in the thread that entered it."""
    _switch.depth += 1
    try:
        yield
    finally:
        _switch.depth -= 1


def run_layers(layers: Iterable[nn.Module], x: Tensor) -> Tensor:
    """Return what ``layers``, one after the other, make of ``x (..., D)``.

    Within ``layers_in_parts`` linear layers and ELUs of many rows are computed part by part; the results differ from
    torch's in rounding alone. Derivatives of any order work.
    """
    layers = list(layers)
    # Asked first, since an export that follows the tensors must not be led astray by questions about their sizes.
    plan = _plan(layers) if _switch.depth and _is_plain(x) and _num_rows(x) >= 2 * _LEAST_ROWS else None
    if plan is None or not all(_is_plain(weight) for weight in plan.weights):
        for layer in layers:
            x = layer(x)
        return x
    rows = _num_rows(x)
    flat = x.reshape(rows, x.shape[-1])
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (flat, *plan.weights)):
        y = _Layers.apply(plan.bent, flat, *plan.weights)
    else:
        y = _forward(plan.bent, flat, plan.weights, keep=False)[0]
    return y.view(*x.shape[:-1], y.shape[-1])


def _num_rows(x: Tensor) -> int:
    return x.numel() // max(1, x.shape[-1])


class _Plan(NamedTuple):
    """Linear layers with biases, each with or without an ELU after it."""

    bent: tuple[bool, ...]
    """Whether an ELU follows each linear layer."""
    weights: tuple[Tensor, ...]
    """Weight and bias of each."""


def _plan(layers: Sequence[nn.Module]) -> _Plan | None:
    """The plan of ``layers``; ``None`` where they are anything else than that."""
    bent: list[bool] = []
    weights: list[Tensor] = []
    for layer in layers:
        if type(layer) is nn.Linear and layer.bias is not None:
            bent.append(False)
            weights += [layer.weight, layer.bias]
        elif type(layer) is nn.ELU and layer.alpha == 1.0 and bent and not bent[-1]:
            bent[-1] = True
        else:
            return None
    return _Plan(tuple(bent), tuple(weights)) if bent else None


def _is_plain(tensor: Tensor) -> bool:
    plain = type(tensor) in (Tensor, nn.Parameter) and tensor.dtype is torch.float32
    return plain and tensor.device.type == "cpu" and tensor.dim() > 0


def product(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """``a @ b.T + bias`` for ``a (..., K)``, ``b (M, K)``, by oneDNN; not differentiable."""
    return _PRODUCT(a, b, bias, "none", [], "")


def weight_gradient(rows: Tensor, grad: Tensor) -> Tensor:
    """``grad.T @ rows`` for ``rows (R, K)`` and ``grad (R, M)``, the gradient (M, K) of a layer's weight."""
    # The transposed product is the faster one where the layer widens.
    if rows.shape[1] < grad.shape[1]:
        return product(rows.t(), grad.t()).t()
    return product(grad.t(), rows.t())


_PRODUCT: Any = torch.ops.mkldnn._linear_pointwise.default if ONEDNN else None
_ELU_BACKWARD: Any = torch.ops.aten.elu_backward.default
_ONE = torch.ones(())


def elu(x: Tensor, out: Tensor | None = None) -> Tensor:
    """The ELU of ``x`` with alpha 1, written to ``out`` if it is given, which may be ``x``; not differentiable."""
    # exp(min(x, 0)) is what the derivative's kernel computes, with a vectorized exponential that is three times as
    # fast as that of the forward kernel; and x > exp(x) - 1 exactly where x > 0.
    y = _ELU_BACKWARD(_ONE.expand_as(x), 1.0, 1.0, 1.0, False, x).sub_(1.0)
    return torch.maximum(x, y, out=y if out is None else out)


def elu_gradient(grad: Tensor, y: Tensor) -> Tensor:
    """The gradient of ``elu``'s input, from that of its output ``y``; differentiable."""
    return _ELU_BACKWARD(grad, 1.0, 1.0, 1.0, True, y)


def _forward(
    bent: Sequence[bool], x: Tensor, weights: Sequence[Tensor], *, keep: bool
) -> tuple[Tensor, list[list[Tensor]]]:
    """What the layers make of ``x (R, D)``; and, if asked to ``keep`` them, what each made of each part of it."""
    slices = slices_of(len(x), _LEAST_ROWS)
    result = x.new_empty(len(x), weights[-2].shape[0])
    kept: list[list[Tensor]] = [[] for _ in slices]

    # Threads of the pool record gradients if nobody tells them not to.
    @torch.no_grad()
    def run(part: int) -> None:
        here = slices[part]
        values = x.narrow(0, here.start, here.stop - here.start)
        for layer, bends in enumerate(bent):
            values = product(values, weights[2 * layer], weights[2 * layer + 1])
            if bends:
                elu(values, out=values)
            if keep:
                kept[part].append(values)
        result[here] = values

    in_threads(run, len(slices))
    return result, kept


class _Layers(torch.autograd.Function):
    """``_forward`` with its derivatives."""

    @staticmethod
    def forward(ctx: Any, bent: tuple[bool, ...], x: Tensor, *weights: Tensor) -> Tensor:
        result, ctx.kept = _forward(bent, x, weights, keep=True)
        ctx.bent = bent
        ctx.save_for_backward(x, *weights)
        return result

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, *weights = ctx.saved_tensors
        needed = ctx.needs_input_grad[1:]
        # Gradients are only recorded here when they are to be differentiated again (gradient penalties).
        if torch.is_grad_enabled():
            wanted = [tensor for tensor, needs in zip((x, *weights), needed, strict=True) if needs]
            found = iter(torch.autograd.grad(_plain(ctx.bent, x, weights), wanted, grads, create_graph=True))
            return (None, *(next(found) if needs else None for needs in needed))
        return (None, *_gradients(ctx.bent, x, weights, ctx.kept, grads[0], needed))


def _plain(bent: Sequence[bool], x: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """What the layers make of ``x (R, D)``, by torch's own functions."""
    for layer, bends in enumerate(bent):
        x = nn.functional.linear(x, weights[2 * layer], weights[2 * layer + 1])
        x = nn.functional.elu(x) if bends else x
    return x


def _gradients(
    bent: Sequence[bool],
    x: Tensor,
    weights: Sequence[Tensor],
    kept: list[list[Tensor]],
    grad: Tensor,
    needed: Sequence[bool],
) -> list[Tensor | None]:
    """The gradients of ``x`` and of the ``weights``, where they are ``needed``, from that of the result."""
    slices = slices_of(len(x), _LEAST_ROWS)
    parts: list[list[Tensor | None]] = [[] for _ in slices]
    lowest = next(i for i, _ in enumerate(bent) if any(needed[: 3 + 2 * i]))

    @torch.no_grad()
    def run(part: int) -> None:
        here = slices[part]
        size = here.stop - here.start
        found: list[Tensor | None] = [None] * len(needed)
        slope = grad.narrow(0, here.start, size)
        for layer in range(len(bent) - 1, lowest - 1, -1):
            if bent[layer]:
                slope = elu_gradient(slope, kept[part][layer])
            before = kept[part][layer - 1] if layer else x.narrow(0, here.start, size)
            if needed[1 + 2 * layer]:
                found[1 + 2 * layer] = weight_gradient(before, slope)
            if needed[2 + 2 * layer]:
                found[2 + 2 * layer] = slope.sum(0)
            if layer > lowest or needed[0]:
                slope = product(slope, weights[2 * layer].t())
        found[0] = slope if needed[0] else None
        parts[part] = found

    in_threads(run, len(slices))
    results: list[Tensor | None] = []
    for index, needs in enumerate(needed):
        pieces = [part[index] for part in parts]
        whole = [piece for piece in pieces if piece is not None]
        if not needs:
            results.append(None)
        else:
            results.append(torch.cat(whole) if index == 0 else _sum(whole))
    return results


def _sum(tensors: Sequence[Tensor]) -> Tensor:
    """The sum of ``tensors``, in their order, in the first of them."""
    total = tensors[0]
    for tensor in tensors[1:]:
        total.add_(tensor)
    return total
