"""What may change when a run is resumed, field by field."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from commands import call

from legged_gym_ext.runs.config_io import leaves, with_changes
from legged_gym_ext.runs.resuming import APPLIED_WITHIN, REFUSED, changed_fields, check_resumed, refusal
from legged_gym_ext.tasks.cfg import TaskCfg, with_algorithm
from legged_gym_ext.tasks.registry import get_task, task_names
from st_rl.utils.errors import UserError

TINY = [
    *("--env.num-envs", "6", "--env.episode-length-s", "0.3", "--train.num-steps-per-env", "6"),
    *("--train.policy.actor-hidden-dims", "16", "--train.policy.critic-hidden-dims", "16"),
    *("--num-threads", "1", "--no-evaluate", "--no-video"),
]

_OPTIONAL = ("train.algorithm.distill_latent_components", "train.algorithm.teacher_segments")
"""Mappings that are empty unless someone fills them."""


def task_with(name: str, task: TaskCfg) -> TaskCfg:
    """``task`` with another value in the field ``name``; itself where no other value is known."""
    leaf = next(each for each in [*leaves(task.env, "env."), *leaves(task.train, "train.")] if each.name == name)
    value = leaf.value
    if isinstance(value, bool):
        other: object = not value
    elif isinstance(value, int | float):
        other = value + 1 if isinstance(value, int) else value * 1.01 + 1e-6
    else:
        return task
    change: dict[str, object] = {}
    here = change
    *path, last = name.split(".")
    for part in path:
        here = here.setdefault(part, {})  # type: ignore[assignment]
    here[last] = other
    try:
        return with_changes(task, change)
    except UserError:  # the other value is out of range
        return task


@pytest.mark.parametrize(
    ("name", "algorithm_class"), [("go1_walk", "EstimatorTPPO"), ("go1_jump", "ATPPO"), ("go1_field", "DAgger")]
)
def test_every_number_is_decided_upon(name: str, algorithm_class: str) -> None:
    task = get_task(name)
    algorithm = with_algorithm(task.train, algorithm_class)
    task = replace(task, train=algorithm)
    applied, refused = [], []
    for leaf in [*leaves(task.env, "env."), *leaves(task.train, "train.")]:
        changed = task_with(leaf.name, task)
        if not changed_fields(task, changed):
            continue
        if refusal(leaf.name, task.env) is None and leaf.name != "train.algorithm.learning_rate":
            check_resumed(task, changed)
            applied.append(leaf.name)
        else:
            with pytest.raises(UserError, match=leaf.name.replace("_", "-")):
                check_resumed(task, changed)
            refused.append(leaf.name)
    assert len(applied) > 40 and len(refused) > 15
    assert {"train.max_iterations", "train.algorithm.gamma", "train.save_interval"} <= set(applied)
    assert {"train.seed", "env.num_envs", "train.policy.init_noise_std"} <= set(refused)


def test_every_entry_of_the_table_is_a_field_of_some_task() -> None:
    names = set()
    for task_name in task_names():
        task = get_task(task_name)
        names |= {leaf.name for leaf in [*leaves(task.env, "env."), *leaves(task.train, "train.")]}
    names |= {leaf.name for leaf in leaves(with_algorithm(get_task("go1_walk").train, "DAgger"), "train.")}
    for entry in (*REFUSED, *APPLIED_WITHIN):
        if entry not in ("env.latency", "env.camera", *_OPTIONAL):
            assert any(name == entry or name.startswith(f"{entry}.") for name in names), entry


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A walk of three saved iterations."""
    root = tmp_path_factory.mktemp("logs")
    arguments = ["--train.max-iterations", "3", "--train.save-interval", "1", "--train.algorithm.schedule", "fixed"]
    assert call("train", "go1_walk", *TINY, *arguments, "--log-root", str(root)) == 0
    return next((root / "go1_walk").iterdir())


def copy_of(run: Path, target: Path) -> Path:
    import shutil

    shutil.copytree(run, target)
    return target


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--env.robot", "a1"], "--env.robot cannot change"),
        (["--train.policy.activation", "relu"], "--train.policy.activation cannot change"),
        (["--train.algorithm-class", "EstimatorPPO"], "--train.algorithm-class cannot change"),
        (["--env.num-envs", "7"], "--env.num-envs cannot change"),
        (["--train.seed", "9"], "--train.seed cannot change"),
        (["--train.load.manipulators", "reset_std"], "--train.load.manipulators cannot change"),
        (["--backend", "warp"], "--backend mujoco"),
        (["--name", "other"], "leave --name out"),
    ],
)
def test_what_a_resumed_run_keeps_is_refused(
    run: Path, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (run / "config.json").read_bytes()
    assert call("train", "--resume", str(run), "--train.max-iterations", "9", *more) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert (run / "config.json").read_bytes() == before and not (run / "model_9.pt").exists()


def test_what_is_recorded_is_what_holds(run: Path, tmp_path: Path) -> None:
    copy = copy_of(run, tmp_path / "run")
    options = ["--train.max-iterations", "4", "--train.algorithm.learning-rate", "3e-4", "--num-threads", "1"]
    assert call("train", "--resume", str(copy), *options, "--no-evaluate", "--no-video") == 0
    config = json.loads((copy / "config.json").read_text())
    state = torch.load(copy / "model_4.pt", weights_only=True)
    rate = float(state["optimizer_state_dict"]["param_groups"][0]["lr"])
    # The cool-down of the walk has not begun; a fixed rate is the one that is configured.
    assert config["train"]["algorithm"]["learning_rate"] == config["algorithm"]["learning_rate"] == 3e-4
    assert rate == pytest.approx(3e-4)


def test_the_run_of_another_task_is_not_trained_silently(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("train", "go1_jump", "--resume", str(run)) == 2
    assert "trains go1_walk" in (error := capsys.readouterr().err) and "--load-run" in error


@pytest.mark.skipif(not Path("resources/policies/go1_walk").is_dir(), reason="needs the shipped walk")
def test_a_shipped_policy_says_how_to_go_on_from_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("train", "go1_walk", "--resume", "go1_walk", "--train.max-iterations", "1000") == 2
    error = capsys.readouterr().err
    assert "no state" in error and "--load-run" in error and error.count("\n") == 1


def test_an_earlier_checkpoint_goes_on_and_later_ones_are_set_aside(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = copy_of(run, tmp_path / "run")
    options = ["--train.max-iterations", "3", "--num-threads", "1", "--no-evaluate", "--no-video"]
    assert call("train", "--resume", str(copy / "model_1.pt"), *options) == 0
    again = [torch.load(path / "model_3.pt", weights_only=True)["model_state_dict"] for path in (run, copy)]
    assert all(torch.equal(again[0][name], again[1][name]) for name in again[0])
    assert {path.name for path in (copy / "set_aside").glob("model_*")} == {"model_2.pt", "model_3.pt"}


def test_a_run_whose_newest_files_are_damaged_goes_on_from_the_newest_whole_ones(
    run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = copy_of(run, tmp_path / "run")
    whole = (copy / "model_3.pt").read_bytes()
    (copy / "model_3.pt").write_bytes(whole[: len(whole) // 2])
    (copy / "state_2.pt").write_bytes(b"")
    options = ["--train.max-iterations", "3", "--num-threads", "1", "--no-evaluate", "--no-video"]
    assert call("train", "--resume", str(copy), *options) == 0
    assert "goes on from model_1.pt" in caplog.text
    again = [torch.load(path / "model_3.pt", weights_only=True)["model_state_dict"] for path in (run, copy)]
    assert all(torch.equal(again[0][name], again[1][name]) for name in again[0])
