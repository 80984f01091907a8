"""Every registered task on every backend: it is made, reset and stepped, and its observations are as declared."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from backend_cases import CASES

from legged_gym_ext.envs.cfg import ObservationCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task, task_names
from st_rl.utils.obs_layout import ObsLayout

SHAPES = {
    "proprioception": (48,),
    "base_pose": (6,),
    "robot_config": (17,),
    "engaging_block": (8,),
    "sidewall_distance": (2,),
    "foot_contacts": (4,),
}
"""Segments whose shape does not depend on the configuration."""
OTHER_BACKENDS_STEPS = 3
"""Engines for other devices are slow on the CPU; that they agree with the first is tested elsewhere."""


def check_layout(layout: ObsLayout, terms: dict[str, ObservationCfg], observation: torch.Tensor) -> None:
    assert layout.names == tuple(terms)
    for name, segment in layout.split(observation).items():
        assert segment.shape[1:] == SHAPES.get(name, segment.shape[1:]), name
        assert segment.isfinite().all(), name
    assert observation.shape[1] == layout.size and observation.dtype == torch.float32


@pytest.mark.parametrize("backend", dict.fromkeys(backend for backend, _ in CASES))
@pytest.mark.parametrize("name", task_names())
def test_a_task_runs(backend: str, name: str) -> None:
    cfg = get_task(name).env
    engine, _, device = backend.partition(":")
    steps = 50 if engine == "mujoco" else OTHER_BACKENDS_STEPS
    sim = replace(cfg.sim, num_threads=1)
    env = LeggedEnv(replace(cfg, num_envs=2, sim=sim), where=Where(engine, device or "cpu"), seed=1)
    try:
        observation, extras = env.reset()
        generator = torch.Generator().manual_seed(0)
        for _ in range(steps):
            noise = torch.randn(2, env.num_actions, generator=generator, device="cpu")
            observation, reward, done, extras = env.step(noise.to(env.device))
            assert observation.isfinite().all() and reward.isfinite().all()
            assert reward.shape == done.shape == (2,) and done.dtype == torch.bool
            assert all(bool(torch.isfinite(value)) for value in extras["log"].values())
        check_layout(env.obs_segments, cfg.observations, observation)
        check_layout(env.critic_obs_segments, cfg.critic_observations, extras["observations"]["critic"])
        assert env.num_obs == env.obs_segments.size and env.num_actions == 12
        assert int(env.sim.num_invalid) == 0
    finally:
        env.close()
