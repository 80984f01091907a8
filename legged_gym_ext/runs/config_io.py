"""Configurations as plain JSON values and back, by dotted names.

The registered task is the template: what is read must have its fields and its types, and functions are never looked up
by what a file says, only compared with the template's.
"""

from __future__ import annotations

import difflib
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from legged_gym_ext.runs.older_names import with_current_names
from legged_gym_ext.tasks.cfg import TaskCfg, TrainCfg, with_algorithm, with_policy
from st_rl.utils.attributes import field_values
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import RangeError, arguments_of, checked_hints, without_ranges

T = TypeVar("T")

_PARAMS = "params"
_FUNC = "func"
_SIMPLE = (bool, int, float, str, type(None))


def to_dict(value: Any) -> Any:
    """``value`` as JSON values: dataclasses as objects, tuples as lists, functions as ``"module:qualname"``."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: to_dict(item) for name, item in field_values(value).items()}
    if isinstance(value, Mapping):
        return {key: to_dict(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_dict(item) for item in value]
    if callable(value):
        return function_name(value)
    return value


def function_name(function: Callable[..., Any]) -> str:
    """``"module:qualname"``."""
    return f"{function.__module__}:{function.__qualname__}"


def with_stored(template: T, stored: Mapping[str, Any], path: str = "") -> T:
    """``template`` with every value replaced by that of ``stored``, which ``to_dict`` wrote.

    A term that ``stored`` does not have is dropped; a field that it does not have keeps the template's value.

    Raises:
        UserError: an unknown field or term, a value of another type, or another function than the template's.
    """
    return _merge(template, stored, path, drop_missing=True)


def with_changes(template: T, changes: Mapping[str, Any], path: str = "") -> T:
    """``template`` with the values in ``changes`` (nested as ``to_dict`` nests) replaced and the others kept.

    Raises:
        UserError: as ``with_stored``.
    """
    return _merge(template, changes, path, drop_missing=False)


# -------------------------------------------------------------------- members of a configuration


@dataclass(frozen=True)
class Member:
    """One entry of a configuration object."""

    name: str
    value: Any
    hint: Any
    """Type annotation, as far as known."""


def members(value: Any) -> Iterator[Member]:
    """The entries of a dataclass or dictionary, without functions.

    The parameters of a term include those that it leaves at the defaults of its function.
    """
    if isinstance(value, Mapping):
        yield from (Member(key, item, _hint_of(item)) for key, item in value.items())
        return
    hints = checked_hints(type(value))
    current = field_values(value)
    for name, member in current.items():
        if name == _PARAMS and _FUNC in current:
            yield Member(_PARAMS, TermParams(current[_FUNC], member), dict[str, Any])
        elif not callable(member):
            yield Member(name, member, hints[name])


class TermParams:
    """Parameters of a term: those given, and those that its function has defaults for."""

    def __init__(self, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
        self.given = dict(given)
        self._members: dict[str, Member] = {}
        arguments = arguments_of(function)
        for parameter in inspect.signature(function).parameters.values():
            value = given.get(parameter.name, parameter.default)
            if value is not parameter.empty:
                stated = arguments[parameter.name].hint if parameter.name in arguments else Any
                hint = _hint_of(value) if stated is Any else stated
                self._members[parameter.name] = Member(parameter.name, value, hint)

    def members(self) -> Iterator[Member]:
        """Every parameter that has a value."""
        yield from self._members.values()


def members_of(value: Any) -> Iterator[Member]:
    """Yield the entries of a configuration object or of the parameters of a term."""
    return value.members() if isinstance(value, TermParams) else members(value)


def is_nested(value: Any) -> bool:
    """Return whether ``value`` has entries of its own."""
    return isinstance(value, Mapping | TermParams) or (is_dataclass(value) and not isinstance(value, type))


def leaves(value: Any, prefix: str = "") -> Iterator[Member]:
    """Every single value below ``value``, by its dotted name."""
    for member in members_of(value):
        name = f"{prefix}{member.name}"
        if is_nested(member.value):
            yield from leaves(member.value, f"{name}.")
        else:
            yield Member(name, member.value, member.hint)


def _hint_of(value: Any) -> Any:
    """A type annotation for a value that has none."""
    if isinstance(value, tuple | list):
        return tuple[tuple(_hint_of(item) for item in value)] if value else tuple[float, ...]
    return type(value) if type(value) in _SIMPLE else Any


# -------------------------------------------------------------------- merging


def _merge(template: Any, stored: Any, path: str, *, drop_missing: bool) -> Any:
    if not isinstance(stored, Mapping):
        raise UserError(f"'{path}' must be an object with fields, not {stored!r}")
    dotted = f"{path}." if path else ""
    if isinstance(template, Mapping):
        _check_names(stored, list(template), dotted)
        kept = {key: item for key, item in template.items() if key in stored or not drop_missing}
        return {
            key: _merge_value(Member(key, item, _hint_of(item)), stored[key], dotted, drop_missing)
            if key in stored
            else item
            for key, item in kept.items()
        }
    current, hints = field_values(template), checked_hints(type(template))
    _check_names(stored, list(current), dotted)
    changed: dict[str, Any] = {}
    for name, value in stored.items():
        if name == _PARAMS and _FUNC in current:
            changed[name] = _merge_params(current[_FUNC], current[name], value, f"{dotted}{name}", drop_missing)
        else:
            changed[name] = _merge_value(Member(name, current[name], hints[name]), value, dotted, drop_missing)
    try:
        return replace(template, **changed)
    except RangeError as error:
        # What a class says of its own fields.
        raise error.within(path) from error
    except ValueError as error:
        raise UserError(f"'{path}' is not valid: {error}") from error


def _merge_value(member: Member, stored: Any, dotted: str, drop_missing: bool) -> Any:
    path = f"{dotted}{member.name}"
    if callable(member.value):
        if stored != function_name(member.value):
            raise UserError(
                f"'{path}' is {stored!r} in the run and '{function_name(member.value)}' here; another version wrote it"
            )
        return member.value
    item = _free_item(member.hint)
    if item is not None and isinstance(stored, Mapping):
        known = dict(member.value or {})
        new = {
            key: _merge(known.get(key, item()), value, f"{path}.{key}", drop_missing=drop_missing)
            if _has_defaults(item)
            else convert(value, item, f"{path}.{key}")
            for key, value in stored.items()
        }
        return new if drop_missing else known | new
    if is_nested(member.value) and stored is not None:
        return _merge(member.value, stored, path, drop_missing=drop_missing)
    return convert(stored, member.hint, path)


def _merge_params(
    function: Callable[..., Any], given: Mapping[str, Any], stored: Any, path: str, drop_missing: bool
) -> dict[str, Any]:
    if not isinstance(stored, Mapping):
        raise UserError(f"'{path}' must be an object with parameters, not {stored!r}")
    known = {member.name: member for member in TermParams(function, given).members()}
    _check_names(stored, list(known), f"{path}.")
    new = {name: convert(value, known[name].hint, f"{path}.{name}") for name, value in stored.items()}
    return new if drop_missing else {**given, **new}


def _check_names(stored: Mapping[str, Any], known: list[str], dotted: str) -> None:
    for name in stored:
        if name not in known:
            raise unknown_field(f"{dotted}{name}", [f"{dotted}{other}" for other in known])


def unknown_field(name: str, known: list[str]) -> UserError:
    """The error for a name that is not among ``known``: it lists similar names, or where there are none, all."""
    similar = difflib.get_close_matches(name, known, n=5, cutoff=0.6)
    listed = f"did you mean {' or '.join(similar)}?" if similar else f"choose one of: {', '.join(known) or '(none)'}"
    return UserError(f"unknown field '{name}'; {listed}")


def convert(value: Any, hint: Any, path: str) -> Any:
    """``value``, read from JSON, as the type ``hint``; lists become tuples. ``UserError`` where it does not fit."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        # Whether it lies in its range is for the class to say, which is built with it.
        return convert(value, arguments[0], path)
    if hint is Any:
        return tuple(value) if isinstance(value, list) else value
    if origin in (Union, types.UnionType):
        return _convert_union(value, hint, path)
    if origin is Literal and value in arguments:
        return value
    if origin is tuple and isinstance(value, tuple | list):
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(convert(item, arguments[0], path) for item in value)
        if len(value) == len(arguments):
            return tuple(convert(item, part, path) for item, part in zip(value, arguments, strict=True))
    if isinstance(value, Mapping) and _has_defaults(hint):
        return _merge(hint(), value, path, drop_missing=False)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise UserError(f"'{path}' must be of type {_type_name(hint)}, not {value!r}")


