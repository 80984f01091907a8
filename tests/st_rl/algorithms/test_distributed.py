"""Two processes with half the worlds each learn what one process with all of them learns."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.testing import assert_close

from st_rl.algorithms import PPO, distributed
from st_rl.modules import ActorCritic, ActorCriticRecurrent
from st_rl.utils.errors import UserError

STEPS, WORLDS = 6, 16
POLICIES: dict[str, tuple[Any, dict[str, Any]]] = {
    "feed-forward": (ActorCritic, {}),
    "recurrent": (ActorCriticRecurrent, {"rnn_hidden_size": 8}),
}


def learn_from_worlds(kind: str, worlds: slice) -> dict[str, Any]:
    """One whole-batch update on fixed data, of which this process sees the given worlds."""
    torch.set_num_threads(1)
    # Different weights in every process: the first one's must win.
    torch.manual_seed(distributed.rank())
    make, arguments = POLICIES[kind]
    policy = make(4, 4, 2, actor_hidden_dims=[16], critic_hidden_dims=[16], **arguments)
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


def check_agreements() -> None:
    """What two processes agree on."""
    rank = distributed.rank()
    assert (distributed.world_size(), distributed.launched(), distributed.processes_here()) == (2, 2, 2)
    assert distributed.any_process(rank == 1)
    assert not distributed.any_process(False)
    assert distributed.share(16) == 8
    with pytest.raises(UserError, match="15 worlds cannot be divided among 2 processes"):
        distributed.share(15)
    assert distributed.from_first(lambda: f"process {rank}") == "process 0"

    def fail() -> None:
        raise UserError("said once")

    with pytest.raises(UserError if rank == 0 else SystemExit, match="said once" if rank == 0 else "2"):
        distributed.from_first(fail)


def run_half(rank: int, folder: str, port: int) -> None:
    together = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    os.environ |= {name: str(value) for name, value in together.items()}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    half = WORLDS // 2
    with distributed.process_group("cpu") as device:
        assert device == torch.device("cpu") and dist.get_backend() == "gloo"
        results = {kind: learn_from_worlds(kind, slice(rank * half, (rank + 1) * half)) for kind in POLICIES}
        check_agreements()
    assert not dist.is_initialized()
    torch.save(results, f"{folder}/{rank}.pt")


def test_two_processes_take_the_gradient_step_of_one(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(run_half, args=(str(tmp_path), port), nprocs=2)  # type: ignore[attr-defined]
    halves = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    before = torch.get_num_threads()
    for kind in POLICIES:
        whole = learn_from_worlds(kind, slice(None))
        for name, value in whole["weights"].items():
            assert torch.equal(halves[0][kind]["weights"][name], halves[1][kind]["weights"][name])
            assert_close(halves[0][kind]["weights"][name], value, atol=1e-5, rtol=1e-4)
        assert_close(halves[0][kind]["mean"], whole["mean"])
    torch.set_num_threads(before)


def test_a_single_process_is_left_alone() -> None:
    values = torch.tensor([1.0, 2.0, 3.0])
    assert distributed.rank() == 0
    assert distributed.world_size() == distributed.launched() == distributed.processes_here() == 1
    assert distributed.mean(values) is values
    assert distributed.gather_rows(values) is values
    assert distributed.share(15) == 15 and distributed.from_first(lambda: 3) == 3
    with distributed.process_group("cpu") as device:
        assert device == torch.device("cpu") and not dist.is_initialized()
    assert_close(distributed.standardize(values), torch.tensor([-1.0, 0.0, 1.0]))
