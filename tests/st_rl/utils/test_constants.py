"""Constant tensors."""

from __future__ import annotations

import torch

from st_rl.utils.constants import constant


def test_equal_values_are_one_tensor() -> None:
    first = constant([[0.0, 1.0], (2.0, 3.0)], "cpu")
    assert constant(((0.0, 1.0), [2.0, 3.0]), torch.device("cpu")) is first
    assert torch.equal(first, torch.tensor([[0.0, 1.0], [2.0, 3.0]]))


def test_types_are_told_apart() -> None:
    assert constant([1, 0], "cpu").dtype == torch.long
    assert constant([True, False], "cpu").dtype == torch.bool
    assert constant([1.0, 0.0], "cpu").dtype == torch.float32


def test_one_first_asked_for_in_inference_may_be_used_in_training() -> None:
    with torch.inference_mode():
        values = constant([3.0, 4.0], "cpu")
    weight = torch.ones(2, requires_grad=True)
    (weight * values).sum().backward()
    assert weight.grad is not None and torch.equal(weight.grad, values)
