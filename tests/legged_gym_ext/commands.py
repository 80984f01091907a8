"""Runs the commands inside a test's own process."""

import importlib
from pathlib import Path
from typing import Any

from legged_gym_ext.runs.command_line import run_script

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
SMALL = ["--env.num-envs", "16", "--env.episode-length-s", "0.4", "--train.num-steps-per-env", "8"]


def call(command: str, *arguments: str) -> int:
    """Exit code of a command, run in this process as if by its own name."""
    module: Any = importlib.import_module(f"legged_gym_ext.cli.{command}")
    return run_script(lambda: module.main(list(arguments)))
