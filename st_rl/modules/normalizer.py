"""Normalization by statistics of the data seen so far.

Mean and variance are merged batch by batch with the parallel algorithm of Chan, Golub and LeVeque 1979 ("Updating
formulae and a pairwise algorithm for computing sample variances", equations 2.1), in double precision, so the result
is that of the whole stream however it was cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional


class EmpiricalNormalization(nn.Module):
    """Zero mean and unit variance per component, by statistics that ``update`` keeps.

    Every component has its own count, so that a component added to a trained normalizer (see
    ``align_normalizer_state``) learns its statistics from its own data alone.
    """

    count: Tensor
    _mean: Tensor
    _var: Tensor
    _weight: Tensor

    def __init__(self, shape: int | Sequence[int], eps: float = 1e-2, until: int | None = None) -> None:
        """``shape``: of one sample; ``until``: no update begins once this many samples have been seen."""
        super().__init__()
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.eps = eps
        self.until = until
        self.register_buffer("_mean", torch.zeros(self.shape, dtype=torch.float64))
        self.register_buffer("_var", torch.ones(self.shape, dtype=torch.float64))
        self.register_buffer("_weight", torch.zeros(self.shape, dtype=torch.float64))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @property
    def mean(self) -> Tensor:
        """Mean of the samples, ``shape``; zeros before the first."""
        return self._mean.float()

    @property
    def var(self) -> Tensor:
        """Variance of the samples (divided by their number), ``shape``; ones before the first."""
        return self._var.float()

    @property
    def std(self) -> Tensor:
        """Standard deviation of the samples, ``shape``; ones before the first."""
        return self._var.sqrt().float()

    def forward(self, x: Tensor) -> Tensor:
        """``(x - mean) / (std + eps)`` for ``x (..., *shape)``."""
        return (x - self.mean) / (self.std + self.eps)

    def inverse(self, y: Tensor) -> Tensor:
        """``y (std + eps) + mean``: undoes ``forward`` while the statistics stay."""
        return y * (self.std + self.eps) + self.mean

    @torch.no_grad()
    def update(self, x: Tensor) -> None:
        """Take in the samples ``x (..., *shape)``; only in training mode, and until ``until`` samples were seen."""
        if not self.training:
            return
        x = x.reshape(-1, *self.shape)
        number = self.count.new_tensor(x.shape[0])
        if self.until is not None:
            number = torch.where(self.count < self.until, number, 0)
        var, mean = torch.var_mean(x.double(), dim=0, correction=0)
        total = self._weight + number
        share = number / total.clamp(min=1.0)
        delta = mean - self._mean
        # The first batch has share 1 and replaces (0, 1); a batch of weight 0 changes nothing.
        self._var += share * (var - self._var + (1.0 - share) * delta.square())
        self._mean += share * delta
        self._weight.copy_(total)
        self.count += number

    def extra_repr(self) -> str:
        return f"{self.shape}, eps={self.eps}, until={self.until}"


class Normalize(nn.Module):
    """Unit length in the last dimension (L2)."""

    def forward(self, x: Tensor) -> Tensor:
        """``(..., D)`` -> ``(..., D)``; a zero vector stays zero."""
        return functional.normalize(x, dim=-1)


class RunningMeanStd:
    """Running mean and variance of a stream of NumPy samples.

    Starts as if ``epsilon`` samples of zero mean and unit variance had been seen.
    """

    def __init__(self, epsilon: float = 1e-4, shape: tuple[int, ...] = ()) -> None:
        """``shape``: of one sample."""
        self.mean: NDArray[np.float64] = np.zeros(shape)
        self.var: NDArray[np.float64] = np.ones(shape)
        self.count = float(epsilon)

    def update(self, arr: ArrayLike) -> None:
        """Take in the samples ``arr (N, *shape)``."""
        batch = np.asarray(arr, dtype=np.float64)
        if len(batch):
            self.update_from_moments(batch.mean(axis=0), batch.var(axis=0), len(batch))

    def update_from_moments(self, batch_mean: ArrayLike, batch_var: ArrayLike, batch_count: float) -> None:
        """Merge a batch that has the given mean, variance (divided by the number) and number of samples."""
        total = self.count + batch_count
        share = batch_count / total
        delta = np.asarray(batch_mean, dtype=np.float64) - self.mean
        spread = np.asarray(batch_var, dtype=np.float64) - self.var + (1.0 - share) * np.square(delta)
        self.var = self.var + share * spread
        self.mean = self.mean + share * delta
        self.count = total


class Normalizer(RunningMeanStd):
    """Normalizes by running statistics and clips; takes NumPy arrays and tensors."""

    def __init__(self, input_dim: int | tuple[int, ...], epsilon: float = 1e-4, clip_obs: float = 10.0) -> None:
        """``input_dim``: shape of one sample; ``clip_obs``: largest absolute value after normalization."""
        super().__init__(epsilon, (input_dim,) if isinstance(input_dim, int) else tuple(input_dim))
        self.epsilon = epsilon
        self.clip_obs = clip_obs

    def normalize(self, input: ArrayLike) -> NDArray[np.float64]:
        """``(input - mean) / sqrt(var + epsilon)``, clipped to ``[-clip_obs, clip_obs]``; ``(..., *input_dim)``."""
        scaled = (np.asarray(input, dtype=np.float64) - self.mean) / np.sqrt(self.var + self.epsilon)
        return np.clip(scaled, -self.clip_obs, self.clip_obs)

    def normalize_torch(self, input: Tensor, device: torch.device | str | None = None) -> Tensor:
        """Take in ``input (N, *input_dim)``, then normalize and clip it like ``normalize``; float32 on ``device``."""
        self.update(input.detach().cpu().numpy())
        device = input.device if device is None else device
        mean = torch.as_tensor(self.mean, dtype=torch.float32, device=device)
        scale = torch.as_tensor(np.sqrt(self.var + self.epsilon), dtype=torch.float32, device=device)
        return ((input.to(device) - mean) / scale).clamp(-self.clip_obs, self.clip_obs)

    def update_normalizer(self, rollouts: Iterable[Any], expert_loader: Iterable[Any]) -> None:
        """Take in batches of the policy and of the expert, pair by pair, until either runs out.

        A batch is a tensor or array ``(N, *input_dim)``, or a tuple of such. Both streams thus weigh alike, whichever
        is longer, and are then normalized by the same statistics (Peng et al. 2021, "AMP", section 5).
        """
        for policy_batch, expert_batch in zip(rollouts, expert_loader, strict=False):
            for samples in (*_as_tuple(policy_batch), *_as_tuple(expert_batch)):
                self.update(samples.detach().cpu().numpy() if isinstance(samples, Tensor) else samples)

    def state_dict(self) -> dict[str, Tensor]:
        """Mean, variance and count as tensors, for a checkpoint."""
        values = {"mean": self.mean, "var": self.var, "count": self.count}
        return {name: torch.as_tensor(value, dtype=torch.float64) for name, value in values.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned."""
        self.mean, self.var = state["mean"].cpu().numpy().copy(), state["var"].cpu().numpy().copy()
        self.count = float(state["count"])


def _as_tuple(batch: Any) -> tuple[Any, ...]:
    return tuple(batch) if isinstance(batch, tuple | list) else (batch,)
