"""Attributes that convert what is assigned to them, so that callers may assign tensors and numpy scalars."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_float(value: Any, what: str) -> float:
    """Return ``value`` as a float; a tensor or array may have one element.

    Raises:
        TypeError: where it is no number.
    """
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        try:
            return float(np.asarray(value).reshape(()))
        except (TypeError, ValueError, RuntimeError) as error:
            raise TypeError(f"{what} must be a number, not {value!r}") from error


class Float:
    """A field that holds a float."""

    def __init__(self, default: float = 0.0) -> None:
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name, self._key = f"{owner.__name__}.{name}", name

    def __get__(self, instance: Any, owner: type | None = None) -> float:
        if instance is None:
            return self._default
        return instance.__dict__.get(self._key, self._default)

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self._key] = as_float(value, self._name)


class Int(Float):
    """A field that holds an int."""

    def __get__(self, instance: Any, owner: type | None = None) -> int:
        return int(super().__get__(instance, owner))

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self._key] = int(as_float(value, self._name))


class Bool(Float):
    """A field that holds a bool."""

    def __get__(self, instance: Any, owner: type | None = None) -> bool:
        return bool(super().__get__(instance, owner))

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self._key] = bool(value)


class Closed:
    """A class whose instances refuse names that it does not know, as a misspelt field would otherwise go unnoticed."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            known = ", ".join(sorted(key for key in dir(type(self)) if not key.startswith("_")))
            raise AttributeError(f"{type(self).__name__} has no field {name!r}; it has {known}")
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        shown = {key: value for key, value in self.__dict__.items() if not key.startswith("_")}
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in shown.items())})"
