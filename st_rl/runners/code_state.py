"""Which code and which libraries a run was made with."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

from st_rl.utils.version import CHECKOUT, DISTRIBUTION, __version__

PACKAGES = ("torch", "numpy", "mujoco", "mujoco-warp", "tensorboardX")
"""Libraries that a result depends on."""


def versions() -> dict[str, str]:
    """Return the versions of the suite, of Python and of the installed libraries that a result depends on."""
    found = {DISTRIBUTION: __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _git(folder: Path, *arguments: str) -> str | None:
    """Return the output of a git command, or ``None`` where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def code_state(checkout: Path | None = CHECKOUT) -> tuple[dict[str, Any], str]:
    """Return the state of the suite's own repository.

    An installed suite has none, and a repository that it happens to lie in belongs to somebody else: what that
    contains is never asked for. ``versions`` says which code it was then.

    Args:
        checkout: root of the suite's checkout; ``None`` where it is installed.

    Returns:
        ``{"commit": hash or None, "dirty": changed since then}`` and the text of the changes to tracked files.
    """
    unknown = {"commit": None, "dirty": False}, ""
    if checkout is None:
        return unknown
    root, commit = _git(checkout, "rev-parse", "--show-toplevel"), _git(checkout, "rev-parse", "HEAD")
    if root is None or commit is None or Path(root.rstrip("\n")).resolve() != checkout.resolve():
        return unknown
    difference = _git(checkout, "diff", "HEAD") or ""
    return {"commit": commit.strip(), "dirty": bool(difference)}, difference
