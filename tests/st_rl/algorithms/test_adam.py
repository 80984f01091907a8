"""Adam does what torch's does, with the same state, and leaves torch's compiler alone."""

from __future__ import annotations

import subprocess
import sys

import torch
from torch import nn

from st_rl.algorithms.adam import Adam


def learned(kind: type[torch.optim.Adam], num_steps: int) -> tuple[nn.Linear, torch.optim.Adam]:
    """A layer after ``num_steps`` steps toward zero outputs, and the optimizer that took them."""
    torch.manual_seed(3)
    net = nn.Linear(3, 4)
    inputs = torch.randn(num_steps, 8, 3)
    optimizer = kind(net.parameters(), lr=torch.tensor(0.05), fused=True)
    for x in inputs:
        optimizer.zero_grad(set_to_none=True)
        net(x).square().mean().backward()
        optimizer.step()
    return net, optimizer


def test_steps_are_those_of_torch() -> None:
    ours, theirs = learned(Adam, 5)[0], learned(torch.optim.Adam, 5)[0]
    assert torch.equal(ours.weight, theirs.weight)
    assert not torch.equal(ours.weight, learned(Adam, 4)[0].weight)


def test_the_first_step_is_as_long_as_the_learning_rate() -> None:
    """Adam divides the gradient by its own size at first, so that every weight moves by the rate."""
    weight = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = Adam([weight], lr=torch.tensor(0.1), fused=True)
    (weight * torch.tensor([5.0, -0.01])).sum().backward()
    optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.tensor([0.9, -1.9]), rtol=0, atol=1e-5)


def test_either_goes_on_from_the_others_state() -> None:
    (net, ours), (other, theirs) = learned(Adam, 3), learned(torch.optim.Adam, 3)
    saved, their_saved = ours.state_dict(), theirs.state_dict()
    assert saved["param_groups"] == their_saved["param_groups"]
    ours.load_state_dict(their_saved)
    theirs.load_state_dict(saved)
    for each, optimizer in ((net, ours), (other, theirs)):
        each(torch.ones(2, 3)).sum().backward()
        optimizer.step()
    assert torch.equal(net.weight, other.weight)


def test_a_closure_is_called_before_the_step_with_gradients() -> None:
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = Adam([weight], lr=torch.tensor(0.5), fused=True)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = weight.square().sum()
        value.backward()
        return value

    assert optimizer.step(loss).item() == 4.0
    torch.testing.assert_close(weight.detach(), torch.tensor([1.5]))


def test_learning_does_not_load_the_compiler_of_torch() -> None:
    program = """
import sys, torch
from st_rl.algorithms import PPO
from st_rl.modules import ActorCritic
algorithm = PPO(ActorCritic(3, 3, 2, actor_hidden_dims=[4], critic_hidden_dims=[4]), num_mini_batches=2)
algorithm.init_storage(4, 2, 3, None, 2)
for _ in range(2):
    algorithm.act(torch.ones(4, 3))
    algorithm.process_env_step(torch.ones(4), torch.zeros(4, dtype=torch.bool), {})
algorithm.compute_returns(torch.ones(4, 3))
algorithm.update()
algorithm.load_state_dict(algorithm.state_dict())
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
