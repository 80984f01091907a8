"""Contexts that say how many threads torch uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from st_rl.utils.threads import OneThread, all_threads, wide_threads


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_one_thread_within_and_as_many_as_before_outside() -> None:
    context = OneThread()
    for _ in range(2):
        with context:
            assert torch.get_num_threads() == 1
            with context:
                assert torch.get_num_threads() == 1
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3


def test_an_error_restores_them_too() -> None:
    with pytest.raises(ValueError, match="no"), OneThread():
        raise ValueError("no")
    assert torch.get_num_threads() == 3


def test_all_threads_where_it_is_worth_it() -> None:
    assert wide_threads() == 3
    with OneThread():
        assert wide_threads() == 3
        with all_threads():
            assert torch.get_num_threads() == 3
        assert torch.get_num_threads() == 1
        with all_threads(worth_it=False):
            assert torch.get_num_threads() == 1
    with all_threads():  # outside it changes nothing
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == 3


def test_on_a_gpu_nothing_changes() -> None:
    with OneThread("cuda"):
        assert torch.get_num_threads() == 3
