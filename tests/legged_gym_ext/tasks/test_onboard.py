"""The walk without a sensor of velocity, and the two of motor adaptation: who knows what, and what is learned."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_runs import train_toy_run

from legged_gym_ext.mdp.proprioception import MEASURED
from legged_gym_ext.runs.folders import make_env
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task


@pytest.mark.parametrize("robot", ["go1", "a1"])
def test_the_actor_knows_only_what_a_robot_measures(robot: str) -> None:
    task, walk = get_task(f"{robot}_onboard"), get_task(f"{robot}_walk")
    assert set(task.env.observations) == {"onboard"} and "base_lin_vel" not in MEASURED
    assert task.env.latency is not None and task.env.latency.proprioception == (0.005, 0.045)
    assert task.env.noise == walk.env.noise and task.env.rewards == walk.env.rewards
    assert set(task.env.critic_observations) - set(walk.env.critic_observations) == {"base_lin_vel"}
    env = make_env(task.env, Where(num_threads=1), num_envs=2)
    observation, extras = env.get_observations()
    assert observation.shape == (2, 45)
    true = env.critic_obs_segments.select(extras["observations"]["critic"], "base_lin_vel")
    torch.testing.assert_close(true, 2.0 * env.state.base_lin_vel)
    env.close()


def test_the_estimate_is_taught_and_read_by_the_actor() -> None:
    task = get_task("go1_onboard")
    env = make_env(task.env, Where(num_threads=1), num_envs=8, seed=1)
    runner = make_runner(replace(task, train=replace(task.train, num_steps_per_env=4)), env, None)
    runner.stream = io.StringIO()
    policy = runner.alg.actor_critic
    # 45 measured numbers and 3 estimated ones.
    assert policy.memory_s.rnn.input_size == 45 and policy.memory_a.rnn.input_size == 48
    before = [weight.clone() for weight in policy.estimator.parameters()]
    runner.learn(1)
    after = list(policy.estimator.parameters())
    assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    env.close()


def test_a_student_learns_the_latent_of_a_teacher_that_is_told(tmp_path: Path) -> None:
    teacher = train_toy_run(tmp_path / "informed", "go1_informed")
    task = get_task("go1_adapted")
    algorithm = replace(task.train.algorithm, teacher_run=str(teacher), distillation_loss_coef=0.0, learning_rate=3e-3)
    train = replace(task.train, algorithm=algorithm, num_steps_per_env=4)
    env = make_env(task.env, Where(num_threads=1), num_envs=16, seed=1)
    runner = make_runner(replace(task, train=train), env, tmp_path / "adapted")
    runner.stream = io.StringIO()
    losses = []
    for _ in range(12):
        losses.append(runner.learn(1)["Loss/latent_distillation_loss"])
    assert losses[-1] < 0.5 * losses[0]
    env.close()
