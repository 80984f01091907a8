"""Every command that plays a policy plays it in the same task, with the same settings."""

from __future__ import annotations

import json
import logging
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import call
from toy_runs import write_toy_run

from legged_gym_ext.cli.evaluate import EvaluateOptions
from legged_gym_ext.cli.play import PlayOptions
from legged_gym_ext.cli.record import RecordOptions
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.mdp import events
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.policy_options import PolicyOptions
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.viewing.disturbances import DisturbanceOptions, shown_cfg
from st_rl.runners import checkpoint
from st_rl.utils.errors import UserError

OPTIONS: list[type[PolicyOptions]] = [EvaluateOptions, PlayOptions, RecordOptions]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A walk that was trained with an action scale of 0.5."""
    folder = write_toy_run(tmp_path_factory.mktemp("runs") / "go1_walk", "go1_walk")
    config = json.loads((folder / "config.json").read_text())
    config["control"]["action_scale"] = config["env"]["control"]["action_scale"] = 0.5
    checkpoint.write_json(folder / "config.json", config)
    return folder


@pytest.mark.parametrize("options", OPTIONS)
def test_the_settings_of_the_run_hold_with_and_without_its_task(options: type[PolicyOptions], run: Path) -> None:
    for task in ("", "go1_walk"):
        found = options(policy=str(run), task=task)
        assert found.base_task().env.control.action_scale == 0.5
        assert found.find_policy(found.base_task()) == run / "model_3.pt"
    other = options(policy=str(run), task="a1_walk").base_task()
    assert other.name == "a1_walk" and other.env.control.action_scale != 0.5
    with pytest.raises(UserError, match="--smoothing: only --policy mutex"):
        options(policy=str(run), smoothing=3).find_policy(other)
    with pytest.raises(UserError, match="has no checkpoints"):
        options(policy="mutex", task="go1_field", checkpoint="best").find_policy(get_task("go1_field"))


def test_another_robot_is_allowed_said_and_recorded(
    run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "a1.json"
    short = ["--episodes", "2", "--env.episode-length-s", "0.2", "--num-threads", "1"]
    with caplog.at_level(logging.WARNING, "st_rl"):
        assert call("evaluate", "--policy", str(run), "--task", "a1_walk", "--json", str(out), *short) == 0
    assert "was trained on the robot go1 and acts on a1" in caplog.text
    report = json.loads(out.read_text())
    assert report["policy_robot"] == "go1" and report["task"] == "a1_walk"
    assert report["differences"][0] == "was trained on the robot go1 and acts on a1"
    assert call("evaluate", "--policy", str(run), "--json", str(out), *short) == 0
    assert "differences" not in json.loads(out.read_text())


def test_a_checkpoint_is_evaluated_by_number(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    short = ["--episodes", "1", "--env.episode-length-s", "0.1", "--num-threads", "1", "--json", str(out)]
    for arguments in (["--policy", str(run), "--checkpoint", "3"], ["--policy", f"{run}/model_3.pt"]):
        assert call("evaluate", *arguments, *short) == 0
        assert json.loads(out.read_text())["checkpoint"] == "model_3.pt"
    assert call("evaluate", "--policy", str(run), "--checkpoint", "4", *short) == 2


def test_a_policy_is_shown_undisturbed_unless_asked_for() -> None:
    cfg = get_task("go1_walk").env
    plain = shown_cfg(cfg, DisturbanceOptions())
    assert set(vars(plain.noise).values()) == {0.0}
    assert all(term.noise == 0.0 for term in plain.observations.values() if "noise" in vars(term))
    functions = {term.func for term in plain.events.values()}
    assert not functions & {events.push, events.randomize_dynamics}
    whole = shown_cfg(cfg, DisturbanceOptions(noise=True, pushes=True, randomization=True))
    assert whole == cfg
    for item, func in (("pushes", events.push), ("randomization", events.randomize_dynamics)):
        some = shown_cfg(cfg, DisturbanceOptions(**{item: True}))
        assert func in {term.func for term in some.events.values()} and some.noise == plain.noise
    assert [item.default for item in fields(DisturbanceOptions)] == [False] * 4


def test_actions_are_drawn_where_that_is_asked_for(run: Path) -> None:
    cfg = shown_cfg(replace(runs.load_run(run).task.env, num_envs=2), DisturbanceOptions())
    env = LeggedEnv(cfg, seed=1)
    obs, _ = env.reset()
    mean, sampled = runs.RunPolicy(run, env), runs.RunPolicy(run, env, sample=True)
    assert torch.equal(mean(obs), mean(obs)) and not torch.equal(sampled(obs), sampled(obs))
    drawn = torch.stack([sampled(obs) for _ in range(400)])
    torch.testing.assert_close(drawn.mean(dim=0), mean(obs), atol=0.25, rtol=0.0)
    torch.testing.assert_close(drawn.std(dim=0), torch.ones(2, 12), atol=0.2, rtol=0.0)
    env.close()


def test_a_film_keeps_the_settings_of_the_run(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from legged_gym_ext.cli import record

    filmed: list[Any] = []

    def note(env: LeggedEnv, policy: Any, path: Path, **_: Any) -> int:
        filmed.append((env.cfg.control.action_scale, path))
        return 1

    monkeypatch.setattr(record, "record", note)
    monkeypatch.chdir(tmp_path)
    assert call("record", "--policy", str(run), "--task", "go1_walk", "--num-threads", "1") == 0
    assert filmed == [(0.5, run / "video.mp4")]
    if (runs.SHIPPED / "go1_walk").is_dir():
        assert call("record", "--policy", "go1_walk", "--num-threads", "1") == 0
        assert filmed[1][1] == Path("logs/videos/go1_walk/video.mp4")
    (tmp_path / "mine.mp4").write_text("a diary")
    assert call("record", "--policy", str(run), "--out", str(tmp_path / "mine.mp4")) == 2
    assert (tmp_path / "mine.mp4").read_text() == "a diary"
