"""Metrics of a training to Weights & Biases, which is an extra."""

# pyright: reportMissingImports=false
# (wandb comes with the extra 'wandb')

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from st_rl.utils.errors import UserError

logger = logging.getLogger(__name__)

PROJECT = "legged-gym-ext"
"""Project in which runs appear, unless the environment variable WANDB_PROJECT names another one."""


def require_wandb() -> None:
    """Raise ``UserError`` where the library is missing."""
    if importlib.util.find_spec("wandb") is None:
        raise UserError("--log wandb needs wandb; install it with: pip install 'legged-gym-ext[wandb]'")


class WandbLog:
    """Sends configuration and metrics of a run; a resumed run goes on where it was. See ``TrainingListener``."""

    def __init__(self, project: str) -> None:
        """Raises ``UserError`` where the library is missing."""
        require_wandb()
        self._project = project
        self._run: Any = None

    def opened(self, folder: Path, config: Mapping[str, Any], iteration: int) -> None:
        """See ``TrainingListener``; ``UserError`` where nothing can be sent, as without an account."""
        import wandb

        name = folder.resolve().name
        try:
            self._run = wandb.init(
                project=self._project,
                id="".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name),
                name=name,
                group=str(config.get("task", "")),
                config=dict(config),
                dir=str(folder),
                resume="allow",
            )
        except Exception as error:  # whatever the library meets on its way to the network
            said = (str(error) or type(error).__name__).splitlines()[0][:200]
            raise UserError(
                f"wandb could not begin ({said}); log in with 'wandb login', keep the data here with "
                "WANDB_MODE=offline, or leave --log wandb out"
            ) from error

    def iteration_done(self, metrics: Mapping[str, float], iteration: int) -> None:
        """See ``TrainingListener``; what cannot be sent is no reason to stop."""
        if self._run is None:
            return
        try:
            self._run.log(dict(metrics), step=iteration)
        except Exception as error:
            logger.warning("wandb gets no more metrics (%s); training goes on", error)
            self._run = None

    def closed(self) -> None:
        """See ``TrainingListener``."""
        if self._run is not None:
            self._run.finish()
            self._run = None
