"""Short films of a training in progress, made by another process that yields to the training."""

from __future__ import annotations

import io
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from st_rl.runners.checkpoint import model_path

logger = logging.getLogger(__name__)

FOLDER = "videos"
"""Folder of a run in which its films lie."""
_TAG = "film"
_PATIENCE_S = 60.0
"""How long the end of a training waits for a film in the making, s."""
_COMMAND = (sys.executable, "-m", "legged_gym_ext.cli.record")

AddPicture = Callable[[str, bytes, tuple[int, int], int], None]
"""Takes a name, an encoded picture, its width and height, and the iteration that it is of."""


def film_path(folder: Path, iteration: int) -> Path:
    """Where the film of an iteration lies in a run folder."""
    return folder / FOLDER / f"iteration_{iteration:06d}.mp4"


class BackgroundFilms:
    """Films the checkpoint of every ``interval``-th iteration; see ``TrainingListener``.

    One film is made at a time: what comes due meanwhile is left out, and that is said.
    """

    def __init__(
        self, interval: int, add_picture: AddPicture, *, seconds: float = 6.0, command: tuple[str, ...] = _COMMAND
    ) -> None:
        """``command`` films: it is given --policy, --out, --gif, --seconds and more."""
        self._interval, self._add_picture = interval, add_picture
        self._seconds, self._command = seconds, command
        self._folder: Path | None = None
        self._due: int | None = None
        self._making: tuple[int, subprocess.Popen[bytes]] | None = None

    def opened(self, folder: Path, config: Mapping[str, Any], iteration: int) -> None:
        """See ``TrainingListener``."""
        self._folder = folder

    def iteration_done(self, metrics: Mapping[str, float], iteration: int) -> None:
        """See ``TrainingListener``. The checkpoint of an iteration is there when the next one is done."""
        self._take_in()
        if self._due is not None and self._folder is not None and model_path(self._folder, self._due).is_file():
            self._start(self._folder, self._due)
            self._due = None
        if iteration % self._interval == 0:
            self._due = iteration

    def closed(self) -> None:
        """See ``TrainingListener``; waits a while for the film in the making."""
        if self._making is None:
            return
        process = self._making[1]
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._take_in()

    def _start(self, folder: Path, iteration: int) -> None:
        if self._making is not None:
            logger.info("no film of iteration %d: the last one is still being made", iteration)
            return
        path = film_path(folder, iteration)
        path.parent.mkdir(exist_ok=True)
        nice = shutil.which("nice")
        command = [*((nice, "-n", "10") if nice else ()), *self._command]
        command += ["--policy", str(model_path(folder, iteration)), "--out", str(path)]
        command += ["--gif", str(path.with_suffix(".gif")), "--seconds", str(self._seconds), "--num-threads", "1"]
        process = subprocess.Popen(
            command,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=path.with_suffix(".txt").open("wb"),
            start_new_session=True,  # Ctrl-C is meant for the training
        )
        self._making = iteration, process

    def _take_in(self) -> None:
        """Show a film that has been finished."""
        if self._making is None or self._making[1].poll() is None or self._folder is None:
            return
        (iteration, process), self._making = self._making, None
        path = film_path(self._folder, iteration)
        said = path.with_suffix(".txt")
        if process.returncode:
            lines = said.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it said nothing"]
            logger.warning("no film of iteration %d: %s", iteration, lines[-1][:200])
            return
        said.unlink(missing_ok=True)
        encoded = path.with_suffix(".gif").read_bytes()
        with Image.open(io.BytesIO(encoded)) as picture:
            self._add_picture(_TAG, encoded, picture.size, iteration)
