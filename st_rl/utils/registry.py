"""Things by name: what configuration and command lines choose from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from st_rl.utils.errors import UnknownNameError, UserError

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Registry(Mapping[str, T], Generic[T]):
    """A mapping ``name -> thing`` that grows by ``register`` and refuses to have one name mean two things."""

    def __init__(self, kind: str, entries: Mapping[str, T] | None = None) -> None:
        """``kind`` says in messages what is looked up: ``"robot"``, ``"algorithm"``."""
        self.kind = kind
        self._entries: dict[str, T] = dict(entries or {})

    def register(self, name: str, value: T) -> T:
        """Add ``value`` under ``name`` and return it.

        Raises:
            UserError: there is one of that name already, or the name is not made of letters, digits and underscores.
        """
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UserError(f"{name!r} cannot name a {self.kind}; use letters, digits and underscores, a letter first")
        if name in self._entries:
            raise UserError(f"there is a {self.kind} '{name}' already; choose another name")
        self._entries[name] = value
        return value

    def unregister(self, name: str) -> None:
        """Take ``name`` out again, as tests do; ``UnknownNameError`` where there is none."""
        self[name]
        del self._entries[name]

    def __getitem__(self, name: str) -> T:
        """The thing called ``name``; ``UnknownNameError`` (a ``KeyError``) lists the known names."""
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, sorted(self._entries))
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
