"""What a run writes beside its checkpoints: ``config.json``, the state of the code, and TensorBoard events."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter

from st_rl.runners import checkpoint
from st_rl.runners.code_state import code_state, versions
from st_rl.utils.errors import UserError
from st_rl.utils.run_folder import checkpoint_iterations


class RunLog:
    """The run folder of a training; without one nothing is written."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.owned: Path | None = None
        """The folder that is known to be this run's."""
        self._writer: SummaryWriter | None = None

    def open(self, config: Mapping[str, Any], iteration: int) -> None:
        """Check that the folder is this run's and can be written, before any work is done, and describe the run in it.

        Events after ``iteration`` that an interrupted run left behind are discarded by those who read them.

        Raises:
            UserError: the folder holds checkpoints of another run, or cannot be written.
        """
        folder = self.folder
        if folder is None:
            return
        if folder != self.owned and folder.is_dir() and checkpoint_iterations(folder):
            raise UserError(f"{folder} already holds checkpoints; resume that run or choose another folder")
        state, changes = code_state()
        described = {**config, "versions": versions(), "code": state}
        checkpoint.write_json(folder / "config.json", described)
        if changes:
            checkpoint.write_atomically(folder / "code.diff", changes.encode())
        self.owned = folder
        try:
            self._writer = SummaryWriter(logdir=str(folder), purge_step=iteration + 1 if iteration else None)
        except OSError as error:
            raise UserError(f"cannot write to {folder} ({error}); choose a folder you may write to") from error

    def write(self, metrics: Mapping[str, float], iteration: int) -> None:
        """Add the metrics of an iteration to the event file, if it is open."""
        if self._writer is None:
            return
        try:
            for name, value in metrics.items():
                self._writer.add_scalar(name, value, iteration)
        except OSError as error:
            raise UserError(f"cannot write the event file in {self.folder} ({error}); free some space") from error

    def close(self) -> None:
        """Close the event file; ``open`` begins another one."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
