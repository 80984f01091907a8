"""``legged-collect`` and the training from what it collects, with the shipped walk as the teacher."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from commands import call
from toy_runs import write_toy_run, write_toy_skills

from legged_gym_ext.runs import folders as runs
from st_rl.storage.rollout_files import Metadata, Trajectory, list_trajectories

TEACHER = "go1_walk"
WORLDS = ["--env.num-envs", "8", "--env.episode-length-s", "0.2"]  # episodes of at most 10 steps
STEPS = ["--train.num-steps-per-env", "8", "--train.max-iterations", "3"]
QUIET = ["--no-evaluate", "--no-video"]

pytestmark = pytest.mark.skipif(not (runs.SHIPPED / TEACHER).is_dir(), reason="needs the shipped policy")


def collect(data: Path, *more: str) -> int:
    return call("collect", "go1_walk", *WORLDS, "--teacher", TEACHER, "--data", str(data), *more)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collected") / "data"
    assert collect(folder, "--trajectories", "16", "--name", "first", "--seed", "5") == 0
    return folder


def test_a_teacher_shows_what_it_does(data: Path) -> None:
    metadata = Metadata.load(data)
    assert metadata.num_actions == 12 and metadata.obs_segments.names == ("proprioception",)
    paths = list_trajectories(data)
    assert len(paths) >= 16 and all("_first_" in path.name for path in paths)
    steps = Trajectory(paths[0], metadata).read(0, 99)
    assert torch.equal(steps["actions"], steps["action_labels"])
    loaded = runs.load_policy(runs.SHIPPED / TEACHER)
    # It reads the critic's observation, which has no noise.
    assert metadata.critic_obs_segments is not None and loaded.normalizer is None
    seen = metadata.critic_obs_segments.select(steps["critic_obs"], loaded.layout.names)
    torch.testing.assert_close(steps["actions"], loaded.policy.act_inference(seen).detach(), atol=1e-5, rtol=1e-5)


def test_a_trainer_learns_from_the_folder_and_collectors_play_its_checkpoints(data: Path, tmp_path: Path) -> None:
    arguments = ["go1_walk", *WORLDS, *STEPS, "--log-root", str(tmp_path), "--name", "student"]
    dataset = ["--train.dataset.folder", str(data), "--train.dataset.iterations", "2"]
    names = ["--train.runner-class", "TwoStageRunner", "--train.algorithm-class", "TPPO"]
    teacher = ["--train.algorithm.teacher-run", TEACHER]
    assert call("train", *arguments, *names, *dataset, *teacher, *QUIET) == 0
    run = next(iter((tmp_path / "go1_walk").iterdir()))
    config = json.loads((run / "config.json").read_text())
    assert config["train"]["runner_class"] == "TwoStageRunner"
    assert Path(config["train"]["algorithm"]["teacher_run"]).name == TEACHER
    assert torch.load(run / "state_3.pt", weights_only=True)["stage"] == 2
    more = ["--training-run", "student", "--log-root", str(tmp_path), "--steps", "25", "--name", "second"]
    assert collect(data, *more) == 0
    metadata = Metadata.load(data)
    last = [path for path in list_trajectories(data) if "_second_" in path.name][-1]
    steps = Trajectory(last, metadata).read(0, 99)
    student = runs.load_policy(run)
    assert not torch.equal(steps["actions"], steps["action_labels"])
    torch.testing.assert_close(
        steps["actions"], student.policy.act_inference(steps["obs"]).detach(), atol=1e-5, rtol=1e-5
    )


def test_segments_are_compressed_and_a_run_may_be_made_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = tmp_path / "logs" / "later"
    arguments = ["--training-run", str(later), "--compress", "proprioception:-20:20", "--max-length", "4"]
    assert collect(tmp_path / "data", *arguments, "--steps", "8", "--action-noise", "0.1") == 0
    assert "16 trajectories of 8 steps in each of 8 worlds" in capsys.readouterr().out
    assert Metadata.load(tmp_path / "data").compression["proprioception"].dtype == "uint8"


def test_the_skills_of_a_robot_together_can_be_the_teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_toy_skills(tmp_path / "shipped")
    monkeypatch.setattr(runs, "SHIPPED", tmp_path / "shipped")
    arguments = ["--env.num-envs", "4", "--teacher", "mutex", "--steps", "4", "--max-length", "2"]
    places = ["--data", str(tmp_path / "data"), "--log-root", str(tmp_path / "logs")]
    assert call("collect", "go1_field", *arguments, *places) == 0
    (path, *_) = list_trajectories(tmp_path / "data")
    steps = Trajectory(path, Metadata.load(tmp_path / "data")).read(0, 9)
    assert steps["action_labels"].shape == (2, 12) and steps["action_labels"].abs().max() > 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--data, a folder, and --teacher, a run"),
        (["--data", "d", "--teacher", "nobody"], "no run 'nobody'"),
        (["--data", "d", "--teacher", TEACHER, "--teacher-source", "both"], "actor, critic"),
        (["--data", "d", "--teacher", TEACHER, "--name", "a_b"], "cannot name a collector"),
        (["--data", "d", "--teacher", TEACHER, "--compress", "proprioception:1"], "write 'segment'"),
        (["--data", "d", "--teacher", TEACHER, "--compress", "depth"], "'depth'"),
        (["--data", "file", "--teacher", TEACHER], "cannot write"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_two(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    assert call("collect", "go1_walk", *WORLDS, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_weights_are_taken_over_with_changes_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = ["go1_walk", *WORLDS, "--train.num-steps-per-env", "4", "--train.max-iterations", "1", *QUIET]
    load = ["--load-run", TEACHER, "--log-root", str(tmp_path), "--train.load.manipulators"]
    assert call("train", *short, *load, "new_critic", "reset_std:0.7") == 0
    run = next(iter((tmp_path / "go1_walk").iterdir()))
    state = torch.load(run / "model_1.pt", weights_only=True)["model_state_dict"]
    assert (state["actor.log_std"].exp() - 0.7).abs().max() < 0.05
    assert call("train", *short, *load, "new_legs") == 2
    assert "unknown checkpoint manipulator 'new_legs'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--train.runner-class", "Sprinter"], "unknown runner 'Sprinter'"),
        (["--train.policy.class-name", "Brain"], "unknown policy class 'Brain'"),
        (["--train.algorithm-class", "TPPO", "--train.algorithm.teacher-run", "nobody"], "no run 'nobody'"),
    ],
)
def test_wrong_names_leave_no_run_folder_behind(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("train", "go1_walk", *WORLDS, *arguments, "--log-root", str(tmp_path)) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_collector_waits_for_the_run_of_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, logs = tmp_path / "data", tmp_path / "logs"
    student = ["--training-run", "student", "--log-root", str(logs), "--max-length", "4"]
    assert collect(data, *student, "--steps", "8") == 0
    assert "there is no run 'student' yet; until there is, the teacher plays" in capsys.readouterr().out
    write_toy_run(logs / "go1_walk" / "2026-01-01_00-00-00_student", "go1_walk")
    # The teacher drives the first episodes to their ends.
    assert collect(data, *student, "--steps", "25") == 0
    assert "yet" not in capsys.readouterr().out
    metadata = Metadata.load(data)
    first, last = (Trajectory(list_trajectories(data)[place], metadata).read(0, 9) for place in (0, -1))
    # The teacher does what it says; the untrained student does something else.
    assert torch.equal(first["actions"], first["action_labels"])
    assert not torch.equal(last["actions"], last["action_labels"])


def test_a_name_that_is_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    assert collect(data, "--steps", "4", "--max-length", "2", "--name", "one") == 0
    program = (
        "import fcntl, sys\n"
        "file = open(sys.argv[1], 'ab')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    arguments = [sys.executable, "-c", program, str(data / ".one.lock")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None and other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert collect(data, "--steps", "4", "--name", "one") == 2
        error = capsys.readouterr().err
        assert "a collector 'one' is at work" in error and error.count("\n") == 1
        assert collect(data, "--steps", "4", "--max-length", "2", "--name", "two") == 0
        other.kill()
    # A process that was killed does not keep its name.
    assert collect(data, "--steps", "4", "--max-length", "2", "--name", "one") == 0


def test_the_documented_example_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command of the page, in its order, with fewer worlds and steps."""
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "imitate.md").read_text(encoding="utf-8")
    block = page.split("## With collectors")[1].split("```bash")[1].split("```")[0].replace("\\\n", " ")
    small = {"collect": ["--steps", "25", *WORLDS], "train": [*WORLDS, *STEPS, *QUIET]}
    monkeypatch.chdir(tmp_path)
    lines = [shlex.split(line.removesuffix("&")) for line in block.splitlines() if line.startswith("legged-")]
    assert [line[0] for line in lines] == ["legged-collect", "legged-train", "legged-collect"]
    for name, *arguments in lines:
        command = name.removeprefix("legged-")
        assert call(command, *arguments, *small[command]) == 0
    assert {path.name.split("_")[1] for path in list_trajectories(tmp_path / "data" / "walk")} == {"one", "two"}


