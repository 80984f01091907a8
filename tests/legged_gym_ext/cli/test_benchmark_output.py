"""What legged-benchmark prints, and what it refuses to compare with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from legged_gym_ext.cli.benchmark import as_text, read_report
from st_rl.utils.errors import UserError


def test_figures_are_printed_beside_earlier_ones() -> None:
    result = {"backend": "mujoco", "worlds": 8, "env_over_physics": 0.5, "new": 0.25}
    assert as_text(result, {"env_over_physics": 0.4, "backend": "warp", "worlds": 4}).splitlines() == [
        "backend                      mujoco",
        "worlds                       8",
        "env_over_physics             0.500  before 0.400",
        "new                          0.250",
    ]


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text(json.dumps({"env_over_physics": 0.75}))
    assert read_report(path) == {"env_over_physics": 0.75}


@pytest.mark.parametrize("text", [None, "no json", "[1]", "{}"])
def test_other_files_are_refused_in_a_sentence(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "other.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=r"other\.json"):
        read_report(path)
