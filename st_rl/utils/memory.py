"""Memory: whether something fits before it is made, and what to say when it does not."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from st_rl.utils.errors import UserError

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
_SIGNS = (
    "out of memory",
    "can't allocate memory",
    "could not allocate",
    "storage size calculation overflowed",
    "array is too big",
)
"""What the messages of torch, CUDA, numpy and MuJoCo say when memory is short."""


class NotEnoughMemory(UserError):
    """Something is too large for the memory of its device; the message says what to lower."""


def free_bytes(device: torch.device | str) -> int | None:
    """Return how many bytes can still be used on ``device``; ``None`` where that cannot be found out."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    limits = [limit for limit in (_available(), _left_in_group()) if limit is not None]
    return min(limits) if limits else None


def require_memory(needed: int, device: torch.device | str, what: str, lower: str) -> None:
    """Raise ``NotEnoughMemory`` where ``needed`` bytes are more than what is free.

    Args:
        needed: bytes at least; an estimate that is too low lets more pass, one that is too high refuses what would run.
        what: what needs them, such as "10 worlds".
        lower: what a user can lower, such as "num_envs".
    """
    free = free_bytes(device)
    if free is not None and needed > free:
        raise NotEnoughMemory(
            f"{what} need about {gigabytes(needed)} of memory and {gigabytes(free)} are free on {device}; lower {lower}"
        )


def network_bytes(settings: Mapping[str, Any]) -> int:
    """Return the bytes that training the networks of a policy needs at least, from its constructor's arguments.

    Only the weights between the hidden layers are counted, whose numbers are those of the arguments ``*hidden_dims``.
    """
    weights = 0
    for name, value in settings.items():
        if name.endswith("hidden_dims") and isinstance(value, list | tuple):
            weights += sum(a * b for a, b in pairwise(value) if isinstance(a, int) and isinstance(b, int))
    # The weights, their gradients, and the two moments of Adam, 32-bit floats.
    return 4 * 4 * weights


def keep_freed_memory(device: torch.device | str = "cpu") -> bool:
    """Let the C library keep the memory that learning frees, since it is about to ask for as much again.

    By default it gives the end of its heap back to the system after every gradient step, and gets it back page by page:
    that was a fifth of the time of an update. The most that the process ever uses stays the same. Where the learner's
    ``device`` is another than the CPU nothing changes.

    Returns:
        Whether it will: the GNU C library does.
    """
    if torch.device(device).type != "cpu":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, 32 << 20)) and bool(mallopt(_M_TRIM_THRESHOLD, 1 << 30))


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""From malloc.h."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether ``error``, of Python, numpy, torch or an engine, says that memory is short."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError | NotEnoughMemory):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError | ValueError) and any(sign in text for sign in _SIGNS)


def gigabytes(size: int) -> str:
    """Return ``size`` bytes in words."""
    return f"{size / 1e9:,.1f} GB"


def _available() -> int | None:
    """Return what Linux says is available without swapping."""
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None


def _left_in_group() -> int | None:
    """Return what the limit of this process's control group (version 2, as in a container) leaves."""
    try:
        limit = int((_CGROUP / "memory.max").read_text(encoding="ascii"))
        used = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
        stat = (_CGROUP / "memory.stat").read_text(encoding="ascii").split()
        # Files that are cached are given up when memory is needed.
        cached = int(stat[stat.index("inactive_file") + 1])
    except (OSError, ValueError, IndexError):
        return None
    return limit - used + cached
