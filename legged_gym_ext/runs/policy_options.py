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
    """Registered task; by default that of the run, with the run's settings."""
    policy: str = "latest"
    """A run folder, a run's name, a shipped policy's name, 'latest', or 'mutex'; RUN/model_30.pt and RUN/best name one
    of its checkpoints."""
    checkpoint: str | None = None
    """Which checkpoint of the run plays: the number of its iteration, or 'best' for the one with the highest mean
    reward; by default the newest that is whole."""
    log_root: Path = runs.LOG_ROOT
    """Where runs are looked for."""

    def _named(self) -> Path:
        """The run, or its checkpoint where one is named, if it is no mutex."""
        only = self.task or None if runs.is_latest(self.policy) else None
        return runs.resolve_run(self.policy, root=self.log_root, task=only, checkpoint=self.checkpoint)

    def base_task(self) -> TaskCfg:
        """The task that is played: the run's own with its settings, or another registered one if ``task`` asks for it.

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
        """The checkpoint that plays, for ``task``; a mutex of other settings than the shipped one is made.

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
    """What a report says of the policy: its checkpoint, and what it was trained with that its environment lacks."""
    facts = policy_facts(checkpoint)
    differences = policy.loaded.conversion.differences
    if differences:
        facts |= {"policy_robot": policy.loaded.interface.robot, "differences": list(differences)}
    return facts


def policy_name(checkpoint: Path) -> str:
    """What a policy is called: its run folder's name."""
    return run_folder_of(checkpoint).resolve().name
