"""State estimators and privilege adaptors."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from policy_cases import ADAPTOR, ESTIMATOR, LAYOUT, RNN, Case

from st_rl.modules import ActorCritic, AdaptorActorHiddenState, EstimatorActorHiddenState, PrivilegeEstimatorMixin
from st_rl.utils.errors import UserError

VELOCITY, FRICTION = LAYOUT.slice_of("velocity"), LAYOUT.slice_of("friction")


def watch_actor(policy: Any) -> list[torch.Tensor]:
    """What the actor (or its memory) reads, call by call."""
    seen: list[torch.Tensor] = []
    if policy.is_recurrent:
        policy.memory_a.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
        return seen
    plain = policy.actor.action_mean

    def watched(obs: torch.Tensor) -> torch.Tensor:
        seen.append(obs)
        return plain(obs)

    policy.actor.action_mean = watched
    return seen


def state_policy(class_name: str = "StateAc", **changes: Any) -> Any:
    return Case(class_name, {**(RNN if "Recurrent" in class_name else {}), **ESTIMATOR}).build(**changes)


@pytest.mark.parametrize("class_name", ["StateAc", "StateAcRecurrent"])
def test_the_estimate_replaces_its_segment_and_nothing_else(class_name: str) -> None:
    policy = state_policy(class_name)
    seen, obs = watch_actor(policy), torch.randn(6, LAYOUT.size)
    for call in (policy.act, policy.act_inference):
        policy.reset()
        call(obs)
        expected = obs.clone()
        expected[:, VELOCITY] = policy.get_estimated_state()
        torch.testing.assert_close(seen[-1], expected)
        assert not seen[-1].requires_grad  # the estimator learns from its own loss alone


def test_the_true_state_does_not_matter_once_it_is_replaced() -> None:
    policy = state_policy()
    obs = torch.randn(6, LAYOUT.size)
    other = obs.clone()
    other[:, VELOCITY] = 100.0
    assert torch.equal(policy.act_inference(obs), policy.act_inference(other))


def test_the_probability_is_drawn_per_world_in_act_and_not_at_all_in_inference() -> None:
    torch.manual_seed(0)
    policy = state_policy(replace_state_prob=0.3)
    seen, obs = watch_actor(policy), torch.randn(2000, LAYOUT.size)
    policy.act(obs)
    replaced = (seen[-1][:, VELOCITY] != obs[:, VELOCITY]).any(-1)
    assert 0.25 < replaced.float().mean() < 0.35
    torch.testing.assert_close(seen[-1][replaced][:, VELOCITY], policy.get_estimated_state()[replaced].detach())
    policy.act_inference(obs)
    torch.testing.assert_close(seen[-1][:, VELOCITY], policy.get_estimated_state().detach())
    truth = state_policy(replace_state_prob=0.0)
    seen = watch_actor(truth)
    truth.act(obs)
    truth.act_inference(obs)
    assert torch.equal(seen[0], obs) and torch.equal(seen[1], obs)


def test_the_estimate_is_available_even_when_it_is_not_used() -> None:
    policy = state_policy(replace_state_prob=0.0)
    with pytest.raises(RuntimeError, match="call act"):
        policy.get_estimated_state()
    policy.act(torch.randn(4, LAYOUT.size))
    found = policy.state_predictions()
    assert list(found) == ["estimator"] and found["estimator"].components == ("velocity",)
    assert found["estimator"].prediction is policy.get_estimated_state()
    assert policy.get_estimated_state().shape == (4, 2) and policy.get_estimated_state().requires_grad


def test_an_estimator_can_read_the_actors_memory() -> None:
    policy = state_policy("StateAcRecurrent", use_actor_rnn=True, replace_state_prob=0.0, estimator_obs_components=None)
    assert policy.memory_s is None and policy.estimator.model[0].in_features == 12
    policy.act(torch.randn(4, LAYOUT.size))
    torch.testing.assert_close(policy.get_estimated_state(), policy.estimator(policy.actor_features))
    assert policy.get_hidden_states().actor.estimator is None


def test_contradictions_and_missing_arguments_are_refused() -> None:
    with pytest.raises(UserError, match="use_actor_rnn and replace_state_prob"):
        state_policy("StateAcRecurrent", use_actor_rnn=True)
    with pytest.raises(AssertionError):
        state_policy("StateAcRecurrent", use_actor_rnn=True, replace_state_prob=0.5)
    with pytest.raises(UserError, match="no actor RNN"):
        state_policy(use_actor_rnn=True)
    with pytest.raises(UserError, match="estimator_target_components"):
        state_policy(estimator_target_components=None)
    with pytest.raises(KeyError, match="no_such"):
        state_policy(estimator_obs_components=["no_such"])
    with pytest.raises(UserError, match="adaptor_obs_components"):
        Case("PrivilegeStateAcRecurrent", {**RNN, **ESTIMATOR}).build()


def privileged(**changes: Any) -> Any:
    return Case("PrivilegeStateAcRecurrent", {**RNN, **ESTIMATOR, **ADAPTOR}).build(**changes)


def test_adaptor_and_estimator_both_replace_their_segments() -> None:
    policy = privileged()
    seen, obs = watch_actor(policy), torch.randn(5, LAYOUT.size)
    policy.act(obs)
    found = policy.state_predictions()
    assert {name: prediction.components for name, prediction in found.items()} == {
        "estimator": ("velocity",),
        "adaptor": ("friction",),
    }
    expected = obs.clone()
    expected[:, VELOCITY] = found["estimator"].prediction
    expected[:, FRICTION] = found["adaptor"].prediction
    torch.testing.assert_close(seen[-1], expected)
    assert policy.get_estimated_state() is found["adaptor"].prediction


def test_the_estimator_sees_what_the_adaptor_replaced() -> None:
    policy = privileged(estimator_obs_components=["proprioception", "friction"])
    seen: list[torch.Tensor] = []
    policy.memory_s.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    policy.act(torch.randn(5, LAYOUT.size))
    torch.testing.assert_close(seen[0][:, -1:], policy.get_estimated_state().detach())


class PrivilegeAc(PrivilegeEstimatorMixin, ActorCritic):
    pass


def test_an_adaptor_works_without_memory_and_without_estimator() -> None:
    sizes = LAYOUT.size, LAYOUT.size, 3
    policy = PrivilegeAc(*sizes, obs_segments=LAYOUT, **ADAPTOR)
    obs = torch.randn(5, LAYOUT.size)
    policy.act(obs)
    assert policy.memory_p is None and list(policy.state_predictions()) == ["adaptor"]
    other = obs.clone()
    other[:, FRICTION] = 9.0
    assert torch.equal(policy.act_inference(obs), policy.act_inference(other))


def test_hidden_states_are_nested_and_reset_together() -> None:
    policy = privileged()
    empty = policy.get_hidden_states().actor
    assert isinstance(empty, AdaptorActorHiddenState) and isinstance(empty.actor, EstimatorActorHiddenState)
    assert empty.adaptor is None and empty.actor.actor is None
    policy.act(torch.randn(3, LAYOUT.size))
    policy.reset(torch.tensor([False, True, False]))
    states = policy.get_hidden_states().actor
    leaves = list(states.leaves())
    assert len(leaves) == 6 and all(leaf.shape == (1, 3, 12) for leaf in leaves)
    assert all(leaf[:, 1].abs().max() == 0 and leaf[:, 0].abs().max() > 0 for leaf in leaves)
    assert len(policy.actor_memories()) == 3
