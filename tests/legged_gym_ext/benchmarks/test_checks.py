"""``legged-doctor`` finds what is wrong and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import call

from legged_gym_ext.benchmarks import checks
from legged_gym_ext.benchmarks.checks import Finding, check_folders, check_policies, examine
from legged_gym_ext.runs import folders as runs


def test_a_machine_that_runs_these_tests_can_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "env_rate", lambda *_, **__: checks.REFERENCE_RATE)  # a timing is no test
    found = {finding.name: finding for finding in examine(tmp_path)}
    assert {"versions", "engine mujoco", "engine warp", "threads", "pictures", "run folders", "speed"} <= found.keys()
    assert not [finding for finding in found.values() if finding.state == "broken"]
    assert "mujoco 4" in found["versions"].text
    assert all(finding.remedy or finding.name == "window" for finding in found.values() if finding.state != "ok")


def test_a_slow_machine_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "env_rate", lambda *_, **__: 0.25 * checks.REFERENCE_RATE)
    (finding,) = checks.check_speed()
    assert finding.state == "limited" and "0.2 times" in finding.text and finding.remedy


def test_a_folder_that_cannot_be_made_is_broken(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (finding,) = check_folders(tmp_path / "file" / "logs")
    assert finding.state == "broken" and "--log-root" in finding.remedy
    (finding,) = check_folders(tmp_path / "new" / "logs")
    assert finding.state == "ok" and not (tmp_path / "new").exists()


def test_a_damaged_policy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "go1_walk").mkdir()
    (tmp_path / "go1_walk" / "config.json").write_text("{}")
    monkeypatch.setattr(runs, "SHIPPED", tmp_path)
    (finding,) = check_policies()
    assert finding.state == "limited" and "go1_walk" in finding.text


def test_one_failing_check_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails() -> None:
        raise RuntimeError("the engine is gone\nand more")

    monkeypatch.setattr(checks, "check_engine", fails)
    monkeypatch.setattr(checks, "env_rate", lambda *_, **__: checks.REFERENCE_RATE)
    found = {finding.name: finding for finding in examine(tmp_path)}
    assert found["engine mujoco"] == Finding(
        "engine mujoco", "broken", "RuntimeError: the engine is gone", "report this with the versions above"
    )
    assert found["shipped policies"].state == "ok"


def test_the_command_prints_and_its_exit_code_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checks, "env_rate", lambda *_, **__: checks.REFERENCE_RATE)
    assert call("doctor", "--log-root", str(tmp_path)) == 0
    assert "ok       engine mujoco" in capsys.readouterr().out
    (tmp_path / "file").write_text("")
    assert call("doctor", "--log-root", str(tmp_path / "file" / "logs")) == 1
    assert "-> choose another folder with --log-root" in capsys.readouterr().out
