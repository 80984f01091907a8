"""The package's own tests; they need it and legged-gym-ext installed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from mini_dog.rewards import drift
from mini_dog.robot import MINI_DOG

from legged_gym_ext import LeggedEnv, get_robot, get_task, task_names
from legged_gym_ext.robots.kinematics import foot_positions


@pytest.fixture
def env() -> LeggedEnv:
    """Two mini dogs that stand."""
    cfg = get_task("mini_dog_stand").env
    return LeggedEnv(replace(cfg, num_envs=2, sim=replace(cfg.sim, num_threads=1)))


def test_robot_and_task_are_found_by_their_names() -> None:
    assert get_robot("mini_dog") is MINI_DOG
    assert {"mini_dog_stand", "mini_dog_walk", "go1_stand"} <= set(task_names())


def test_the_feet_touch_the_ground_in_the_default_pose() -> None:
    lowest = foot_positions(MINI_DOG, torch.tensor([MINI_DOG.default_dof_pos]))[0, :, 2].min()
    assert MINI_DOG.base_height == pytest.approx(float(MINI_DOG.foot_radius - lowest), abs=1e-4)


def test_drift_is_the_distance_beyond_the_tolerance(env: LeggedEnv) -> None:
    state = env.state
    # 3, 4, 5: half a meter away in one world, within the tolerance in the other.
    state.base_pos = state.env_origins + torch.tensor([[0.3, 0.4, 0.2], [0.03, 0.0, 0.2]])
    assert drift(state, tolerance=0.1).tolist() == pytest.approx([0.4, 0.0], abs=1e-5)


def test_the_task_runs_and_logs_the_reward(env: LeggedEnv) -> None:
    for _ in range(5):
        observation, rewards, _, infos = env.step(torch.zeros(2, env.num_actions))
    assert observation.isfinite().all() and rewards.isfinite().all()
    assert "reward/drift" in infos["log"] and env.state.commands.eq(0.0).all()
