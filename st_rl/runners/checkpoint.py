"""Files of a run: written whole or not at all, read without running anything from them.

Checkpoints of policies are found and read with ``st_rl.utils.run_folder``.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import torch

from st_rl.utils.errors import UserError
from st_rl.utils.files import write_atomically
from st_rl.utils.run_folder import BEST_FILE, checkpoint_iterations, read_json

KEPT_STATES = 3
"""A run can be resumed from so many of its last checkpoints."""
LARGEST_STATES = 2 * 1024**3
"""Bytes of states together, beyond which only those of the newest checkpoint are kept."""
SET_ASIDE = "set_aside"
"""Folder within a run for checkpoints that came after the one that it was resumed from."""


def write_json(path: Path, value: Any) -> None:
    """``write_atomically`` of ``value`` as indented JSON."""
    write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())


def save_tensors(path: Path, value: dict[str, Any]) -> None:
    """``write_atomically`` of nested tensors and plain values in torch's format."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    write_atomically(path, buffer.getvalue())


def load_tensors(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read what ``save_tensors`` wrote, with ``weights_only=True``.

    Raises:
        UserError: the file is missing, truncated, or holds anything but tensors and plain values.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}; give the path of a file that a run has saved")
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("not a complete archive")
        value = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        # torch raises whatever its zip reader and unpickler happen to meet in a damaged file.
        raise UserError(
            f"{path} is truncated or is no checkpoint ({str(error).splitlines()[0][:120]}); "
            "delete it and use an earlier one"
        ) from error
    if not isinstance(value, dict):
        raise UserError(f"{path} holds no checkpoint but a {type(value).__name__}; use a file that a run has saved")
    return value


def model_path(folder: Path, iteration: int) -> Path:
    """Where the policy of an iteration lies."""
    return folder / f"model_{iteration}.pt"


def state_path(folder: Path, iteration: int, rank: int = 0) -> Path:
    """Where the rest of a process's state after an iteration lies (environment, generators, statistics)."""
    return folder / (f"state_{iteration}.pt" if rank == 0 else f"state_{iteration}.{rank}.pt")


def remove_old_states(folder: Path, kept: int = KEPT_STATES) -> None:
    """Delete every ``state_*.pt`` but those of the last ``kept`` checkpoints, fewer where they are large.

    Those of the newest checkpoint stay whatever their size.
    """
    by_iteration: dict[int, list[Path]] = {}
    for path in folder.glob("state_*.pt"):
        iteration = path.name.split(".")[0].removeprefix("state_")
        by_iteration.setdefault(int(iteration) if iteration.isdecimal() else -1, []).append(path)
    room = LARGEST_STATES
    newest = checkpoint_iterations(folder)[-kept:]
    for iteration in sorted(by_iteration, reverse=True):
        room -= sum(path.stat().st_size for path in by_iteration[iteration])
        if iteration not in newest or (room < 0 and iteration != newest[-1]):
            for path in by_iteration[iteration]:
                path.unlink(missing_ok=True)


def set_aside_after(folder: Path, iteration: int) -> list[Path]:
    """Move checkpoints and states of later iterations into ``set_aside``; returns where the checkpoints are now.

    A run that goes on from an earlier checkpoint would otherwise be mixed with what it did before.
    """
    moved = []
    for name in ("model", "state"):
        for path in sorted(folder.glob(f"{name}_*.pt")):
            number = path.name.split(".")[0].removeprefix(f"{name}_")
            if not number.isdecimal() or int(number) <= iteration:
                continue
            target = folder / SET_ASIDE / path.name
            target.parent.mkdir(exist_ok=True)
            os.replace(path, target)
            moved += [target] if name == "model" else []
    return moved


def note_best(folder: Path, iteration: int, mean_reward: float) -> None:
    """Remember the checkpoint of ``iteration`` as the best of the run where no other has a higher mean reward."""
    known = read_best(folder)
    if known is None or mean_reward > known[1]:
        write_json(folder / BEST_FILE, {"iteration": iteration, "mean_reward": mean_reward})


def read_best(folder: Path) -> tuple[int, float] | None:
    """Iteration and mean reward of the best checkpoint so far, if it is there."""
    try:
        found = read_json(folder / BEST_FILE)
        iteration, reward = int(found["iteration"]), float(found["mean_reward"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (iteration, reward) if model_path(folder, iteration).is_file() else None
