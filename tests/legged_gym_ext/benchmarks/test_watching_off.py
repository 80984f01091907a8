"""Watching that is off costs a training nothing that could be measured."""

from legged_gym_ext.benchmarks.watching import watching_off
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task


def test_a_training_that_is_not_watched_is_as_fast_as_its_iterations() -> None:
    # The bar of the project is 0.99 over many rounds; a few rounds beside other tests scatter more.
    assert watching_off(get_task("go1_walk"), worlds=64, rounds=3, where=Where(num_threads=1)) > 0.9
