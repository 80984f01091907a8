"""The discriminator of adversarial motion priors, on numbers worked by hand."""

from __future__ import annotations

import pytest
import torch

from st_rl.modules import AmpActorCritic, AMPDiscriminator
from st_rl.modules.utils import MissingDefinitionError


def by_hand(**kwargs: float) -> AMPDiscriminator:
    """D(x) = relu(x1) + 2 relu(x2) - 0.5."""
    net = AMPDiscriminator(2, style_reward_coef=2.0, hidden_dims=[2], **kwargs)
    net.trunk.model[0].weight.data, net.trunk.model[0].bias.data = torch.eye(2), torch.zeros(2)  # type: ignore[union-attr]
    net.linear.weight.data, net.linear.bias.data = torch.tensor([[1.0, 2.0]]), torch.tensor([-0.5])
    return net


def test_forward() -> None:
    assert by_hand()(torch.tensor([[1.0, 1.0], [-1.0, 0.5]])).tolist() == [[2.5], [0.5]]


def test_the_gradient_penalty_is_the_mean_squared_gradient_times_its_weight() -> None:
    # Gradients (1, 2) and (0, 2): squared lengths 5 and 4, mean 4.5.
    samples = torch.tensor([[1.0, 1.0], [-1.0, 0.5]])
    assert by_hand().compute_grad_pen(samples).item() == pytest.approx(5 * 4.5)
    penalty = by_hand(discriminator_grad_pen=2.0)
    with torch.no_grad():
        assert float(penalty.compute_grad_pen(samples)) == pytest.approx(9.0)
    assert not samples.requires_grad


def test_the_gradient_penalty_can_be_learned_from() -> None:
    net = by_hand()
    net.compute_grad_pen(torch.tensor([[1.0, 1.0]])).backward()
    # 5 ((w1)^2 + (w2)^2) with w = (1, 2): derivative 10 w.
    assert net.linear.weight.grad.tolist() == [[10.0, 20.0]]  # type: ignore[union-attr]


def test_style_and_task_reward_are_mixed() -> None:
    state = torch.tensor([[1.0, 1.0], [-1.0, 0.5], [0.75, 0.375], [9.0, 9.0]])  # D = 2.5, 0.5, 1, 26.5
    style = torch.tensor([2 * (1 - 0.25 * 2.25), 2 * (1 - 0.25 * 0.25), 2.0, 0.0])
    task = torch.tensor([1.0, 2.0, 3.0, 4.0])
    mixed, alone = by_hand(task_reward_lerp=0.25).predict_style_reward(state, task)
    torch.testing.assert_close(alone, style)
    torch.testing.assert_close(mixed, 0.75 * style + 0.25 * task)
    pure, _ = by_hand().predict_style_reward(state, task.unsqueeze(-1))
    torch.testing.assert_close(pure, style)
    assert not pure.requires_grad
    torch.testing.assert_close(by_hand().predict_style_reward(state)[0], style)


def test_the_policy_says_what_its_discriminator_lacks() -> None:
    with pytest.raises(MissingDefinitionError, match="amp_discriminator"):
        AmpActorCritic(4, 4, 2)
    with pytest.raises(TypeError, match="style_reward_coef"):
        AmpActorCritic(4, 4, 2, amp_discriminator={"input_dim": 3, "hidden_dims": [4]})
    with pytest.raises(TypeError, match="no_such"):
        AmpActorCritic(
            4, 4, 2, amp_discriminator={"input_dim": 3, "style_reward_coef": 1, "hidden_dims": 4, "no_such": 1}
        )
