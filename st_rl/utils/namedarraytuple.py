"""Named tuples that index, slice and map like the tensors in them.

Recurrent policies hand their hidden states around in such tuples, nested where a policy has several memories. A
member may be ``None`` (nothing there yet); it stays ``None`` under every operation. After the idea of rlpyt
(Stooke and Abbeel 2019, arXiv 1909.01500, section 6.5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

T = TypeVar("T", bound="NamedArrayTuple")


class NamedArrayTuple(tuple):
    """Base of the classes that ``namedarraytuple`` makes; iterating yields the members in order.

    ``x[index]`` indexes every member and returns a tuple of the same class; members are read by name. ``len(x)`` is
    the number of members.
    """

    __slots__ = ()
    _fields: ClassVar[tuple[str, ...]] = ()

    def __new__(cls: type[T], *args: Any, **kwargs: Any) -> T:
        values = dict(zip(cls._fields, args, strict=False))
        repeated = [name for name in kwargs if name in values]
        unknown = [name for name in kwargs if name not in cls._fields]
        missing = [name for name in cls._fields if name not in values and name not in kwargs]
        if len(args) > len(cls._fields) or repeated or unknown or missing:
            raise TypeError(f"{cls.__name__} takes each of {list(cls._fields)} exactly once")
        values.update(kwargs)
        return tuple.__new__(cls, tuple(values[name] for name in cls._fields))

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def __getitem__(self: T, index: Any) -> T:  # type: ignore[override]
        return self.map(lambda leaf: leaf[index])

    def __getattr__(self, name: str) -> Any:
        # Only reached for names that are no member: the members are properties of the made class.
        raise AttributeError(f"{type(self).__name__} has the members {list(self._fields)}, not '{name}'")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in self.items())})"

    def items(self) -> Iterator[tuple[str, Any]]:
        """Pairs ``(name, member)`` in order."""
        return zip(self._fields, self, strict=True)

    def leaves(self) -> Iterator[Tensor]:
        """The tensors, depth first, without the ``None`` members."""
        for member in self:
            if isinstance(member, NamedArrayTuple):
                yield from member.leaves()
            elif member is not None:
                yield member

    def map(self: T, function: Callable[..., Any], *others: T) -> T:
        """Apply ``function`` to each tensor, and to the tensors at the same place in ``others``."""
        return type(self)(*(_map_member(function, members) for members in zip(self, *others, strict=True)))

    def detach(self: T) -> T:
        """Every tensor detached from the graph; the storage is shared."""
        return self.map(Tensor.detach)

    def clone(self: T) -> T:
        """Every tensor copied."""
        return self.map(Tensor.clone)

    def to(self: T, *args: Any, **kwargs: Any) -> T:
        """``Tensor.to`` on every tensor."""
        return self.map(lambda leaf: leaf.to(*args, **kwargs))

    @classmethod
    def stack(cls: type[T], items: Sequence[T], dim: int = 0) -> T:
        """``torch.stack`` of each member over equally built tuples."""
        return items[0].map(lambda *leaves: torch.stack(leaves, dim), *items[1:])

    @classmethod
    def cat(cls: type[T], items: Sequence[T], dim: int = 0) -> T:
        """``torch.cat`` of each member over equally built tuples."""
        return items[0].map(lambda *leaves: torch.cat(leaves, dim), *items[1:])


def namedarraytuple(typename: str, field_names: Sequence[str], module: str = __name__) -> type[NamedArrayTuple]:
    """A new class with the members ``field_names``; ``module`` is where it is defined (pass ``__name__`` to pickle)."""
    names = tuple(field_names)
    taken = [name for name in names if not name.isidentifier() or name.startswith("_") or name in vars(NamedArrayTuple)]
    if taken or len(set(names)) != len(names):
        raise ValueError(f"{typename} needs distinct identifiers that are no method of the tuple, not {list(names)}")
    members: dict[str, Any] = {name: property(_getter(position)) for position, name in enumerate(names)}
    return type(typename, (NamedArrayTuple,), {"__slots__": (), "_fields": names, "__module__": module, **members})


def _getter(position: int) -> Callable[[tuple], Any]:
    return lambda self: tuple.__getitem__(self, position)


def _map_member(function: Callable[..., Any], members: tuple[Any, ...]) -> Any:
    first = members[0]
    if first is None:
        if any(member is not None for member in members):
            raise ValueError("a member is None in one tuple and a tensor in another")
        return None
    if isinstance(first, NamedArrayTuple):
        return first.map(function, *members[1:])
    return function(*members)
