"""What is shown and recorded of a training beside its metrics; all of it is off by default, and then costs nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.envs.recording import BrokenWorlds
from legged_gym_ext.runs.background_films import BackgroundFilms
from legged_gym_ext.runs.wandb_log import PROJECT, WandbLog
from st_rl.algorithms import distributed
from st_rl.runners import OnPolicyRunner
from st_rl.runners.run_log import TrainingListener

BROKEN_FOLDER = "broken"
"""Folder of a run with the last moments of the worlds that broke."""


@dataclass(frozen=True)
class Watch:
    """What is wanted."""

    film_interval: int = 0
    """A film is made of every so many iterations; 0 makes none."""
    wandb: bool = False
    """Metrics are sent to Weights & Biases."""
    broken: bool = False
    """Worlds that break are recorded."""

    def attach(self, runner: OnPolicyRunner, env: LeggedEnv, about: Mapping[str, Any]) -> None:
        """Let ``runner`` and its ``env`` tell what they do; ``about`` is what recordings say of themselves."""
        listeners: list[TrainingListener] = []
        if self.film_interval:
            # In every process of a group, since all of them save together.
            runner.save_intervals += (self.film_interval,)
            listeners.append(BackgroundFilms(self.film_interval, runner.run_log.add_picture))
        if self.wandb:
            listeners.append(WandbLog(os.environ.get("WANDB_PROJECT", PROJECT)))
        if distributed.rank() == 0:
            runner.run_log.listeners += tuple(listeners)
        if self.broken and runner.log_dir is not None:
            own = BROKEN_FOLDER if distributed.rank() == 0 else f"{BROKEN_FOLDER}_{distributed.rank()}"
            env.record(BrokenWorlds(runner.log_dir / own, about))
