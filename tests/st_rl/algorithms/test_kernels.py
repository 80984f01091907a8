"""The faster kernels compute what torch's own do."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from st_rl.algorithms import kernels
from st_rl.algorithms.kernels import fast_kernels
from st_rl.utils.layers import ONEDNN

CPU = torch.device("cpu")
pytestmark = pytest.mark.skipif(not ONEDNN, reason="this build of torch has no oneDNN")


def network() -> nn.Sequential:
    """Layers that widen and narrow, so that both forms of the weight's gradient are met."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 16), nn.ELU(), nn.Linear(16, 7), nn.ELU(), nn.Linear(7, 1, bias=False))


def gradients(net: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    x = x.clone().requires_grad_()
    loss = (net(x).square() * torch.linspace(0.5, 2.0, x.shape[0]).view(-1, *[1] * (x.dim() - 1))).sum()
    return [loss, *torch.autograd.grad(loss, [x, *net.parameters()])]


@pytest.mark.parametrize("shape", [(33, 5), (4, 9, 5), (1, 5)])
def test_values_and_gradients_are_those_of_torch(shape: tuple[int, ...]) -> None:
    net, x = network(), torch.randn(*shape)
    expected = gradients(net, x)
    with fast_kernels(CPU):
        found = gradients(net, x)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_the_fast_path_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    product = kernels._product
    monkeypatch.setattr(kernels, "_product", lambda *args: calls.append(args) or product(*args))
    net, x = network(), torch.randn(8, 5)
    net(x)
    assert not calls
    with fast_kernels(CPU):
        net(x)
        bent = nn.ELU()(net[0](x))
    assert len(calls) == 4
    assert "_Elu" in type(bent.grad_fn).__name__, "a module of torch's passes its arguments by name"


def test_elu_is_exact_at_its_corners() -> None:
    x = torch.tensor([[-200.0, -1.0, -1e-8, -0.0, 0.0, 1e-8, 3.0, 1e30, float("inf"), -float("inf")]])
    with fast_kernels(CPU):
        y = functional.elu(x)
        scaled = functional.elu(x, 0.5)
        changed = functional.elu(x.clone(), inplace=True)
    torch.testing.assert_close(y, functional.elu(x), rtol=0, atol=1e-7)
    assert torch.equal(scaled, functional.elu(x, 0.5))
    assert torch.equal(changed, functional.elu(x))


def test_not_a_number_stays_one() -> None:
    with fast_kernels(CPU):
        assert functional.elu(torch.full((1, 3), float("nan"))).isnan().all()


def test_second_derivatives_are_those_of_torch() -> None:
    """A gradient penalty differentiates the gradient with respect to the input."""
    net, x = network(), torch.randn(12, 5)

    def penalty_gradients() -> list[torch.Tensor]:
        leaf = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(net(leaf).sum(), leaf, create_graph=True)
        found = torch.autograd.grad(slope.square().sum(), list(net.parameters()), allow_unused=True)
        return [torch.zeros(()) if g is None else g for g in found]

    expected = penalty_gradients()
    with fast_kernels(CPU):
        found = penalty_gradients()
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_other_precisions_and_single_vectors_are_left_to_torch() -> None:
    layer = nn.Linear(4, 3)
    with fast_kernels(CPU):
        assert torch.equal(layer(torch.ones(4)), functional.linear(torch.ones(4), layer.weight, layer.bias))
        assert layer.double()(torch.ones(2, 4, dtype=torch.float64)).dtype is torch.float64


def test_frozen_weights_get_no_gradient() -> None:
    layer = nn.Linear(4, 3).requires_grad_(False)
    x = torch.randn(6, 4, requires_grad=True)
    with fast_kernels(CPU):
        layer(x).sum().backward()
    assert layer.weight.grad is None and layer.bias.grad is None
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand(6, 4))


def test_on_another_device_nothing_changes() -> None:
    with fast_kernels(torch.device("meta")):
        assert functional.linear(torch.ones(2, 3), torch.ones(4, 3)).shape == (2, 4)
