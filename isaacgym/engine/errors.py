"""Exceptions of wrong use. Each says in one sentence what is wrong and what to do."""

from __future__ import annotations


class GymError(RuntimeError):
    """A call that cannot be carried out, such as one that comes too early or too late."""
