"""A pool does every piece once, hands on what goes wrong, and does not wait for a thread that is held up."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from st_rl.utils.pool import Pool, shared_pool


@pytest.mark.parametrize("num_threads", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 7, 1000])
def test_every_item_is_done_once(num_threads: int, count: int) -> None:
    done = np.zeros(count, int)

    def kernel(first: int, last: int, out: np.ndarray) -> None:
        out[first:last] += 1

    pool = Pool(num_threads)
    for _ in range(3):
        pool.run(kernel, count, done, least=3)
    assert (done == 3).all()


def test_little_work_stays_with_the_caller() -> None:
    seen: list[int] = []
    Pool(3).run(lambda first, last: seen.append(threading.get_ident()), 100, least=51)
    assert seen == [threading.get_ident()]


def test_what_goes_wrong_in_a_thread_is_raised_and_the_pool_goes_on() -> None:
    pool = Pool(2)

    def kernel(first: int, last: int) -> None:
        if first >= 4:
            raise ValueError(f"piece {first}")

    with pytest.raises(ValueError, match="piece 4"):
        pool.run(kernel, 8, least=1)
    pool.run(lambda first, last: None, 8, least=1)


def test_a_thread_that_is_held_up_leaves_its_pieces_to_others() -> None:
    pieces: dict[int, int] = {}

    def kernel(first: int, last: int) -> None:
        me = threading.get_ident()
        pieces[me] = pieces.get(me, 0) + 1
        # Whoever is not the caller is slow.
        time.sleep(0.0 if me == caller else 0.2)

    caller = threading.get_ident()
    Pool(2).run(kernel, 8, least=1)
    assert sum(pieces.values()) == 8 and pieces.get(caller, 0) >= 6


def test_those_who_ask_for_as_many_threads_share_them() -> None:
    assert shared_pool(2) is shared_pool(2) and shared_pool(2) is not shared_pool(3)
    assert shared_pool(0).num_threads >= 1
