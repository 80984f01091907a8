"""Named tuples of tensors."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from st_rl.utils.namedarraytuple import NamedArrayTuple, namedarraytuple

Pair = namedarraytuple("Pair", ["hidden", "cell"], __name__)
Outer = namedarraytuple("Outer", ["actor", "critic"], __name__)


def pair(offset: float = 0.0) -> NamedArrayTuple:
    return Pair(torch.arange(6.0).view(3, 2) + offset, torch.arange(6.0).view(3, 2) * 10 + offset)


def test_members_are_read_by_name_and_by_unpacking() -> None:
    x = pair()
    hidden, cell = x
    assert hidden is x.hidden and cell is x.cell
    assert isinstance(x, tuple) and len(x) == 2
    assert Pair(cell=cell, hidden=hidden).hidden is hidden
    assert [name for name, _ in x.items()] == ["hidden", "cell"]


def test_indexing_reaches_every_tensor_and_skips_none() -> None:
    x = Outer(pair(), None)
    row = x[1]
    assert isinstance(row, Outer) and row.critic is None
    assert row.actor.hidden.tolist() == [2.0, 3.0] and row.actor.cell.tolist() == [20.0, 30.0]
    mask = torch.tensor([True, False, True])
    assert x[mask, 0].actor.hidden.tolist() == [0.0, 4.0]
    assert x[1:].actor.cell.shape == (2, 2)


def test_stack_and_cat_work_member_by_member() -> None:
    items = [Outer(pair(), torch.zeros(3, 1)), Outer(pair(1.0), torch.ones(3, 1))]
    stacked = Outer.stack(items)
    assert stacked.actor.hidden.shape == (2, 3, 2) and stacked.critic[1].tolist() == [[1.0]] * 3
    assert Outer.cat(items, dim=1).actor.cell.shape == (3, 4)
    with pytest.raises(ValueError, match="None in one"):
        Outer.stack([Outer(pair(), None), Outer(pair(), torch.zeros(1))])


def test_detach_clone_map_and_to() -> None:
    x = Pair(torch.ones(2, requires_grad=True) * 2, None)
    assert x.hidden.requires_grad and not x.detach().hidden.requires_grad
    assert x.map(lambda leaf: leaf * 3).hidden.tolist() == [6.0, 6.0]
    assert x.detach().clone().hidden.data_ptr() != x.hidden.data_ptr()
    assert x.to(torch.float64).hidden.dtype == torch.float64
    assert [leaf.shape for leaf in Outer(x, torch.zeros(1)).leaves()] == [(2,), (1,)]


def test_it_can_be_copied_and_pickled() -> None:
    x = Outer(pair(), None)
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(twin.actor) is Pair and torch.equal(twin.actor.hidden, x.actor.hidden) and twin.critic is None


def test_wrong_members_are_refused() -> None:
    for arguments, keywords in (((1,), {}), ((1, 2, 3), {}), ((1,), {"hidden": 2}), ((1, 2), {"more": 3})):
        with pytest.raises(TypeError, match="hidden"):
            Pair(*arguments, **keywords)
    with pytest.raises(AttributeError, match="hidden"):
        _ = pair().nothing
    for names in (["a", "a"], ["map"], ["_x"], ["1"]):
        with pytest.raises(ValueError):
            namedarraytuple("Bad", names)
