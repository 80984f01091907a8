"""Every example in the documentation of these parts runs."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
PARTS = ("observations", "env", "modules", "storage", "algorithms", "runners")
PAGES = [f"st_rl_{part}.md" for part in PARTS]


def examples() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
        found += [(f"{page}-{index}", block) for index, block in enumerate(blocks)]
    return found


def test_every_page_has_an_example() -> None:
    assert {name.rsplit("-", 1)[0] for name, _ in examples()} == set(PAGES)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("name", "source"), examples(), ids=[name for name, _ in examples()])
def test_the_example_runs(
    name: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "example.py"
    script.write_text(source, encoding="utf-8")
    runpy.run_path(str(script))
    if name == "st_rl_observations.md-0":
        printed = capsys.readouterr().out.strip()
        assert f"`{printed}`" in (DOCS / "st_rl_observations.md").read_text(encoding="utf-8")
