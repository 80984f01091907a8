"""The timing of a mutex policy against a sub-policy measures what it says."""

from __future__ import annotations

import math

import pytest
import torch

from legged_gym_ext.benchmarks import mutex


@pytest.mark.parametrize("recurrent", [False, True])
def test_the_figures_are_plausible(recurrent: bool) -> None:
    random_state = torch.get_rng_state()
    figures = mutex.mutex_over_sub_policy(num_envs=12, recurrent=recurrent, repetitions=1, steps=2)
    assert figures.keys() == {"ratio", "mutex_ms", "sub_policy_ms"}
    assert all(math.isfinite(value) and value > 0.0 for value in figures.values())
    assert figures["ratio"] == pytest.approx(figures["mutex_ms"] / figures["sub_policy_ms"])
    assert torch.equal(torch.get_rng_state(), random_state)


def test_every_sub_policy_has_an_equal_share_of_the_worlds() -> None:
    policy, obs = mutex.make_mutex(6, recurrent=False), mutex.observations(12, 6)
    assert policy.get_policy_selection(obs).sum(0).tolist() == [2] * 6
    assert policy.act_inference(obs).shape == (12, 12)
