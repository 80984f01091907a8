"""Kernels are compiled before a run, not in it; without a compiler everything is the same, and a sentence says so."""

from __future__ import annotations

import ast
import importlib.util
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numba.core.caching import CacheImpl
from numba.core.dispatcher import Dispatcher

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.kernels import available, bodies, depth_noise, rays, state, tracks
from legged_gym_ext.kernels.compiler import array, compiled
from legged_gym_ext.mdp import track_state
from legged_gym_ext.sensors import depth_camera
from legged_gym_ext.sensors.depth_camera import DepthCameraCfg
from legged_gym_ext.sim.mujoco import backend
from legged_gym_ext.tasks.registry import get_task

FOLDER = Path(available.__file__).parent
MODULES = (bodies, depth_noise, rays, state, tracks)


def make(**changes) -> LeggedEnv:
    cfg = get_task("go1_field").env
    return LeggedEnv(replace(cfg, num_envs=8, sim=replace(cfg.sim, num_threads=1), **changes), seed=0)


def run(env: LeggedEnv, steps: int = 30) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    env.episode_length_buf = torch.arange(8) * 60  # some end
    seen = []
    for _ in range(steps):
        obs, rewards, _, infos = env.step(torch.randn(8, 12, generator=generator))
        seen += [obs, rewards, infos["observations"]["critic"]]
    return seen


def test_every_kernel_has_one_compiled_form_and_takes_no_other_types() -> None:
    kernels = {
        name: value for module in MODULES for name, value in vars(module).items() if isinstance(value, Dispatcher)
    }
    public = {name: kernel for name, kernel in kernels.items() if not name.startswith("_")}
    assert {"body_states", "height_scan", "penetration", "look", "measure", "read_state"} <= set(public)
    assert all(len(kernel.signatures) == 1 for kernel in public.values())
    rows, fresh, images = np.zeros(1, np.int64), np.zeros(1, np.bool_), np.zeros((2, 1, 4), np.float32)
    rays.keep(0, 1, rows, fresh, np.ones((1, 4), np.float32), images)
    assert images[0].all() and not images[1].any()
    with pytest.raises(TypeError, match="No matching definition"):
        rays.keep(0, 1, rows, fresh, np.ones((1, 4), np.complex64), images)


def test_without_a_folder_to_keep_them_in_kernels_are_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])

    def double(first: int, last: int, values: np.ndarray) -> None:
        for i in range(first, last):
            values[i] *= 2.0

    values = np.ones(3)
    compiled(array("double", 1))(double)(1, 3, values)
    assert values.tolist() == [1.0, 2.0, 2.0]


def test_kernels_call_nothing_of_other_files() -> None:
    # numba's cache would not notice that the other file has changed.
    for path in FOLDER.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        own = {module for module in modules if module.startswith(("legged_gym_ext", "st_rl"))}
        assert own <= {"legged_gym_ext.kernels.compiler"}, path.name


def test_an_environment_without_a_compiler_takes_the_same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = run(make())
    for module in (track_state, depth_camera, backend):
        monkeypatch.setattr(module, "compiled_kernels", lambda: False)
    env = make()
    assert env.state.track is not None and env.state.track._compiled is None
    for found, expected in zip(run(env), compiled, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_a_camera_without_a_compiler_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depth_camera, "compiled_kernels", lambda: False)
    env = make(camera=DepthCameraCfg(noise=None))
    env.step(torch.zeros(8, 12))
    assert env.state.camera is not None and env.state.camera.delivered().std() > 0.05


def test_a_missing_compiler_is_said_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    available.compiled_kernels.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            assert not available.compiled_kernels() and not available.compiled_kernels()
    finally:
        available.compiled_kernels.cache_clear()
    assert [record.message for record in caplog.records] == [available.WITHOUT]
    assert "pip install numba" in available.WITHOUT
