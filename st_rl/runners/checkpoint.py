"""Files of a run: written whole or not at all, read without running anything from them.

Checkpoints of policies are found and read with ``st_rl.utils.run_folder``.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import torch

from st_rl.utils.errors import UserError
from st_rl.utils.files import write_atomically


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


def remove_other_states(folder: Path, iteration: int) -> None:
    """Delete every ``state_*.pt`` but those of ``iteration``; they are large and only the newest is of use."""
    for path in folder.glob("state_*.pt"):
        if path.name.split(".")[0] != f"state_{iteration}":
            path.unlink(missing_ok=True)
