"""What legged-list says there is."""

import subprocess
import sys
from pathlib import Path

import pytest
from commands import SCRIPTS, call
from toy_runs import write_toy_run

from legged_gym_ext.evaluation.shipped import headline
from legged_gym_ext.runs.folders import SHIPPED


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert call("list", *arguments) == 0
    return capsys.readouterr().out.splitlines()


def test_everything_is_listed_under_its_heading(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = listed(capsys, "--log-root", str(tmp_path))
    assert [line for line in lines if line.endswith(":")] == ["tasks:", "robots:", "policies:", "runs:"]
    assert "  go1_jump" in lines and "  go1                      13.1 kg, 12 joints" in lines
    assert lines[-1] == "  (none)"  # there are no runs


def test_one_kind_is_listed_without_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    assert {"a1_walk", "go1_walk", "go1_jump", "a1_field"} <= set(listed(capsys, "tasks"))
    names = [line.split()[0] for line in listed(capsys, "policies")]
    assert names == sorted(folder.name for folder in SHIPPED.iterdir() if folder.is_dir())


def test_runs_are_listed_with_their_evaluation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_toy_run(tmp_path / "go1_walk" / "2026-01-01_00-00-00_mine", "go1_walk")
    assert listed(capsys, "runs", "--log-root", str(tmp_path)) == [f"{run}  iteration 3"]
    (run / "evaluation.json").write_text('{"protocol": "walk", "fall_rate": 0.125}')
    assert listed(capsys, "runs", "--log-root", str(tmp_path)) == [f"{run}  iteration 3, 12.5% falls (walk)"]


def test_the_fields_of_a_task_are_listed_as_they_are_set(capsys: pytest.CaptureFixture[str]) -> None:
    lines = listed(capsys, "--fields", "go1_walk")
    assert "--env.num-envs 1024    # at least 1" in lines
    assert "--train.algorithm.gamma 0.99    # from 0 to 1" in lines
    assert "--env.camera off    # on or off" in lines and "--env.camera.width 64    # from 1 to 4096" in lines


def test_a_figure_tells_how_good_a_policy_is() -> None:
    assert headline({"protocol": "rpl", "success_rate": 0.995}) == "99.5% success (rpl)"
    assert headline({"fall_rate": 0.0078}) == "0.8% falls (walk)"
    assert headline({}) == ""


def test_a_kind_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "robotz") == 2
    assert "robotz" in capsys.readouterr().err


def test_the_older_scripts_are_doors_to_it() -> None:
    run = [sys.executable, str(SCRIPTS / "list_policies.py")]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("| policy | obstacle | success (95 %) |")
    run = [sys.executable, str(SCRIPTS / "list_tasks.py"), "--fields", "a1_walk"]
    assert "--env.robot a1" in subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
