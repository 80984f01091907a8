"""The closed-form normal distribution."""

from __future__ import annotations

import math

import torch

from st_rl.utils.gaussian import DiagonalGaussian


def test_one_component_by_hand() -> None:
    # N(1, 2^2) at 3: z = 1, log density = -1/2 - log 2 - log(2 pi) / 2.
    gaussian = DiagonalGaussian(torch.tensor([[1.0]]), torch.tensor([2.0]).log())
    expected = -0.5 - math.log(2.0) - 0.5 * math.log(2.0 * math.pi)
    assert math.isclose(float(gaussian.log_prob_sum(torch.tensor([[3.0]]))), expected, rel_tol=1e-6)
    assert math.isclose(float(gaussian.entropy_sum()), 0.5 + 0.5 * math.log(2 * math.pi) + math.log(2), rel_tol=1e-6)


def test_it_agrees_with_torch() -> None:
    mean, log_std = torch.randn(4, 5, 3), torch.randn(3)
    ours = DiagonalGaussian(mean, log_std)
    theirs = torch.distributions.Normal(mean, log_std.exp())
    value = torch.randn(4, 5, 3)
    torch.testing.assert_close(ours.log_prob(value), theirs.log_prob(value))
    torch.testing.assert_close(ours.log_prob_sum(value), theirs.log_prob(value).sum(-1))
    torch.testing.assert_close(ours.entropy(), theirs.entropy())
    torch.testing.assert_close(ours.entropy_sum(), theirs.entropy().sum(-1))
    assert torch.equal(ours.stddev, theirs.stddev) and torch.equal(ours.mean, theirs.mean)


def test_samples_have_the_distribution_and_no_gradient() -> None:
    torch.manual_seed(0)
    mean = torch.tensor([1.0, -2.0], requires_grad=True).expand(20000, 2)
    samples = DiagonalGaussian(mean, torch.tensor([0.5, 3.0]).log()).sample()
    assert not samples.requires_grad
    torch.testing.assert_close(samples.mean(0), torch.tensor([1.0, -2.0]), atol=0.1, rtol=0)
    torch.testing.assert_close(samples.std(0), torch.tensor([0.5, 3.0]), atol=0.1, rtol=0)
