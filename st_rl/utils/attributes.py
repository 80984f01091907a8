"""Attributes of objects by lists of their names, for what is saved, restored or written out as a whole.

Names come from the code itself, never from a file or a user. Everything else reads attributes by a dot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from torch import Tensor


def field_values(instance: Any) -> dict[str, Any]:
    """Return the fields of a dataclass instance by their names, in their order; the values are not copied."""
    return attributes(instance, (item.name for item in fields(instance)))


def attributes(owner: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the attributes of ``owner`` itself, not of its class, that have these names.

    Raises:
        KeyError: it has no such attribute.
    """
    own = vars(owner)
    return {name: own[name] for name in names}


def set_attributes(owner: Any, values: Mapping[str, Any]) -> None:
    """Set the attributes of ``owner`` with the names in ``values`` to its values."""
    for name, value in values.items():
        setattr(owner, name, value)


def copies(owner: Any, names: Iterable[str]) -> dict[str, Tensor]:
    """Return copies of the tensors of ``owner`` that have these names."""
    return {name: value.clone() for name, value in attributes(owner, names).items()}


def restore_copies(owner: Any, names: Iterable[str], state: Mapping[str, Tensor]) -> None:
    """Set the tensors of ``owner`` that have these names to copies of those in ``state``."""
    set_attributes(owner, {name: state[name].clone() for name in names})
