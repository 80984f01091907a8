"""What this package offers, read from its code: every name of the interface and how it is answered.

A docstring with a sentence that begins with ``Differs:`` marks what behaves otherwise than in Isaac Gym, one with
``Differs for all but a, b:`` marks the fields of a class apart from those; the methods of ``UnsupportedMethods`` and
what is not there at all are missing.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import textwrap
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import ModuleType
from typing import Any

from isaacgym.api.fields import Closed
from isaacgym.gym import Gym
from isaacgym.methods.unsupported import UnsupportedMethods

IMPLEMENTED, DIFFERS, MISSING = "implemented", "differs", "missing"
MODULES = ("gymapi", "gymutil", "gymtorch", "torch_utils", "terrain_utils")
"""Modules of ``isaacgym`` that callers import."""

_DIFFERS = re.compile(r"Differs(?: for all but (?P<but>[\w, `]+))?: (?P<says>.+?)(?:\n\n|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """One name of the interface."""

    name: str
    """``gym.simulate``, ``gymapi.AssetOptions``, ``gymapi.AssetOptions.density``, ``gymutil.draw_lines``."""
    state: str
    says: str
    """What differs or what to do instead; what it does where it is implemented."""


def difference(doc: str) -> tuple[str, frozenset[str]] | None:
    """Return what a docstring says to be different and the fields that this excepts, or None."""
    found = _DIFFERS.search(doc)
    if found is None:
        return None
    return " ".join(found["says"].split()), frozenset(re.findall(r"\w+", found["but"] or ""))


def summary(doc: str) -> str:
    """Return the first sentence of a docstring."""
    text = " ".join(doc.split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0]


def _entry(name: str, doc: str) -> Entry:
    differs = difference(doc)
    if differs is not None and not differs[1]:
        return Entry(name, DIFFERS, differs[0])
    return Entry(name, IMPLEMENTED, summary(doc))


def methods() -> dict[str, Entry]:
    """Return all methods of the ``Gym`` object by name."""
    result = {}
    for name in dir(Gym):
        if name.startswith("_"):
            continue
        owner = next(kind for kind in Gym.__mro__ if name in kind.__dict__)
        doc = inspect.getdoc(owner.__dict__[name]) or ""
        if owner is UnsupportedMethods:
            result[name] = Entry(f"gym.{name}", MISSING, doc.partition(": ")[2])
        else:
            result[name] = _entry(f"gym.{name}", doc)
    return result


def return_types() -> dict[str, str]:
    """Return the annotation of what each method returns, such as ``list[RigidShapeProperties]``."""
    annotations = ((name, Gym.__dict__.get(name) or inspect.getattr_static(Gym, name)) for name in methods())
    return {name: str(inspect.signature(method).return_annotation) for name, method in annotations}


@cache
def module(name: str) -> ModuleType:
    """Return a module of ``MODULES``."""
    return importlib.import_module(f"isaacgym.{name}")


def structures() -> dict[str, type]:
    """Return the classes of ``gymapi`` whose fields callers use, by name."""
    return {
        name: value
        for name, value in module("gymapi").__dict__.items()
        if isinstance(value, type)
        and (issubclass(value, Closed | Enum) or dataclasses.is_dataclass(value))
        and not name.startswith("_")
    }


def fields(kind: type) -> dict[str, Entry]:
    """Return fields, methods and members of a structure by name."""
    own = f"gymapi.{kind.__name__}"
    differs = difference(inspect.getdoc(kind) or "")
    docs = _field_docs(kind)
    result = {}
    for name in sorted({*dir(kind), *(field.name for field in _dataclass_fields(kind))}):
        if name.startswith("_"):
            continue
        entry = _entry(f"{own}.{name}", docs.get(name, ""))
        if entry.state == IMPLEMENTED and differs is not None and name not in differs[1] and _is_field(kind, name):
            entry = Entry(entry.name, DIFFERS, differs[0])
        result[name] = entry
    return result


def _dataclass_fields(kind: type) -> tuple[dataclasses.Field, ...]:
    return dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()


def _is_field(kind: type, name: str) -> bool:
    return not callable(inspect.getattr_static(kind, name, None))


@cache
def _field_docs(kind: type) -> dict[str, str]:
    """Return the docstrings of fields, which stand below them in the source, and of methods, base classes included."""
    docs: dict[str, str] = {}
    for owner in reversed(kind.__mro__):
        if not owner.__module__.startswith("isaacgym"):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        assert isinstance(body, ast.ClassDef)
        for statement, following in zip(body.body, [*body.body[1:], None], strict=True):
            text = _text(following)
            if isinstance(statement, ast.FunctionDef):
                docs[statement.name] = ast.get_docstring(statement) or ""
            elif text is not None and isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                docs[statement.target.id] = text
            elif text is not None and isinstance(statement, ast.Assign):
                docs.update({target.id: text for target in statement.targets if isinstance(target, ast.Name)})
    return docs


def _text(statement: ast.stmt | None) -> str | None:
    """Return the text of a statement that is nothing but a string."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return statement.value.value if isinstance(statement.value.value, str) else None
    return None


@cache
def field_types(kind: type) -> dict[str, str]:
    """Return the class of each field of a structure whose value is a structure, by the name of the field."""
    try:
        instance: Any = kind()
    except TypeError:
        return {}
    known = {value: name for name, value in structures().items()}
    members = inspect.getmembers(instance, lambda value: type(value) in known)
    return {name: known[type(value)] for name, value in members if not name.startswith("_")}


def names(of: str) -> dict[str, Entry]:
    """Return what a module of ``MODULES`` hands out, by name."""
    result = {}
    for name, value in module(of).__dict__.items():
        if name.startswith("__") or name == "annotations":
            continue
        documented = isinstance(value, type) or inspect.isfunction(value)
        result[name] = _entry(f"{of}.{name}", (inspect.getdoc(value) or "") if documented else "")
    return result


@cache
def surface() -> dict[str, Entry]:
    """Return every name of the interface with how it is answered."""
    entries = {entry.name: entry for entry in methods().values()}
    for of in MODULES:
        entries.update({entry.name: entry for entry in names(of).values()})
    for kind in structures().values():
        entries.update({entry.name: entry for entry in fields(kind).values()})
    return entries


def lookup(name: str) -> Entry:
    """Return how a name is answered; what is not there is missing."""
    return surface().get(name) or Entry(name, MISSING, "there is no such name in this implementation")
