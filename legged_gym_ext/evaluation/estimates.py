"""How well a policy knows its own velocity, over the steps of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class Estimating(Protocol):
    """A policy that may estimate the base velocity."""

    def estimated_velocity(self) -> Tensor | None:
        """(N, 3) m/s in the base frame, as of the last actions; ``None`` where it does not."""
        ...

    def zero_estimates(self) -> None:
        """Act with zeros for what is estimated from now on; ``UserError`` where nothing is."""
        ...


@dataclass(frozen=True)
class EstimateFigures:
    """Errors of estimates of the base velocity."""

    rmse: float
    """Root of the mean squared length of the error vector, all three axes, m/s."""
    r2: float
    """Share of the variance of the true velocity that the estimate explains: 1 is all, 0 what its mean explains."""


class EstimateErrors:
    """Sums over steps and worlds from which ``EstimateFigures`` follow."""

    def __init__(self, device: torch.device) -> None:
        self._sums = torch.zeros(3, 3, dtype=torch.float64, device=device)
        """Squared errors, true values and their squares, of each axis."""
        self._count = torch.zeros((), dtype=torch.float64, device=device)

    def add(self, estimate: Tensor, true: Tensor, counted: Tensor) -> None:
        """Take in ``estimate`` and ``true``, (N, 3) m/s, of the worlds in ``counted (N,)``."""
        values = torch.stack(((estimate - true).square(), true, true.square()))
        self._sums += torch.where(counted[:, None], values, 0.0).double().sum(dim=1)
        self._count += counted.sum()

    def figures(self) -> EstimateFigures | None:
        """The figures so far; ``None`` before the first step."""
        count = self._count.item()
        if not count:
            return None
        errors, values, squares = self._sums
        variance = (squares - values.square() / count).sum().item()
        total = errors.sum().item()
        return EstimateFigures((total / count) ** 0.5, 1.0 - total / variance if variance > 0.0 else 0.0)
