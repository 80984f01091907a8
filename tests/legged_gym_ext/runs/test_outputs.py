"""Commands write over nothing that is not theirs, and names do not leave their folders."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
import torch
from commands import call
from toy_runs import write_toy_run, write_toy_skills

from legged_gym_ext.runs import folders as runs, outputs
from legged_gym_ext.runs.shipping import ship
from st_rl.runners import checkpoint
from st_rl.utils.errors import UserError
from st_rl.utils.files import write_atomically


@pytest.fixture(scope="module")
def skills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_toy_skills(tmp_path_factory.mktemp("skills"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_mutex_does_not_replace_a_trained_run(
    skills: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--sub-policies", *(f"{skill}={path}" for skill, path in skills.items())]
    before = contents(skills["walk"])
    for more in ([], ["--replace"]):
        assert call("make_mutex", "--task", "go1_field", "--out", str(skills["walk"]), *given, *more) == 2
        assert "holds a trained run" in capsys.readouterr().err and contents(skills["walk"]) == before
    out = ["make_mutex", "--task", "go1_field", "--out", str(tmp_path / "m"), *given]
    assert call(*out) == 0
    assert call(*out) == 2
    assert "--replace" in capsys.readouterr().err
    assert call(*out, "--replace") == 0
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files"):
        outputs.require_folder_for_mutex(tmp_path, replace=True)


@pytest.mark.parametrize(
    ("require", "words"),
    [
        (outputs.require_folder_for_trajectories, "no trajectories"),
        (outputs.require_folder_for_skills, "holds other files"),
        (lambda folder: outputs.require_folder_for_export(folder, ("policy.pt",)), "is a run folder"),
    ],
)
def test_results_do_not_land_in_a_run_folder(require: object, words: str, skills: dict[str, Path]) -> None:
    with pytest.raises(UserError, match=words):
        require(skills["tilt"])  # type: ignore[operator]


def test_files_are_replaced_by_their_own_kind_alone(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"task": "go1_walk", "backend": "mujoco", "env": {}}))
    with pytest.raises(UserError, match="no file of such figures"):
        outputs.require_own_report(config, "protocol")
    config.write_text(json.dumps({"protocol": "walk"}))
    outputs.require_own_report(config, "protocol")
    outputs.require_own_report(tmp_path / "new.json", "protocol")
    with pytest.raises(UserError, match="there is no folder"):
        outputs.require_own_report(tmp_path / "none" / "new.json", "protocol")
    with pytest.raises(UserError, match="is a folder"):
        outputs.require_own_report(tmp_path, "protocol")
    for name, own in (("a.svg", b"<svg"), ("a.png", b"\x89PNG\r\n"), ("a.mp4", b"\0\0\0\x20ftypisom")):
        (tmp_path / name).write_bytes(b"my own drawing")
        with pytest.raises(UserError, match="is there already"):
            outputs.require_own_picture(tmp_path / name)
        (tmp_path / name).write_bytes(own)
        outputs.require_own_picture(tmp_path / name)


def test_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file that could be replaced"):
        write_atomically(Path(os.devnull), b"x")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="no file that could be replaced"):
        write_atomically(tmp_path / "pipe", b"x")


def test_what_is_made_of_a_shipped_policy_goes_to_the_logs(
    skills: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "SHIPPED", skills["walk"].parent)
    assert runs.output_folder(skills["walk"], "videos") == runs.LOG_ROOT / "videos" / "go1_walk"
    assert runs.output_folder(skills["walk"] / "model_3.pt", "videos") == runs.LOG_ROOT / "videos" / "go1_walk"
    monkeypatch.setattr(runs, "SHIPPED", skills["walk"])
    assert runs.output_folder(skills["tilt"], "videos") == skills["tilt"]


@pytest.mark.parametrize("name", ["../out", "a/b", "/tmp/x", "", ".hidden", "latest", "best", "a\nb", "x" * 300])
def test_names_stay_in_their_folder(name: str, skills: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot name"):
        runs.new_run_folder(tmp_path, "go1_walk", name)
    with pytest.raises(UserError, match="cannot name"):
        ship(skills["walk"], tmp_path, name)
    assert not list(tmp_path.iterdir())


def test_shipping_replaces_policies_alone(skills: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("mine")
    with pytest.raises(UserError, match="no policy that could be replaced"):
        ship(skills["walk"], tmp_path, "docs", replace=True)
    with pytest.raises(UserError, match="where it would be shipped to"):
        ship(skills["walk"], skills["walk"].parent, skills["walk"].name, replace=True)
    assert (tmp_path / "docs" / "page.md").read_text() == "mine"


def test_evaluations_by_other_protocols_are_shipped_if_they_are_of_the_same_weights(tmp_path: Path) -> None:
    run = write_toy_run(tmp_path / "run", "go1_walk")
    facts = runs.checkpoint_facts(run)
    for name in ("evaluation.json", "rpl.json"):
        (run / name).write_text(json.dumps({"success_rate": 0.5} | facts))
    shipped = ship(run, tmp_path / "policies")
    assert json.loads((shipped / "rpl.json").read_text())["success_rate"] == 0.5
    assert not (shipped / "blindfold.json").exists()
    (run / "blindfold.json").write_text(json.dumps(facts | {"checkpoint_hash": "0" * 16}))
    with pytest.raises(UserError, match=r"blindfold\.json' is not of"):
        ship(run, tmp_path / "policies", replace=True)


def test_the_latest_run_is_the_last_trained_one(tmp_path: Path) -> None:
    root = tmp_path / "logs"
    first = write_toy_run(root / "go1_walk" / "2099-01-01_00-00-00_run", "go1_walk")
    second = write_toy_run(root / "go1_walk" / "2026-01-01_00-00-00_run", "go1_walk")
    mutex = root / "go1_field" / "mymutex"
    shutil.copytree(first, mutex)
    config = json.loads((mutex / "config.json").read_text())
    checkpoint.write_json(mutex / "config.json", config | {"skills": []})
    now = time.time()
    for age, run in ((30, first), (20, second), (10, mutex)):
        os.utime(run / "model_3.pt", (now - age, now - age))
    assert runs.resolve_run("latest", root=root) == second
    assert runs.resolve_run("latest/model_3.pt", root=root) == second / "model_3.pt"
    assert runs.resolve_run("mymutex", root=root) == mutex


def test_a_folder_here_does_not_stand_for_a_run_of_its_name(
    skills: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runs, "SHIPPED", skills["walk"].parent)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "go1_walk").mkdir()
    assert runs.resolve_run("go1_walk") == skills["walk"]
    assert "for the folder of that name here write ./go1_walk" in caplog.text
    assert runs.resolve_run("./go1_walk") == Path("go1_walk")
    (tmp_path / "elsewhere").mkdir()
    assert runs.resolve_run("elsewhere") == Path("elsewhere")


def test_checkpoints_are_chosen_by_file_number_or_as_the_best(skills: dict[str, Path], tmp_path: Path) -> None:
    run = tmp_path / "go1_walk" / "2026-01-01_00-00-00_mine"
    shutil.copytree(skills["walk"], run)
    shutil.copy(run / "model_3.pt", run / "model_30.pt")
    checkpoint.note_best(run, 3, 1.0)
    for name in ("mine/model_3.pt", f"{run}/model_3.pt", "mine/best"):
        assert runs.resolve_run(name, root=tmp_path) == run / "model_3.pt"
    assert runs.resolve_run("mine", root=tmp_path, checkpoint="30") == run / "model_30.pt"
    assert runs.resolve_run("mine", root=tmp_path, checkpoint="best") == run / "model_3.pt"
    for wrong, words in (("7", "there are the iterations"), ("x", "takes the number"), ("-1", "takes the number")):
        with pytest.raises(UserError, match=words):
            runs.resolve_run("mine", root=tmp_path, checkpoint=wrong)
    with pytest.raises(UserError, match="names a checkpoint already"):
        runs.resolve_run("mine/best", root=tmp_path, checkpoint="30")
    with pytest.raises(UserError, match="no checkpoint of a run"):
        runs.resolve_run("mine/weights.pt", root=tmp_path)


def test_a_damaged_newest_checkpoint_falls_back_to_a_whole_one(
    skills: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = tmp_path / "run"
    shutil.copytree(skills["walk"], run)
    (run / "model_9.pt").write_bytes(b"half a file")
    loaded = runs.load_policy(run)
    assert loaded.checkpoint.name == "model_3.pt" and "model_3.pt is used instead" in caplog.text
    with pytest.raises(UserError, match=r"model_9\.pt"):
        runs.load_policy(run / "model_9.pt")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(bad: float, skills: dict[str, Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(skills["walk"], run)
    state = torch.load(run / "model_3.pt", weights_only=True)
    state["model_state_dict"]["actor.mean.bias"][2] = bad
    torch.save(state, run / "model_3.pt")
    with pytest.raises(UserError, match=r"'actor\.mean\.bias' .* not finite"):
        runs.load_policy(run)
    assert call("export", "--policy", str(run), "--no-onnx") == 2 and not (run / "exported").exists()
    torch.save({"model_state_dict": {"actor.mean.bias": "text"}}, run / "model_3.pt")
    with pytest.raises(UserError, match="holds a str as 'actor"):
        runs.load_policy(run)
