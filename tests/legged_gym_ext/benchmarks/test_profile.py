"""Where the time goes: time that is spent inside another part is that part's alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from legged_gym_ext.benchmarks import profile as module
from legged_gym_ext.benchmarks.profile import Cost, Stopwatch, profile, summary, table
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UserError


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def perf_counter(self) -> float:
        return self.seconds

    def process_time(self) -> float:
        return 2.0 * self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def test_time_counts_once_and_for_the_innermost_part(clock: Clock) -> None:
    watch = Stopwatch()

    def wait(seconds: float) -> None:
        clock.seconds += seconds

    inner = watch.timed("inner", wait)

    def work() -> str:
        inner(3.0)
        wait(1.0)
        inner(0.5)
        return "done"

    assert watch.timed("outer", work)() == "done"
    assert watch.spent == {"inner": (3.5, 7.0), "outer": (1.0, 2.0)}
    assert watch.timed("inner", wait) is inner


def test_time_until_an_error_counts(clock: Clock) -> None:
    watch = Stopwatch()

    def fail() -> None:
        clock.seconds += 2.0
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        watch.timed("part", fail)()
    assert watch.spent == {"part": (2.0, 4.0)}


def test_the_table_adds_up_and_puts_small_parts_together() -> None:
    costs = [Cost("physics", 6.0, 12.0), Cost("update", 3.99, 4.0), Cost("a", 0.005, 0.01), Cost("b", 0.005, 0.01)]
    assert table(costs).splitlines()[2:] == [
        "| physics | 6.00 | 12.00 | 60.0% |",
        "| update | 3.99 | 4.00 | 39.9% |",
        "| 2 parts of less than 0.2 % | 0.01 | 0.02 | 0.1% |",
        "| everything | 10.00 | 16.02 | 100 % |",
    ]


def test_several_tasks_are_summed_up_by_groups_of_parts() -> None:
    walk = [Cost("physics", 6.0, 12.0), Cost("update", 4.0, 4.0), Cost("event pose", 0.5, 0.5)]
    jump = [Cost("acting", 2.0, 2.0), Cost("curriculum level", 0.25, 1.0), Cost("reward impact", 1.0, 1.0)]
    assert summary({"walk": walk, "jump": jump}).splitlines() == [
        "| ms | walk | jump |",
        "|---|---|---|",
        "| physics | 6.0 | 0.0 |",
        "| terms, state, observations | 0.0 | 1.0 |",
        "| resets and new tracks | 0.5 | 0.2 |",
        "| acting and storing | 0.0 | 2.0 |",
        "| the update, shared out among its steps | 4.0 | 0.0 |",
        "| everything | 10.5 | 3.2 |",
    ]


def test_a_profile_names_every_part_of_a_training() -> None:
    task = get_task("go1_crawl")
    cfg = replace(task.env, episode_length_s=0.2)
    costs = profile(replace(task, env=cfg), worlds=6, iterations=1, where=Where(num_threads=1))
    parts = {cost.part: cost for cost in costs}
    terms = {f"reward {name}" for name, term in cfg.rewards.items() if term.weight != 0.0}
    terms |= {f"termination {name}" for name in cfg.terminations} | {f"metric {name}" for name in cfg.metrics}
    terms |= {"observation height_measurements", "event track", "curriculum level"}
    assert terms | {"physics", "update", "acting", "where the robots are"} <= set(parts)
    assert all(cost.wall_ms >= 0.0 and cost.cpu_ms >= 0.0 for cost in costs)
    assert costs == sorted(costs, key=lambda cost: -cost.wall_ms)
    assert parts["physics"].wall_ms > parts["reward heading"].wall_ms


def test_a_profile_of_a_gpu_says_what_to_use_instead() -> None:
    with pytest.raises(UserError, match=r"torch\.profiler"):
        profile(get_task("go1_walk"), where=Where("warp", "cuda"))
