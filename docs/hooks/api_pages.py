"""Makes the pages of the API: one for each folder of the packages, with every module in it, from their docstrings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("legged_gym_ext", "st_rl")
FOLDER = "reference/api"


def modules(folder: Path) -> list[str]:
    """Return the dotted names of the public modules in ``folder``, those of its engines (sim/mujoco ...) included."""
    paths = [path for path in folder.glob("*.py") if not path.name.startswith("_")]
    if folder.name != folder.relative_to(ROOT).parts[0]:
        paths += [path for path in folder.glob("*/*.py") if not path.name.startswith("_")]
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sorted(paths)]


def pages() -> Iterable[tuple[str, str]]:
    """Yield name and Markdown text of every page."""
    for package in PACKAGES:
        folders = sorted(path.parent for path in (ROOT / package).glob("*/__init__.py"))
        for folder in [ROOT / package, *folders]:
            name, found = ".".join(folder.relative_to(ROOT).parts), modules(folder)
            text = f"# `{name}`\n\n::: {name}\n    options:\n      members: false\n      show_root_heading: false\n\n"
            yield name, text + "\n".join(f"::: {module}\n" for module in found)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to those of the site, and to its navigation in the place of the folder."""
    names = []
    for name, text in pages():
        files.append(File.generated(config, f"{FOLDER}/{name}.md", content=text))
        names.append(f"{FOLDER}/{name}.md")
    config.nav = _filled(config.nav, names)
    return files


def _filled(nav: Any, names: list[str]) -> Any:
    """Return ``nav`` with the pages called ``names`` in the place of their folder."""
    if isinstance(nav, list):
        return [_filled(item, names) for item in nav]
    if isinstance(nav, dict):
        return {title: names if value == f"{FOLDER}/" else _filled(value, names) for title, value in nav.items()}
    return nav
