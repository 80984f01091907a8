"""Attributes by lists of their names."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from st_rl.utils.attributes import attributes, copies, field_values, restore_copies, set_attributes


@dataclass
class Pair:
    first: torch.Tensor
    second: torch.Tensor


def pair() -> Pair:
    return Pair(torch.tensor([1.0, 2.0]), torch.tensor([3.0]))


def test_the_values_of_fields_are_those_of_the_instance_and_in_their_order() -> None:
    two = pair()
    values = field_values(two)
    assert list(values) == ["first", "second"] and values["first"] is two.first
    two.extra = 1  # type: ignore[attr-defined]
    assert list(field_values(two)) == ["first", "second"]


def test_an_unknown_attribute_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="third"):
        attributes(pair(), ("first", "third"))


def test_attributes_are_set_by_their_names() -> None:
    two = pair()
    set_attributes(two, {"second": torch.tensor([5.0])})
    assert two.first.tolist() == [1.0, 2.0] and two.second.tolist() == [5.0]


def test_copies_and_what_is_restored_from_them_share_no_memory() -> None:
    two, other = pair(), Pair(torch.zeros(2), torch.zeros(1))
    state = copies(two, ("first",))
    two.first.fill_(7.0)
    restore_copies(other, ("first",), state)
    state["first"].fill_(9.0)
    assert other.first.tolist() == [1.0, 2.0] and other.second.tolist() == [0.0]
