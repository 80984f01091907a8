"""One training at a time in a run folder."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from st_rl.utils.errors import UserError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None

NAME = ".lock"
"""File of a run folder that says who trains the run; only there while it is trained."""

_held: dict[Path, int] = {}
"""Folders that this process has locked, and how often."""


@contextlib.contextmanager
def locked_run(folder: Path) -> Iterator[None]:
    """Have ``folder``, which exists, for this process alone; within one process the lock can be taken again.

    The system gives the lock up when the process ends, however it ends. Where the file system knows no locks, the
    process that the file names decides: one that no longer runs holds nothing.

    Raises:
        UserError: another process trains the run, or the folder cannot be written.
    """
    key = folder.resolve()
    if key in _held:
        _held[key] += 1
        try:
            yield
        finally:
            _held[key] -= 1
        return
    file = _acquire(folder)
    _held[key] = 1
    try:
        yield
    finally:
        del _held[key]
        # Whoever has opened it meanwhile notices that it is no longer there, and opens the next one.
        with contextlib.suppress(OSError):
            (folder / NAME).unlink()
        file.close()


def is_locked(folder: Path) -> bool:
    """Whether a process seems to train the run in ``folder``: the file is there, and the process that it names runs.

    The lock itself is not touched, for a training that begins meanwhile would be refused.
    """
    if folder.resolve() in _held:
        return True
    try:
        with (folder / NAME).open("r", encoding="utf-8") as file:
            number, host = _written(file)
    except (OSError, UnicodeDecodeError):
        return False
    return number is not None and (host != socket.gethostname() or _runs(number))


def _acquire(folder: Path) -> IO[str]:
    path = folder / NAME
    while True:
        try:
            file = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot write to {folder} ({error.strerror}); choose a folder you may write to") from error
        if not _is_free(file):
            holder = _holder(file)
            file.close()
            raise UserError(
                f"another process{holder} trains the run in '{folder}'; wait for it, end it, or start a run of its own"
            )
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                break
        file.close()
    file.truncate(0)
    file.write(f"{os.getpid()} {socket.gethostname()}\n")
    file.flush()
    return file


def _is_free(file: IO[str]) -> bool:
    """Lock the file; whether nobody else has it."""
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return False
    number, host = _written(file)
    return number is None or host != socket.gethostname() or not _runs(number)


def _holder(file: IO[str]) -> str:
    number, host = _written(file)
    return "" if number is None else f" ({number} on {host})"


def _written(file: IO[str]) -> tuple[int | None, str]:
    """Process and machine that the file names."""
    file.seek(0)
    number, _, host = file.read(200).strip().partition(" ")
    return (int(number), host) if number.isdecimal() else (None, "")


def _runs(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
