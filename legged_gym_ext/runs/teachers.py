"""The runs that a task learns from: its teacher, and the one that its student starts from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from legged_gym_ext.runs.folders import LOG_ROOT
from legged_gym_ext.runs.mutex import MutexOptions, resolve_policy
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.algorithms import DAggerCfg, TPPOCfg


def with_teacher_folders(task: TaskCfg, root: Path = LOG_ROOT) -> TaskCfg:
    """``task`` with the folders of the runs that ``train.algorithm`` names, below the current one as relative paths.

    When a run is resumed, a name such as ``latest`` would mean another one.

    Args:
        root: where runs lie.

    Raises:
        UserError: there is no such run.
    """
    algorithm = task.train.algorithm
    if not isinstance(algorithm, TPPOCfg):
        return task

    def folder_of(name: str) -> str:
        folder = resolve_policy(name, task, MutexOptions(), root=root).resolve()
        here = Path.cwd()
        return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)

    if algorithm.teacher_run:
        algorithm = replace(algorithm, teacher_run=folder_of(algorithm.teacher_run))
    if isinstance(algorithm, DAggerCfg) and algorithm.start_run:
        algorithm = replace(algorithm, start_run=folder_of(algorithm.start_run))
    return replace(task, train=replace(task.train, algorithm=algorithm))
