"""Collectors write while a trainer reads; nobody waits for anybody."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import toys_collecting
from toys import PointMass
from toys_collecting import lqr_policy, lqr_teacher, mean_return

from st_rl.runners import DaggerSaver, DemonstrationSaver, OnPolicyRunner, TwoStageRunner
from st_rl.storage.rollout_files import Metadata, RolloutDataset, Trajectory, list_trajectories
from st_rl.utils.errors import UserError

pytestmark = pytest.mark.usefixtures("one_thread")
ROOT = Path(__file__).parents[3]
POLICY = {"class_name": "ActorCritic", "actor_hidden_dims": [32], "critic_hidden_dims": [32]}
IMITATION = {"using_ppo": False, "learning_rate": 3e-3, "schedule": "fixed", "num_learning_epochs": 2}


def trainer(folder: Path, log_dir: Path | None = None, num_envs: int = 16, **more: Any) -> TwoStageRunner:
    arguments: dict[str, Any] = {
        "policy": POLICY,
        "algorithm": IMITATION,
        "algorithm_class": "TPPO",
        "num_steps_per_env": 20,
        "dataset": folder,
        "dataset_iterations": 1000,
        "stream": io.StringIO(),
    }
    return TwoStageRunner(PointMass(num_envs), log_dir=log_dir, **(arguments | more))


def test_demonstrations_hold_what_the_teacher_did(tmp_path: Path) -> None:
    env = PointMass(4, max_episode_length=10)
    saver = DemonstrationSaver(env, lqr_teacher(env), tmp_path)
    assert saver.collect(num_trajectories=8) == {"steps": 20, "trajectories": 8, "signal": 0}
    metadata = Metadata.load(tmp_path)
    policy = lqr_policy(env)
    for path in list_trajectories(tmp_path):
        data = Trajectory(path, metadata).read(0, 99)
        assert data["dones"].tolist() == data["time_outs"].tolist() == [False] * 9 + [True]
        assert torch.equal(data["actions"], data["action_labels"])
        torch.testing.assert_close(data["actions"], policy.act_inference(data["obs"]).detach())
        position, velocity = data["obs"].split(2, dim=1)
        torch.testing.assert_close(position[1:], position[:-1] + 0.1 * velocity[1:])


def test_noise_is_on_the_actions_and_not_on_the_labels(tmp_path: Path) -> None:
    env = PointMass(4, max_episode_length=10)
    DemonstrationSaver(env, lqr_teacher(env), tmp_path, action_noise=0.5).collect(num_steps=10)
    data = Trajectory(list_trajectories(tmp_path)[0], Metadata.load(tmp_path)).read(0, 99)
    assert 0.3 < float((data["actions"] - data["action_labels"]).std()) < 0.7
    torch.testing.assert_close(data["action_labels"], lqr_policy(env).act_inference(data["obs"]).detach())


def test_a_student_of_demonstrations_does_as_well_as_its_teacher(tmp_path: Path) -> None:
    env = PointMass(64)
    DemonstrationSaver(env, lqr_teacher(env), tmp_path, action_noise=0.3).collect(num_trajectories=64)
    torch.manual_seed(0)
    runner = trainer(tmp_path)
    runner.learn(60)
    student = mean_return(PointMass(256, seed=5), runner.get_inference_policy())
    teacher = mean_return(PointMass(256, seed=5), lqr_policy(env).act_inference)
    assert student > 1.05 * teacher  # returns are negative


def save_run(folder: Path, iterations: int) -> OnPolicyRunner:
    """A run of that many iterations with a checkpoint after each."""
    runner = OnPolicyRunner(
        PointMass(8), policy=POLICY, algorithm={}, num_steps_per_env=4, save_interval=1, log_dir=folder,
        stream=io.StringIO(),
    )  # fmt: skip
    runner.learn(iterations)
    return runner


def test_dagger_plays_the_newest_checkpoint_as_soon_as_there_is_one(tmp_path: Path) -> None:
    env, run = PointMass(4, max_episode_length=5), tmp_path / "run"
    saver = DaggerSaver(env, lqr_teacher(env), tmp_path / "data", training_run=run, check_interval=2)
    saver.collect(num_steps=5)
    assert saver.iteration == -1
    runner = save_run(run, 2)
    saver.collect(num_steps=1)
    assert saver.iteration == -1  # looks at even steps only
    saver.collect(num_steps=4)
    assert saver.iteration == 2
    runner.learn(1)
    saver.collect(num_steps=5)
    assert saver.iteration == 3
    paths, metadata = list_trajectories(tmp_path / "data"), Metadata.load(tmp_path / "data")
    first, second, third = (Trajectory(paths[i], metadata).read(0, 9) for i in (0, 4, 8))
    assert torch.equal(first["actions"], first["action_labels"])
    # The episode in which the student appeared was the teacher's to its end.
    assert torch.equal(second["actions"], second["action_labels"])
    policy = runner.get_inference_policy()
    torch.testing.assert_close(third["actions"], policy(third["obs"]))
    assert not torch.equal(third["actions"], third["action_labels"])


def test_the_teacher_drives_its_share_of_the_episodes(tmp_path: Path) -> None:
    env, run = PointMass(200, max_episode_length=3), tmp_path / "run"
    save_run(run, 1)
    torch.manual_seed(0)
    saver = DaggerSaver(env, lqr_teacher(env), tmp_path / "data", training_run=run, teacher_probability=0.3)
    saver.collect(num_steps=3)
    assert abs(float(saver.driven.float().mean()) - 0.3) < 0.1


def test_a_run_of_another_environment_is_refused(tmp_path: Path) -> None:
    save_run(tmp_path / "run", 1)
    config = tmp_path / "run" / "config.json"
    config.write_text(config.read_text().replace('"velocity"', '"speed"'))
    env = PointMass(4)
    with pytest.raises(UserError, match="other observation segments"):
        DaggerSaver(env, lqr_teacher(env), tmp_path / "data", training_run=tmp_path / "run")


# -- processes -------------------------------------------------------------------------------------


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts collectors, and ends those that are still there."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, toys_collecting.__file__, *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        running.append(subprocess.Popen(command, env=environment, cwd=ROOT))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.wait()


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def test_a_collector_killed_while_writing_loses_only_what_was_in_flight(
    tmp_path: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    start(data, "steady", "--run", run)
    victim = start(data, "victim", "--run", run, "--slow")
    wait_until(lambda: list(data.glob("*_steady_*.traj")) and list(data.glob("*_victim_*.traj")))
    runner = trainer(data, run, save_interval=5, dataset_options={"keep_latest_n_trajs": 200})
    runner.learn(5)

    def half_written() -> list[Path]:
        return list(data.glob(".*_victim_*.tmp"))

    wait_until(half_written)
    whole = set(data.glob("*_victim_*.traj"))
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert len(half_written()) <= 1
    assert whole <= set(data.glob("*_victim_*.traj"))

    metrics = runner.learn(40)
    metadata = Metadata.load(data)
    for path in list_trajectories(data):
        Trajectory(path, metadata)  # raises where a file is not whole
    assert runner.dataset.refused == set()
    assert metrics["Loss/distillation_loss"] < 0.5

    start(data, "victim", "--run", run)
    before = len(list(data.glob("*_victim_*.traj")))
    wait_until(lambda: len(list(data.glob("*_victim_*.traj"))) > before)
    assert half_written() == [] or victim.pid not in {int(p.name.split(".")[-2]) for p in half_written()}


def test_a_collector_stops_when_it_is_told_to(tmp_path: Path, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = start(tmp_path, "one")
    wait_until(lambda: list_trajectories(tmp_path))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert list(RolloutDataset(tmp_path, 4, dataset_loops=1))


# -- two stages ------------------------------------------------------------------------------------


def demonstrations(folder: Path, num_trajectories: int = 8, num_envs: int = 4) -> Path:
    env = PointMass(num_envs, max_episode_length=10)
    DemonstrationSaver(env, lqr_teacher(env), folder).collect(num_trajectories=num_trajectories)
    return folder


def test_the_second_stage_begins_when_it_should(tmp_path: Path) -> None:
    demonstrations(tmp_path)
    teacher = {"algorithm": {"using_ppo": True}, "dataset_iterations": 2, "num_envs": 4, "num_steps_per_env": 5}
    runner = trainer(tmp_path, **teacher)
    runner.alg.teacher = lqr_teacher(PointMass(4))  # type: ignore[attr-defined]
    obs_before = runner.env.get_observations()[0].clone()
    runner.learn(2)
    assert runner.stage == 1 and torch.equal(runner.env.get_observations()[0], obs_before)
    runner.learn(1)
    assert runner.stage == 2 and not torch.equal(runner.env.get_observations()[0], obs_before)


def test_a_data_set_that_is_used_up_ends_the_first_stage_within_a_rollout(tmp_path: Path) -> None:
    demonstrations(tmp_path)  # 2 trajectories of 10 steps in each of 4 environments
    options = {"dataset_loops": 1, "shuffle": False}
    more = {"algorithm": {"using_ppo": True}, "num_envs": 4, "num_steps_per_env": 24, "dataset_options": options}
    runner = trainer(tmp_path, **more)
    runner.alg.teacher = lqr_teacher(PointMass(4))  # type: ignore[attr-defined]
    dones: list[torch.Tensor] = []
    compute_returns = runner.alg.compute_returns

    def watched(*arguments: Any) -> None:
        dones.append(runner.alg.storage.dones.clone())
        compute_returns(*arguments)

    runner.alg.compute_returns = watched  # type: ignore[method-assign]
    metrics = runner.learn(1)
    assert runner.stage == 2
    assert dones[0].all(dim=1).nonzero().flatten().tolist() == [9, 19]
    assert all(abs(value) < float("inf") for value in metrics.values())


def test_a_run_resumed_in_its_second_stage_stays_there(tmp_path: Path) -> None:
    data = demonstrations(tmp_path / "data")
    more = {"algorithm": {"using_ppo": True}, "dataset_iterations": 1, "num_envs": 4, "num_steps_per_env": 5}

    def make() -> TwoStageRunner:
        runner = trainer(data, tmp_path / "run", **more)
        runner.alg.teacher = lqr_teacher(PointMass(4))  # type: ignore[attr-defined]
        return runner

    make().learn(2)
    resumed = make()
    resumed.load(tmp_path / "run", resume=True)
    assert resumed.stage == 2 and resumed.iteration == 2
    resumed.learn(1)
    assert resumed.stage == 2


def test_trajectories_of_another_environment_are_refused(tmp_path: Path) -> None:
    demonstrations(tmp_path)
    path = tmp_path / "metadata.json"
    path.write_text(path.read_text().replace('"velocity"', '"speed"'))
    with pytest.raises(UserError, match="'velocity'"):
        trainer(tmp_path)


def test_an_algorithm_that_cannot_learn_from_data_is_refused(tmp_path: Path) -> None:
    demonstrations(tmp_path)
    with pytest.raises(UserError, match="TPPO"):
        trainer(tmp_path, algorithm={}, algorithm_class="PPO")
