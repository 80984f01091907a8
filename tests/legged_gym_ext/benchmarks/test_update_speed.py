"""The comparison with rsl-rl-lib runs, for both kinds of policy."""

from __future__ import annotations

import math

import pytest
import torch

from legged_gym_ext.benchmarks import update


@pytest.mark.parametrize("recurrent", [False, True])
def test_both_libraries_update_on_the_same_batch(recurrent: bool) -> None:
    threads, random_state = torch.get_num_threads(), torch.get_rng_state()
    sizes = {"num_envs": 32, "num_steps": 6, "num_obs": 8, "repetitions": 2, "threads": 1}
    figures = update.update_vs_rsl_rl(**sizes, recurrent=recurrent)
    assert all(math.isfinite(value) and value > 0.0 for value in figures.values())
    assert figures["threads"] == 1.0
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), random_state)


@pytest.mark.parametrize("recurrent", [False, True])
def test_both_start_from_the_same_policy_and_rollout(recurrent: bool) -> None:
    torch.manual_seed(0)
    sizes = (16, 6, 8, 3, recurrent)
    ours, theirs = update.make_ours(*sizes), update.make_theirs(*sizes)
    update._copy_weights(ours, theirs)
    update._fill(ours, theirs, 8)
    torch.testing.assert_close(theirs.storage.observations["policy"], ours.storage.obs)
    torch.testing.assert_close(theirs.storage.dones.squeeze(-1).bool(), ours.storage.dones)
    obs = torch.randn(16, 8)
    with torch.no_grad():
        policy = ours.actor_critic
        policy.reset()
        theirs.actor.reset()
        torch.testing.assert_close(theirs.actor({"policy": obs}), policy.act_inference(obs), rtol=1e-4, atol=1e-5)
