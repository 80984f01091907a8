"""Where Warp keeps the kernels it has compiled."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

from st_rl.utils.errors import UserError

VARIABLE = "WARP_CACHE_PATH"
"""Environment variable by which Warp is told another folder than that below the home."""

logger = logging.getLogger(__name__)


def require_kernel_cache() -> None:
    """Give Warp a folder that it can write to; to be called before it is imported.

    Where the home cannot be written, a folder among the temporary files stands in for it, and that is said.

    Raises:
        UserError: the folder that the environment names cannot be written.
    """
    named = os.environ.get(VARIABLE)
    if named is not None:
        if not _is_writable(Path(named)):
            raise UserError(f"{VARIABLE} names '{named}', which cannot be written; name another folder, or unset it")
        return
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path(os.path.expanduser("~")) / ".cache")
    if _is_writable(home):
        return
    instead = Path(tempfile.gettempdir()) / f"warp_kernels_{os.getuid() if hasattr(os, 'getuid') else ''}"
    if not _is_writable(instead):
        raise UserError(f"Warp can keep its kernels neither in '{home}' nor in '{instead}'; set {VARIABLE} to a folder")
    os.environ[VARIABLE] = str(instead)
    logger.warning("'%s' cannot be written; Warp keeps its kernels in '%s'", home, instead)


def _is_writable(folder: Path) -> bool:
    """Whether ``folder`` is there or can be made, and files can be written in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
