"""The version of the suite, and where it was checked out."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

DISTRIBUTION = "legged-gym-ext"
"""The name under which the packages are installed."""


def checkout_of(packages: Path) -> Path | None:
    """Return ``packages``, the folder that holds the suite's packages, if it is a checkout of the suite.

    Where the suite is installed, the packages lie in a folder of the interpreter, without its ``pyproject.toml``.
    """
    return packages if _project(packages).get("name") == DISTRIBUTION else None


def _project(folder: Path) -> dict[str, str]:
    """Return the table ``project`` of the ``pyproject.toml`` in ``folder``; empty where there is none."""
    try:
        return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, tomllib.TOMLDecodeError):
        return {}


def _version(checkout: Path | None) -> str:
    # What a checkout says holds for its files even if another version of the suite is installed beside it.
    if checkout is not None:
        return _project(checkout)["version"]
    try:
        return importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"  # the packages were copied, not installed


CHECKOUT = checkout_of(Path(__file__).resolve().parents[2])
"""The root of the checkout that these files belong to; ``None`` where the suite is installed."""
__version__ = _version(CHECKOUT)
"""The version of the suite: that of the checkout, or of the installed distribution."""
