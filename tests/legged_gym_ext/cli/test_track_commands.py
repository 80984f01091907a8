"""evaluate, record, make_mutex, ship_policy and play on tracks, from the command line."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pytest
import torch
from commands import call
from toy_runs import write_toy_skills

from legged_gym_ext.runs import folders as runs, mutex
from legged_gym_ext.runs.shipping import without_absolute_paths
from legged_gym_ext.sim.mujoco.gl import find_gl_library
from st_rl.utils.run_folder import load_checkpoint, read_config

SHORT = ["--env.episode-length-s", "0.2", "--episodes", "2"]
FIELD = ["--task", "go1_field", "--policy", "mutex"]


@pytest.fixture(scope="module")
def skills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_toy_skills(tmp_path_factory.mktemp("skills"))


def sub_policies(skills: dict[str, Path]) -> list[str]:
    return ["--sub-policies", *(f"{skill}={path}" for skill, path in skills.items())]


def test_a_skill_is_evaluated_at_the_test_ranges(skills: dict[str, Path], tmp_path: Path) -> None:
    files = ["--json", str(tmp_path / "jump.json"), "--plot", str(tmp_path / "jump.svg")]
    assert call("evaluate", "--policy", str(skills["jump"]), *SHORT, "--strict-episodes", "1", *files) == 0
    result = json.loads((tmp_path / "jump.json").read_text())
    assert (result["task"], result["protocol"], result["episodes"]) == ("go1_jump", "rpl", 2)
    keys = {"success_rate", "success_ci", "mean_distance", "per_block", "mean_power", "peak_torque", "checkpoint_hash"}
    assert keys <= result.keys() and result["solidity"]["physics_steps"] > 0
    assert (tmp_path / "jump.svg").read_text().startswith("<svg")


def test_a_mutex_of_given_skills_is_evaluated_on_a_course(skills: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "course.json"
    more = ["--skill-velocity", "jump=1.2", "leap=1.6", "--smoothing", "2", "--reset-mode", "when_skill"]
    arguments = [*FIELD, *sub_policies(skills), *more, *SHORT, "--json", str(out), "--log-root", str(tmp_path)]
    assert call("evaluate", *arguments, "--protocol", "course", "--num-blocks", "3", "--difficulty", "0.25") == 0
    result = json.loads(out.read_text())
    assert {"blocks_passed_rate", "finish_rate", "mean_x_displacement", "edge_violation"} <= result.keys()
    assert (result["protocol"], result["difficulty"]) == ("course", 0.25)
    assert set(result["sub_policies"]) == set(mutex.MUTEX_ORDER)
    (folder,) = (tmp_path / "go1_field").iterdir()
    policy = read_config(folder)["policy"]
    assert (policy["action_smoothing_buffer_len"], policy["reset_non_selected"]) == (2, "when_skill")
    assert policy["cmd_vel_mapping"]["3"] == 1.2


@pytest.mark.skipif(find_gl_library() is None, reason="needs EGL or OSMesa")
def test_a_mutex_is_filmed(skills: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "course.mp4"
    size = ["--camera-width", "160", "--camera-height", "120", "--camera-azimuth", "90"]
    arguments = [*FIELD, *sub_policies(skills), "--log-root", str(tmp_path), "--out", str(out), *size]
    assert call("record", *arguments, "--seconds", "0.2", "--difficulty", "0", "--blocks", "jump", "leap") == 0
    with av.open(str(out)) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert 1 <= len(frames) <= 10 and frames[0].shape == (120, 160)
    sheet = tmp_path / "course.png"
    arguments[arguments.index(str(out))] = str(sheet)
    assert call("record", *arguments, "--seconds", "0.2", "--difficulty", "0", "--blocks", "jump", "leap") == 0
    with av.open(str(sheet)) as container:
        image = next(container.decode(video=0)).to_ndarray(format="gray")
    # Two moments in 0.2 s; the places of the other six stay empty.
    assert image.shape == (240, 640) and image[:120, :320].std() > 5 and not image[120:].any()


def test_runs_are_shipped_small_and_movable(skills: dict[str, Path], tmp_path: Path) -> None:
    shipped, folder = tmp_path / "shipped", tmp_path / "mutex"
    made = ["--task", "go1_field", "--out", str(folder), *sub_policies(skills)]
    assert call("make_mutex", *made) == 0
    for path in (*skills.values(), folder):
        assert call("evaluate", "--policy", str(path), *SHORT, "--json", str(path / "evaluation.json")) == 0
        assert call("ship_policy", "--policy", str(path), "--root", str(shipped)) == 0
    names = {f"go1_{skill}" for skill in mutex.MUTEX_ORDER} | {"go1_mutex"}
    assert {path.name for path in shipped.iterdir()} == names
    for name in names:
        config, evaluation = (json.loads((shipped / name / f"{n}.json").read_text()) for n in ("config", "evaluation"))
        assert without_absolute_paths(config) == config and evaluation["policy"] == name
        assert evaluation["checkpoint_hash"] == runs.checkpoint_facts(shipped / name)["checkpoint_hash"]
    assert "optimizer_state_dict" not in load_checkpoint(shipped / "go1_jump" / "model_3.pt")
    moved = tmp_path / "elsewhere"
    shutil.move(shipped, moved)
    shutil.rmtree(folder)
    policy, before = (runs.load_policy(path).policy for path in (moved / "go1_jump", skills["jump"]))
    observation = torch.randn(2, policy.obs_segments.size)
    assert torch.equal(policy.act_inference(observation), before.act_inference(observation))
    assert len(runs.load_policy(moved / "go1_mutex").policy.submodules) == 6


def test_what_cannot_be_shipped_is_said(
    skills: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(folder: Path, *more: str) -> str:
        assert call("ship_policy", "--policy", str(folder), "--root", str(tmp_path / "shipped"), *more) == 2
        return capsys.readouterr().err

    run = tmp_path / "go1_tilt"
    shutil.copytree(skills["tilt"], run)
    (run / "evaluation.json").unlink(missing_ok=True)
    assert "has no evaluation.json" in refused(run)
    (run / "evaluation.json").write_text('{"checkpoint_hash": "0"}')
    assert "evaluate it again" in refused(run)
    (run / "evaluation.json").write_text(json.dumps(runs.checkpoint_facts(run)))
    assert call("ship_policy", "--policy", str(run), "--root", str(tmp_path / "shipped")) == 0
    assert "replace it with --replace" in refused(run)
    assert call("ship_policy", "--policy", str(run), "--root", str(tmp_path / "shipped"), "--replace") == 0
    folder = tmp_path / "mutex"
    assert call("make_mutex", "--task", "go1_field", "--out", str(folder), *sub_policies(skills)) == 0
    (folder / "evaluation.json").write_text(json.dumps(runs.checkpoint_facts(folder)))
    assert "not shipped: walk" in refused(folder) and not (tmp_path / "shipped" / "go1_mutex").exists()


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("evaluate", ["--policy", "mutex"], "name a task with --task"),
        ("evaluate", ["--task", "go1_walk", "--policy", "mutex"], "needs a task with obstacles"),
        ("evaluate", [*FIELD, "--sub-policies", "walk=nothing"], "no run 'nothing'"),
        ("evaluate", [*FIELD, "--sub-policies", "hop=nothing"], "unknown skill 'hop'"),
        ("evaluate", [*FIELD, "--reset-mode", "some"], "reset-mode"),
        ("record", [*FIELD, "--skill-velocity", "jump"], "write skill=m/s"),
        ("record", ["--task", "go1_hop", "--policy", "mutex"], "unknown task 'go1_hop'"),
        ("make_mutex", ["--task", "go1_walk"], "has no obstacles"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_two(
    skills: dict[str, Path],
    script: str,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(runs, "SHIPPED", skills["walk"].parent)
    assert call(script, *arguments, "--log-root", str(tmp_path)) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_mutex_is_played_with_its_skill_shown(
    skills: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    class Window:
        """Is closed after the third image."""

        def __init__(self, sim: object, height_field: object, on_key: Callable[[int], None]) -> None:
            on_key(265)

        def is_open(self) -> bool:
            return len(shown) < 3

        def show(self, world: int = 0, text: str = "") -> None:
            shown.append(text)

        def close(self) -> None:
            shown.append("closed")

    from legged_gym_ext.sim.mujoco import viewer as mujoco_viewer

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(mujoco_viewer, "Viewer", Window)
    monkeypatch.setattr(runs, "SHIPPED", skills["walk"].parent)
    assert call("play", *FIELD, "--log-root", str(tmp_path), "--blocks", "crawl") == 0
    assert shown[-1] == "closed" and all("skill: " in text and "1/1 crawl" in text for text in shown[:-1])


@pytest.mark.skipif(not (runs.SHIPPED / "go1_walk").is_dir(), reason="needs the shipped walk")
def test_skills_are_trained_once_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--num-envs", "8", "--max-iterations", "1", "--episodes", "1", "--strict-episodes", "0", "--no-video"]
    arguments = ["--skills", "jump", "--walk", "go1_walk", "--out", str(tmp_path / "out"), "--jobs", "1", *small]
    assert call("train_skills", *arguments) == 0
    said = capsys.readouterr().out
    assert "[3/3] jump_evaluation: done" in said and "no mutex: it also needs tilt, crawl, leap" in said
    (run,) = (tmp_path / "out" / "runs" / "go1_jump").iterdir()
    assert (run / "model_1.pt").is_file()
    assert json.loads((run / "evaluation.json").read_text())["episodes"] == 1
    assert "<svg" in (tmp_path / "out" / "report.html").read_text()
    assert call("train_skills", *arguments) == 0
    assert "jump_training: was done before" in capsys.readouterr().out
    assert call("train_skills", "--robot", "spot", "--out", str(tmp_path / "none")) == 2
