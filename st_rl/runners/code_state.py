"""Which code and which libraries a run was made with."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "numpy", "mujoco", "mujoco-warp", "tensorboardX")


def versions() -> dict[str, str]:
    """Versions of Python and of the installed libraries that a result depends on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _git(folder: Path, *arguments: str) -> str | None:
    """Output of a git command, or ``None`` where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def code_state(folder: Path) -> tuple[dict[str, Any], str]:
    """The state of the git repository that holds ``folder``.

    Returns:
        ``{"commit": hash or None, "dirty": changed since then}`` and the text of the changes to tracked files.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {"commit": None, "dirty": False}, ""
    difference = _git(folder, "diff", "HEAD") or ""
    return {"commit": commit.strip(), "dirty": bool(difference)}, difference
