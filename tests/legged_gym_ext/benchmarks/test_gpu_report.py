"""The report on a GPU: its parts measure on any device, and without a GPU it says so."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from legged_gym_ext.benchmarks import gpu_report
from legged_gym_ext.benchmarks.environment import measure
from legged_gym_ext.benchmarks.gpu_report import WalkGoal
from legged_gym_ext.evaluation import walk
from legged_gym_ext.evaluation.walk import WalkFigures
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UnknownNameError, UserError

needs_warp = pytest.mark.skipif(importlib.util.find_spec("mujoco_warp") is None, reason="MuJoCo Warp is missing")


def small_task() -> TaskCfg:
    """Short rollouts and short episodes."""
    task = get_task("go1_walk")
    return replace(task, env=replace(task.env, episode_length_s=0.2), train=replace(task.train, num_steps_per_env=4))


@needs_warp
def test_a_sweep_measures_every_number_of_worlds() -> None:
    results = gpu_report.sweep(small_task(), (4, 8), where=Where("warp"), rounds=1, steps=2)
    assert [result["worlds"] for result in results] == [4, 8]
    for result in results:
        for name in ("physics_steps_per_second", "env_steps_per_second", "train_steps_per_second", "env_over_physics"):
            assert result[name] > 0.0


def test_a_sweep_ends_where_the_memory_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(task: TaskCfg, *, worlds: int, **options: object) -> dict[str, int]:
        if worlds > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return {"worlds": worlds}

    monkeypatch.setattr(gpu_report, "measure", full)
    results = gpu_report.sweep(small_task(), (8, 16, 32), where=Where("warp"), rounds=1, steps=1)
    assert results == [{"worlds": 8}, {"worlds": 16, "graphed": False, "error": "CUDA out of memory"}]


def test_graphs_pay_where_training_is_faster_with_them() -> None:
    def result(worlds: int, graphed: bool, rate: float) -> dict[str, float]:
        return {"worlds": worlds, "graphed": graphed, "train_steps_per_second": rate}

    slower = [result(8, False, 2.0), result(16, False, 3.0), result(8, True, 4.0)]
    assert gpu_report.graphs_pay(slower)  # measured both ways at 8 only
    assert not gpu_report.graphs_pay([*slower, result(16, True, 2.5)])
    assert not gpu_report.graphs_pay([*slower[:2], {"worlds": 8, "graphed": True, "error": "no memory"}])


def test_a_backend_without_bare_physics_is_unknown_to_the_benchmark() -> None:
    with pytest.raises(UnknownNameError, match="warp"):
        measure(small_task(), worlds=1, rounds=1, steps=1, where=Where("bullet"))


@needs_warp
def test_bare_warp_steps_as_the_simulator_and_leaves_it_as_it_was() -> None:
    from legged_gym_ext.robots.go1 import GO1
    from legged_gym_ext.sim.interface import SceneCfg, SimCfg
    from legged_gym_ext.sim.warp.backend import WarpSimulator
    from legged_gym_ext.sim.warp.raw import RawPhysics

    sim = WarpSimulator(GO1, 2, SimCfg(), SceneCfg())
    targets = torch.tensor(GO1.default_dof_pos).repeat(2, 1) + 0.1
    raw = RawPhysics(sim)
    before = {name: sim._t[name].clone() for name in ("qpos", "qvel", "qacc_warmstart")}
    raw.start()
    raw.step(targets)
    after = sim._t["qpos"].clone()
    assert not torch.equal(after, before["qpos"])
    raw.stop()
    assert all(torch.equal(sim._t[name], value) for name, value in before.items())
    sim.step(targets)
    assert torch.equal(sim._t["qpos"], after)


def test_walking_is_reached_when_every_figure_is_good_enough() -> None:
    good = WalkFigures(
        episodes=100, falls=1, steps=1000, lin_vel_mse=0.01, yaw_rate_mse=0.01, planar_speed=0.5, power_over_weight=0.5
    )
    goal = WalkGoal(falls=0.02, lin_error=0.12, yaw_error=0.15)
    assert goal.reached_by(good)
    for bad in ({"falls": 3}, {"lin_vel_mse": 0.02}, {"yaw_rate_mse": 0.03}):
        assert not goal.reached_by(replace(good, **bad))


def test_the_time_to_walk_is_that_of_training_until_the_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "EPISODE_S", 0.2)
    never = WalkGoal(episodes=2, lin_error=1e-9, max_seconds=0.01, every=1)
    result = gpu_report.time_to_walk(small_task(), never, worlds=4, where=Where())
    assert result["seconds"] is None and result["seconds_trained"] > 0.01
    assert result["iterations"] == 1 and result["steps"] == 16 and result["figures"]["episodes"] == 2
    easy = WalkGoal(episodes=2, falls=1.0, lin_error=9.0, yaw_error=9.0, every=1)
    result = gpu_report.time_to_walk(small_task(), easy, worlds=4, where=Where())
    assert result["seconds"] == result["seconds_trained"] > 0.0


@pytest.mark.parametrize("images", [False, True])
def test_memory_is_measured_in_training(images: bool) -> None:
    task = gpu_report.seeing(small_task()) if images else small_task()
    assert ("forward_depth" in task.env.observations) == images
    result = gpu_report.memory_of(task, 4, where=Where())
    assert result["task"] == "go1_walk" and result["worlds"] == 4
    assert result["memory_gib"] is None or result["memory_gib"] > 0.01


def test_without_mjlab_the_report_says_why() -> None:
    def measured(python: Path | None) -> object:
        return gpu_report.mjlab_rates(python, (8,), steps=1, device="cuda")

    assert "--mjlab-python" in str(measured(None))
    assert "not measured" in str(measured(Path("/nowhere/python")))
    if importlib.util.find_spec("mjlab") is None:
        assert "mjlab" in str(measured(Path(sys.executable)))


def test_without_a_gpu_there_is_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device in ("cuda", "cuda:1", "cpu"):
        with pytest.raises(UserError, match="NVIDIA GPU"):
            gpu_report.require_gpu(device)