def _free_item(hint: Any) -> Any:
    """The type of the values of a dictionary whose keys are free; ``None`` where they are those of the template.

    A term of a task names a function, which nothing but the template can give.
    """
    item = get_args(hint)[1] if get_origin(hint) is dict else Any
    return None if item is Any or (is_dataclass(item) and not _has_defaults(item)) or _is_union(item) else item


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _has_defaults(hint: Any) -> bool:
    """Whether ``hint`` is a dataclass that can be made without arguments."""
    if not isinstance(hint, type) or not is_dataclass(hint):
        return False
    return all(item.default is not MISSING or item.default_factory is not MISSING for item in fields(hint))


def _convert_union(value: Any, hint: Any, path: str) -> Any:
    for part in get_args(hint):
        if isinstance(value, Mapping) and _has_defaults(part):
            # What is wrong inside of it is to be said.
            return convert(value, part, path)
        try:
            return convert(value, part, path)
        except UserError:
            continue
    raise UserError(f"'{path}' must be of type {_type_name(hint)}, not {value!r}")


def _type_name(hint: Any) -> str:
    hint = without_ranges(hint)
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")


def task_from_config(template: TaskCfg, config: Mapping[str, Any], source: str) -> TaskCfg:
    """The task of a run, from the entries ``env`` and ``train`` of its ``config.json`` and the registered task."""
    try:
        config = {section: with_current_names(config[section], section) for section in ("env", "train")}
        env = with_stored(template.env, config["env"], "env")
        train = with_stored(_with_stored_classes(template.train, config["train"]), config["train"], "train")
    except UserError as error:
        raise UserError(f"config.json of run folder '{source}': {error}") from error
    except KeyError as error:
        raise UserError(
            f"config.json of run folder '{source}' lacks {error}; another version of the suite made it"
        ) from error
    return replace(template, env=env, train=train)


def _with_stored_classes(template: TrainCfg, stored: Any) -> TrainCfg:
    """``template`` with the algorithm and policy classes of the run, which have other fields than the registered."""
    if not isinstance(stored, Mapping):
        return template
    policy = stored.get("policy")
    if isinstance(policy, Mapping) and "class_name" in policy:
        template = with_policy(template, str(policy["class_name"]))
    return with_algorithm(template, str(stored["algorithm_class"])) if "algorithm_class" in stored else template
