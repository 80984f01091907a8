"""How many threads torch uses on the CPU: one for small operations, all for large ones.

A parallel operation wakes the other threads and waits for the last of them. That takes some 50 us, more where another
program has one of the cores, while most operations of a rollout take 10 us.
"""

from __future__ import annotations

from types import TracebackType

import torch


class OneThread:
    """A context in which torch computes in the thread that called; on leaving it uses as many as before.

    It may be entered again and again, and inside itself.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        """On another ``device`` than the CPU nothing changes."""
        self._applies = torch.device(device).type == "cpu"
        self._before: list[int] = []

    def __enter__(self) -> OneThread:
        if self._applies:
            self._before.append(torch.get_num_threads())
            torch.set_num_threads(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._applies:
            torch.set_num_threads(self._before.pop())
