"""What commands write: only over files, and into folders, of their own kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from legged_gym_ext.envs.episode import is_episode
from legged_gym_ext.runs.folders import is_run
from st_rl.storage.rollout_files.metadata import FILE_NAME as TRAJECTORIES
from st_rl.utils.errors import UserError
from st_rl.utils.run_folder import read_config, read_json

DEPLOYMENT = "policy.json"
"""File beside an exported policy that says how to run it."""
_HEAD = 64


def _is_svg(path: Path) -> bool:
    return _head(path).lstrip().startswith((b"<svg", b"<?xml"))


def _is_png(path: Path) -> bool:
    return _head(path).startswith(b"\x89PNG")


def _is_gif(path: Path) -> bool:
    return _head(path).startswith(b"GIF8")


def _is_video(path: Path) -> bool:
    return _head(path)[4:8] == b"ftyp"


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


_CHECKS: dict[str, tuple[str, Callable[[Path], bool]]] = {
    ".svg": ("SVG picture", _is_svg),
    ".png": ("PNG picture", _is_png),
    ".gif": ("GIF picture", _is_gif),
    ".mp4": ("MP4 video", _is_video),
}
"""By ending, what a picture or a film is and how it is told from other files."""


def require_own_picture(path: Path) -> None:
    """``UserError`` where a picture or film would replace a file that is something else."""
    name, check = _CHECKS.get(path.suffix.lower(), ("such file", lambda _: False))
    _require(path, name, check)


def require_own_episode(path: Path) -> None:
    """``UserError`` where a recorded episode would replace a file that is something else."""
    _require(path, "recorded episode", is_episode)


def require_own_report(path: Path, *keys: str) -> None:
    """``UserError`` where figures would replace a file that is no JSON object with one of ``keys``."""

    def is_report(existing: Path) -> bool:
        try:
            found: Any = read_json(existing)
        except ValueError:
            return False
        return isinstance(found, dict) and any(key in found for key in keys)

    _require(path, "file of such figures", is_report)


def _require(path: Path, what: str, is_own: Callable[[Path], bool]) -> None:
    parent = path.absolute().parent
    if not parent.is_dir():
        raise UserError(f"there is no folder '{path.parent}' for '{path.name}'; make it first")
    if path.is_dir():
        raise UserError(f"'{path}' is a folder; name a file in it")
    if not path.exists():
        return
    try:
        own = path.is_file() and (path.stat().st_size == 0 or is_own(path))
    except OSError as error:
        raise UserError(f"'{path}' cannot be read ({error.strerror}); choose another file") from error
    if not own:
        raise UserError(f"'{path}' is there already and is no {what}; choose another file, or delete it first")


def require_folder_for_mutex(folder: Path, *, replace: bool) -> None:
    """``UserError`` where a mutex would be written over another run, or without ``replace`` over a mutex."""
    if _is_empty(folder):
        return
    if not is_run(folder):
        raise UserError(f"'{folder}' holds other files and no mutex; choose another --out")
    if "skills" not in read_config(folder):
        raise UserError(f"'{folder}' holds a trained run, which a mutex must not replace; choose another --out")
    if not replace:
        raise UserError(f"there is a mutex in '{folder}' already; replace it with --replace, or choose another --out")


def require_folder_for_trajectories(folder: Path) -> None:
    """``UserError`` where trajectories would be written among other files."""
    if not _is_empty(folder) and not (folder / TRAJECTORIES).is_file():
        raise UserError(f"'{folder}' holds other files and no trajectories; collect into an empty or new folder")


def require_folder_for_skills(folder: Path) -> None:
    """``UserError`` where the work of ``train_skills`` would be written among other files."""
    if not _is_empty(folder) and not any((folder / name).exists() for name in ("runs", "output", ".lock")):
        raise UserError(f"'{folder}' holds other files; choose an empty or new folder with --out")


def require_folder_for_export(folder: Path, files: tuple[str, ...]) -> None:
    """``UserError`` where an exported policy would be written into a run folder or over ``files`` of another kind."""
    if is_run(folder):
        raise UserError(f"'{folder}' is a run folder; choose another --out, such as '{folder / 'exported'}'")
    _is_empty(folder)  # says it where the name is taken by a file
    try:
        found: Any = read_json(folder / DEPLOYMENT)
    except (OSError, ValueError):
        found = None
    if isinstance(found, dict) and "observations" in found:
        return
    taken = [name for name in (*files, DEPLOYMENT) if (folder / name).exists()]
    if taken:
        raise UserError(
            f"'{folder}' has a {taken[0]} already that no export has described; choose another --out, or delete it"
        )


def _is_empty(folder: Path) -> bool:
    """Whether there is nothing in ``folder`` or no such folder; ``UserError`` where a file has its name."""
    if not folder.exists():
        return True
    if not folder.is_dir():
        raise UserError(f"cannot write to '{folder}', which is no folder; choose another one")
    return not any(folder.iterdir())
