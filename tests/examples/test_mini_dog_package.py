"""The package in examples/mini_dog is installed, found by the commands by name, and passes its own tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ["--env.num-envs", "16", "--train.num-steps-per-env", "8", "--train.max-iterations", "1"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package was installed into, from a copy, since building leaves files behind."""
    copy = tmp_path_factory.mktemp("source") / "mini_dog"
    shutil.copytree(ROOT / "examples" / "mini_dog", copy)
    target = tmp_path_factory.mktemp("target")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(copy)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def run(installed: Path, folder: Path, *arguments: str) -> str:
    """What a Python program prints that has the package installed; it must not fail."""
    paths = os.pathsep.join((str(installed), str(ROOT)))
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_commands_find_its_robot_and_task(installed: Path, tmp_path: Path) -> None:
    listed = run(installed, tmp_path, "-m", "legged_gym_ext.cli.list", "tasks").split()
    assert {"mini_dog_stand", "mini_dog_walk", "mini_dog_jump", "go1_stand", "go1_walk"} <= set(listed)


def test_its_task_is_trained_and_evaluated(installed: Path, tmp_path: Path) -> None:
    cli = "legged_gym_ext.cli"
    run(installed, tmp_path, "-m", f"{cli}.train", "mini_dog_stand", "--name", "first", "--no-evaluate", *SMALL)
    arguments = ["--policy", "first", "--episodes", "4", "--json", "figures.json"]
    assert "mini_dog_stand, walk, 4 episodes" in run(installed, tmp_path, "-m", f"{cli}.evaluate", *arguments)
    assert (tmp_path / "figures.json").is_file()


def test_its_robot_can_be_written_as_a_model(installed: Path, tmp_path: Path) -> None:
    arguments = ["--write", "--robot", "mini_dog", "--folder", "models"]
    run(installed, tmp_path, "-m", "legged_gym_ext.robots.model", *arguments)
    assert sorted(path.name for path in (tmp_path / "models" / "mini_dog").iterdir()) == [
        "mini_dog.urdf",
        "mini_dog.xml",
    ]


def test_its_own_tests_pass(installed: Path, tmp_path: Path) -> None:
    tests = ROOT / "examples" / "mini_dog"
    run(installed, tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests))
