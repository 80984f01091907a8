"""A step on a GPU never makes the host wait: neither the environment nor the rollout of the learner."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from host_syncs import HostSyncs

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.runs.folders import make_env
from legged_gym_ext.runs.teachers import with_teacher_folders
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task, task_names

MUJOCO = ("sim/mujoco/backend.py", "sim/mujoco/model.py")
"""The backend of the CPU may look at masks."""
needs_warp = pytest.mark.skipif(importlib.util.find_spec("mujoco_warp") is None, reason="MuJoCo Warp is missing")


def as_on_a_gpu(env: LeggedEnv) -> LeggedEnv:
    """``env`` without the shortcuts that only the CPU takes."""
    env.state.skip_empty = False
    if env.state.track is not None:
        env.state.track.skip_empty = False
    if env.state.camera is not None:
        env.state.camera.skip_empty = False
    if "_on_cpu" in vars(env.sim):
        vars(env.sim)["_on_cpu"] = False
    return env


def test_the_nets_catch_what_waits() -> None:
    values, mask = torch.arange(4.0), torch.tensor([True, False, True, False])
    waiting: list[Callable[[], Any]] = [
        values[0].item,
        values.tolist,
        values.cpu,
        values.numpy,
        values.unique,
        mask.nonzero,
        lambda: values.to("cpu"),
        lambda: bool(mask.any()),
        lambda: 1 if mask[0] else 0,
        lambda: int(values[0]),
        lambda: float(values[0]),
        lambda: values[mask],
        lambda: values.clone().__setitem__(mask, torch.zeros(2)),
        lambda: torch.where(mask),
        lambda: values.masked_select(mask),
        lambda: torch.equal(values, values),
        lambda: torch.tensor([1.0]),
        lambda: torch.as_tensor([1.0]),
        lambda: values[[0, 2]],
        lambda: values[..., [0, 2]],
    ]
    for index, operation in enumerate(waiting):
        with HostSyncs() as syncs:
            operation()
        assert syncs.found, f"operation {index}"
    with HostSyncs() as syncs:
        values[torch.zeros(3, dtype=torch.long)] = 0.0
        values[1:3] = 2.0
        values.to(values.device)
        values.where(mask, 1.0).masked_fill_(mask, 2.0).sum().clamp(0.0, 1.0)
        torch.zeros(3).to(torch.float64)
    assert not syncs.found


@pytest.mark.parametrize("name", task_names())
def test_a_step_of_any_task_waits_for_nothing(name: str) -> None:
    env = as_on_a_gpu(make_env(get_task(name).env, where=Where(num_threads=1), num_envs=4, seed=1))
    env.reset()  # constants are made once
    env.episode_length_buf = torch.tensor([0, env.max_episode_length - 2, 5, 500])
    with HostSyncs(ignoring=MUJOCO) as syncs:
        for _ in range(3):
            env.step(torch.zeros(4, env.num_actions))
    assert not syncs.found, "\n".join(sorted(set(syncs.found)))
    env.close()


def test_a_rollout_of_a_student_waits_for_nothing() -> None:
    task = with_teacher_folders(get_task("go1_vision"))
    env = as_on_a_gpu(make_env(task.env, where=Where(num_threads=1), num_envs=4, seed=1))
    runner = make_runner(task, env, None)
    algorithm: Any = runner.alg
    algorithm.storage.skip_empty = algorithm.actor_critic.skip_empty = algorithm.teacher.policy.skip_empty = False
    runner.stream = io.StringIO()
    runner.learn(1)
    with HostSyncs(ignoring=MUJOCO) as syncs:
        env.episode_length_buf = env.episode_length_buf.clone().fill_(env.max_episode_length - 1)
        for _ in range(3):
            runner.rollout_step()
    assert not syncs.found, "\n".join(sorted(set(syncs.found)))
    env.close()


@needs_warp
def test_a_rollout_on_warp_waits_for_nothing() -> None:
    task = get_task("go1_walk")
    env = as_on_a_gpu(make_env(task.env, where=Where("warp"), num_envs=4, seed=1))
    runner = make_runner(task, env, None)
    runner.stream = io.StringIO()
    runner.learn(1)  # launches are recorded
    with HostSyncs() as syncs:
        env.episode_length_buf = env.episode_length_buf.clone().fill_(env.max_episode_length - 1)
        for _ in range(3):
            runner.rollout_step()
        obs, infos = env.get_observations()
        runner.alg.compute_returns(obs, infos["observations"]["critic"])
    assert not syncs.found, "\n".join(sorted(set(syncs.found)))
    env.close()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_rollout_on_a_gpu_waits_for_nothing() -> None:
    task = get_task("go1_walk")
    env = make_env(task.env, where=Where("warp", "cuda"), num_envs=64, seed=1)
    runner = make_runner(task, env, None)
    runner.stream = io.StringIO()
    runner.learn(1)
    env.episode_length_buf = torch.full_like(env.episode_length_buf, env.max_episode_length - 1)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(4):
            runner.rollout_step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.isfinite(env.get_observations()[0]).all()
    env.close()
