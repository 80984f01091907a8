"""Speed of what sees: the environment with a camera beside the one without, and the training of a student."""

from __future__ import annotations

import io
import statistics
from dataclasses import replace

from legged_gym_ext.benchmarks.environment import env_ratio, now
from legged_gym_ext.runs.folders import make_env
from legged_gym_ext.runs.teachers import with_teacher_folders
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UserError

_FILLING = 3
"""Iterations before the measurement: the ring must hold rows to learn from."""


def vision_over_field(*, worlds: int, rounds: int, steps: int, robot: str = "go1", where: Where = Where()) -> float:
    """Return environment steps per second of ``vision`` over those of ``field``, the same course without a camera.

    Arguments as for ``env_ratio``.
    """
    seeing, blind = get_task(f"{robot}_vision"), get_task(f"{robot}_field")
    return env_ratio(seeing, blind, worlds=worlds, rounds=rounds, steps=steps, where=where)


def student_train_steps_per_second(*, worlds: int, rounds: int, robot: str = "go1", where: Where = Where()) -> float:
    """Return control steps of one world per second of training ``vision`` as it is registered, in ``worlds`` worlds.

    The median of ``rounds`` iterations, each with its rollout, labels and gradient steps; ``UserError`` without any.
    """
    if rounds < 1:
        raise UserError("a benchmark needs at least one round")
    task = with_teacher_folders(get_task(f"{robot}_vision"))
    env = make_env(task.env, where, num_envs=worlds, seed=task.train.seed)
    try:
        runner = make_runner(replace(task, env=env.cfg), env, None)
        runner.stream = io.StringIO()
        runner.learn(_FILLING)
        seconds = []
        for _ in range(rounds):
            begin = now(env.device)
            runner.learn(1)
            seconds.append(now(env.device) - begin)
        return worlds * runner.num_steps_per_env / statistics.median(seconds)
    finally:
        env.close()
