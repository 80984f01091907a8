"""Training a task with this suite's own runner."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.envs.graphed import GraphedEnv
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.runs.folders import run_config
from legged_gym_ext.runs.motions import gait_motions, motion_files
from legged_gym_ext.runs.policies import policy_arguments
from legged_gym_ext.runs.recording_options import about_episode
from legged_gym_ext.runs.watching import Watch
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.algorithms import distributed
from st_rl.env import VecEnv
from st_rl.runners import OnPolicyRunner, get_runner_class
from st_rl.utils.attributes import field_values
from st_rl.utils.errors import UserError
from st_rl.utils.run_folder import run_folder_of

logger = logging.getLogger(__name__)


PRELOADED_TRANSITIONS = 100_000
"""Transitions of reference motions that are interpolated once, and drawn from in every step."""


def _two_stage_arguments(task: TaskCfg) -> dict[str, Any]:
    cfg = task.train.dataset
    if not cfg.folder:
        raise UserError("TwoStageRunner needs trajectories; name their folder with --train.dataset.folder")
    options = {
        "keep_latest_n_trajs": cfg.keep_latest_n_trajs,
        "random_start_frame": cfg.random_start_frame,
        "wait_seconds": cfg.wait_seconds,
    }
    return {"dataset": cfg.folder, "dataset_iterations": cfg.iterations, "dataset_options": options}


def _amp_arguments(task: TaskCfg) -> dict[str, Any]:
    env = task.env
    return {
        "motions": motion_files(task.train.motions or gait_motions(env.robot, env.gait)),
        "time_between_frames": env.sim.dt * env.sim.decimation,
        "motion_options": {"fields": tuple(env.ref_obs), "num_preload_transitions": PRELOADED_TRANSITIONS},
    }


RUNNER_ARGUMENTS: dict[str, Callable[[TaskCfg], dict[str, Any]]] = {
    "AmpPolicyRunner": _amp_arguments,
    "TwoStageRunner": _two_stage_arguments,
}
"""What the runner classes are given of a task beside what they all are."""


def make_runner(task: TaskCfg, env: LeggedEnv, folder: Path | None) -> OnPolicyRunner:
    """The runner that trains ``task`` in ``env`` and writes to ``folder``."""
    train = task.train
    make = get_runner_class(train.runner_class)
    more = RUNNER_ARGUMENTS.get(train.runner_class, lambda _: {})(task)
    try:
        return make(
            # Its properties behave like the protocol's plain attributes, which the type checker does not accept.
            cast(VecEnv, env),
            policy=policy_arguments(task, env),
            algorithm=field_values(train.algorithm),
            algorithm_class=train.algorithm_class,
            num_steps_per_env=train.num_steps_per_env,
            save_interval=train.save_interval,
            log_dir=folder,
            run_config=run_config(task, env.where.backend),
            seed=train.seed,
            device=str(env.device),
            **more,
        )
    except (TypeError, ValueError) as error:
        raise UserError(f"the settings under 'train' do not fit together: {error}") from error


def train(
    task: TaskCfg,
    folder: Path,
    where: Where = Where(),
    *,
    resume: bool = False,
    weights_from: Path | None = None,
    graphed: bool = False,
    watch: Watch = Watch(),
) -> int:
    """Train ``task`` to its ``max_iterations`` and leave the checkpoints in ``folder``.

    In a process group every process simulates its share of the worlds, from a seed of its own, with its share of the
    cores of its machine.

    Args:
        folder: of the run; to resume it, the checkpoint to go on from may stand for it.
        resume: continue the run in ``folder`` where it was saved.
        weights_from: run folder whose policy a new run starts from.
        graphed: replay whole control steps as CUDA graphs; on a GPU only.
        watch: what is shown and recorded beside the metrics.

    Returns:
        0, or 128 plus the number of the signal that ended the training early (saved nevertheless).
    """
    seed = task.train.seed + distributed.rank()
    make = GraphedEnv if graphed else LeggedEnv
    env = make(share_of_process(task.env), where, seed=seed)
    try:
        runner = make_runner(task, env, run_folder_of(folder))
        if resume:
            runner.load(folder, resume=True)
        elif weights_from is not None:
            cfg = task.train.load
            report = runner.load(
                weights_from, resume=False, misaligned=cfg.match_segments, manipulators=cfg.manipulators
            )
            if report is not None and distributed.rank() == 0:
                logger.info("%s", report)
        watch.attach(runner, env, about_episode(task, run_folder_of(folder).name))
        remaining = task.train.max_iterations - runner.iteration
        if remaining < 1:
            raise UserError(
                f"the run has {runner.iteration} iterations already; set --train.max-iterations to more than that"
            )
        runner.learn(remaining, init_at_random_ep_len=not resume)
    finally:
        env.close()
    return 128 + runner.interrupted if runner.interrupted is not None else 0


def share_of_process(cfg: EnvCfg) -> EnvCfg:
    """``cfg`` with the worlds, and the threads of the simulator, that are this process's share."""
    if distributed.world_size() == 1:
        return cfg
    threads = cfg.sim.num_threads or max(1, (os.cpu_count() or 1) // distributed.processes_here())
    return replace(cfg, num_envs=distributed.share(cfg.num_envs), sim=replace(cfg.sim, num_threads=threads))


def with_threads(task: TaskCfg, number: int) -> TaskCfg:
    """``task`` with a simulator on ``number`` threads; torch takes as many from now on. 0 leaves both as they are."""
    if not number:
        return task
    torch.set_num_threads(number)
    return replace(task, env=replace(task.env, sim=replace(task.env.sim, num_threads=number)))
