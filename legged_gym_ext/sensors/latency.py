"""Latency: values of the past, with a delay of its own for every world. Nothing here waits for the device.

N worlds, L samples of the past, D numbers a sample, S physics steps a control step. All times are in s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from st_rl.utils.ranges import Bounds, Checked, Ordered, SecondsInterval

Delay = Annotated[float, Bounds(ge=0.0, le=10.0)]
Delays = Annotated[tuple[Delay, Delay], Ordered()]
"""The shortest and the longest delay, s."""
_ROUNDING = 1e-4
"""Samples; a delay of just a whole number of them is that number in spite of rounding."""


@dataclass(frozen=True)
class LatencyCfg(Checked):
    """How late measurements and commands are. Each delay is drawn uniformly for each world, anew at intervals."""

    proprioception: Delays = (0.005, 0.045)
    """From the state of the robot to the observation, s."""
    action: Delays = (0.0, 0.02)
    """From the policy's output to the motors, s."""
    interval: SecondsInterval = (2.0, 6.0)
    """Time between two draws of a world, s."""


def interpolated(history: Tensor, age: Tensor) -> Tensor:
    """Values (N, D) of ``age (N,)`` samples ago, linear between samples.

    Args:
        history: (L, N, D), the newest sample first.
        age: in [0, L - 1] samples; beyond it is that of the oldest.
    """
    age = age.clamp(0.0, history.shape[0] - 1.0)
    newer = age.floor()
    fraction = (age - newer)[:, None]
    index = newer.long()
    return torch.lerp(_sample(history, index), _sample(history, (index + 1).clamp_max(history.shape[0] - 1)), fraction)


def held(history: Tensor, delay: Tensor, period: float, substeps: int) -> Tensor:
    """The command in force in each physics step, (N, S, D): the newest that was given ``delay`` or longer ago.

    Args:
        history: (L, N, D), commands given at the beginning of this and the last control steps, the newest first.
        delay: (N,) s.
        period: duration of a control step, s.
        substeps: S.
    """
    since = torch.arange(substeps, device=delay.device) / substeps  # control steps since the newest command
    age = (delay[:, None] / period - since - _ROUNDING).ceil().clamp(0, history.shape[0] - 1).long()  # (N, S)
    columns = age.t()[..., None].expand(-1, -1, history.shape[2])
    return history.gather(0, columns).transpose(0, 1)


def num_samples(longest: float, period: float) -> int:
    """Samples that must be kept to look back ``longest`` s, the newest included."""
    return math.ceil(longest / period - _ROUNDING) + 1


class DelayLine:
    """The last samples of N worlds."""

    def __init__(self, length: int, num_envs: int, size: int, device: torch.device | str) -> None:
        self.history = torch.zeros(length, num_envs, size, device=device)
        """(L, N, D), the newest first."""

    def push(self, sample: Tensor, fresh: Tensor | None = None) -> None:
        """Take in ``sample (N, D)``; where ``fresh (N,)`` is true it is also what was before."""
        past = self.history[:-1]
        if fresh is not None:
            past = torch.where(fresh[:, None], sample, past)
        self.history = torch.cat((sample[None], past))


def _sample(history: Tensor, index: Tensor) -> Tensor:
    """``history[index[n], n]``, (N, D)."""
    columns = index[None, :, None].expand(1, -1, history.shape[2])
    return history.gather(0, columns).squeeze(0)
