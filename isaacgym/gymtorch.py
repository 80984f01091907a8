"""Torch tensors from tensor handles and back."""

from __future__ import annotations

from typing import Any

import torch

from isaacgym.api.handles import Tensor


def wrap_tensor(gym_tensor: Tensor, offsets: Any = None, counts: Any = None) -> torch.Tensor:
    """Return the torch tensor of a handle, which shares its memory.

    ``offsets`` and ``counts``, one for each dimension, select a part of it.

    Raises:
        TypeError: where no handle was given.
    """
    if not isinstance(gym_tensor, Tensor):
        raise TypeError(f"wrap_tensor needs what gym.acquire_..._tensor returned, not {type(gym_tensor).__name__}")
    tensor = gym_tensor.tensor
    if counts is not None:
        begin = [0] * tensor.dim() if offsets is None else list(offsets)
        for dim, (start, count) in enumerate(zip(begin, counts, strict=True)):
            tensor = tensor.narrow(dim, int(start), int(count))
    return tensor


def unwrap_tensor(torch_tensor: torch.Tensor) -> Tensor:
    """Return a handle of a torch tensor, which must be contiguous.

    Raises:
        TypeError: where no tensor was given.
        ValueError: where it is not contiguous.
    """
    if not isinstance(torch_tensor, torch.Tensor):
        raise TypeError(f"unwrap_tensor needs a torch tensor, not {type(torch_tensor).__name__}")
    if not torch_tensor.is_contiguous():
        raise ValueError("unwrap_tensor needs a contiguous tensor; call .contiguous() on it first")
    return Tensor(torch_tensor)
