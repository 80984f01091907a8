"""Layers computed part by part: results and derivatives are torch's, whatever the number of threads."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from st_rl.algorithms.kernels import fast_kernels
from st_rl.modules import ActorCritic
from st_rl.utils import layers
from st_rl.utils.layers import ONEDNN, layers_in_parts, run_layers

pytestmark = pytest.mark.skipif(not ONEDNN, reason="this build of torch has no oneDNN")
ROWS = 1500
"""Two parts, of unequal work for three threads."""


def network(*, last: bool = True) -> nn.Sequential:
    """Layers that widen and narrow, with or without an ELU at their end."""
    torch.manual_seed(0)
    parts = [nn.Linear(5, 16), nn.ELU(), nn.Linear(16, 7), nn.ELU()]
    return nn.Sequential(*parts, nn.Linear(7, 3)) if last else nn.Sequential(*parts)


def learned(net: nn.Sequential, x: Tensor, *, of_input: bool = True) -> list[Tensor]:
    """Outputs, and gradients of the weights and, if asked for, of the input."""
    net.zero_grad()
    leaf = x.clone().requires_grad_(of_input)
    y = run_layers(net, leaf)
    (y * torch.linspace(-1.0, 1.0, y.numel()).view_as(y)).sum().backward()
    grads = [parameter.grad for parameter in net.parameters()] + [leaf.grad]
    return [y.detach(), *(grad.clone() for grad in grads if grad is not None)]


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("of_input", [True, False])
@pytest.mark.parametrize("shape", [(ROWS, 5), (3, 500, 5)])
def test_results_and_gradients_are_those_of_torch(last: bool, of_input: bool, shape: tuple[int, ...]) -> None:
    net, x = network(last=last), torch.randn(*shape)
    expected = learned(net, x, of_input=of_input)
    with layers_in_parts():
        found = learned(net, x, of_input=of_input)
    assert len(found) == len(expected) == 1 + len(list(net.parameters())) + of_input
    for own, other in zip(found, expected, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=2e-4)


def test_results_do_not_depend_on_threads() -> None:
    net, x = network(), torch.randn(5000, 5)
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            with fast_kernels(torch.device("cpu"), one_thread=True):
                results.append(learned(net, x))
    finally:
        torch.set_num_threads(before)
    for one, three in zip(*results, strict=True):
        assert torch.equal(one, three)


def test_only_gradients_that_are_wanted_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = network(), torch.randn(ROWS, 5)
    for parameter in net[:2].parameters():
        parameter.requires_grad_(False)
    expected = learned(net, x, of_input=False)
    products = []
    monkeypatch.setattr(layers, "weight_gradient", lambda *args: products.append(args) or _weight_gradient(*args))
    with layers_in_parts():
        found = learned(net, x, of_input=False)
    assert len(products) == 2 * 2, "of two layers, in two parts"
    assert len(found) == len(expected) == 5
    for own, other in zip(found, expected, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=2e-4)


_weight_gradient = layers.weight_gradient


def test_second_derivatives_are_those_of_torch() -> None:
    net, x = network(), torch.randn(ROWS, 5)

    def penalty() -> list[Tensor]:
        leaf = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(run_layers(net, leaf).sum(), leaf, create_graph=True)
        found = torch.autograd.grad(slope.square().sum(), list(net.parameters()), allow_unused=True)
        return [torch.zeros(()) if grad is None else grad for grad in found]

    expected = penalty()
    with layers_in_parts():
        found = penalty()
    for own, other in zip(found, expected, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "net",
    [
        nn.Sequential(nn.Linear(5, 4), nn.Tanh()),
        nn.Sequential(nn.Linear(5, 4, bias=False), nn.ELU()),
        nn.Sequential(nn.Linear(5, 4), nn.ELU(alpha=0.5)),
        nn.Sequential(nn.ELU(), nn.Linear(5, 4)),
        nn.Sequential(),
    ],
)
def test_other_layers_are_called_as_they_are(net: nn.Sequential) -> None:
    x = torch.randn(ROWS, 5)
    with layers_in_parts():
        assert torch.equal(run_layers(net, x), net(x))


def test_parts_are_taken_within_the_context_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    forward = layers._forward
    monkeypatch.setattr(layers, "_forward", lambda *args, **kwargs: seen.append(1) or forward(*args, **kwargs))
    policy = ActorCritic(5, 5, 2, actor_hidden_dims=[8], critic_hidden_dims=[8])
    x = torch.randn(ROWS, 5)
    policy.act_inference(x)
    assert not seen
    with fast_kernels(torch.device("cpu"), one_thread=True):
        policy.act_inference(x)
        policy.evaluate(x)
        policy.evaluate(x[:100])
    assert len(seen) == 2, "few rows are not worth it"
