"""A run that was stopped, by its end or by a signal, goes on bit for bit."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from toys import PointMass, Recall

import st_rl
from st_rl.runners import OnPolicyRunner
from st_rl.utils.run_folder import checkpoint_iterations

pytestmark = pytest.mark.usefixtures("one_thread")
ENVS: dict[str, Any] = {"ActorCritic": PointMass, "ActorCriticRecurrent": Recall}


def make(class_name: str, log_dir: Path | None, stream: Any = None) -> OnPolicyRunner:
    policy: dict[str, Any] = {"class_name": class_name, "actor_hidden_dims": [16], "critic_hidden_dims": [16]}
    return OnPolicyRunner(
        ENVS[class_name](16, 7),
        policy=policy,
        algorithm={"normalize_obs": True},
        num_steps_per_env=6,
        save_interval=1000,
        log_dir=log_dir,
        seed=4,
        stream=stream or io.StringIO(),
    )


def everything(runner: OnPolicyRunner) -> list[torch.Tensor]:
    state = runner.alg.state_dict()
    tensors = [*state["model_state_dict"].values(), *state["obs_normalizer_state_dict"].values()]
    moments = [value for entry in state["optimizer_state_dict"]["state"].values() for value in entry.values()]
    env: Any = runner.env
    return [*tensors, *moments, *env.state_dict().values()]


def same(first: OnPolicyRunner, second: OnPolicyRunner) -> bool:
    pairs = zip(everything(first), everything(second), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("class_name", list(ENVS))
def test_a_resumed_run_equals_an_uninterrupted_one(class_name: str, tmp_path: Path) -> None:
    whole = make(class_name, None)
    expected = whole.learn(5, init_at_random_ep_len=True)
    make(class_name, tmp_path).learn(3, init_at_random_ep_len=True)
    torch.manual_seed(123)
    second = make(class_name, tmp_path)
    second.load(tmp_path, resume=True)
    torch.rand(3)
    metrics = second.learn(2, init_at_random_ep_len=True)
    assert second.iteration == 5
    assert same(whole, second)
    assert metrics["mean_reward"] == expected["mean_reward"]
    assert checkpoint_iterations(tmp_path) == [3, 5]


def test_learning_twice_equals_learning_once() -> None:
    once, twice = make("ActorCriticRecurrent", None), make("ActorCriticRecurrent", None)
    random_state = torch.get_rng_state()
    once.learn(4)
    torch.set_rng_state(random_state)
    twice.learn(1)
    twice.learn(3)
    assert same(once, twice)


def child(folder: str) -> int:
    """Train until a signal comes; returns what a shell expects of a process that a signal ended."""
    torch.set_num_threads(1)
    runner = make("ActorCriticRecurrent", Path(folder), sys.stdout)
    runner.learn(100_000)
    return 0 if runner.interrupted is None else 128 + runner.interrupted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_run_goes_on_as_if_nothing_had_happened(number: signal.Signals, tmp_path: Path) -> None:
    run = tmp_path / "run"
    paths = os.pathsep.join([str(Path(st_rl.__file__).parents[1]), str(Path(__file__).parent), *sys.path])
    code = f"import sys, test_resume; sys.exit(test_resume.child({str(run)!r}))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("iteration 1/")
    time.sleep(0.3)
    process.send_signal(number)
    process.stdout.read()
    assert process.wait(timeout=30) == 128 + number
    (stopped,) = checkpoint_iterations(run)
    resumed, whole = make("ActorCriticRecurrent", run), make("ActorCriticRecurrent", None)
    whole.learn(stopped + 1)
    resumed.load(run, resume=True)
    resumed.learn(1)
    assert same(whole, resumed)
