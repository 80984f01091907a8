"""Named segments of a flat observation.

An observation is one flat tensor ``(..., D)`` with leading dimensions ``(N,)`` or ``(T, N)``. Its layout is an
ordered mapping ``segment name -> shape``; the segments lie one after the other in the last dimension, each
flattened in row-major order. Nothing in this file writes into a tensor that it was given.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from st_rl.utils.errors import UnknownNameError, UserError

Shape = tuple[int, ...]
Segments = Mapping[str, Any]
"""An ``ObsLayout`` or any ordered mapping ``name -> shape``; a shape is an int or a sequence of ints."""


class ObsLayout(Mapping[str, Shape]):
    """Immutable ordered mapping ``segment name -> shape``; two layouts are equal when names, shapes and order are."""

    __slots__ = ("_hash", "_shapes", "_size", "_slices")

    def __init__(self, segments: Segments | Iterable[tuple[str, Any]] = ()) -> None:
        """``segments``: a mapping or ``(name, shape)`` pairs in order; ``UserError`` for a bad name or shape."""
        pairs = segments.items() if isinstance(segments, Mapping) else segments
        self._shapes: dict[str, Shape] = {}
        self._slices: dict[str, slice] = {}
        start = 0
        for name, shape in pairs:
            if not isinstance(name, str) or not name:
                raise UserError(f"an observation segment needs a non-empty string as its name, not {name!r}")
            if name in self._shapes:
                raise UserError(f"the observation segment '{name}' appears twice; give every segment its own name")
            self._shapes[name] = _as_shape(name, shape)
            self._slices[name] = slice(start, start + math.prod(self._shapes[name]))
            start = self._slices[name].stop
        self._size = start
        self._hash = hash(tuple(self._shapes.items()))

    @property
    def size(self) -> int:
        """Number of columns D of the flat observation."""
        return self._size

    @property
    def names(self) -> tuple[str, ...]:
        """Segment names in order."""
        return tuple(self._shapes)

    def __getitem__(self, name: str) -> Shape:
        if name not in self._shapes:
            raise UnknownNameError("observation segment", name, list(self._shapes))
        return self._shapes[name]

    def __contains__(self, name: object) -> bool:
        return name in self._shapes

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ObsLayout):
            return list(self._shapes.items()) == list(other._shapes.items())
        return NotImplemented

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"ObsLayout({', '.join(f'{name}={list(shape)}' for name, shape in self._shapes.items())})"

    def slice_of(self, name: str) -> slice:
        """Columns of the segment ``name``; ``UnknownNameError`` (a ``KeyError``) lists the segments there are."""
        if name not in self._slices:
            raise UnknownNameError("observation segment", name, list(self._shapes))
        return self._slices[name]

    def size_of(self, name: str) -> int:
        """Number of columns of the segment ``name``."""
        columns = self.slice_of(name)
        return columns.stop - columns.start

    def split(self, obs: Tensor) -> dict[str, Tensor]:
        """Views of ``obs (..., D)``: ``name -> (..., *shape)``."""
        self._check(obs)
        return {
            name: obs[..., self._slices[name]].unflatten(-1, shape) if len(shape) > 1 else obs[..., self._slices[name]]
            for name, shape in self._shapes.items()
        }

    def pack(self, segments: Mapping[str, Tensor]) -> Tensor:
        """The inverse of ``split``: one tensor ``(..., D)`` from ``name -> (..., *shape)``, in the layout's order.

        ``UserError`` if a segment is missing, left over, or has another shape.
        """
        missing = [name for name in self._shapes if name not in segments]
        extra = [name for name in segments if name not in self._shapes]
        if missing or extra:
            raise UserError(f"cannot pack an observation: missing segments {missing}, unknown segments {extra}")
        return torch.cat([self._flatten(name, segments[name]) for name in self._shapes], dim=-1)

    def select(self, obs: Tensor, names: str | Sequence[str]) -> Tensor:
        """Columns of the named segments, in the order of ``names``: ``(..., D)`` -> ``(..., sum of sizes)``."""
        self._check(obs)
        names = [names] if isinstance(names, str) else list(names)
        return _take(obs, [self.slice_of(name) for name in names])

    def sublayout(self, names: str | Sequence[str]) -> ObsLayout:
        """The layout of what ``select`` returns for the same ``names``."""
        names = [names] if isinstance(names, str) else list(names)
        return ObsLayout((name, self[name]) for name in names)

    def replace(self, obs: Tensor, values: Mapping[str, Tensor]) -> Tensor:
        """A new tensor equal to ``obs (..., D)`` but for the segments in ``values`` (``(..., *shape)`` or flat)."""
        self._check(obs)
        unknown = [name for name in values if name not in self._shapes]
        if unknown:
            raise UnknownNameError("observation segment", unknown[0], list(self._shapes))
        # Columns that stay are taken as few long runs; the result has to be contiguous anyway.
        pieces: list[Tensor] = []
        kept_from = 0
        for name in (name for name in self._shapes if name in values):
            columns = self._slices[name]
            pieces.append(obs[..., kept_from : columns.start])
            value = self._flatten(name, values[name]).to(obs.dtype)
            pieces.append(value.expand(*obs.shape[:-1], -1))
            kept_from = columns.stop
        pieces.append(obs[..., kept_from:])
        return torch.cat(pieces, dim=-1)

    def difference(self, other: ObsLayout, own: str = "this layout", theirs: str = "the other") -> str:
        """Says in one clause how ``other`` differs from this layout; empty if they are equal."""
        missing = [name for name in self if name not in other]
        extra = [name for name in other if name not in self]
        shapes = [
            f"'{name}' is {list(self[name])} in {own} and {list(other[name])} in {theirs}"
            for name in self
            if name in other and self[name] != other[name]
        ]
        parts = []
        if missing:
            parts.append(f"only {own} has {_quoted(missing)}")
        if extra:
            parts.append(f"only {theirs} has {_quoted(extra)}")
        parts += shapes
        if not parts and self != other:
            parts.append(f"the order differs: {_quoted(self)} in {own}, {_quoted(other)} in {theirs}")
        return "; ".join(parts)

    def to_json(self) -> list[list[Any]]:
        """``[[name, [dims]], ...]`` for ``json.dump``: a list, since tools may sort the keys of an object."""
        return [[name, list(shape)] for name, shape in self._shapes.items()]

    @classmethod
    def from_json(cls, data: Any) -> ObsLayout:
        """From what ``to_json`` returned, its text, or an object ``{name: shape}``; ``UserError`` otherwise."""
        if isinstance(data, str):
            try:
                data = json.loads(data)
            except json.JSONDecodeError as error:
                raise UserError(f"an observation layout is not valid JSON: {error}") from error
        if isinstance(data, Mapping):
            return cls(data)
        if isinstance(data, list) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in data):
            return cls((name, shape) for name, shape in data)
        raise UserError(f"an observation layout must be a list of [name, shape] pairs, not {str(data)[:80]}")

    def _check(self, obs: Tensor) -> None:
        if obs.shape[-1] != self._size:
            raise ValueError(f"observation has {obs.shape[-1]} columns, but its layout {self!r} has {self._size}")

    def _flatten(self, name: str, value: Tensor) -> Tensor:
        shape = self._shapes[name]
        if value.shape[-len(shape) :] == shape:
            return value.flatten(-len(shape)) if len(shape) > 1 else value
        if value.dim() and value.shape[-1] == math.prod(shape):
            return value
        raise UserError(f"segment '{name}' needs the trailing shape {list(shape)}, not {list(value.shape)}")


def as_layout(segments: Segments | Iterable[tuple[str, Any]]) -> ObsLayout:
    """``segments`` itself if it is an ``ObsLayout``, else one made from it."""
    return segments if isinstance(segments, ObsLayout) else ObsLayout(segments)


def layouts_of(
    obs_segments: Segments, critic_obs_segments: Segments | None, same_size: bool
) -> tuple[ObsLayout, ObsLayout | None]:
    """Layouts of actor and critic; a critic without one of its own has the actor's if the two are of ``same_size``."""
    layout = as_layout(obs_segments)
    if critic_obs_segments is None:
        return layout, layout if same_size else None
    return layout, as_layout(critic_obs_segments)


