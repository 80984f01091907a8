"""Loss terms and return estimates: tensors in, tensors out, no state.

Leading dimensions, written ``(...)``, are ``(B,)`` or ``(T, N)``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from st_rl.utils.obs_layout import ObsLayout


def gaussian_kl(old_mean: torch.Tensor, old_std: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """KL(old || new) in nats between diagonal normals ``(..., A)``; returns ``(...)``."""
    variance_ratio = (old_std / std).square()
    distance = ((old_mean - mean) / std).square()
    return 0.5 * (variance_ratio + distance - 1.0 - variance_ratio.log()).sum(-1)


def generalized_advantage(
    rewards: torch.Tensor,
    values: torch.Tensor,
    dones: torch.Tensor,
    last_values: torch.Tensor,
    gamma: float,
    lam: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Generalized advantage estimation (Schulman et al. 2016, equations 11 to 16).

    Args:
        rewards: (T, N); a time-out's bootstrap is already added to it.
        values: (T, N), V(s_t).
        dones: (T, N) bool, the episode ended with step t, by failure or time-out.
        last_values: (N,), V(s_T).
        gamma: discount per step.
        lam: weight of longer returns, 0 (one step) to 1 (Monte Carlo).

    Returns:
        ``returns (T, N)`` and ``advantages (T, N)``, with ``returns = advantages + values``.
    """
    alive = gamma * (~dones).to(rewards.dtype)
    next_values = torch.cat((values[1:], last_values.unsqueeze(0)))
    deltas = torch.addcmul(rewards - values, alive, next_values)
    decay = alive * lam
    advantages = torch.empty_like(deltas)
    advantage = torch.zeros_like(last_values)
    for step in range(len(deltas) - 1, -1, -1):
        advantage = torch.addcmul(deltas[step], decay[step], advantage)
        advantages[step] = advantage
    return advantages + values, advantages


def surrogate_loss(
    log_prob: torch.Tensor, old_log_prob: torch.Tensor, advantages: torch.Tensor, clip_param: float
) -> torch.Tensor:
    """PPO's clipped surrogate (Schulman et al. 2017, equation 7), negated; tensors (...), returns a scalar."""
    ratio = (log_prob - old_log_prob).exp()
    clipped = ratio.clamp(1.0 - clip_param, 1.0 + clip_param)
    return -torch.minimum(advantages * ratio, advantages * clipped).mean()


def value_loss(values: torch.Tensor, returns: torch.Tensor) -> torch.Tensor:
    """Mean squared error of the values (...) against the returns (...); a scalar."""
    return (values - returns).square().mean()


def clipped_value_loss(
    values: torch.Tensor, old_values: torch.Tensor, returns: torch.Tensor, clip_param: float
) -> torch.Tensor:
    """The larger of the plain loss and that of values kept within ``clip_param`` of the old ones; a scalar.

    Source: OpenAI baselines ``ppo2``; see Engstrom et al. 2020, "Implementation matters", section 3.
    """
    clipped = old_values + (values - old_values).clamp(-clip_param, clip_param)
    return torch.maximum((values - returns).square(), (clipped - returns).square()).mean()


def cooling(num_updates: int, first: int, last: int) -> float:
    """1 until the update ``first``, then falling linearly to 0 at the update ``last``, counted from 0."""
    return min(max((last - num_updates) / (last - first), 0.0), 1.0)


def adapted_learning_rate(
    learning_rate: torch.Tensor,
    kl: torch.Tensor,
    desired_kl: torch.Tensor | float,
    bounds: tuple[float, float],
    factor: float = 1.5,
) -> torch.Tensor:
    """Learning rate (0-d) for the next step, from the KL (0-d) that the last one caused.

    Lowered by ``factor`` when the KL exceeds twice ``desired_kl``, raised when it is below half of it
    and positive, kept within ``bounds``. Source: adaptive KL rule of Schulman et al. 2017, section 4,
    applied to the learning rate instead of the penalty.
    """
    lowered = (learning_rate / factor).clamp(min=bounds[0])
    raised = (learning_rate * factor).clamp(max=bounds[1])
    rate = torch.where(kl > 2.0 * desired_kl, lowered, learning_rate)
    return torch.where((kl < 0.5 * desired_kl) & (kl > 0.0), raised, rate)


def estimation_loss(
    prediction: torch.Tensor, target: torch.Tensor, classes: Sequence[slice] = (), floor: float | None = None
) -> torch.Tensor:
    """Error of estimates ``prediction (..., K)``; a scalar.

    The mean squared error of the numbers, each divided by the variance of its ``target (..., K)`` over the batch plus
    ``floor`` unless that is ``None``; and the mean, over the columns ``classes`` of probabilities, of the cross-entropy
    to the one-hot that the target has there.
    """
    prediction, target = prediction.flatten(0, -2), target.flatten(0, -2)
    entropies, numbers, done = [], [], 0
    for columns in classes:
        numbers.append(slice(done, columns.start))
        entropies.append(-(target[:, columns] * prediction[:, columns].clamp_min(_LEAST).log()).sum(dim=-1).mean())
        done = columns.stop
    numbers.append(slice(done, target.shape[-1]))
    wanted = torch.cat([target[:, columns] for columns in numbers], dim=-1)
    error = (torch.cat([prediction[:, columns] for columns in numbers], dim=-1) - wanted).square()
    if floor is not None:
        error = error / (wanted.var(dim=0, unbiased=False) + floor)
    loss = error.mean() if wanted.shape[-1] else error.sum()
    return loss + torch.stack(entropies).mean() if entropies else loss


def segments_loss(
    prediction: torch.Tensor,
    target: torch.Tensor,
    layout: ObsLayout,
    classes: Sequence[slice] = (),
    floor: float | None = None,
) -> torch.Tensor:
    """The sum of ``estimation_loss`` over the segments in ``layout``, which are side by side; a scalar.

    Each segment counts alike: the distance of an obstacle, one number, would weigh little among the many of a height
    scan.
    """
    errors = []
    for name in layout:
        columns = layout.slice_of(name)
        inside = [
            slice(place.start - columns.start, place.stop - columns.start)
            for place in classes
            if columns.start <= place.start < columns.stop
        ]
        errors.append(estimation_loss(prediction[..., columns], target[..., columns], inside, floor))
    return torch.stack(errors).sum()


_LEAST = 1e-6
"""Probabilities below this count as this."""
