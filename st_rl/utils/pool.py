"""Threads that share the worlds of a kernel among them."""

from __future__ import annotations

import itertools
import os
import queue
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

_PIECES_PER_THREAD = 4
"""So many that a thread whose core is busy with something else is left with little."""


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def shared_pool(num_threads: int = 0) -> Pool:
    """The pool of ``num_threads`` threads, 0 for one per core; all who ask for the same number share it."""
    return Pool(num_threads or usable_cores())


class Pool:
    """``num_threads`` threads, of which the caller's is one; the others sleep while there is nothing to do.

    They take the next piece whenever they have finished one, so that none waits for a slow one. Since every world is
    computed by itself, results do not depend on which thread took it, nor on how many there are.
    """

    def __init__(self, num_threads: int) -> None:
        self.num_threads = num_threads
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        for _ in range(num_threads - 1):
            threading.Thread(target=self._help, daemon=True).start()

    def run(self, kernel: Callable[..., None], count: int, *arguments: Any, least: int = 256) -> None:
        """Call ``kernel(first, last, *arguments)`` for pieces that make up ``range(count)``, and wait for all.

        Args:
            least: fewer worlds than this are not worth waking a thread for.
        """
        if self.num_threads == 1 or count < 2 * least:
            kernel(0, count, *arguments)
            return
        size = max(least, -(-count // (_PIECES_PER_THREAD * self.num_threads)))
        job = _Job(kernel, count, size, arguments)
        for _ in range(min(self.num_threads, job.pieces) - 1):
            self._jobs.put(job)
        job.work()
        job.wait()

    def _help(self) -> None:
        while True:
            self._jobs.get().work()


class _Job:
    """A kernel and the pieces that are still to be taken."""

    def __init__(self, kernel: Callable[..., None], count: int, size: int, arguments: tuple[Any, ...]) -> None:
        self._kernel, self._count, self._size, self._arguments = kernel, count, size, arguments
        self.pieces = -(-count // size)
        # Both are safe to use from several threads at once.
        self._next = itertools.count()
        self._done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def work(self) -> None:
        """Do pieces until none is left."""
        for piece in self._next:
            if piece >= self.pieces:
                return
            first = piece * self._size
            try:
                self._kernel(first, min(first + self._size, self._count), *self._arguments)
            except BaseException as error:
                self._done.put(error)
            else:
                self._done.put(None)

    def wait(self) -> None:
        """Return when all pieces are done; raises what a piece raised."""
        outcomes = [self._done.get() for _ in range(self.pieces)]
        for error in outcomes:
            if error is not None:
                raise error
