"""What a run writes beside its checkpoints: ``config.json``, the state of the code, and metrics in two formats."""

# pyright: reportAttributeAccessIssue=false
# (the names of generated protocol buffers are unknown to the type checker)

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from tensorboardX import SummaryWriter
from tensorboardX.proto.summary_pb2 import Summary

from st_rl.runners import checkpoint
from st_rl.runners.code_state import code_state, versions
from st_rl.runners.metrics_file import MetricsWriter
from st_rl.runners.run_lock import locked_run
from st_rl.utils.errors import UserError
from st_rl.utils.files import write_atomically
from st_rl.utils.run_folder import checkpoint_iterations

logger = logging.getLogger(__name__)


class TrainingListener(Protocol):
    """Is told how a training goes on, by the process that logs; what it raises ends the training."""

    def opened(self, folder: Path, config: Mapping[str, Any], iteration: int) -> None:
        """The training begins, after ``iteration`` iterations of the run; ``config`` is what describes it."""

    def iteration_done(self, metrics: Mapping[str, float], iteration: int) -> None:
        """One more iteration is done."""

    def closed(self) -> None:
        """The training has ended, well or not."""


class RunLog:
    """The folder of a training, with TensorBoard events and ``metrics.jsonl``; without one nothing is written."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.owned: Path | None = None
        """The folder that is known to be this run's."""
        self._lock = contextlib.ExitStack()
        self._events: SummaryWriter | None = None
        self._metrics: MetricsWriter | None = None
        self.listeners: tuple[TrainingListener, ...] = ()
        """Are told how the training goes on, if there is a folder."""

    def open(self, config: Mapping[str, Any], iteration: int) -> None:
        """Check that the folder is this run's and can be written, before any work is done, and describe the run in it.

        What an interrupted run has logged after ``iteration`` is removed from ``metrics.jsonl``; from TensorBoard's
        events, which are only ever added to, it is discarded by those who read them.

        Raises:
            UserError: the folder holds checkpoints of another run, is being trained in, or cannot be written.
        """
        folder = self.folder
        if folder is None:
            return
        if folder != self.owned and folder.is_dir() and checkpoint_iterations(folder):
            raise UserError(f"{folder} already holds checkpoints; resume that run or choose another folder")
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        if folder.is_dir():
            self._lock.enter_context(locked_run(folder))
        if folder == self.owned and iteration:
            aside = checkpoint.set_aside_after(folder, iteration)
            if aside:
                logger.warning("%s: %s moved to %s", folder, ", ".join(p.name for p in aside), aside[0].parent)
        state, changes = code_state()
        described = {**config, "versions": versions(), "code": state}
        checkpoint.write_json(folder / "config.json", described)
        if changes:
            write_atomically(folder / "code.diff", changes.encode())
        self.owned = folder
        try:
            self._metrics = MetricsWriter(folder, iteration)
            self._events = SummaryWriter(logdir=str(folder), purge_step=iteration + 1 if iteration else None)
        except OSError as error:
            raise UserError(f"cannot write to {folder} ({error}); choose a folder you may write to") from error
        for listener in self.listeners:
            listener.opened(folder, described, iteration)

    def write(self, metrics: Mapping[str, float], iteration: int) -> None:
        """Add the metrics of an iteration to both files, if they are open."""
        if self._events is None or self._metrics is None:
            return
        try:
            self._metrics.write(metrics, iteration)
            for name, value in metrics.items():
                self._events.add_scalar(name, value, iteration)
        except OSError as error:
            raise UserError(f"cannot write the metrics to {self.folder} ({error}); free some space") from error
        for listener in self.listeners:
            listener.iteration_done(metrics, iteration)

    def add_picture(self, name: str, encoded: bytes, size: tuple[int, int], iteration: int) -> None:
        """Add a PNG, or an animated GIF, of ``size`` (width, height) to TensorBoard's images."""
        if self._events is not None and self._events.file_writer is not None:
            image = Summary.Image(width=size[0], height=size[1], colorspace=3, encoded_image_string=encoded)
            self._events.file_writer.add_summary(Summary(value=[Summary.Value(tag=name, image=image)]), iteration)

    def close(self) -> None:
        """Close both files; ``open`` goes on with them."""
        if self._metrics is not None:
            for listener in self.listeners:
                listener.closed()
        if self._events is not None:
            self._events.close()
        if self._metrics is not None:
            self._metrics.close()
        self._events = self._metrics = None
        self._lock.close()
