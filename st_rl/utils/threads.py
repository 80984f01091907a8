"""How many threads torch uses on the CPU: one for small operations, all for large ones.

A parallel operation wakes the other threads and waits for the last of them. That takes some 50 us, more where another
program has one of the cores, while most operations of a rollout take 10 us.
"""

from __future__ import annotations

import contextlib
import threading
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import torch


class OneThread:
    """A context in which torch computes in the thread that called; on leaving it uses as many as before.

    It may be entered again and again, and inside itself.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        """On another ``device`` than the CPU nothing changes."""
        self._applies = torch.device(device).type == "cpu"

    def __enter__(self) -> OneThread:
        if self._applies:
            _entered.before.append(torch.get_num_threads())
            torch.set_num_threads(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._applies:
            torch.set_num_threads(_entered.before.pop())


class _Entered(threading.local):
    """The contexts that a thread of Python is in."""

    def __init__(self) -> None:
        self.before: list[int] = []
        """How many threads torch used outside of each, the outermost first."""


_entered = _Entered()


def in_one_thread() -> bool:
    """Whether a ``OneThread`` is entered."""
    return bool(_entered.before)


def wide_threads() -> int:
    """How many threads torch has outside of all ``OneThread``."""
    return _entered.before[0] if _entered.before else torch.get_num_threads()


def all_threads(worth_it: bool = True) -> AbstractContextManager[Any]:
    """Within ``OneThread`` a context that uses as many threads as there are outside of it, if that is ``worth_it``."""
    return _ALL if worth_it and _entered.before and _entered.before[0] > 1 else _NOTHING


class _AllThreads:
    def __enter__(self) -> None:
        torch.set_num_threads(_entered.before[0])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        torch.set_num_threads(1)


_ALL, _NOTHING = _AllThreads(), contextlib.nullcontext()
