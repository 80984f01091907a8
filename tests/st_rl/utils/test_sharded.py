"""Sequences and images shared among threads: results and gradients are torch's, whatever the threads."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from st_rl.algorithms.kernels import fast_kernels, only_known_layers
from st_rl.modules.conv2d import Conv2dModel
from st_rl.utils.sharded import can_be_sharded
from st_rl.utils.threads import OneThread

CPU = torch.device("cpu")
MAKE: dict[str, Callable[[], nn.RNNBase]] = {
    "lstm": lambda: nn.LSTM(6, 16),
    "gru": lambda: nn.GRU(6, 16),
    "two layers": lambda: nn.LSTM(6, 16, num_layers=2),
    "without biases": lambda: nn.GRU(6, 16, bias=False),
}


def learn(net: nn.RNNBase, values: Tensor, state: Tensor, *, given: bool) -> list[Tensor]:
    """Outputs, last states, and gradients of the weights, of the values and, if it is ``given``, of the state."""
    net.zero_grad()
    leaves = [values.clone().requires_grad_(), state.clone().requires_grad_()]
    pair = (leaves[1], 0.5 * leaves[1]) if isinstance(net, nn.LSTM) else leaves[1]
    output, last = net(leaves[0], pair if given else None)
    lasts = list(last) if isinstance(last, tuple) else [last]
    loss = (output * torch.linspace(-1.0, 1.0, output.numel()).view_as(output)).sum() + lasts[0].square().sum()
    loss.backward()
    grads = [*(parameter.grad for parameter in net.parameters()), leaves[0].grad]
    found = [output, *lasts, *grads, *([leaves[1].grad] if given else [])]
    return [tensor.detach().clone() for tensor in found if tensor is not None]


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("given", [False, True])
def test_results_and_gradients_are_those_of_torch(name: str, given: bool) -> None:
    torch.manual_seed(0)
    net = MAKE[name]()
    values, state = torch.randn(5, 600, 6), torch.randn(net.num_layers, 600, 16)
    expected = learn(net, values, state, given=given)
    with fast_kernels(CPU, one_thread=True):
        found = learn(net, values, state, given=given)
    assert len(found) == len(expected)
    for own, other in zip(found, expected, strict=True):
        torch.testing.assert_close(own, other, atol=2e-4, rtol=1e-4)


def test_results_do_not_depend_on_threads() -> None:
    torch.manual_seed(0)
    net, values, state = MAKE["lstm"](), torch.randn(5, 700, 6), torch.randn(1, 700, 16)
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            with fast_kernels(CPU, one_thread=True):
                results.append(learn(net, values, state, given=True))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_what_is_not_worth_sharing_is_left_to_torch() -> None:
    def arguments(steps: int, sequences: int, dropout: float = 0.0) -> list:
        return [torch.zeros(steps, sequences, 3), [torch.zeros(1)] * 2, [], True, 1, dropout, True, False, False]

    assert can_be_sharded(arguments(2, 256))
    assert not can_be_sharded(arguments(1, 1000))  # a single step
    assert not can_be_sharded(arguments(24, 255))  # few sequences
    assert not can_be_sharded(arguments(24, 1000, dropout=0.1))  # random numbers
    assert not can_be_sharded([torch.zeros(3, 300, 3)])  # packed sequences have other arguments


def test_nothing_is_recorded_where_no_gradient_is_wanted() -> None:
    net, values = MAKE["lstm"](), torch.randn(4, 300, 6)
    with torch.no_grad(), fast_kernels(CPU, one_thread=True):
        output, _ = net(values)
    assert not output.requires_grad
    torch.testing.assert_close(output, net(values)[0].detach(), atol=1e-5, rtol=0)


def seen(model: Conv2dModel, images: Tensor) -> list[Tensor]:
    """Output and gradients."""
    model.zero_grad()
    leaf = images.clone().requires_grad_()
    output = model(leaf)
    output.square().sum().backward()
    grads = [leaf.grad, *(parameter.grad for parameter in model.parameters())]
    return [tensor.detach().clone() for tensor in (output, *grads) if tensor is not None]


def test_images_are_shared_in_one_thread_and_give_the_same() -> None:
    torch.manual_seed(0)
    model, images = Conv2dModel(1, [4, 6], [3, 3], [2, 1]), torch.randn(150, 1, 12, 16)
    expected = seen(model, images)
    with OneThread():
        found = seen(model, images)
    for own, other in zip(found, expected, strict=True):
        torch.testing.assert_close(own, other, atol=1e-3, rtol=1e-4)
    with OneThread(), torch.inference_mode():
        torch.testing.assert_close(model(images), expected[0], atol=1e-5, rtol=0)


def test_images_that_depend_on_each_other_are_not_taken_apart() -> None:
    torch.manual_seed(0)
    model, images = Conv2dModel(1, [4], [3], [2], normlayer="BatchNorm2d"), torch.randn(150, 1, 12, 16)
    expected = model(images)
    with OneThread():
        assert torch.equal(model(images), expected)
    assert not only_known_layers(model)


def test_what_takes_long_and_is_not_shared_keeps_all_threads() -> None:
    assert only_known_layers(nn.Sequential(Conv2dModel(1, [4], [3], [2]), nn.Linear(3, 3), nn.ELU(), nn.LSTM(2, 3)))
    assert not only_known_layers(nn.Sequential(nn.Conv2d(1, 2, 3)))
    assert not only_known_layers(nn.Sequential(nn.Linear(3, 3), nn.Tanh()))


def test_threads_that_share_images_do_not_get_into_each_others_way() -> None:
    torch.manual_seed(0)
    model, images = Conv2dModel(1, [8, 8], [3, 3], [1, 1]), torch.randn(520, 1, 24, 24)
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 4, 4, 4, 4, 4):
            torch.set_num_threads(threads)
            with OneThread():
                results.append(seen(model, images))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(one, same) for one, same in zip(results[0], other, strict=True))
    assert all(weight.requires_grad and weight.is_leaf for weight in model.parameters())
