"""Mini-batches hold every transition exactly once, with what belongs to it."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from st_rl.modules import ActorCriticRecurrent
from st_rl.storage import RolloutStorage, Transition

STEPS, WORLDS = 6, 8


def filled(num_critic_obs: int | None = None, done_rate: float = 0.0, steps: int = STEPS) -> RolloutStorage:
    """A rollout in which every number of a transition says when and where it was: 10 * step + world."""
    generator = torch.Generator().manual_seed(1)
    storage = RolloutStorage(WORLDS, STEPS, 2, num_critic_obs, 1, extra_fields={"label": (3,)})
    for step in range(steps):
        tag = 10.0 * step + torch.arange(WORLDS)
        storage.add_transition(
            Transition(
                obs=tag.unsqueeze(1).expand(-1, 2),
                actions=tag.unsqueeze(1),
                rewards=tag,
                dones=torch.rand(WORLDS, generator=generator) < done_rate,
                values=tag,
                log_prob=tag,
                mean=tag.unsqueeze(1),
                std=torch.ones(1),
                critic_obs=None if num_critic_obs is None else -tag.unsqueeze(1).expand(-1, num_critic_obs),
                extras={"label": tag.unsqueeze(1).expand(-1, 3)},
            )
        )
    storage.returns.copy_(storage.values)
    storage.advantages.copy_(storage.values)
    return storage


@pytest.mark.parametrize("num_mini_batches", [1, 4])
def test_every_transition_is_in_exactly_one_mini_batch(num_mini_batches: int) -> None:
    storage = filled(num_critic_obs=3)
    batches = storage.mini_batches(num_mini_batches)
    assert len(batches) == num_mini_batches
    seen = torch.cat([batch.values for batch in batches])
    assert_close(seen.sort().values, storage.values.flatten().sort().values)
    for batch in batches:
        tag = batch.values
        assert_close(batch.obs, tag.unsqueeze(1).expand(-1, 2))
        assert_close(batch.critic_obs, -tag.unsqueeze(1).expand(-1, 3))
        assert_close(batch.extras["label"], tag.unsqueeze(1).expand(-1, 3))
        for field in (batch.actions.squeeze(1), batch.returns, batch.advantages, batch.old_log_prob):
            assert_close(field, tag)


def test_mini_batches_are_shuffled_by_torchs_generator() -> None:
    storage = filled()
    orders = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        orders.append(torch.cat([batch.values for batch in storage.mini_batches(4)]))
    assert torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[2])


def test_a_shared_observation_is_stored_and_gathered_once() -> None:
    storage = filled()
    assert storage.critic_obs is storage.obs
    assert all(batch.critic_obs is batch.obs for batch in storage.mini_batches(2))
    assert all(batch.critic_obs is batch.obs for batch in storage.recurrent_mini_batches(2))


def test_recurrent_mini_batches_hold_whole_worlds_cut_at_dones() -> None:
    storage = filled(num_critic_obs=3, done_rate=0.3)
    worlds = []
    for batch in storage.recurrent_mini_batches(4):
        assert batch.masks is not None
        ids = batch.values[0].long()
        worlds.append(ids)
        dones = storage.dones[:, ids]
        assert batch.masks.shape[1] == len(ids) + int(dones[:-1].sum())
        assert int(batch.masks.sum()) == STEPS * len(ids)
        # Valid steps, sequence by sequence, are the worlds' steps one after the other.
        steps = batch.obs.transpose(0, 1)[batch.masks.transpose(0, 1)][:, 0]
        assert_close(steps, storage.values[:, ids].transpose(0, 1).flatten())
        assert_close(batch.critic_obs[..., 0], -batch.obs[..., 0])
        assert not batch.obs[~batch.masks].any()
    assert_close(torch.cat(worlds).sort().values, torch.arange(WORLDS))


def test_sequences_start_from_the_saved_states_and_later_ones_from_zero() -> None:
    storage = filled(done_rate=0.3)
    states = torch.arange(1.0, WORLDS + 1).view(1, WORLDS, 1).expand(2, WORLDS, 4)
    storage.save_hidden_states((states, None))
    for batch in storage.recurrent_mini_batches(2):
        assert batch.masks is not None
        first = batch.obs[0, :, 0]
        # Tags below 10 are those of the rollout's first step.
        expected = torch.where(first < 10, first + 1, 0.0)
        assert_close(batch.hidden_states[0], expected.view(1, -1, 1).expand(2, -1, 4))
        assert batch.hidden_states[1] is None


def test_saved_states_are_copies() -> None:
    storage = filled(steps=0)
    states = torch.ones(1, WORLDS, 4)
    storage.save_hidden_states((states,))
    states.zero_()
    assert storage.hidden_states[0].eq(1).all()


@pytest.mark.parametrize("rnn_type", ["lstm", "gru"])
def test_a_recurrent_batch_reproduces_what_the_policy_did(rnn_type: str) -> None:
    torch.manual_seed(0)
    policy = ActorCriticRecurrent(2, 2, 1, rnn_type=rnn_type, rnn_hidden_size=8, actor_hidden_dims=[8])
    policy.act(torch.randn(WORLDS, 2))
    policy.evaluate(torch.randn(WORLDS, 2))
    storage = RolloutStorage(WORLDS, STEPS, 2, None, 1)
    storage.save_hidden_states(policy.get_hidden_states())
    for _ in range(STEPS):
        obs, dones = torch.randn(WORLDS, 2), torch.rand(WORLDS) < 0.3
        with torch.no_grad():
            actions, values = policy.act(obs), policy.evaluate(obs).squeeze(-1)
        mean, std = policy.action_mean.detach(), policy.action_std.detach()
        log_prob = policy.get_actions_log_prob(actions).detach()
        storage.add_transition(Transition(obs, actions, values, dones, values, log_prob, mean, std))
        policy.reset(dones)
    for batch in storage.recurrent_mini_batches(2):
        policy.act(batch.obs, masks=batch.masks, hidden_states=batch.hidden_states.actor)
        values = policy.evaluate(batch.critic_obs, masks=batch.masks, hidden_states=batch.hidden_states.critic)
        assert_close(policy.action_mean, batch.old_mean)
        assert_close(values.squeeze(-1), batch.values)


def test_a_full_storage_says_so() -> None:
    storage = filled()
    assert storage.full
    transition = Transition(*[torch.zeros(WORLDS)] * 8)
    with pytest.raises(OverflowError, match="clear"):
        storage.add_transition(transition)
    storage.clear()
    assert not storage.full


def test_more_mini_batches_than_data_is_an_error() -> None:
    storage = filled()
    with pytest.raises(ValueError, match="cannot be cut"):
        storage.mini_batches(STEPS * WORLDS + 1)
    with pytest.raises(ValueError, match="cannot be dealt"):
        storage.recurrent_mini_batches(WORLDS + 1)
