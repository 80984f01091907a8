"""Two processes with half the worlds each learn what one process with all of them learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.testing import assert_close

from st_rl.algorithms import PPO, distributed
from st_rl.modules import ActorCritic

STEPS, WORLDS = 6, 16


def learn_from_worlds(worlds: slice) -> dict[str, Any]:
    """One whole-batch gradient step on fixed data, of which this process sees the given worlds."""
    torch.set_num_threads(1)
    # Different weights in every process: the first one's must win.
    torch.manual_seed(distributed.rank())
    policy = ActorCritic(4, 4, 2, actor_hidden_dims=[16], critic_hidden_dims=[16])
    algorithm = PPO(policy, num_learning_epochs=2, num_mini_batches=1, normalize_obs=True)
    num_worlds = len(range(WORLDS)[worlds])
    algorithm.init_storage(num_worlds, STEPS, 4, None, 2)
    generator = torch.Generator().manual_seed(5)
    data = {name: torch.randn(STEPS, WORLDS, size, generator=generator) for name, size in (("obs", 4), ("noise", 2))}
    rewards = torch.randn(STEPS, WORLDS, generator=generator)
    dones = torch.rand(STEPS, WORLDS, generator=generator) < 0.2
    for step in range(STEPS):
        algorithm.act(data["obs"][step, worlds])
        pending = algorithm._pending
        # The sampled noise would depend on how the worlds are divided.
        actions = pending["mean"] + 0.5 * data["noise"][step, worlds]
        pending["actions"], pending["log_prob"] = actions, policy.get_actions_log_prob(actions)
        algorithm.process_env_step(rewards[step, worlds], dones[step, worlds], {})
    algorithm.compute_returns(data["obs"][0, worlds])
    algorithm.update()
    return {"weights": policy.state_dict(), "mean": algorithm.state_dict()["obs_normalizer_state_dict"]["_mean"]}


def run_half(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    half = WORLDS // 2
    result = learn_from_worlds(slice(rank * half, (rank + 1) * half))
    assert distributed.any_process(rank == 1)
    assert not distributed.any_process(False)
    torch.save(result, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_take_the_gradient_step_of_one(tmp_path: Path) -> None:
    mp.spawn(run_half, args=(str(tmp_path),), nprocs=2)  # type: ignore[attr-defined]
    halves = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    before = torch.get_num_threads()
    whole = learn_from_worlds(slice(None))
    torch.set_num_threads(before)
    for name, value in whole["weights"].items():
        assert torch.equal(halves[0]["weights"][name], halves[1]["weights"][name])
        assert_close(halves[0]["weights"][name], value, atol=1e-5, rtol=1e-4)
    assert_close(halves[0]["mean"], whole["mean"])


def test_a_single_process_is_left_alone() -> None:
    values = torch.tensor([1.0, 2.0, 3.0])
    assert distributed.rank() == 0
    assert distributed.world_size() == 1
    assert distributed.mean(values) is values
    assert distributed.gather_rows(values) is values
    assert_close(distributed.standardize(values), torch.tensor([-1.0, 0.0, 1.0]))
