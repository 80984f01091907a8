"""The settable fields of a configuration as a class that a command line is made from.

A part that may be missing, such as ``camera: DepthCameraCfg | None``, has a switch of its own name, ``on`` or ``off``,
and the fields of its class below it; to set one of these switches the part on.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, make_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import tyro

from legged_gym_ext.runs.config_io import Member, is_nested, members_of
from st_rl.utils.attributes import field_values
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import range_text

_SWITCH = "_switch"
"""Behind the name of a part that may be missing: the field of its switch."""


def field_view(value: Any, name: str) -> type:
    """Return a dataclass with the settable values below ``value`` as typed fields."""
    specification: list[tuple[str, Any, Any]] = []
    for member in _settable(value):
        part = optional_part(member)
        nested_value = member.value if is_nested(member.value) else part
        if nested_value is None:
            specification.append((member.name, member.hint, field(default=member.value, metadata=_help(member.hint))))
            continue
        nested = field_view(nested_value, f"{name}_{member.name}")
        if part is not None:
            state = "off" if member.value is None else "on"
            hint = Annotated[Literal["on", "off"], tyro.conf.arg(name=member.name)]
            explained = {"help": f"Whether there is a {member.name.replace('_', ' ')}."}
            specification.append((f"{member.name}{_SWITCH}", hint, field(default=state, metadata=explained)))
        if fields(nested):
            specification.append((member.name, nested, field(default_factory=nested, metadata={"help": ""})))
    return make_dataclass(name, specification)


def _settable(value: Any) -> Iterator[Member]:
    """Yield the members of ``value`` without missing parts that nobody can set on, such as a track without blocks."""
    for member in members_of(value):
        if member.value is not None or optional_part(member) is not None or not _part_classes(member.hint):
            yield member


def _part_classes(hint: Any) -> list[type]:
    """Return the classes of a part that may be missing; none where ``hint`` is of something else."""
    if get_origin(hint) not in (Union, types.UnionType) or type(None) not in get_args(hint):
        return []
    return [kind for kind in get_args(hint) if isinstance(kind, type) and is_dataclass(kind)]


def optional_part(member: Member) -> Any:
    """Return the part that ``member`` would have if it were set on, as it is or by default; ``None`` for others.

    A part whose class has no defaults for all of its fields cannot be set on, and is not optional in this sense.
    """
    for kind in _part_classes(member.hint):
        if _has_defaults(kind):
            return member.value if member.value is not None else kind()
    return None


def _has_defaults(kind: type) -> bool:
    # pyright: ignore[reportArgumentType]
    return all(item.default is not MISSING or item.default_factory is not MISSING for item in fields(kind))


def _help(hint: Any) -> dict[str, str]:
    """Return the range of ``hint`` as what help says of a field; tyro reads source files for those without."""
    text = range_text(hint)
    return {"help": f"{text[0].upper()}{text[1:]}." if text else ""}


@dataclass(frozen=True)
class Argument:
    """One thing that a command line can set."""

    name: str
    """Dotted name, with underscores."""
    value: Any
    """What it is unless it is set."""
    range: str
    """In words; empty where any value of its type will do."""


def arguments_below(value: Any, prefix: str = "") -> Iterator[Argument]:
    """Yield everything below ``value`` that can be set, in the order of its fields."""
    for member in _settable(value):
        name, part = f"{prefix}{member.name}", optional_part(member)
        if part is not None:
            yield Argument(name, "off" if member.value is None else "on", "on or off")
        nested = member.value if is_nested(member.value) else part
        if nested is None:
            yield Argument(name, member.value, range_text(member.hint))
        else:
            yield from arguments_below(nested, f"{name}.")


def view_changes(view: Any, default: Any, path: str) -> dict[str, Any]:
    """Return what differs between two instances of a ``field_view``, nested; ``None`` for a part that is set off.

    Raises:
        UserError: a part is set off and one of its fields set.
    """
    changes: dict[str, Any] = {}
    new, old = field_values(view), field_values(default)
    for name in new:
        if name.endswith(_SWITCH):
            continue
        if is_dataclass(new[name]) and not isinstance(new[name], type):
            below = view_changes(new[name], old[name], f"{path}.{name}")
            switch = new.get(f"{name}{_SWITCH}")
            if below and switch == "off" and old[f"{name}{_SWITCH}"] == "on":
                raise UserError(f"--{path}.{name} off leaves nothing of it to be set; leave one of the two out")
            if below or (switch == "on" and old[f"{name}{_SWITCH}"] == "off"):
                changes[name] = below
            elif switch == "off" and old[f"{name}{_SWITCH}"] == "on":
                changes[name] = None
        elif new[name] != old[name]:
            changes[name] = new[name]
    return changes
