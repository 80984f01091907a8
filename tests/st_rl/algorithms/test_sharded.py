"""Memories whose sequences are shared among threads: results and gradients are torch's, whatever the threads."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from st_rl.algorithms.kernels import fast_kernels
from st_rl.algorithms.sharded import can_be_sharded

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