def get_obs_slice(obs_segments: Segments, name: str) -> tuple[slice, Shape]:
    """Columns and shape of one segment; an unknown name is a ``KeyError`` that lists the segments."""
    layout = as_layout(obs_segments)
    return layout.slice_of(name), layout[name]


def get_subobs_size(obs_segments: Segments, components: str | Sequence[str]) -> int:
    """Number of columns that the named segments have together."""
    return as_layout(obs_segments).sublayout(components).size


def get_subobs_by_components(observations: Tensor, components: str | Sequence[str], obs_segments: Segments) -> Tensor:
    """Columns of the named segments, in the order of ``components``: ``(..., D)`` -> ``(..., sum of sizes)``."""
    return as_layout(obs_segments).select(observations, components)


def substitute_estimated_state(
    observations: Tensor, target_components: str | Sequence[str], estimated_state: Tensor, obs_segments: Segments
) -> Tensor:
    """A new tensor: ``observations (..., D)`` with the target segments taken from ``estimated_state``.

    ``estimated_state (..., sum of sizes)`` holds the segments in the order of ``target_components``.
    """
    layout = as_layout(obs_segments)
    names = [target_components] if isinstance(target_components, str) else list(target_components)
    values = layout.sublayout(names).split(estimated_state)
    return layout.replace(observations, values)


def _as_shape(name: str, shape: Any) -> Shape:
    dims = (shape,) if isinstance(shape, int) else tuple(shape) if isinstance(shape, Sequence) else ()
    if not dims or not all(isinstance(dim, int) and not isinstance(dim, bool) and dim > 0 for dim in dims):
        raise UserError(f"observation segment '{name}' needs a shape of positive integers, not {shape!r}")
    return dims


def _take(obs: Tensor, slices: list[slice]) -> Tensor:
    """Columns of the slices one after the other; a view where they are one run of columns."""
    if slices and all(a.stop == b.start for a, b in itertools.pairwise(slices)):
        return obs[..., slices[0].start : slices[-1].stop]
    return torch.cat([obs[..., columns] for columns in slices], dim=-1) if slices else obs[..., :0]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
