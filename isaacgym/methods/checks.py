"""Checks of what callers pass."""

from __future__ import annotations

from typing import Any

import torch

from isaacgym.api.handles import Env, Tensor
from isaacgym.engine.actors import Actor


def actor_of(env: Env, handle: int) -> Actor:
    """Return the actor of an environment.

    Raises:
        TypeError: where ``env`` is no environment.
        IndexError: where the handle names no actor.
    """
    if not isinstance(env, Env):
        raise TypeError(f"an environment of create_env is needed, not {type(env).__name__}")
    if not 0 <= handle < len(env.actors):
        raise IndexError(f"environment {env.index} has {len(env.actors)} actors, and none has the handle {handle}")
    return env.actors[handle]


def one_of(names: list[str], index: int, what: str) -> str:
    """Return ``names[index]``, or raise ``IndexError`` with a sentence."""
    if not 0 <= index < len(names):
        raise IndexError(f"there are {len(names)} {what}, and none has the index {index}")
    return names[index]


def tensor_of(handle: Any, count: int, what: str, like: torch.Tensor) -> torch.Tensor:
    """Return the tensor of a handle after checking element type, device and number of elements.

    Raises:
        TypeError: for something else than a handle, or another element type or device.
        ValueError: for another number of elements.
    """
    if not isinstance(handle, Tensor):
        raise TypeError(f"{what} must be given as gymtorch.unwrap_tensor(tensor), not as {type(handle).__name__}")
    tensor = handle.tensor
    if tensor.dtype != like.dtype:
        raise TypeError(f"{what} must be {like.dtype}, and is {tensor.dtype}")
    if tensor.device != like.device:
        raise TypeError(f"{what} must be on {like.device}, and is on {tensor.device}")
    if tensor.numel() != count:
        raise ValueError(f"{what} must have {count} elements in all, and has the shape {tuple(tensor.shape)}")
    return tensor


def ids_of(handle: Any, count: int, total: int, device: torch.device) -> torch.Tensor:
    """Return the first ``count`` actor numbers of a handle.

    Raises:
        TypeError: for something else than a handle of an int32 tensor on the engine's device.
        ValueError: where there are fewer than ``count``.
        IndexError: where a number names no actor; only the CPU pipeline looks, as looking makes a GPU wait.
    """
    if not isinstance(handle, Tensor):
        raise TypeError("actor indices must be given as gymtorch.unwrap_tensor(indices)")
    ids = handle.tensor.reshape(-1)
    if ids.dtype != torch.int32:
        raise TypeError(f"actor indices must be torch.int32, and are {ids.dtype}")
    if ids.device != device:
        raise TypeError(f"actor indices must be on {device}, and are on {ids.device}")
    if not 0 <= count <= ids.numel():
        raise ValueError(f"{count} actor indices were announced, and the tensor has {ids.numel()}")
    ids = ids[:count]
    if device.type == "cpu" and count and (int(ids.min()) < 0 or int(ids.max()) >= total):
        raise IndexError(f"actor indices must be within 0 and {total - 1}, and run from {ids.min()} to {ids.max()}")
    return ids
