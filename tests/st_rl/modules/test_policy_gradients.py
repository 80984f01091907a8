"""Which loss reaches which parameters, for every policy class."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from policy_cases import CRITIC_LAYOUT, LAYOUT, NUM_ACTIONS, SINGLE, Case
from torch import Tensor

from st_rl.utils.padding import split_and_pad_trajectories

every_policy = pytest.mark.parametrize("case", SINGLE, ids=str)


def reached(policy: Any, loss: Tensor) -> set[str]:
    """Names of the parameters that get a non-zero gradient."""
    policy.zero_grad(set_to_none=True)
    loss.backward()
    return {name for name, p in policy.named_parameters() if p.grad is not None and bool((p.grad != 0).any())}


def run(policy: Any) -> tuple[Tensor, Tensor]:
    """A policy loss and a value loss on a batch, as padded trajectories where the policy is recurrent."""
    torch.nn.init.normal_(policy.actor.mean.weight)
    obs, critic_obs = torch.randn(6, 8, LAYOUT.size), torch.randn(6, 8, CRITIC_LAYOUT.size)
    arguments: dict[str, Any] = {}
    if policy.is_recurrent:
        dones = torch.rand(6, 8) < 0.2
        obs, arguments["masks"] = split_and_pad_trajectories(obs, dones)
        critic_obs, _ = split_and_pad_trajectories(critic_obs, dones)
    policy.act(obs, **arguments)
    policy_loss = policy.get_actions_log_prob(torch.randn(6, 8, NUM_ACTIONS)).mean()
    return policy_loss, policy.evaluate(critic_obs, **arguments).square().mean()


def supervised_loss(policy: Any) -> Tensor:
    return sum((found.prediction.square().mean() for found in policy.state_predictions().values()), torch.zeros(()))


def discriminator_loss(policy: Any) -> Tensor:
    samples = torch.randn(20, policy.discriminator.input_dim)
    return policy.discriminator(samples).square().mean() + policy.discriminator.compute_grad_pen(samples)


def names(policy: Any, *prefixes: str) -> set[str]:
    return {name for name, _ in policy.named_parameters() if name.startswith(prefixes)}


@every_policy
def test_all_losses_together_reach_every_parameter(case: Case) -> None:
    torch.manual_seed(1)
    policy = case.build()
    loss = sum(run(policy), supervised_loss(policy))
    if "Amp" in case.class_name:
        loss = loss + discriminator_loss(policy)
    missed = {name for name, _ in policy.named_parameters()} - reached(policy, loss)
    assert not missed


@every_policy
def test_the_policy_loss_trains_the_actor_alone(case: Case) -> None:
    torch.manual_seed(1)
    policy = case.build()
    policy_loss, _ = run(policy)
    actor = names(policy, "actor.", "memory_a.", "encoders.", "visual_encoder.", "memory_v.")
    assert reached(policy, policy_loss) == actor


@every_policy
def test_the_value_loss_trains_the_critic_and_shared_encoders_alone(case: Case) -> None:
    torch.manual_seed(1)
    policy = case.build()
    _, value_loss = run(policy)
    critic = names(policy, "critic.", "memory_c.", "own_critic_encoders.")
    if "VisualDeterministic" in case.class_name:
        critic |= names(policy, "visual_encoder.")
    if case.kwargs.get("critic_encoder_component_names") == "shared":
        critic |= names(policy, "encoders.")
    assert reached(policy, value_loss) == critic


ESTIMATORS = [case for case in SINGLE if "State" in case.class_name]


@pytest.mark.parametrize("case", ESTIMATORS, ids=str)
def test_the_supervised_loss_trains_the_estimators_alone(case: Case) -> None:
    torch.manual_seed(1)
    policy = case.build()
    run(policy)
    own = names(policy, "estimator.", "memory_s.", "adaptor.", "memory_p.")
    if case.kwargs.get("use_actor_rnn"):
        own |= names(policy, "memory_a.")  # what the estimator reads is learned with it
    if "Visual" in case.class_name:
        own |= names(policy, "visual_encoder.", "memory_v.")
    assert reached(policy, supervised_loss(policy)) == own


@pytest.mark.parametrize("case", [case for case in SINGLE if "Amp" in case.class_name], ids=str)
def test_the_discriminator_loss_trains_the_discriminator_alone(case: Case) -> None:
    torch.manual_seed(1)
    policy = case.build()
    # The bias of the last layer shifts the score and has no part in its gradient, yet in the score itself.
    assert reached(policy, discriminator_loss(policy)) == names(policy, "discriminator.")
