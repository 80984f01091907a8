"""The ring, against a list that keeps its last entries."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings, strategies as st

from st_rl.storage.replay_buffer import ReplayBuffer


@settings(max_examples=50, deadline=None)
@given(capacity=st.integers(1, 7), sizes=st.lists(st.integers(0, 20), max_size=6))
def test_it_holds_the_newest_rows_in_order(capacity: int, sizes: list[int]) -> None:
    ring, history = ReplayBuffer(capacity, 2), []
    for size in sizes:
        rows = torch.arange(len(history), len(history) + size).float().unsqueeze(-1).expand(-1, 2)
        ring.insert(rows)
        history += rows[:, 0].tolist()
        assert ring.ordered()[:, 0].tolist() == history[-capacity:]
        assert len(ring) == min(len(history), capacity)


def test_new_rows_replace_the_oldest_where_these_lie() -> None:
    ring = ReplayBuffer(3)
    ring.insert(torch.tensor([1.0, 2.0]))
    ring.insert(torch.tensor([3.0, 4.0]))
    assert ring.rows.tolist() == [4.0, 2.0, 3.0]
    assert ring.ordered().tolist() == [2.0, 3.0, 4.0]


def test_draws_reach_every_filled_row_and_no_other() -> None:
    torch.manual_seed(0)
    ring = ReplayBuffer(10, 1)
    ring.insert(torch.tensor([[1.0], [2.0], [3.0]]))
    drawn = ring.sample(200)
    assert drawn.shape == (200, 1) and set(drawn.flatten().tolist()) == {1.0, 2.0, 3.0}


def test_it_keeps_a_copy() -> None:
    ring, rows = ReplayBuffer(2, 1), torch.ones(2, 1)
    ring.insert(rows)
    rows.zero_()
    assert ring.ordered().tolist() == [[1.0], [1.0]]


def test_a_restored_ring_goes_on_alike() -> None:
    ring, other = ReplayBuffer(4, 1), ReplayBuffer(4, 1)
    ring.insert(torch.arange(6.0).unsqueeze(-1))
    other.load_state_dict(ring.state_dict())
    for each in (ring, other):
        each.insert(torch.tensor([[9.0]]))
    assert torch.equal(ring.rows, other.rows) and other.ordered().flatten().tolist() == [3.0, 4.0, 5.0, 9.0]


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ReplayBuffer(0, 1)
    with pytest.raises(RuntimeError, match="empty"):
        ReplayBuffer(3, 1).sample(1)
    large = ReplayBuffer(5, 1)
    large.insert(torch.zeros(5, 1))
    with pytest.raises(ValueError, match="do not fit"):
        ReplayBuffer(3, 1).load_state_dict(large.state_dict())
