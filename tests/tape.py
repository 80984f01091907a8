"""A CUDA graph for machines without CUDA: torch's operators and the simulator's launches, done again in place.

What an operator made when it was taped is where its result goes in every replay, as in a graph. So code that puts a new
tensor in the place of an old one in Python alone goes wrong here as it does on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Tape:
    """See ``st_rl.utils.recording.Recording``."""

    active: Tape | None = None
    """The one that is recording."""

    def __init__(self, generator: torch.Generator | None = None) -> None:
        self.actions: list[Callable[[], None]] = []

    def rehearse(self, work: Callable[[], None]) -> None:
        work()

    def record(self, work: Callable[[], None]) -> None:
        Tape.active = self
        try:
            with _Operators(self):
                work()
        finally:
            Tape.active = None

    def replay(self) -> None:
        # Derivatives were taken when the tape was made; what they did is on it.
        with torch._C._AutoDispatchBelowAutograd():
            for action in self.actions:
                action()


class _Operators(TorchDispatchMode):
    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self._tape = tape

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        made = func(*args, **kwargs)

        def again() -> None:
            for old, new in zip(tree_leaves(made), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)

        self._tape.actions.append(again)
        return made


class TapedLaunches:
    """Puts a simulator's launches on the tape that is recording, if there is one."""

    def __init__(self, launches: Any) -> None:
        self._launches = launches

    def __call__(self, function: Callable[[], None]) -> None:
        self._launches(function)
        if Tape.active is not None:
            Tape.active.actions.append(lambda: self._launches(function))

    def clear(self) -> None:
        self._launches.clear()
