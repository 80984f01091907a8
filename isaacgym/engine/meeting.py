"""Which shapes of actors can meet: collision groups and filters, and bodies that a joint holds together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from isaacgym.engine.actors import Actor
from isaacgym.engine.asset import Asset

Kind = tuple[int, int, int]
"""Number of the actor, its collision group, and the filter bits of a shape."""


def kinds_meet(first: Kind, second: Kind) -> bool:
    """Return whether shapes of two kinds collide: in one group, -1 being in every group, and without a common bit."""
    same_group = first[1] == second[1] or first[1] == -1 or second[1] == -1
    return same_group and first[2] & second[2] == 0


@dataclass(frozen=True)
class _Shape:
    kind: Kind
    body: int


def meeting_pairs(actors: Sequence[Actor]) -> list[tuple[int, int]]:
    """Return the pairs of shapes that can touch, as their numbers in the environment, the lower one first.

    Shapes of one body, of bodies that a fixed joint holds together, and of neighbors along a chain of joints never
    touch, nor do those that the asset's file excludes.
    """
    shapes = list(_shapes(actors))
    apart = [_kept_apart(actor.asset.blueprint) for actor in actors]
    result = []
    for (i, first), (j, second) in combinations(enumerate(shapes), 2):
        if not kinds_meet(first.kind, second.kind):
            continue
        actor = first.kind[0]
        if actor == second.kind[0] and (first.body, second.body) in apart[actor]:
            continue
        result.append((i, j))
    return result


def _shapes(actors: Sequence[Actor]) -> Iterator[_Shape]:
    for index, actor in enumerate(actors):
        bodies = [number for number, body in enumerate(actor.asset.blueprint.bodies) for _ in body.shapes]
        for body, bits in zip(bodies, actor.shape_filters().tolist(), strict=True):
            yield _Shape((index, actor.group, bits), body)


def _kept_apart(blueprint: Asset) -> set[tuple[int, int]]:
    """Return the pairs of bodies, both ways round and with themselves, whose shapes never touch."""
    moving = {dof.body for dof in blueprint.dofs}
    rigid: list[int] = []  # the first body of the rigid part that each body belongs to
    for index, body in enumerate(blueprint.bodies):
        rigid.append(rigid[body.parent] if body.parent >= 0 and index not in moving else index)
    above = [rigid[blueprint.bodies[first].parent] if blueprint.bodies[first].parent >= 0 else -1 for first in rigid]
    excluded = set(blueprint.self_collision_pairs_excluded)
    everyone = range(len(rigid))
    return {
        (a, b)
        for a in everyone
        for b in everyone
        if rigid[a] == rigid[b]
        or above[a] == rigid[b]
        or above[b] == rigid[a]
        or (a, b) in excluded
        or (b, a) in excluded
    }
