"""A ring of the last rows that were put in, to draw from at random."""

from __future__ import annotations

from typing import Any

import torch


class ReplayBuffer:
    """Keeps the newest ``capacity`` rows; once full, each new row replaces the oldest."""

    def __init__(self, capacity: int, *shape: int, device: torch.device | str = "cpu") -> None:
        """``shape``: of one row. ``ValueError`` where ``capacity`` is not positive."""
        if capacity < 1:
            raise ValueError(f"a ring holds at least one row, not {capacity}")
        self.capacity = capacity
        self.rows = torch.zeros(capacity, *shape, device=device)
        """(capacity, *shape); the first ``len(self)`` are filled."""
        self._next = 0
        self._filled = 0

    def __len__(self) -> int:
        """How many rows are held."""
        return self._filled

    def insert(self, rows: torch.Tensor) -> None:
        """Copy ``rows (B, *shape)`` in, the last being the newest; of more than ``capacity`` only the newest stay."""
        skipped = max(len(rows) - self.capacity, 0)
        start = (self._next + skipped) % self.capacity
        kept = rows[skipped:]
        until_end = min(len(kept), self.capacity - start)
        self.rows[start : start + until_end].copy_(kept[:until_end])
        self.rows[: len(kept) - until_end].copy_(kept[until_end:])
        self._next = (start + len(kept)) % self.capacity
        self._filled = min(self._filled + len(kept), self.capacity)

    def sample(self, count: int) -> torch.Tensor:
        """``count`` rows drawn with replacement, each equally likely: ``(count, *shape)``.

        Raises:
            RuntimeError: nothing has been put in.
        """
        if not self._filled:
            raise RuntimeError("the ring is empty; insert rows before drawing from it")
        return self.rows.index_select(0, torch.randint(self._filled, (count,), device=self.rows.device))

    def ordered(self) -> torch.Tensor:
        """The rows from the oldest to the newest, a copy: ``(len, *shape)``."""
        if self._filled < self.capacity:
            return self.rows[: self._filled].clone()
        return self.rows.roll(-self._next, dims=0)

    def state_dict(self) -> dict[str, Any]:
        """The filled rows where they lie, and where the next one goes."""
        return {"rows": self.rows[: self._filled].clone(), "next": self._next}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned; ``ValueError`` where the rows do not fit."""
        rows = state["rows"]
        if rows.shape[1:] != self.rows.shape[1:] or len(rows) > self.capacity:
            raise ValueError(f"{tuple(rows.shape)} rows do not fit into a ring of {tuple(self.rows.shape)}")
        self._filled, self._next = len(rows), int(state["next"])
        self.rows[: self._filled].copy_(rows)
