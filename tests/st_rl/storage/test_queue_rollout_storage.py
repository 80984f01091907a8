"""Storages that outlive a rollout, and storages that know what came next."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from st_rl.modules import ActorCriticHiddenState
from st_rl.storage import ActionLabelRollout, QueueRolloutStorage, SarsaRolloutStorage, Transition

WORLDS = 3


def transition(t: int, done: bool = False, **more: Any) -> Transition:
    """The step's number in every entry, the world's in the second column of the observation."""
    number = torch.full((WORLDS,), float(t))
    return Transition(
        obs=torch.stack((number, torch.arange(WORLDS).float()), dim=1),
        actions=number.unsqueeze(1) * 10,
        rewards=number * 100,
        dones=torch.full((WORLDS,), done),
        values=number,
        log_prob=number,
        mean=number.unsqueeze(1),
        std=torch.ones(1),
        **more,
    )


def queue(rows: int, limit: int | None = None) -> QueueRolloutStorage:
    return QueueRolloutStorage(WORLDS, rows, 2, None, 1, max_transitions_per_env=limit)


def steps(storage: QueueRolloutStorage) -> list[float]:
    return storage.stored().obs[:, 0, 0].tolist()


@pytest.mark.parametrize("count", range(1, 12))
def test_the_latest_steps_are_there_in_the_order_of_time(count: int) -> None:
    storage = queue(4)
    for t in range(count):
        storage.add_transition(transition(t))
    assert steps(storage) == [float(t) for t in range(max(0, count - 4), count)]


def test_it_grows_to_its_limit_and_then_loops() -> None:
    storage = queue(2, limit=5)
    sizes = []
    for t in range(8):
        storage.add_transition(transition(t))
        sizes.append(storage.num_transitions_per_env)
    assert sizes == [2, 2, 4, 4, 5, 5, 5, 5]
    assert storage.overwrites
    assert steps(storage) == [3.0, 4.0, 5.0, 6.0, 7.0]


def test_looking_between_two_steps_changes_nothing() -> None:
    plain, watched = queue(3, limit=4), queue(3, limit=4)
    for t in range(11):
        plain.add_transition(transition(t))
        watched.add_transition(transition(t))
        watched.untie_buffer_loop()
    assert steps(plain) == steps(watched) == [7.0, 8.0, 9.0, 10.0]


def test_mini_batches_hold_every_stored_step_of_every_world_once() -> None:
    storage = queue(4)
    for t in range(3):
        storage.add_transition(transition(t))
    batches = storage.mini_batches(3)
    seen = sorted(tuple(row) for batch in batches for row in batch.obs.tolist())
    assert seen == [(float(t), float(world)) for t in range(3) for world in range(WORLDS)]
    assert all(batch.critic_obs is batch.obs for batch in batches)


def test_sequences_begin_with_the_states_of_the_oldest_step() -> None:
    storage = queue(3)
    for t in range(5):
        state = torch.full((1, WORLDS, 2), float(t))
        storage.save_hidden_states(ActorCriticHiddenState(state, state + 0.5))
        storage.add_transition(transition(t, done=t == 3))
    (batch,) = storage.recurrent_mini_batches(1)
    # Steps 2, 3 | 4: the sequences of a world start from the states of step 2 and from zeros.
    assert batch.hidden_states.actor[0, :, 0].tolist() == [2.0, 0.0] * WORLDS
    assert batch.hidden_states.critic[0, :, 0].tolist() == [2.5, 0.0] * WORLDS
    assert batch.actions[:, 0, 0].tolist() == [20.0, 30.0, 40.0]


def test_states_of_an_overwritten_step_are_forgotten() -> None:
    storage = queue(2)
    state = torch.ones(1, WORLDS, 2)
    storage.save_hidden_states(ActorCriticHiddenState(state, state))
    for t in range(3):
        storage.add_transition(transition(t))
    storage.add_transition(transition(3))
    assert storage.stored().hidden_states is None


def test_clearing_forgets_the_steps() -> None:
    storage = queue(2, limit=4)
    for t in range(3):
        storage.add_transition(transition(t))
    storage.clear()
    storage.add_transition(transition(7))
    assert steps(storage) == [7.0]


def test_action_labels_come_with_the_mini_batches() -> None:
    storage = ActionLabelRollout(WORLDS, 2, 2, None, 1)
    for t in range(3):
        labels = torch.full((WORLDS, 1), -float(t))
        storage.add_transition(transition(t, extras={"action_labels": labels}))
    (batch,) = storage.mini_batches(1)
    assert torch.equal(batch.extras["action_labels"], -batch.obs[:, :1])
    assert storage.action_labels.shape == (2, WORLDS, 1)


def test_sarsa_batches_hold_the_next_state_and_action() -> None:
    storage = SarsaRolloutStorage(WORLDS, 4, 2, None, 1)
    for t in range(4):
        storage.add_transition(transition(t, done=t == 1))
    storage.finish(torch.full((WORLDS, 2), 4.0), torch.full((WORLDS, 1), 40.0))
    for batch in storage.mini_batches(2):
        t = batch.obs[:, 0]
        assert torch.equal(batch.extras["next_obs"][:, 0], t + 1)
        assert torch.equal(batch.extras["next_actions"][:, 0], 10 * (t + 1))
        assert torch.equal(batch.extras["rewards"], 100 * t)
        assert torch.equal(batch.extras["dones"], (t == 1).float())
    assert storage.extras == {}


def test_sarsa_batches_need_a_closed_rollout() -> None:
    storage = SarsaRolloutStorage(WORLDS, 1, 2, None, 1)
    storage.add_transition(transition(0))
    with pytest.raises(ValueError, match="finish"):
        storage.mini_batches(1)
    storage.finish(torch.zeros(WORLDS, 2), torch.zeros(WORLDS, 1))
    storage.clear()
    storage.add_transition(transition(0))
    with pytest.raises(ValueError, match="finish"):
        storage.mini_batches(1)
