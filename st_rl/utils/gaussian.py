"""The normal distribution with independent components, in closed form."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)


class DiagonalGaussian:
    """Normal distribution over ``(..., A)`` with standard deviations shared by the batch.

    It answers to the names of ``torch.distributions.Normal`` (``mean``, ``stddev``, ``sample``, ``log_prob``,
    ``entropy``, the last two per component), and has the sums over components that policies need. No argument is
    validated and nothing is broadcast before it is used: this runs at every step of training.
    """

    __slots__ = ("log_std", "mean", "std")

    def __init__(self, mean: Tensor, log_std: Tensor) -> None:
        """``mean (..., A)``, ``log_std (A,)`` or ``(..., A)``."""
        self.mean = mean
        self.log_std = log_std
        self.std = log_std.exp()

    @property
    def stddev(self) -> Tensor:
        """Standard deviation ``(..., A)``."""
        return self.std.expand_as(self.mean)

    def sample(self) -> Tensor:
        """A draw ``(..., A)`` without gradient."""
        with torch.no_grad():
            return torch.addcmul(self.mean, torch.randn_like(self.mean), self.std)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of each component ``(..., A)``: ``-z^2 / 2 - log std - log sqrt(2 pi)``."""
        return -0.5 * ((value - self.mean) / self.std).square() - self.log_std - _LOG_SQRT_2PI

    def log_prob_sum(self, value: Tensor) -> Tensor:
        """Joint log density ``(...)`` of ``value (..., A)``."""
        squares = ((value - self.mean) / self.std).square().sum(-1)
        return -0.5 * squares - (self.log_std.sum(-1) + self.mean.shape[-1] * _LOG_SQRT_2PI)

    def entropy(self) -> Tensor:
        """Entropy of each component ``(..., A)`` in nats: ``1/2 + log sqrt(2 pi) + log std``."""
        return (self.log_std + (0.5 + _LOG_SQRT_2PI)).expand_as(self.mean)

    def entropy_sum(self) -> Tensor:
        """Joint entropy ``(...)`` in nats."""
        entropy = self.log_std.sum(-1) + self.mean.shape[-1] * (0.5 + _LOG_SQRT_2PI)
        return entropy.expand(self.mean.shape[:-1])
