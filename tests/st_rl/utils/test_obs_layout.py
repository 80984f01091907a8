"""Observation layouts."""

from __future__ import annotations

import json
import math
from collections import OrderedDict

import pytest
import torch
from hypothesis import given, strategies as st

from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import (
    ObsLayout,
    as_layout,
    get_obs_slice,
    get_subobs_by_components,
    get_subobs_size,
    substitute_estimated_state,
)

LAYOUT = ObsLayout({"a": (2,), "image": (1, 2, 3), "b": 1})

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
layouts = st.dictionaries(st.text(min_size=1, max_size=6), shapes, max_size=6).map(ObsLayout)


def obs(*lead: int, layout: ObsLayout = LAYOUT) -> torch.Tensor:
    """Every column of every row has a number of its own."""
    return torch.arange(math.prod(lead) * layout.size, dtype=torch.float32).reshape(*lead, layout.size)


def test_slices_follow_each_other_in_order() -> None:
    assert LAYOUT.size == 9
    assert [LAYOUT.slice_of(name) for name in LAYOUT] == [slice(0, 2), slice(2, 8), slice(8, 9)]
    assert dict(LAYOUT) == {"a": (2,), "image": (1, 2, 3), "b": (1,)}
    assert LAYOUT.names == ("a", "image", "b")
    assert (len(LAYOUT), LAYOUT.size_of("image")) == (3, 6)


def test_split_gives_views_in_shape() -> None:
    whole = obs(4)
    parts = LAYOUT.split(whole)
    assert parts["image"].shape == (4, 1, 2, 3)
    assert parts["image"][1, 0].tolist() == [[11.0, 12.0, 13.0], [14.0, 15.0, 16.0]]
    assert all(part.untyped_storage().data_ptr() == whole.untyped_storage().data_ptr() for part in parts.values())


def test_select_takes_columns_in_the_order_of_the_names() -> None:
    assert LAYOUT.select(obs(1), ["b", "a"]).tolist() == [[8.0, 0.0, 1.0]]
    assert LAYOUT.select(obs(1), "a").tolist() == [[0.0, 1.0]]
    assert LAYOUT.select(obs(3), []).shape == (3, 0)
    assert LAYOUT.sublayout(["b", "a"]) == ObsLayout([("b", 1), ("a", 2)])


def test_replace_returns_a_new_tensor_and_keeps_the_old() -> None:
    whole = obs(2, 1)
    before = whole.clone()
    new = LAYOUT.replace(whole, {"b": torch.full((2, 1, 1), -1.0), "a": torch.full((2,), -2.0)})
    assert new[1, 0].tolist() == [-2.0, -2.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, -1.0]
    assert torch.equal(whole, before)
    assert torch.equal(LAYOUT.replace(whole, {}), whole)


def test_order_belongs_to_equality_and_to_the_hash() -> None:
    same = ObsLayout([("a", [2]), ("image", [1, 2, 3]), ("b", [1])])
    other = LAYOUT.sublayout(["b", "image", "a"])
    assert same == LAYOUT and hash(same) == hash(LAYOUT)
    assert other != LAYOUT
    assert "order differs" in LAYOUT.difference(other)
    assert LAYOUT.difference(same) == ""


def test_the_difference_names_segments_and_shapes() -> None:
    other = ObsLayout({"a": (3,), "image": (1, 2, 3), "c": 1})
    sentence = LAYOUT.difference(other, "the policy", "the environment")
    assert sentence == (
        "only the policy has 'b'; only the environment has 'c'; 'a' is [2] in the policy and [3] in the environment"
    )


def test_an_unknown_segment_is_a_key_error_that_lists_the_segments() -> None:
    for call in (
        lambda: LAYOUT["x"],
        lambda: LAYOUT.slice_of("x"),
        lambda: LAYOUT.select(obs(1), ["a", "x"]),
        lambda: LAYOUT.replace(obs(1), {"x": torch.zeros(1, 1)}),
        lambda: get_obs_slice({"a": (2,), "image": (6,), "b": (1,)}, "x"),
        lambda: get_subobs_size(LAYOUT, ["x"]),
    ):
        with pytest.raises(KeyError, match=r"'x'; choose one of: a, image, b"):
            call()


def test_bad_layouts_and_values_are_refused() -> None:
    for bad in ({"a": 0}, {"a": (2, -1)}, {"a": ()}, {"": 2}, {"a": 2.5}, {"a": "48"}, {"a": True}):
        with pytest.raises(UserError):
            ObsLayout(bad)
    with pytest.raises(UserError, match="twice"):
        ObsLayout([("a", 1), ("a", 2)])
    with pytest.raises(ValueError, match="8 columns"):
        LAYOUT.split(torch.zeros(2, 8))
    with pytest.raises(UserError, match="missing segments"):
        LAYOUT.pack({"a": torch.zeros(2)})
    with pytest.raises(UserError, match="trailing shape"):
        LAYOUT.replace(obs(1), {"image": torch.zeros(1, 5)})
    for bad in ("{", 3, [["a"]]):
        with pytest.raises(UserError):
            ObsLayout.from_json(bad)


def test_free_functions_take_any_ordered_mapping() -> None:
    segments = OrderedDict(a=(2,), image=(1, 2, 3), b=(1,))
    assert as_layout(LAYOUT) is LAYOUT
    assert get_obs_slice(segments, "image") == (slice(2, 8), (1, 2, 3))
    assert get_subobs_size(segments, ["image", "a"]) == 8
    for lead in ((3,), (2, 3)):
        whole = obs(*lead)
        before = whole.clone()
        parts = get_subobs_by_components(whole, ["b", "a"], segments)
        assert torch.equal(parts, torch.cat([whole[..., 8:], whole[..., :2]], dim=-1))
        new = substitute_estimated_state(whole, ["b", "a"], -parts, segments)
        assert torch.equal(new[..., 2:8], whole[..., 2:8])
        assert torch.equal(new[..., 8:], -whole[..., 8:]) and torch.equal(new[..., :2], -whole[..., :2])
        assert torch.equal(whole, before)


@given(layouts)
def test_json_round_trip(layout: ObsLayout) -> None:
    text = json.dumps(layout.to_json(), sort_keys=True)
    assert ObsLayout.from_json(json.loads(text)) == layout
    assert ObsLayout.from_json(text) == layout
    assert ObsLayout.from_json(dict(layout)) == layout


@given(layouts, st.lists(st.integers(1, 3), min_size=1, max_size=2))
def test_pack_is_the_inverse_of_split(layout: ObsLayout, lead: list[int]) -> None:
    if not len(layout):
        return
    whole = obs(*lead, layout=layout)
    assert torch.equal(layout.pack(layout.split(whole)), whole)


@given(layouts, st.data())
def test_select_and_substitute_are_inverse(layout: ObsLayout, data: st.DataObject) -> None:
    names = data.draw(st.permutations(layout.names).flatmap(lambda order: st.just(order[: len(order) // 2 + 1])))
    whole = obs(2, layout=layout)
    values = torch.randn(2, layout.sublayout(names).size)
    new = substitute_estimated_state(whole, names, values, layout)
    assert torch.equal(layout.select(new, names), values)
    rest = [name for name in layout if name not in names]
    assert torch.equal(layout.select(new, rest), layout.select(whole, rest))
