"""Training a task with this suite's own runner."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.runs import policy_config, run_config
from st_rl.env import VecEnv
from st_rl.runners.on_policy_runner import OnPolicyRunner
from st_rl.utils.errors import UserError


def make_runner(
    task: TaskCfg, env: LeggedEnv, folder: Path | None, *, backend: str = "mujoco", device: str = "cpu"
) -> OnPolicyRunner:
    """The runner that trains ``task`` in ``env`` and writes to ``folder``."""
    train = task.train
    try:
        return OnPolicyRunner(
            # Its properties behave like the protocol's plain attributes, which the type checker does not accept.
            cast(VecEnv, env),
            policy=policy_config(task),
            algorithm=dict(vars(train.algorithm)),
            algorithm_class=train.algorithm_class,
            num_steps_per_env=train.num_steps_per_env,
            save_interval=train.save_interval,
            log_dir=folder,
            run_config=run_config(task, backend),
            seed=train.seed,
            device=device,
        )
    except (TypeError, ValueError) as error:
        raise UserError(f"the settings under 'train' do not fit together: {error}") from error


def train(
    task: TaskCfg,
    folder: Path,
    *,
    backend: str = "mujoco",
    device: str = "cpu",
    resume: bool = False,
    weights_from: Path | None = None,
) -> int:
    """Train ``task`` to its ``max_iterations`` and leave the checkpoints in ``folder``.

    Args:
        resume: continue the run in ``folder`` where it was saved.
        weights_from: run folder whose policy a new run starts from.

    Returns:
        0, or 128 plus the number of the signal that ended the training early (saved nevertheless).
    """
    env = LeggedEnv(task.env, backend=backend, device=device, seed=task.train.seed)
    try:
        runner = make_runner(task, env, folder, backend=backend, device=device)
        if resume:
            runner.load(folder, resume=True)
        elif weights_from is not None:
            runner.load(weights_from, resume=False)
        remaining = task.train.max_iterations - runner.iteration
        if remaining < 1:
            raise UserError(
                f"the run has {runner.iteration} iterations already; set --train.max-iterations to more than that"
            )
        runner.learn(remaining, init_at_random_ep_len=not resume)
    finally:
        env.close()
    return 128 + runner.interrupted if runner.interrupted is not None else 0
