"""A run records the suite's own code and nobody else's."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch

import st_rl
from st_rl.runners.code_state import code_state, versions
from st_rl.utils.version import __version__, checkout_of

ROOT = Path(__file__).parents[3]
NOTHING = ({"commit": None, "dirty": False}, "")


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    done = subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Somebody's repository with one commit and one change since."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "notes.txt").write_text("first\n")
    git(folder, "add", "notes.txt")
    git(folder, "commit", "--quiet", "-m", "Begin")
    (folder / "notes.txt").write_text("secret\n")
    return folder


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert __version__ == project["version"] == versions()["legged-gym-ext"]
    assert versions()["torch"] == torch.__version__


def test_changes_in_the_own_checkout_are_recorded(repository: Path) -> None:
    state, changes = code_state(repository)
    assert state == {"commit": git(repository, "rev-parse", "HEAD"), "dirty": True}
    assert "-first\n+secret\n" in changes


def test_a_checkout_without_a_repository_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert code_state(tmp_path) == code_state(None) == NOTHING


def test_a_checkout_inside_another_repository_has_no_commit_of_its_own(repository: Path) -> None:
    own = repository / "third_party" / "suite"
    own.mkdir(parents=True)
    assert code_state(own) == NOTHING


def test_only_a_folder_with_the_project_of_the_suite_is_its_checkout(tmp_path: Path) -> None:
    assert checkout_of(ROOT) == ROOT
    assert checkout_of(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "theirs"\n')
    assert checkout_of(tmp_path) is None


def test_installed_in_a_foreign_repository_nothing_of_it_is_recorded(repository: Path) -> None:
    """A virtual environment often lies in the user's repository; a training there must not read what is his."""
    site = repository / ".venv" / "lib" / "site-packages"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(st_rl.__file__).parent, site / "st_rl", ignore=ignored)
    program = (
        "import json, pathlib, st_rl\n"
        "from st_rl.runners.run_log import RunLog\n"
        "log = RunLog(pathlib.Path('run'))\n"
        "log.open({}, 0)\n"
        "log.close()\n"
        "print(json.dumps(st_rl.__file__))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, env=environment, check=True, capture_output=True, text=True
    )
    assert Path(json.loads(done.stdout)).is_relative_to(site)
    run = repository / "run"
    config = json.loads((run / "config.json").read_text())
    assert config["code"] == {"commit": None, "dirty": False}
    assert "legged-gym-ext" in config["versions"]
    assert not (run / "code.diff").exists()
    assert "secret" not in "".join(path.read_text(errors="replace") for path in run.iterdir())
