"""A registry grows, lists what it has, and has one thing a name."""

from __future__ import annotations

import pytest

from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.registry import Registry


def test_it_is_a_mapping_that_grows() -> None:
    shapes: Registry[int] = Registry("shape", {"triangle": 3})
    assert shapes.register("square", 4) == 4
    assert dict(shapes) == {"triangle": 3, "square": 4} and "square" in shapes and len(shapes) == 2
    shapes.unregister("triangle")
    assert list(shapes) == ["square"] and shapes.get("triangle") is None


def test_an_unknown_name_lists_the_known_ones() -> None:
    shapes: Registry[int] = Registry("shape", {"triangle": 3, "square": 4})
    for look_up in (shapes.__getitem__, shapes.unregister):
        with pytest.raises(UnknownNameError, match="unknown shape 'circle'; choose one of: square, triangle"):
            look_up("circle")


def test_a_name_is_given_once() -> None:
    shapes: Registry[int] = Registry("shape", {"triangle": 3})
    with pytest.raises(UserError, match="there is a shape 'triangle' already"):
        shapes.register("triangle", 4)
    assert shapes["triangle"] == 3


@pytest.mark.parametrize("name", ["", "a b", "a/b", "3d", "../x", "a-b", None])
def test_odd_names_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="letters, digits and underscores"):
        Registry[int]("shape").register(name, 1)
