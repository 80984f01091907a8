"""What watching costs a training where it is off: nothing is shown, filmed, sent or recorded."""

from __future__ import annotations

import io
import statistics
import time
from dataclasses import replace
from typing import Any

from legged_gym_ext.runs.folders import make_env
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg


def watching_off(task: TaskCfg, *, worlds: int, rounds: int, where: Where = Where()) -> float:
    """Return the speed of a training that could be watched, but is not, over that of bare iterations.

    Both train the same runner by turns: ``learn``, with progress that goes to no terminal and with no listeners or
    recorders, and the iterations alone. The time is that of the processor, which other programs disturb less; the
    result is the median of the rounds' ratios.
    """
    env = make_env(task.env, where, num_envs=worlds, seed=task.train.seed)
    try:
        runner = make_runner(replace(task, env=env.cfg), env, None)
        runner.stream = io.StringIO()
        runner.learn(2, init_at_random_ep_len=True)
        ratios = []
        for index in range(rounds):
            # Whoever is second finds warmer caches, so they take turns at that too.
            measured: dict[str, float] = {}
            for name in ("bare", "off") if index % 2 else ("off", "bare"):
                measured[name] = _seconds(runner, bare=name == "bare")
            ratios.append(measured["bare"] / measured["off"])
    finally:
        env.close()
    return statistics.median(ratios)


def _seconds(runner: Any, *, bare: bool) -> float:
    """Processor time of two iterations, s."""
    begin = time.process_time()
    if bare:
        for _ in range(2):
            runner.iterate()
    else:
        runner.learn(2)
    return time.process_time() - begin
