"""Feed-forward and recurrent policies, beyond the contract of all."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from st_rl.modules import Actor, ActorCritic, ActorCriticRecurrent, Critic, LstmHiddenState, Memory
from st_rl.modules.deterministic_policy import DeterministicPolicyMixin
from st_rl.modules.utils import MissingDefinitionError
from st_rl.utils.errors import UserError


def policy(**kwargs: object) -> ActorCritic:
    return ActorCritic(4, 6, 2, actor_hidden_dims=[8], critic_hidden_dims=[8], **kwargs)  # type: ignore[arg-type]


def test_actor_and_critic_stand_alone_with_a_64_64_tanh_network() -> None:
    actor, critic = Actor(5, 2), Critic(5)
    kinds = [(type(layer).__name__, getattr(layer, "out_features", None)) for layer in actor.fc]
    assert kinds == [("Linear", 64), ("Tanh", None), ("Linear", 64), ("Tanh", None)]
    distribution = actor(torch.randn(3, 5))
    assert isinstance(distribution, torch.distributions.Normal)
    assert distribution.mean.shape == (3, 2) and distribution.stddev.tolist() == [[1.0, 1.0]] * 3
    assert critic(torch.randn(3, 5)).shape == (3, 1)


def test_act_with_log_prob_and_evaluate_actions_agree() -> None:
    net = policy()
    obs, critic_obs = torch.randn(7, 4), torch.randn(7, 6)
    actions, log_prob = net.act_with_log_prob(obs)
    again, entropy, values = net.evaluate_actions(obs, actions, critic_obs)
    torch.testing.assert_close(log_prob, again)
    assert entropy.shape == (7,)
    torch.testing.assert_close(values, net.evaluate(critic_obs))


def test_the_critic_reads_the_actors_observation_only_if_it_can() -> None:
    square = ActorCritic(4, 4, 2)
    assert square(torch.randn(3, 4))[1].shape == (3, 1)
    with pytest.raises(UserError, match="critic reads 6"):
        policy()(torch.randn(3, 4))


def test_tanh_bounds_the_mean() -> None:
    net = policy(mu_activation="tanh")
    nn.init.normal_(net.actor.mean.weight, std=100.0)
    mean = net.act_inference(torch.randn(50, 4))
    assert mean.abs().max() <= 1.0 and mean.abs().max() > 0.9


def test_first_actions_are_near_zero_and_their_noise_is_the_given_one() -> None:
    net = policy(init_noise_std=0.3)
    obs = torch.randn(100, 4)
    assert net.act_inference(obs).abs().max() < 0.1
    torch.testing.assert_close(net.std, torch.full((2,), 0.3))
    for bad in (0.0, -1.0, float("nan"), [1.0], [1.0, 0.0]):
        with pytest.raises(UserError, match="init_noise_std"):
            policy(init_noise_std=bad)


def test_layouts_must_have_the_size_of_the_observation() -> None:
    assert policy(obs_segments={"a": 3, "b": 1}).obs_segments is not None
    with pytest.raises(UserError, match=r"num_critic_obs is 6.*5 columns"):
        policy(critic_obs_segments={"a": 5})


def test_the_distribution_exists_after_the_first_act_only() -> None:
    net = policy()
    net.act_inference(torch.randn(2, 4))
    with pytest.raises(RuntimeError, match="call act"):
        _ = net.action_mean


def test_the_same_seed_gives_the_same_actions() -> None:
    runs = []
    for _ in range(2):
        torch.manual_seed(5)
        runs.append(policy().act(torch.randn(3, 4)))
    assert torch.equal(runs[0], runs[1])


@pytest.mark.parametrize("kind", ["lstm", "LSTM", "gru"])
def test_a_memory_starts_from_zeros_and_remembers(kind: str) -> None:
    memory = Memory(3, kind, num_layers=2, hidden_size=5)
    x = torch.randn(4, 3)
    first = memory(x)
    assert first.shape == (4, 5)
    assert isinstance(memory.hidden_states, LstmHiddenState) == (kind.lower() == "lstm")
    assert [state.shape for state in memory.flat_state()] == [(2, 4, 5)] * len(memory.flat_state())
    assert not torch.equal(memory(x), first)
    torch.testing.assert_close(memory(x, hidden_states=memory.zero_state(4)), first)
    memory.reset(torch.tensor([[1.0], [0.0], [1.0], [0.0]]))
    assert all(state[:, 0].abs().max() == 0 and state[:, 1].abs().max() > 0 for state in memory.flat_state())
    memory.reset()
    assert memory.hidden_states is None and torch.equal(memory(x), first)


def test_a_reset_leaves_stored_states_alone() -> None:
    net = ActorCriticRecurrent(4, 6, 2, rnn_hidden_size=5)
    net.act(torch.randn(3, 4))
    stored = net.get_hidden_states()
    before = stored.actor.hidden.clone()
    net.reset(torch.ones(3))
    assert torch.equal(stored.actor.hidden, before) and before.abs().max() > 0


def test_rollout_steps_work_in_inference_mode_and_training_after_it() -> None:
    net = ActorCriticRecurrent(4, 6, 2, rnn_hidden_size=5)
    with torch.inference_mode():
        net.act(torch.randn(3, 4))
        net.reset(torch.tensor([True, False, False]))
        net.act(torch.randn(3, 4))
    net.reset()
    net.act(torch.randn(3, 4))
    net.action_mean.sum().backward()


def test_an_unknown_rnn_lists_the_known() -> None:
    with pytest.raises(UserError, match="lstm, gru"):
        ActorCriticRecurrent(4, 6, 2, rnn_type="transformer")


class DeterministicPolicy(DeterministicPolicyMixin, ActorCritic):
    pass


def test_a_deterministic_policy_acts_by_its_mean_with_gradient() -> None:
    net = DeterministicPolicy(4, 6, 2)
    obs = torch.randn(3, 4)
    actions = net.act(obs)
    assert torch.equal(actions, net.act_inference(obs)) and actions.requires_grad
    assert torch.equal(actions, net.action_mean)


def test_determinism_without_a_policy_behind_says_what_is_missing() -> None:
    with pytest.raises(MissingDefinitionError, match="Alone has no 'act'"):
        type("Alone", (DeterministicPolicyMixin,), {})().act(None)

    class Behind:
        def act(self, obs: object) -> object:
            return obs

    with pytest.raises(AttributeError, match="has no 'action_mean'"):
        type("Half", (DeterministicPolicyMixin, Behind), {})().act(None)
