"""Files that other processes may read at any moment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from st_rl.utils.errors import UserError


def write_atomically(path: Path, *pieces: bytes | memoryview) -> None:
    """Write ``pieces`` under a temporary name beside ``path``, then rename: readers see all of it or the old file.

    A writer that is killed leaves a file ``.<name>.<process id>.tmp`` behind, which no reader looks at.

    Raises:
        UserError: the folder cannot be written, the disk is full, or ``path`` is no file (a folder or a device, which
            must not be replaced); ``path`` is as it was.
    """
    if path.exists() and not path.is_file():
        raise UserError(f"'{path}' is no file that could be replaced; choose another name")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(
            f"cannot write {path} ({error.strerror or error}); free some space or choose a folder you may write to"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def require_suffix(path: Path, suffixes: Sequence[str], option: str) -> None:
    """Raise ``UserError`` where the name of ``path`` ends with none of ``suffixes``, which say what is written."""
    if path.suffix.lower() not in suffixes:
        raise UserError(f"{option} {path}: the file's name must end with {' or '.join(suffixes)}")
