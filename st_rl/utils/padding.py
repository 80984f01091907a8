"""Rollouts as padded trajectories, for recurrent networks.

A rollout ``(T, N, ...)`` holds N environments side by side; an episode may end anywhere in it. Cutting at the ends
gives M >= N trajectories, each of which starts a recurrent network anew, padded to the common length T.
"""

from __future__ import annotations

import torch
from torch import Tensor


def trajectory_starts(dones: Tensor) -> Tensor:
    """Where trajectories begin, at t = 0 and after every done: bool ``(T, N)``. ``dones (T, N)`` or ``(T, N, 1)``."""
    dones = dones.flatten(1).bool() if dones.dim() > 2 else dones.bool()
    starts = torch.ones_like(dones)
    starts[1:] = dones[:-1]
    return starts


def split_and_pad_trajectories(tensor: Tensor, dones: Tensor) -> tuple[Tensor, Tensor]:
    """Cut a rollout at its dones and pad the pieces with zeros.

    ``tensor (T, N, ...)``, ``dones (T, N)`` or ``(T, N, 1)``, true where the step ended an episode. Returns the
    trajectories ``(T, M, ...)`` and the bool masks ``(T, M)``, true where there is data. Trajectories are ordered by
    environment, then by time, so ``tensor_of_starts.transpose(0, 1)[starts.transpose(0, 1)]`` lists what belongs to
    their first steps (``trajectory_starts`` gives the mask).
    """
    num_steps, num_envs = tensor.shape[:2]
    starts = trajectory_starts(dones).transpose(0, 1)  # (N, T)
    # Number of the trajectory that each step belongs to, counting through all environments in turn.
    trajectory = starts.flatten().cumsum(0) - 1  # (N * T,)
    first = starts.flatten().nonzero().squeeze(1)  # (M,)
    num_trajectories = first.shape[0]
    step = torch.arange(num_envs * num_steps, device=tensor.device) - first[trajectory]
    target = step * num_trajectories + trajectory

    masks = torch.zeros(num_steps * num_trajectories, dtype=torch.bool, device=tensor.device)
    masks[target] = True
    padded = tensor.new_zeros(num_steps * num_trajectories, *tensor.shape[2:])
    padded = padded.index_copy(0, target, tensor.transpose(0, 1).flatten(0, 1))
    return padded.unflatten(0, (num_steps, num_trajectories)), masks.view(num_steps, num_trajectories)


def unpad_trajectories(trajectories: Tensor, masks: Tensor) -> Tensor:
    """The inverse of ``split_and_pad_trajectories``: ``(T, M, ...)`` and masks ``(T, M)`` -> ``(T, N, ...)``.

    ``ValueError`` if the steps in ``masks`` do not make whole environments of T steps.
    """
    num_trajectories = masks.shape[1]
    first = torch.arange(num_trajectories, device=masks.device)
    return unpad_rows(trajectories.flatten(0, 1), masks, first, torch.full_like(first, num_trajectories))


def unpad_rows(rows: Tensor, masks: Tensor, first: Tensor, stride: Tensor) -> Tensor:
    """``unpad_trajectories`` for steps in any order: trajectory j has its step t at ``rows[first[j] + t * stride[j]]``.

    ``rows (R, ...)``, ``masks (T, M)``, ``first`` and ``stride (M,)``; returns ``(T, N, ...)``.
    """
    num_steps = masks.shape[0]
    # Indices, not a boolean mask, into the data: the gradient is then a plain indexed addition.
    position = masks.transpose(0, 1).flatten().nonzero().squeeze(1)  # by trajectory, then by time
    if position.shape[0] % num_steps:
        raise ValueError(f"masks hold {position.shape[0]} steps, which is no multiple of the length {num_steps}")
    trajectory = position // num_steps
    source = first[trajectory] + (position - trajectory * num_steps) * stride[trajectory]
    source = source.view(-1, num_steps).transpose(0, 1).reshape(-1)  # by time, then by environment
    return rows.index_select(0, source).unflatten(0, (num_steps, -1))


unpad = unpad_trajectories