def test_a_collector_that_ends_by_steps_writes_what_there_is(tmp_path: Path) -> None:
    data = tmp_path / "data"
    long = ["go1_walk", "--env.num-envs", "3", "--env.episode-length-s", "20", "--teacher", TEACHER]
    assert call("collect", *long, "--data", str(data), "--steps", "7") == 0
    metadata = Metadata.load(data)
    paths = list_trajectories(data)
    assert len(paths) == 3
    steps = Trajectory(paths[0], metadata).read(0, 99)
    assert len(steps["dones"]) == 7 and steps["time_outs"].tolist() == [False] * 6 + [True]
    assert call("collect", *long, "--data", str(tmp_path / "none"), "--steps", "1") == 2


def test_what_compression_clips_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    task = ["go1_jump", "--env.num-envs", "3", "--teacher", "go1_jump", "--steps", "5", "--num-threads", "1"]
    narrow = ["--compress", "height_measurements:0:0.1"]
    assert call("collect", *task, "--data", str(tmp_path / "narrow"), *narrow) == 0
    assert "lies between -3 and 3" in capsys.readouterr().out
    assert "of 'height_measurements' lay outside 0 to 0.1 and were clipped" in caplog.text
    caplog.clear()
    assert call("collect", *task, "--data", str(tmp_path / "own"), "--compress", "height_measurements:uint8") == 0
    assert "clipped" not in caplog.text
    assert Metadata.load(tmp_path / "own").compression["height_measurements"].high == 3.0
