"""Numbers of a configuration, checked when it is built.

A field says its range once, in its type: ``num_envs: Count``, ``gamma: Share`` or
``dt: Annotated[float, Bounds(gt=0.0, le=0.05)]``. A class that derives from ``Checked`` refuses any other number, and
help texts print the same range. NaN, infinity and what 32-bit floats cannot hold are refused everywhere.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import operator
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from st_rl.utils.errors import UserError

LARGEST_FLOAT = 3.4e38
"""What a 32-bit float can hold."""
LARGEST_COUNT = 2**31 - 1
LARGEST_WHOLE = 2**63 - 1


class RangeError(UserError):
    """A number outside its range; the message is ``name`` followed by ``rest``."""

    def __init__(self, name: str, rest: str) -> None:
        """``name`` is that of the field, ``rest`` such as "must be at least 1, not 0"."""
        super().__init__(f"{name} {rest}")
        self.name, self.rest = name, rest

    def within(self, prefix: str) -> RangeError:
        """Return the same error with the dotted name ``prefix`` of what the field belongs to before its own."""
        return RangeError(f"{prefix}.{self.name}" if prefix else self.name, self.rest)


@dataclass(frozen=True)
class Bounds:
    """Where a number must lie: from ``ge`` (or beyond ``gt``) up to ``le`` (or short of ``lt``)."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def accept(self, value: float) -> bool:
        """Return whether ``value`` lies there."""
        return (
            (self.ge is None or value >= self.ge)
            and (self.gt is None or value > self.gt)
            and (self.le is None or value <= self.le)
            and (self.lt is None or value < self.lt)
        )

    @property
    def symbols(self) -> str:
        """The range in few characters, such as "0..1" or ">0"."""
        if self.ge is not None and self.le is not None and self.le < LARGEST_COUNT:
            return f" {self.ge:g}..{self.le:g}"
        return "".join(
            f"{sign}{value:g}"
            for sign, value in ((">=", self.ge), (">", self.gt), ("<=", self.le), ("<", self.lt))
            if value is not None and value < LARGEST_COUNT
        )

    def __str__(self) -> str:
        """Return the range in words, such as "from 0 to 1" or "more than 0"."""
        if self.ge is not None and self.le is not None:
            return f"from {self.ge:g} to {self.le:g}" if self.le != LARGEST_COUNT else f"at least {self.ge:g}"
        words = (("at least", self.ge), ("more than", self.gt), ("at most", self.le), ("less than", self.lt))
        return " and ".join(f"{word} {value:.10g}" for word, value in words if value is not None)


@dataclass(frozen=True)
class Ordered:
    """Rule for a pair of numbers: the first is not larger than the second."""

    def __str__(self) -> str:
        """Return the rule in words."""
        return "the smaller first"


Count = Annotated[int, Bounds(ge=1, le=LARGEST_COUNT)]
"""How many of something there must be."""
Whole = Annotated[int, Bounds(ge=0, le=LARGEST_COUNT)]
"""How many of something there are, perhaps none."""
Positive = Annotated[float, Bounds(gt=0.0)]
NonNegative = Annotated[float, Bounds(ge=0.0)]
Share = Annotated[float, Bounds(ge=0.0, le=1.0)]
"""A share or a probability."""
Seed = Annotated[int, Bounds(ge=0, lt=2**32)]
"""What random numbers are drawn from."""
Rate = Annotated[float, Bounds(gt=0.0, le=1.0)]
"""A learning rate."""
Threads = Annotated[int, Bounds(ge=0, le=1024)]
"""Threads of the CPU; 0 stands for a choice made elsewhere."""
Pixels = Annotated[int, Bounds(ge=1, le=4096)]
"""Width or height of an image."""
Seconds = Annotated[float, Bounds(gt=0.0, le=1e9)]
"""A time; the longest is thirty years."""
Duration = Annotated[float, Bounds(gt=0.0, le=3600.0)]
"""Length of a film, s."""
Quantity = Annotated[float, Bounds(ge=-1e6, le=1e6)]
"""Something of the physical world in SI units."""
Extent = Annotated[float, Bounds(ge=0.0, le=1e6)]
"""Something of the physical world that is not negative, in SI units."""
Ends = tuple[float, float]
"""The two ends of a range in either order, in the unit of the place that states it; they are not checked."""
Interval = Annotated[tuple[Quantity, Quantity], Ordered()]
"""The smallest and the largest of what is drawn uniformly."""
SecondsInterval = Annotated[tuple[Seconds, Seconds], Ordered()]
"""The shortest and the longest of times."""
NonNegativeInterval = Annotated[tuple[Extent, Extent], Ordered()]
ShareInterval = Annotated[tuple[Share, Share], Ordered()]


