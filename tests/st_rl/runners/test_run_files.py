"""Files are written whole or not at all, and reading one runs nothing from it."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch

from st_rl.runners import checkpoint
from st_rl.runners.resume import random_state, set_random_state
from st_rl.utils.errors import UserError


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def test_tensors_and_plain_values_come_back(tmp_path: Path) -> None:
    value = {"a": torch.arange(3.0), "b": {"c": [1, 2.5, None, "d"]}}
    checkpoint.save_tensors(tmp_path / "new" / "x.pt", value)
    again = checkpoint.load_tensors(tmp_path / "new" / "x.pt")
    assert torch.equal(again["a"], value["a"])
    assert again["b"] == value["b"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.pt"]


def test_a_hostile_file_is_refused_without_running_it(tmp_path: Path) -> None:
    torch.save({"model_state_dict": Trap(tmp_path / "sprung")}, tmp_path / "zip.pt")
    (tmp_path / "raw.pt").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    for name in ("zip.pt", "raw.pt"):
        with pytest.raises(UserError, match=name):
            checkpoint.load_tensors(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def test_missing_and_foreign_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no file .*x\.pt"):
        checkpoint.load_tensors(tmp_path / "x.pt")
    torch.save(torch.zeros(1), tmp_path / "x.pt")
    with pytest.raises(UserError, match="holds no checkpoint but a Tensor"):
        checkpoint.load_tensors(tmp_path / "x.pt")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.json"
    checkpoint.write_json(path, {"a": 1})

    def refuse(source: object, target: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(UserError, match=r"config.json \(Permission denied\)"):
        checkpoint.write_json(path, {"a": 2})
    assert path.read_text() == '{\n  "a": 1\n}\n'
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.json"]


def test_the_states_of_the_last_three_checkpoints_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for iteration in (5, 50, 60, 100):
        checkpoint.model_path(tmp_path, iteration).touch()
        for rank in (0, 1):
            checkpoint.state_path(tmp_path, iteration, rank).touch()
    checkpoint.remove_old_states(tmp_path)
    kept = {f"state_{name}.pt" for name in ("50", "50.1", "60", "60.1", "100", "100.1")}
    assert {path.name for path in tmp_path.glob("state_*")} == kept
    monkeypatch.setattr(checkpoint, "LARGEST_STATES", 10)
    checkpoint.state_path(tmp_path, 60).write_bytes(b"large as it is")
    checkpoint.state_path(tmp_path, 100).write_bytes(b"large as it is")
    checkpoint.remove_old_states(tmp_path)
    assert {path.name for path in tmp_path.glob("state_*")} == {"state_100.pt", "state_100.1.pt"}


def test_the_state_of_the_generators_survives_a_file(tmp_path: Path) -> None:
    checkpoint.save_tensors(tmp_path / "x.pt", random_state())
    first = torch.randn(3)
    set_random_state(checkpoint.load_tensors(tmp_path / "x.pt"))
    assert torch.equal(first, torch.randn(3))
