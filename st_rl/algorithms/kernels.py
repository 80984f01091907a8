"""Faster linear layers and ELUs for everything run inside a context.

On the CPU, in plain single precision: oneDNN's linear layer, which has no derivative in torch, so that one is given
here. Networks that say so are computed part by part (``st_rl.utils.layers``). Other large layers are computed by all
threads that torch has, everything else, where that is asked for, by one: see ``st_rl.utils.threads``.

On a GPU matrix products are made of TF32 numbers, with 10 bits after the binary point, added up in single precision.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from st_rl.modules.conv2d import Conv2dModel
from st_rl.utils.layers import ONEDNN, elu, elu_gradient, layers_in_parts, product, weight_gradient
from st_rl.utils.sharded import can_be_sharded, run_sharded
from st_rl.utils.threads import OneThread, all_threads


def fast_kernels(device: torch.device, *, one_thread: bool = False) -> AbstractContextManager[Any]:
    """A context in which linear layers, ELUs, LSTMs and GRUs take the faster path, if ``device`` has one.

    The results differ from torch's in rounding alone, and are the same at every run. Derivatives of any order work.

    Args:
        one_thread: on a CPU, use one thread for everything but large layers; see ``only_known_layers``.
    """
    if device.type == "cuda":
        return _tf32()
    if device.type == "cpu" and ONEDNN:
        return _with_one_thread() if one_thread else _FastKernels()
    return contextlib.nullcontext()


def only_known_layers(module: nn.Module) -> bool:
    """Whether all that takes long in ``module`` is shared among threads where everything else has one.

    That is linear layers, ELUs, memories, and convolutions of ``Conv2dModel`` whose images do not depend on each other.
    """
    stacks = [part for part in module.modules() if isinstance(part, Conv2dModel) and part.by_itself]
    known = {id(part) for stack in stacks for part in stack.modules()}
    return not any(isinstance(part, _LARGE) and id(part) not in known for part in module.modules())


_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.MultiheadAttention)
_TRANSCENDENTAL = (nn.Tanh, nn.Sigmoid, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Softplus)
_LARGE = _CONVOLUTIONS + _TRANSCENDENTAL


@contextlib.contextmanager
def _with_one_thread() -> Iterator[None]:
    with _FastKernels(), OneThread(), layers_in_parts():
        yield


@contextlib.contextmanager
def _tf32() -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


_MEMORIES = (torch.lstm, torch.gru)


class _FastKernels(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is functional.linear and not kwargs and _fits(args[0]) and _fits(args[1]):
            return _Linear.apply(*args)
        if func in _MEMORIES and not kwargs and can_be_sharded(args):
            return run_sharded(func, args)
        kwargs = kwargs or {}
        if func is functional.elu and _fits(args[0]) and _is_plain_elu(*args[1:], **kwargs):
            return _Elu.apply(args[0])
        return func(*args, **kwargs)


def _is_plain_elu(alpha: float = 1.0, inplace: bool = False) -> bool:
    return alpha == 1.0 and not inplace


def _fits(tensor: Any) -> bool:
    return type(tensor) in (torch.Tensor, torch.nn.Parameter) and tensor.dtype is torch.float32 and tensor.dim() > 1


_LARGE_PRODUCT = 1.6e7
"""Multiplications in a product that is worth waking threads for: some 0.15 ms in one."""
_LARGE_TENSOR = 2e5
"""Numbers in a tensor that is worth it."""


def _product(a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """See ``st_rl.utils.layers.product``."""
    with all_threads(a.numel() * b.shape[0] > _LARGE_PRODUCT):
        return product(a, b, bias)


class _Linear(torch.autograd.Function):
    """``functional.linear``."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        rows, grad_rows = x.reshape(-1, x.shape[-1]), grad.reshape(-1, grad.shape[-1])
        # Gradients are only recorded here when they are to be differentiated again (gradient penalties).
        multiply = _matmul if torch.is_grad_enabled() else _product
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_x = multiply(grad, weight.t())
        if ctx.needs_input_grad[1]:
            if torch.is_grad_enabled():
                grad_weight = _matmul(grad_rows.t(), rows.t())
            else:
                with all_threads(rows.numel() * grad_rows.shape[1] > _LARGE_PRODUCT):
                    grad_weight = weight_gradient(rows, grad_rows)
        if ctx.has_bias and ctx.needs_input_grad[2]:
            grad_bias = grad_rows.sum(0)
        return grad_x, grad_weight, grad_bias


def _matmul(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a @ b.t()


class _Elu(torch.autograd.Function):
    """``functional.elu`` with alpha 1."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        with all_threads(x.numel() > _LARGE_TENSOR):
            y = elu(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        (y,) = ctx.saved_tensors
        with all_threads(y.numel() > _LARGE_TENSOR):
            return elu_gradient(grad, y)