class Checked:
    """Base of the configuration classes: the numbers of an instance are checked when it is built.

    A class with rules of its own states them in ``__post_init__``, after ``super().__post_init__()``.
    """

    def __post_init__(self) -> None:
        """Raise ``RangeError`` for the first number that is not where its type says."""
        hints = checked_hints(type(self))
        for name, value in vars(self).items():
            if name in hints:
                check_value(value, hints[name], name)


@functools.cache
def checked_hints(owner: type) -> dict[str, Any]:
    """Return the type of every field of the dataclass ``owner``, ranges included."""
    hints = get_type_hints(owner, include_extras=True)
    return {item.name: hints[item.name] for item in fields(owner)}  # pyright: ignore[reportArgumentType]


def check_value(value: Any, hint: Any, name: str) -> None:
    """Raise ``RangeError`` where ``value`` is or contains a number that is not where ``hint`` says.

    Values that are no numbers, nor collections of them, are left alone.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        check_value(value, arguments[0], name)
        for rule in hint.__metadata__:
            _check_rule(value, rule, name)
    elif origin in (Union, types.UnionType):
        if value is not None or type(None) not in arguments:
            _check_union(value, [part for part in arguments if part is not type(None)], name)
    elif origin is tuple:
        _check_tuple(value, arguments, name)
    elif origin is Literal:
        if value not in arguments:
            raise RangeError(name, f"must be one of {', '.join(map(str, arguments))}, not {value!r}")
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise RangeError(name, f"must be a dictionary, not {value!r}")
        for key, item in value.items():
            check_value(item, arguments[1], f"{name}.{key}")
    elif hint is bool:
        if not isinstance(value, bool):
            raise RangeError(name, f"must be true or false, not {value!r}")
    elif hint is int:
        _check_whole(value, name)
    elif hint is float:
        _check_float(value, name)
    elif hint is Any:
        _check_anything(value, name)


def _check_rule(value: Any, rule: Any, name: str) -> None:
    if isinstance(rule, Bounds) and value is not None and not rule.accept(value):
        large = rule.le == LARGEST_COUNT and value > LARGEST_COUNT
        raise RangeError(name, f"must be {f'at most {LARGEST_COUNT}' if large else rule}, not {value!r}")
    if isinstance(rule, Ordered) and value is not None and value[0] > value[1]:
        raise RangeError(name, f"must be two numbers, {rule}, not {value[0]!r} and {value[1]!r}")


def _check_union(value: Any, parts: list[Any], name: str) -> None:
    """Check ``value`` against the alternatives; where none accepts it, what the last one says counts."""
    for index, part in enumerate(parts):
        try:
            check_value(value, part, name)
            return
        except RangeError:
            if index + 1 == len(parts):
                raise


def _check_tuple(value: Any, arguments: tuple[Any, ...], name: str) -> None:
    if not isinstance(value, tuple | list):
        raise RangeError(name, f"must be several values, not {value!r}")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(value) != len(arguments):
        raise RangeError(name, f"must have {len(arguments)} values, not {len(value)}")
    for item, part in zip(value, arguments, strict=True):
        check_value(item, part, name)


def _check_whole(value: Any, name: str) -> None:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise RangeError(name, f"must be a whole number, not {value!r}")
    if abs(int(value)) > LARGEST_WHOLE:
        raise RangeError(name, f"must fit into 64 bits, unlike {value!r}")


def _check_float(value: Any, name: str) -> None:
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise RangeError(name, f"must be a number, not {value!r}")
    if not math.isfinite(value):
        raise RangeError(name, f"must be finite, not {float(value)!r}")
    if abs(float(value)) > LARGEST_FLOAT:
        raise RangeError(name, f"must fit into a 32-bit float, unlike {value!r}")


def _check_anything(value: Any, name: str) -> None:
    """Check the numbers of a value whose type nobody states: they must be finite."""
    if isinstance(value, float):
        _check_float(value, name)
    elif isinstance(value, tuple | list):
        for item in value:
            _check_anything(item, name)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_anything(item, f"{name}.{key}")


# -------------------------------------------------------------------- arguments of functions


@dataclass(frozen=True)
class Argument:
    """One parameter of a function."""

    hint: Any
    """Its type with its range; ``Any`` where the function does not say."""
    required: bool
    """Whether it has no default."""


@functools.cache
def arguments_of(function: Callable[..., Any]) -> dict[str, Argument]:
    """Return the parameters of ``function`` that can be given by name."""
    try:
        hints = get_type_hints(function, include_extras=True)
    except (TypeError, NameError):
        # An object that is called, or names that are known to a type checker only: their ranges are not stated.
        hints = {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        name: Argument(hints.get(name, Any), parameter.default is parameter.empty)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind in named
    }


def check_arguments(function: Callable[..., Any], given: Mapping[str, Any], positional: int, name: str) -> None:
    """Raise ``RangeError`` where ``function`` cannot be called with the keyword arguments ``given``.

    Args:
        positional: how many of its first parameters the caller gives by place.
        name: what the arguments are called in the message.
    """
    known = dict(list(arguments_of(function).items())[positional:])
    for key, value in given.items():
        if key not in known:
            if any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values()):
                _check_anything(value, f"{name}.{key}")
                continue
            raise RangeError(f"{name}.{key}", f"is no parameter; choose one of: {', '.join(known) or '(none)'}")
        check_value(value, known[key].hint, f"{name}.{key}")
    for key, argument in known.items():
        if argument.required and key not in given:
            raise RangeError(f"{name}.{key}", "must be given")


# -------------------------------------------------------------------- texts


def range_text(hint: Any) -> str:
    """Return the range that the type ``hint`` states in words; empty where any value will do."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        rules = [str(rule) for rule in hint.__metadata__ if isinstance(rule, Bounds | Ordered)]
        inner = range_text(arguments[0])
        return ", ".join([*([f"each {inner}"] if inner and rules else [inner] if inner else []), *rules])
    if origin in (Union, types.UnionType):
        return next((text for text in map(range_text, arguments) if text), "")
    if origin is tuple:
        texts = {range_text(part) for part in arguments if part is not Ellipsis}
        return texts.pop() if len(texts) == 1 else ""
    return ""


def bounds_of(hint: Any) -> Bounds | None:
    """Return the bounds of ``hint`` where it is one number, or one or ``None``; otherwise ``None``."""
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    kinds = [part for part in parts if part is not type(None)]
    if len(kinds) != 1 or get_origin(kinds[0]) is not Annotated:
        return None
    return next((rule for rule in kinds[0].__metadata__ if isinstance(rule, Bounds)), None)


def number_type(hint: Any) -> type | None:
    """Return ``int`` or ``float`` where ``hint`` is one number of that type or ``None``; otherwise ``None``."""
    plain = without_ranges(hint)
    kinds = [part for part in (get_args(plain) or (plain,)) if part is not type(None)]
    return kinds[0] if len(kinds) == 1 and kinds[0] in (int, float) and get_origin(plain) is not tuple else None


def without_ranges(hint: Any) -> Any:
    """Return the type ``hint`` as it is without its ranges."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return without_ranges(arguments[0])
    if origin in (Union, types.UnionType):
        return functools.reduce(operator.or_, map(without_ranges, arguments))
    if origin is tuple:
        return tuple[tuple(part if part is Ellipsis else without_ranges(part) for part in arguments)]
    return hint
