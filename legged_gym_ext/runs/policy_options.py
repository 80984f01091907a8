"""Which policy a command plays, at which checkpoint, and in which task."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.mutex import MUTEX, MutexOptions, policy_facts, resolve_policy
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.registry import get_task, task_names
from st_rl.utils.errors import UserError
from st_rl.utils.run_folder import load_newest_whole, run_folder_of

logger = logging.getLogger(__name__)


@dataclass
class PolicyOptions(MutexOptions):
    """The options of every command that plays a policy."""

    task: str = ""
    """Task to play; by default that of the run, with its settings."""
    policy: str = "latest"
    """Policy: a run folder, a run's or shipped policy's name, 'latest', or 'mutex' for the skills of the robot
    together; RUN/model_30.pt and RUN/best name one of its checkpoints."""
    checkpoint: str | None = None
    """Checkpoint of the run that plays: the number of its iteration, or 'best' for the one with the highest mean
    reward. By default the newest that is whole."""
    log_root: Path = runs.LOG_ROOT
    """Folder in which runs are looked for."""

    def _named(self) -> Path:
        """Return the run, or its checkpoint where one is named, of a policy that is no mutex."""
        only = self.task or None if runs.is_latest(self.policy) else None
        return runs.resolve_run(self.policy, root=self.log_root, task=only, checkpoint=self.checkpoint)

    def base_task(self) -> TaskCfg:
        """Return the task to play: the run's own with its settings, or the registered one that ``task`` asks for.

        Raises:
            UserError: an unknown name, or none where one is needed.
        """
        named = get_task(self.task) if self.task else None
        if self.policy == MUTEX:
            if named is None:
                raise UserError(f"name a task with --task; there are: {', '.join(task_names())}")
            return named
        if named is not None and self.given():
            return named  # and the mistake is said where the policy is looked for
        run = runs.load_run(self._named())
        return run.task if named is None or named.name == run.task.name else named

    def find_policy(self, task: TaskCfg) -> Path:
        """Return the checkpoint that plays in ``task``; a mutex with other settings than the shipped one is made first.

        Raises:
            UserError: nothing of that name, none of its checkpoints is whole, or no mutex can be made.
        """
        if self.policy == MUTEX:
            if self.checkpoint is not None:
                raise UserError(f"--policy {MUTEX} has no checkpoints to choose from; leave --checkpoint out")
            found = resolve_policy(self.policy, task, self, root=self.log_root)
        elif self.given():
            raise UserError(f"{', '.join(self.given())}: only --policy {MUTEX} is put together from skills")
        else:
            found = self._named()
        return load_newest_whole(found)[1]


def report_facts(checkpoint: Path, policy: runs.RunPolicy) -> dict[str, Any]:
    """Return what a report says of a policy: its checkpoint, and what it was trained with and its environment lacks."""
    facts = policy_facts(checkpoint)
    differences = policy.loaded.conversion.differences
    if differences:
        facts |= {"policy_robot": policy.loaded.interface.robot, "differences": list(differences)}
    return facts


def policy_name(checkpoint: Path) -> str:
    """What a policy is called: its run folder's name."""
    return run_folder_of(checkpoint).resolve().name
