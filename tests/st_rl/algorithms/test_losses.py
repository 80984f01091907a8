"""Loss terms and return estimates against numbers worked by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch.testing import assert_close

from st_rl.algorithms import losses
from st_rl.utils.obs_layout import ObsLayout


def t(*values: float) -> torch.Tensor:
    return torch.tensor(values)


def column(*values: float) -> torch.Tensor:
    """(T, 1): one world."""
    return t(*values).unsqueeze(1)


def test_gae_of_an_unbroken_rollout() -> None:
    # gamma 0.5, lambda 0.5; deltas: 1 + .5*2 - 1 = 1;  2 + .5*4 - 2 = 2;  3 + .5*8 - 4 = 3.
    returns, advantages = losses.generalized_advantage(
        column(1, 2, 3), column(1, 2, 4), torch.zeros(3, 1, dtype=torch.bool), t(8), 0.5, 0.5
    )
    # Backwards with decay 0.25: 3;  2 + .75 = 2.75;  1 + .6875 = 1.6875.
    assert_close(advantages, column(1.6875, 2.75, 3.0))
    assert_close(returns, column(2.6875, 4.75, 7.0))


def test_gae_stops_at_the_end_of_an_episode() -> None:
    dones = torch.tensor([[False], [True], [False]])
    _, advantages = losses.generalized_advantage(column(1, 2, 3), column(1, 2, 4), dones, t(8), 0.5, 0.5)
    # Step 1 sees neither the value nor the advantage after it: 2 - 2 = 0; step 0: 1 + .25 * 0.
    assert_close(advantages, column(1.0, 0.0, 3.0))


def test_gae_with_lambda_one_is_the_discounted_return() -> None:
    returns, _ = losses.generalized_advantage(
        column(1, 1, 1), column(5, -3, 9), torch.zeros(3, 1, dtype=torch.bool), t(4), 0.5, 1.0
    )
    assert_close(returns, column(1 + 0.5 + 0.25 + 0.5, 1 + 0.5 + 1, 1 + 2))


def test_gae_keeps_worlds_apart() -> None:
    torch.manual_seed(0)
    rewards, values, last = torch.randn(5, 3), torch.randn(5, 3), torch.randn(3)
    dones = torch.rand(5, 3) < 0.3
    together, _ = losses.generalized_advantage(rewards, values, dones, last, 0.9, 0.8)
    for world in range(3):
        part = slice(world, world + 1)
        alone, _ = losses.generalized_advantage(rewards[:, part], values[:, part], dones[:, part], last[part], 0.9, 0.8)
        assert_close(together[:, part], alone)


def test_surrogate_clips_only_what_would_gain() -> None:
    log_ratio = t(1.5, 1.5, 0.5, 0.5).log()
    advantages = t(1.0, -1.0, 1.0, -1.0)
    # min(1.5, 1.2) + min(-1.5, -1.2) + min(.5, .8) + min(-.5, -.8) = 1.2 - 1.5 + .5 - .8 = -0.6
    assert_close(losses.surrogate_loss(log_ratio, torch.zeros(4), advantages, 0.2), torch.tensor(0.15))


def test_value_losses() -> None:
    values, old, returns = t(2.0, 1.1), t(1.0, 1.0), t(3.0, 0.0)
    assert_close(losses.value_loss(values, returns), torch.tensor((1.0 + 1.21) / 2))
    # The first value moved by 1 and counts as 1.2: (1.2 - 3)^2 = 3.24 is the larger; the second moved by 0.1 only.
    assert_close(losses.clipped_value_loss(values, old, returns, 0.2), torch.tensor((3.24 + 1.21) / 2))


def test_kl_of_diagonal_normals() -> None:
    # ln(2) + (1 + 1) / 8 - 1/2 for each of two actions.
    expected = 2 * (math.log(2.0) + 0.25 - 0.5)
    kl = losses.gaussian_kl(torch.zeros(1, 2), torch.ones(1, 2), torch.ones(1, 2), 2.0 * torch.ones(2))
    assert_close(kl, t(expected))
    assert_close(losses.gaussian_kl(*[torch.ones(1, 2)] * 4), t(0.0))


@pytest.mark.parametrize(
    ("kl", "expected"),
    [(0.021, 1e-3 / 1.5), (0.019, 1e-3), (0.0051, 1e-3), (0.0049, 1.5e-3), (0.0, 1e-3)],
)
def test_learning_rate_follows_the_kl(kl: float, expected: float) -> None:
    rate = losses.adapted_learning_rate(torch.tensor(1e-3), torch.tensor(kl), 0.01, (1e-5, 1e-2))
    assert_close(rate, torch.tensor(expected))


def test_learning_rate_stays_within_its_bounds() -> None:
    bounds = (1e-3, 2e-3)
    assert_close(
        losses.adapted_learning_rate(torch.tensor(1.2e-3), torch.tensor(1.0), 0.01, bounds), torch.tensor(1e-3)
    )
    assert_close(
        losses.adapted_learning_rate(torch.tensor(1.8e-3), torch.tensor(1e-4), 0.01, bounds), torch.tensor(2e-3)
    )


def test_a_cool_down_is_linear_between_its_updates() -> None:
    assert [losses.cooling(update, 10, 14) for update in (0, 10, 11, 13, 14, 99)] == [1.0, 1.0, 0.75, 0.25, 0.0, 0.0]


def test_errors_of_estimates_by_hand() -> None:
    prediction, target = torch.tensor([[1.0, 4.0], [3.0, 0.0]]), torch.tensor([[1.0, 2.0], [1.0, 2.0]])
    # Squared errors 0, 4, 4, 4.
    assert losses.estimation_loss(prediction, target).item() == pytest.approx(3.0)
    # Targets of variance 1 (1 and 3) and 4 (0 and 4): the errors of their mean would be 1 each but for the floor.
    target = torch.tensor([[1.0, 0.0], [3.0, 4.0]])
    constant = torch.tensor([[2.0, 2.0], [2.0, 2.0]])
    assert losses.estimation_loss(constant, target, floor=1.0).item() == pytest.approx(0.5 * (1.0 / 2.0 + 4.0 / 5.0))


def test_classes_are_told_by_their_cross_entropy() -> None:
    prediction = torch.tensor([[0.5, 0.25, 0.75, 2.0], [0.5, 0.5, 0.5, 2.0]])
    target = torch.tensor([[0.5, 0.0, 1.0, 2.0], [0.5, 1.0, 0.0, 4.0]])
    # Numbers in the first and last column: one error of 2 among four; classes with 3/4 and 1/2 for the right one.
    expected = 4.0 / 4.0 - 0.5 * (math.log(0.75) + math.log(0.5))
    assert losses.estimation_loss(prediction, target, (slice(1, 3),)).item() == pytest.approx(expected)
    assert losses.estimation_loss(prediction[:, 1:3], target[:, 1:3], (slice(0, 2),)).item() == pytest.approx(
        -0.5 * (math.log(0.75) + math.log(0.5))
    )


def test_each_segment_of_estimates_counts_alike_whatever_its_size() -> None:
    layout = ObsLayout((("distance", (1,)), ("kind", (2,)), ("scan", (4,))))
    target = torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    prediction = torch.tensor([[3.0, 0.25, 0.75, 1.0, 1.0, 1.0, 1.0]])
    # (3 - 1)^2, -log 0.25 and the mean of four ones.
    expected = 4.0 + math.log(4.0) + 1.0
    assert losses.segments_loss(prediction, target, layout, (slice(1, 3),)).item() == pytest.approx(expected)
