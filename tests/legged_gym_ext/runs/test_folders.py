"""Runs are found by folder, name and age."""

from pathlib import Path

import pytest

from legged_gym_ext.runs.folders import find_runs, new_run_folder, resolve_run
from st_rl.utils.errors import UserError


def make_run(root: Path, task: str, name: str) -> Path:
    folder = root / task / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model_3.pt").write_bytes(b"")
    return folder


def test_a_run_is_found_by_folder_name_and_age(tmp_path: Path) -> None:
    old = make_run(tmp_path, "go1_walk", "2026-01-01_10-00-00_first")
    new = make_run(tmp_path, "go1_walk", "2026-01-02_10-00-00_soft_knees")
    foreign = make_run(tmp_path, "a1_walk", "2026-01-03_10-00-00_first")
    assert find_runs(tmp_path) == [old, new, foreign]
    assert resolve_run(str(old), root=tmp_path) == old
    assert resolve_run(old.name, root=tmp_path) == old
    assert resolve_run("soft_knees", root=tmp_path) == new
    assert resolve_run("first", root=tmp_path) == foreign
    assert resolve_run("first", root=tmp_path, task="go1_walk") == old
    assert resolve_run("latest", root=tmp_path) == foreign
    assert resolve_run("latest", root=tmp_path, task="go1_walk") == new


def test_folders_without_checkpoint_are_no_runs(tmp_path: Path) -> None:
    run = make_run(tmp_path, "go1_walk", "2026-01-01_10-00-00_first")
    (tmp_path / "go1_walk" / "2026-01-02_10-00-00_empty").mkdir()
    assert resolve_run("latest", root=tmp_path) == run


def test_an_unknown_name_lists_what_there_is(tmp_path: Path) -> None:
    make_run(tmp_path, "go1_walk", "2026-01-01_10-00-00_first")
    with pytest.raises(UserError, match=r"no run 'second' .* there are: 2026-01-01_10-00-00_first"):
        resolve_run("second", root=tmp_path)


def test_new_folders_are_never_shared(tmp_path: Path) -> None:
    folders = [new_run_folder(tmp_path, "go1_walk", "x") for _ in range(3)]
    assert len(set(folders)) == 3 and all(folder.is_dir() for folder in folders)


def test_a_log_root_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another --log-root"):
        new_run_folder(tmp_path / "file", "go1_walk", "x")
    with pytest.raises(UserError, match="cannot name a run"):
        new_run_folder(tmp_path, "go1_walk", "../x")
