"""Films in the background, Weights & Biases, and the summary of a training that was stopped."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from commands import call
from PIL import Image

from legged_gym_ext.envs.episode import load_episode
from legged_gym_ext.runs import folders as runs, wandb_log
from legged_gym_ext.runs.background_films import BackgroundFilms, film_path
from legged_gym_ext.runs.summary import reached
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.runs.wandb_log import WandbLog
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.viewing.animated import AnimatedPicture
from st_rl.runners import checkpoint
from st_rl.runners.metrics_file import MetricsWriter
from st_rl.utils.errors import UserError

CAMERAMAN = """
import sys
from pathlib import Path
from PIL import Image
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert Path(options["--policy"]).is_file() and options["--num-threads"] == "1"
Path(options["--out"]).write_bytes(b"film")
Image.new("RGB", (32, 24)).save(options["--gif"])
"""
"""Stands in for ``legged-record``."""


def films(code: str, shown: list[tuple[str, tuple[int, int], int]]) -> BackgroundFilms:
    def add(name: str, encoded: bytes, size: tuple[int, int], iteration: int) -> None:
        assert encoded.startswith(b"GIF8")
        shown.append((name, size, iteration))

    return BackgroundFilms(2, add, command=(sys.executable, "-c", code))


def test_every_second_iteration_is_filmed_from_its_checkpoint(tmp_path: Path) -> None:
    shown: list[tuple[str, tuple[int, int], int]] = []
    filming = films(CAMERAMAN, shown)
    filming.opened(tmp_path, {}, 0)
    for iteration in (1, 2, 3):
        filming.iteration_done({}, iteration)
        checkpoint.model_path(tmp_path, iteration).touch()
    filming.closed()
    assert shown == [("film", (32, 24), 2)] and film_path(tmp_path, 2).read_bytes() == b"film"
    assert sorted(path.suffix for path in (tmp_path / "videos").iterdir()) == [".gif", ".mp4"]


def test_a_film_that_fails_is_told_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shown: list[tuple[str, tuple[int, int], int]] = []
    filming = films("raise SystemExit('no OpenGL here')", shown)
    filming.opened(tmp_path, {}, 0)
    checkpoint.model_path(tmp_path, 2).touch()
    for iteration in (2, 3):
        filming.iteration_done({}, iteration)
    filming.closed()
    assert not shown and "no film of iteration 2: no OpenGL here" in caplog.text


def test_a_training_is_filmed_into_tensorboard_and_saved_where_it_is_filmed(tmp_path: Path) -> None:
    task = get_task("go1_walk")
    small = replace(task, train=replace(task.train, num_steps_per_env=2, save_interval=100))
    env = runs.make_env(task.env, Where(num_threads=1), num_envs=4)
    runner = make_runner(small, env, tmp_path)
    runner.stream = io.StringIO()
    runner.save_intervals += (2,)
    filming = BackgroundFilms(2, runner.run_log.add_picture, command=(sys.executable, "-c", CAMERAMAN))
    runner.run_log.listeners += (filming,)
    runner.learn(3)
    env.close()
    assert [path.name for path in sorted(tmp_path.glob("model_*"))] == ["model_2.pt", "model_3.pt"]
    events = b"".join(path.read_bytes() for path in tmp_path.glob("events*"))
    assert b"GIF8" in events and b"film" in events


def test_an_animated_picture_shows_what_passes(tmp_path: Path) -> None:
    import numpy as np

    images = [np.full((24, 64, 3), 10 * index, np.uint8) for index in range(20)]
    with AnimatedPicture(tmp_path / "a.gif", 25, width=32, pictures_per_second=5.0) as picture:
        assert sum(1 for _ in picture.passing(images)) == 20
    with Image.open(tmp_path / "a.gif") as found:
        assert found.size == (32, 12) and found.n_frames == 4 and found.info["duration"] == 200  # pyright: ignore[reportAttributeAccessIssue]


class FakeRun:
    def __init__(self, **given: Any) -> None:
        self.given, self.lines, self.finished = given, [], False

    def log(self, metrics: dict[str, float], step: int) -> None:
        if metrics.get("bad"):
            raise ConnectionError("the network is gone")
        self.lines.append((step, metrics))

    def finish(self) -> None:
        self.finished = True


def test_metrics_go_to_wandb_and_a_resumed_run_keeps_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[FakeRun] = []

    def init(**given: Any) -> FakeRun:
        made.append(FakeRun(**given))
        return made[-1]

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=init, __spec__=SimpleNamespace()))
    sending = WandbLog("p")
    sending.opened(tmp_path / "2026-01-01 a", {"task": "go1_walk"}, 0)
    sending.iteration_done({"mean_reward": 1.0}, 1)
    sending.closed()
    (run,) = made
    assert run.given["id"] == "2026-01-01-a" and run.given["group"] == "go1_walk" and run.given["resume"] == "allow"
    assert run.lines == [(1, {"mean_reward": 1.0})] and run.finished


def test_wandb_that_fails_later_does_not_end_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=FakeRun, __spec__=SimpleNamespace()))
    sending = WandbLog("p")
    sending.opened(tmp_path, {}, 0)
    sending.iteration_done({"bad": 1.0}, 1)
    sending.iteration_done({"mean_reward": 1.0}, 2)
    sending.closed()
    assert "the network is gone" in caplog.text

    def refuse(**given: Any) -> None:
        raise ValueError("api_key not configured")

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=refuse, __spec__=SimpleNamespace()))
    with pytest.raises(UserError, match=r"api_key not configured.*WANDB_MODE=offline"):
        WandbLog("p").opened(tmp_path, {}, 0)


def test_without_wandb_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wandb_log.importlib.util, "find_spec", lambda name: None)
    assert call("train", "go1_walk", "--log", "wandb", "--log-root", str(tmp_path / "logs")) == 2
    assert "pip install 'legged-gym-ext[wandb]'" in capsys.readouterr().err and not (tmp_path / "logs").exists()


def test_a_stopped_training_says_what_it_has_reached(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path, 0)
    for step, reward in enumerate((1.0, 5.0, 4.0), start=1):
        writer.write({"mean_reward": reward, "time/update": 20.0, "time/collection": 10.0}, step)
    writer.close()
    for step in (2, 3):
        checkpoint.model_path(tmp_path, step).touch()
    checkpoint.note_best(tmp_path, 2, 5.0)
    lines = reached(tmp_path, "go1_walk", 12).splitlines()
    assert lines[0] == "stopped and saved after iteration 3 of 12 (25%), 1:30 of work"
    assert lines[1].split() == ["mean_reward", "1", "->", "4", "(best", "5", "at", "iteration", "2)"]
    assert "iteration 3, and the one with the highest mean reward is 2" in lines[2]
    assert f"  legged-train go1_walk --resume {tmp_path}" in lines


def test_worlds_that_break_in_a_training_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from legged_gym_ext.envs.legged_env import LeggedEnv

    plain, calls = LeggedEnv.step, []

    def step(self: LeggedEnv, actions: torch.Tensor) -> Any:
        calls.append(None)
        if len(calls) == 5:
            actions = actions.clone()
            actions[1, 0] = float("nan")
        return plain(self, actions)

    monkeypatch.setattr(LeggedEnv, "step", step)
    small = ["--env.num-envs", "3", "--train.num-steps-per-env", "6", "--train.max-iterations", "1"]
    more = ["--no-evaluate", "--no-video", "--num-threads", "1", "--log-root", str(tmp_path)]
    assert call("train", "go1_walk", *small, *more, "--record-broken") == 0
    (path,) = tmp_path.glob("go1_walk/*/broken/*.npz")
    episode = load_episode(path)
    assert episode.facts.ended == "broken" and episode.facts.world == 1 and episode.num_steps == 5
