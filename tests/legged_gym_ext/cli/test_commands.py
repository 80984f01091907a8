"""The scripts from end to end, in a run of a few worlds; and how they answer mistakes."""

import json
import shutil
import sys
from pathlib import Path

import av
import pytest
import torch
from commands import SMALL, call

from legged_gym_ext.cli import benchmark
from legged_gym_ext.runs import training_rsl_rl
from legged_gym_ext.sim.mujoco.gl import find_gl_library


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log root with one trained and evaluated run called 'small'."""
    root = tmp_path_factory.mktemp("logs")
    arguments = ["go1_walk", *SMALL, "--train.max-iterations", "2", "--name", "small", "--log-root", str(root)]
    assert call("train", *arguments, "--episodes", "4", "--no-video") == 0
    return root


def run_of(root: Path) -> Path:
    return next(iter((root / "go1_walk").glob("*_small")))


def test_training_leaves_a_whole_run_folder(root: Path) -> None:
    run = run_of(root)
    assert (run / "model_2.pt").is_file() and list(run.glob("events.*"))
    config = json.loads((run / "config.json").read_text())
    assert (config["task"], config["robot"], config["env"]["num_envs"]) == ("go1_walk", "go1", 16)
    assert config["control"]["action_scale"] > 0 and config["normalization"]["obs_scales"]["lin_vel"] > 0
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert (evaluation["task"], evaluation["episodes"], evaluation["policy"]) == ("go1_walk", 4, run.name)


def test_evaluation_is_reproducible(root: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        arguments = ["--task", "go1_walk", "--policy", "small", "--episodes", "4", "--seed", "3"]
        assert call("evaluate", *arguments, "--json", str(tmp_path / f"{number}.json"), "--log-root", str(root)) == 0
    first, second = ((tmp_path / f"{number}.json").read_text() for number in (1, 2))
    assert first == second
    keys = {"task", "policy", "backend", "seed", "episodes", "fall_rate", "tracking_rmse_lin", "tracking_rmse_yaw"}
    assert keys | {"cost_of_transport", "checkpoint_hash"} <= json.loads(first).keys()


def test_a_run_goes_on_and_lends_its_weights(root: Path, tmp_path: Path) -> None:
    quiet = ["--no-evaluate", "--no-video"]
    copy = tmp_path / "copy"
    shutil.copytree(run_of(root), copy)
    assert call("train", "--resume", str(copy), "--train.max-iterations", "3", *quiet) == 0
    assert (copy / "model_3.pt").is_file()
    new = ["go1_walk", *SMALL, "--train.max-iterations", "1", "--load-run", str(copy), "--log-root", str(tmp_path)]
    assert call("train", *new, *quiet) == 0
    assert list(tmp_path.glob("go1_walk/*_run/model_1.pt"))


def test_exported_policies_are_files(root: Path, tmp_path: Path) -> None:
    assert call("export", "--policy", "small", "--out", str(tmp_path), "--no-onnx", "--log-root", str(root)) == 0
    actions = torch.jit.load(str(tmp_path / "policy.pt"))(torch.zeros(3, 48))
    assert actions.shape == (3, 12)


@pytest.mark.skipif(find_gl_library() is None, reason="needs EGL or OSMesa")
def test_a_video_is_recorded(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    arguments = ["--policy", "small", "--seconds", "0.2", "--command", "0.5", "0", "-0.3", "--out", str(path)]
    size = ["--camera-width", "160", "--camera-height", "120"]
    assert call("record", *arguments, *size, "--log-root", str(root)) == 0
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == 10 and frames[0].shape == (120, 160) and frames[0].std() > 5.0


@pytest.mark.skipif(find_gl_library() is None, reason="needs EGL or OSMesa")
def test_policies_are_filmed_side_by_side(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    arguments = ["--policy", "small", "--beside", "go1_walk", "--seconds", "0.2", "--out", str(path)]
    size = ["--camera-width", "160", "--camera-height", "120", "--log-root", str(root)]
    assert call("record", *arguments, *size) == 0
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == 5 and frames[0].shape == (120, 320)
    assert frames[-1][:, :160].std() > 5.0 and frames[-1][:, 160:].std() > 5.0


def test_the_public_runner_trains_the_same_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["go1_walk", *SMALL, "--train.max-iterations", "1", "--runner", "rsl_rl", "--log-root", str(tmp_path)]
    assert call("train", *arguments, "--episodes", "2", "--no-video") == 0
    run = next(iter((tmp_path / "go1_walk").iterdir()))
    assert json.loads((run / "evaluation.json").read_text())["episodes"] == 2
    assert json.loads((run / "config.json").read_text())["runner"] == "rsl_rl"
    # Its checkpoints are the library's own, and are taken like any other.
    assert call("evaluate", "--policy", str(run), "--episodes", "2", "--env.episode-length-s", "0.2") == 0
    assert call("export", "--policy", str(run), "--out", str(tmp_path / "exported"), "--no-onnx") == 0
    assert call("train", "--resume", str(run)) == 2
    assert "--load-run" in capsys.readouterr().err
    new = ["go1_walk", *SMALL, "--train.max-iterations", "1", "--load-run", str(run), "--log-root", str(tmp_path / "n")]
    assert call("train", *new, "--no-evaluate", "--no-video") == 0


def test_without_the_public_library_everything_else_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (training_rsl_rl, benchmark):
        monkeypatch.setattr(module, "has_rsl_rl", lambda: False)
    assert call("train", "go1_walk", "--runner", "rsl_rl", "--log-root", str(tmp_path)) == 2
    assert "pip install 'legged-gym-ext[rsl-rl]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    path = tmp_path / "benchmark.json"
    assert call("benchmark", "--worlds", "8", "--rounds", "1", "--steps", "2", "--json", str(path)) == 0
    result = json.loads(path.read_text())
    assert result["env_over_physics"] > 0.0 and "update_vs_rsl_rl" not in result


def test_the_benchmark_reports_its_ratios(tmp_path: Path) -> None:
    path = tmp_path / "benchmark.json"
    assert call("benchmark", "--worlds", "8", "--rounds", "1", "--steps", "4", "--json", str(path)) == 0
    result = json.loads(path.read_text())
    updates = ("update_vs_rsl_rl", "update_vs_rsl_rl_recurrent")
    ratios = ("env_over_physics", "train_over_physics", "field_over_walk", "isaacgym_over_physics")
    for name in (*ratios, *updates, "mutex_over_sub_policy"):
        assert result[name] > 0.0


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("train", ["go1_swim"], "unknown task 'go1_swim'"),
        ("train", ["go1_walk", "--env.num-env", "3"], "unknown field 'env.num-env'"),
        ("train", ["go1_walk", "--env.num-envs", "0"], "num_envs must be at least 1"),
        ("train", ["go1_walk", "--load-run", "nothing"], "no run 'nothing'"),
        ("train", ["go1_walk", "--resume"], "no run 'latest'"),
        ("train", ["go1_walk", "--backend", "bullet"], "unknown backend 'bullet'"),
        ("train", ["go1_walk", "--runner", "other"], "unknown runner 'other'"),
        ("evaluate", ["--policy", "nothing"], "no run 'nothing'"),
        ("record", ["--policy", "nothing"], "no run 'nothing'"),
        ("export", ["--policy", "nothing"], "no run 'nothing'"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_two(
    script: str, arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(script, *arguments, "--log-root", str(tmp_path)) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_log_root_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("kept")
    assert call("train", "go1_walk", *SMALL, "--log-root", str(tmp_path / "file")) == 2
    assert "choose another --log-root" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "kept"


def test_a_truncated_checkpoint_is_refused(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(run_of(root), broken)
    whole = (broken / "model_2.pt").read_bytes()
    (broken / "model_2.pt").write_bytes(whole[: len(whole) // 2])
    for script, arguments in (("evaluate", ["--policy"]), ("train", ["--train.max-iterations", "3", "--resume"])):
        assert call(script, *arguments, str(broken)) == 2
        error = capsys.readouterr().err
        assert "truncated" in error and error.count("\n") == 1
    assert (broken / "model_2.pt").read_bytes() == whole[: len(whole) // 2]


def test_a_checkpoint_for_another_layout_is_refused(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = tmp_path / "foreign"
    shutil.copytree(run_of(root), foreign)
    config = json.loads((foreign / "config.json").read_text())
    config["obs_segments"] = [["proprioception", [47]]]
    (foreign / "config.json").write_text(json.dumps(config))
    logs = tmp_path / "logs"
    for script, arguments in (
        ("evaluate", ["--policy", str(foreign)]),
        ("train", ["go1_walk", *SMALL, "--load-run", str(foreign), "--log-root", str(logs)]),
    ):
        assert call(script, *arguments) == 2
        error = capsys.readouterr().err
        assert "other observation" in error and error.count("\n") == 1
    # A run that is refused leaves no folder behind.
    assert not list((logs / "go1_walk").iterdir())


def test_without_a_display_play_says_what_to_do(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert call("play", "--policy", "small", "--log-root", str(root)) == 2
    assert "legged-record" in capsys.readouterr().err
