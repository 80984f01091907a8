"""Packages of others are found by their entry points; one that is broken is named and stops nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def install(folder: Path, name: str, code: str) -> None:
    """What pip would leave in ``folder`` of a package with a plugin ``name:register``."""
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    text = f"[legged_gym_ext.plugins]\n{name} = {name}:register\n"
    (info / "entry_points.txt").write_text(text, encoding="utf-8")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python program with the packages in ``folder`` installed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


GOOD = """
from legged_gym_ext import get_task, register_task

def register():
    known = get_task("go1_walk")  # a plugin may look up what there is
    register_task("amble", lambda robot: get_task(f"{robot}_walk"))
"""


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import missing_package", "ModuleNotFoundError: No module named 'missing_package'"),
        ("def register(:", "SyntaxError"),
        ("def register():\n    raise SystemExit('I leave')", "SystemExit: I leave"),
        (GOOD.replace('"amble"', '"walk"'), "UserError: there is a task 'walk' already; choose another name"),
        ("VALUE = 1", "AttributeError"),
    ],
)
def test_a_broken_plugin_is_one_sentence_and_stops_no_other(tmp_path: Path, code: str, reason: str) -> None:
    install(tmp_path, "broken", code)
    install(tmp_path, "good", GOOD)
    done = run(tmp_path, "-m", "legged_gym_ext.cli.list", "tasks")
    assert done.returncode == 0
    assert {"go1_walk", "go1_amble"} <= set(done.stdout.split())
    assert len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr
    start = "the plugin 'broken' of the package broken (broken:register) does not load, so its robots and tasks are"
    assert done.stderr.startswith(start) and reason in done.stderr


def test_plugins_are_loaded_once_and_only_when_something_is_missing(tmp_path: Path) -> None:
    install(tmp_path, "good", f"print('loaded')\n{GOOD}\n    print('registered')")
    program = """
from legged_gym_ext import get_task, get_robot, task_names
get_task("go1_walk"), get_robot("a1")
print("known names need no plugin")
print(get_task("a1_amble").name, "go1_amble" in task_names(), get_task("go1_amble").env.robot)
"""
    done = run(tmp_path, "-c", program)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["known names need no plugin", "loaded", "registered", "a1_amble True go1"]


def test_the_public_names_are_there_and_load_torch_only_when_used(tmp_path: Path) -> None:
    program = """
import os, sys
import legged_gym_ext
assert "torch" not in sys.modules and os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
from legged_gym_ext import LeggedEnv, RobotCfg, TaskCfg, get_task, register_robot, register_task
from legged_gym_ext.envs.legged_env import LeggedEnv as same
assert LeggedEnv is same and isinstance(get_task("go1_walk"), TaskCfg)
from legged_gym_ext import *
from legged_gym_ext import evaluation  # packages inside it are still found
assert set(dir(legged_gym_ext)) >= {"LeggedEnv", "register_task"}
try:
    legged_gym_ext.LegedEnv
except AttributeError as error:
    print(error)
"""
    done = run(tmp_path, "-c", program)
    assert done.stderr == ""
    assert "has no attribute 'LegedEnv'; it offers EnvCfg, EnvState, LeggedEnv" in done.stdout
