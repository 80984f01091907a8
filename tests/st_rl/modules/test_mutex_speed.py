"""The timing of a mutex policy against a sub-policy measures what it says."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture(scope="module")
def benchmark() -> Iterator[ModuleType]:
    sys.path.insert(0, str(SCRIPTS))
    try:
        yield importlib.import_module("benchmark_mutex")
    finally:
        sys.path.remove(str(SCRIPTS))


@pytest.mark.parametrize("recurrent", [False, True])
def test_the_figures_are_plausible(benchmark: ModuleType, recurrent: bool) -> None:
    random_state = torch.get_rng_state()
    figures = benchmark.mutex_over_sub_policy(num_envs=12, recurrent=recurrent, repetitions=1, steps=2)
    assert figures.keys() == {"ratio", "mutex_ms", "sub_policy_ms"}
    assert all(math.isfinite(value) and value > 0.0 for value in figures.values())
    assert figures["ratio"] == pytest.approx(figures["mutex_ms"] / figures["sub_policy_ms"])
    assert torch.equal(torch.get_rng_state(), random_state)


def test_every_sub_policy_has_an_equal_share_of_the_worlds(benchmark: ModuleType) -> None:
    mutex, obs = benchmark.make_mutex(6, recurrent=False), benchmark.observations(12, 6)
    assert mutex.get_policy_selection(obs).sum(0).tolist() == [2] * 6
    assert mutex.act_inference(obs).shape == (12, 12)
