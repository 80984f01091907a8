"""Every Python example of every page runs, and prints what the page shows."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from legged_gym_ext.robots.registry import ROBOTS
from legged_gym_ext.tasks.registry import _FAMILIES, _SINGLE
from st_rl.utils.registry import Registry

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in [ROOT / "README.md", *DOCS.rglob("*.md")] if "```python" in path.read_text("utf-8"))
MUST_HAVE = {
    *(f"how-to/add_a_{what}.md" for what in ("backend", "reward", "robot", "task")),
    *(f"reference/st_rl/{part}.md" for part in ("algorithms", "environments", "observations", "policies")),
    *(f"reference/st_rl/{part}.md" for part in ("runners", "storage")),
    "how-to/latency_and_depth.md",
    "explanation/observation.md",
    "tutorial/first_policy.md",
}
"""Pages that would be of little use without an example."""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks learn faster on one thread than on two that wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def nothing_stays_registered() -> Iterator[None]:
    """What an example registers is taken out again."""
    registries: tuple[Registry[Any], ...] = (ROBOTS, _FAMILIES, _SINGLE)
    before = [set(registry) for registry in registries]
    yield
    for registry, names in zip(registries, before, strict=True):
        for name in set(registry) - names:
            registry.unregister(name)


def run(page: Path) -> tuple[str, dict[str, Any]]:
    """What the examples of ``page`` print, one after the other in one program, and the names that they define."""
    names: dict[str, Any] = {"__name__": "example"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for index, block in enumerate(blocks(page, "python")):
            exec(compile(block, f"{page.name}, example {index + 1}", "exec"), names)
    return printed.getvalue(), names


def test_the_pages_that_need_an_example_have_one() -> None:
    assert {str(page.relative_to(DOCS)) for page in PAGES if page.is_relative_to(DOCS)} >= MUST_HAVE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_docs_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed, _ = run(page)
    text = page.read_text(encoding="utf-8")
    shown = blocks(page, "text")
    if shown:
        assert printed == "".join(shown)
    elif page.name == "observations.md":
        assert f"`{printed.strip()}`" in text


def test_docs_of_latency_and_depth_make_one_environment(tmp_path: Path) -> None:
    """What the page sets one after the other also works together."""
    from dataclasses import replace

    from legged_gym_ext.envs.legged_env import LeggedEnv

    _, names = run(DOCS / "how-to" / "latency_and_depth.md")
    cfg = replace(names["env"], latency=names["late"].latency, num_envs=2)
    env = LeggedEnv(replace(cfg, sim=replace(cfg.sim, num_threads=1)))
    observation, _, _, _ = env.step(torch.zeros(2, 12))
    assert env.obs_segments["forward_depth"] == (1, 48, 64) and env.latency is not None
    assert observation.isfinite().all()
    env.close()


def test_docs_link_only_to_what_exists() -> None:
    """The site builder checks the pages of the site; this also covers README and CONTRIBUTING."""
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_docs_name_only_commands_that_exist() -> None:
    import tomllib

    commands = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"])
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        if page.name == "CHANGELOG.md":
            continue  # which also tells of what is gone
        for name in re.findall(r"`?(legged-(?!gym)[a-z][a-z-]*[a-z])", page.read_text(encoding="utf-8")):
            assert name in commands, f"{page.relative_to(ROOT)} names {name}"
