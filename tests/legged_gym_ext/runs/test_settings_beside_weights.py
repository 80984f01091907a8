"""A policy does the same whatever scales its environment has, whoever loads it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from toy_runs import write_toy_skills

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.mdp.proprioception import ObsScalesCfg
from legged_gym_ext.runs import folders as runs, mutex
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.viewing.disturbances import DisturbanceOptions, shown_cfg
from st_rl.algorithms.teacher import teacher_from_config, teacher_from_run
from st_rl.env import VecEnv
from st_rl.runners import DaggerSaver, DemonstrationSaver
from st_rl.runners.demonstration_saver import EnvDescription

WALK = runs.SHIPPED / "go1_walk"
STEPS = 25
pytestmark = pytest.mark.skipif(not WALK.is_dir(), reason="needs the shipped walk")

Play = Callable[[LeggedEnv], torch.Tensor]


def quiet(task: str) -> EnvCfg:
    """The environment of a task with nothing random in its steps, and few worlds."""
    return shown_cfg(replace(get_task(task).env, num_envs=3, curriculum={}), DisturbanceOptions())


def other_scales(cfg: EnvCfg) -> EnvCfg:
    scales = ObsScalesCfg(lin_vel=0.5, ang_vel=1.0, gravity=3.0, dof_pos=2.0, dof_vel=0.2)
    observations = {
        name: replace(term, scale=7.0) if name == "height_measurements" else term
        for name, term in cfg.observations.items()
    }
    return replace(
        cfg,
        control=replace(cfg.control, action_scale=0.4),
        normalization=replace(cfg.normalization, obs_scales=scales),
        observations=observations,
        critic_observations=cfg.critic_observations | observations,
    )


def targets(env: LeggedEnv, actions: torch.Tensor) -> torch.Tensor:
    """Joint targets (N, 12) that ``actions`` command, rad."""
    return env.state.default_dof_pos + env.state.action_scale * actions


def play(env: LeggedEnv, policy: Any) -> torch.Tensor:
    """Joint targets (STEPS, N, 12) of an episode from a reset."""
    found = []
    obs, _ = env.reset()
    policy.reset()
    for _ in range(STEPS):
        actions = policy(obs)
        found.append(targets(env, actions))
        obs, _, dones, _ = env.step(actions)
        policy.reset(dones)
    return torch.stack(found)


def as_teacher(env: LeggedEnv, source: str) -> torch.Tensor:
    teacher = teacher_from_run(WALK, EnvDescription.of(cast(VecEnv, env)), source)
    found = []
    obs, extras = env.reset()
    for _ in range(STEPS):
        actions = teacher.act(teacher.observe(obs, extras["observations"]["critic"]))
        found.append(targets(env, actions))
        obs, _, _, extras = env.step(actions)
    return torch.stack(found)


def as_student_of_a_collector(env: LeggedEnv, folder: Path) -> torch.Tensor:
    env.reset()
    teacher = teacher_from_run(WALK, EnvDescription.of(cast(VecEnv, env)))
    saver = DaggerSaver(cast(VecEnv, env), teacher, folder, training_run=WALK)
    saver.driven[:] = False
    assert saver.student is not None
    saver.student.policy.reset()
    found = []
    for _ in range(STEPS):
        actions = saver.choose_actions(torch.zeros(env.num_envs, 12))
        found.append(targets(env, actions))
        saver.obs = env.step(actions)[0]
    return torch.stack(found)


def as_collector(env: LeggedEnv, folder: Path) -> torch.Tensor:
    env.reset()
    teacher = teacher_from_run(WALK, EnvDescription.of(cast(VecEnv, env)))
    saver = DemonstrationSaver(cast(VecEnv, env), teacher, folder)
    found = []
    for _ in range(STEPS):
        saver.step()
        found.append(targets(env, env.state.actions))
    return torch.stack(found)


def as_start_of_a_run(env: LeggedEnv) -> torch.Tensor:
    runner = make_runner(replace(get_task("go1_walk"), env=env.cfg), env, None)
    runner.load(WALK, resume=False)
    act = runner.get_inference_policy()

    class Started:
        def __call__(self, obs: torch.Tensor) -> torch.Tensor:
            return act(obs)

        def reset(self, dones: torch.Tensor | None = None) -> None:
            runner.alg.actor_critic.reset(dones)

    return play(env, Started())


LOADERS: dict[str, Callable[[LeggedEnv, Path], torch.Tensor]] = {
    "evaluation, play, record": lambda env, _: play(env, runs.RunPolicy(WALK, env)),
    "teacher": lambda env, _: as_teacher(env, "critic"),
    "teacher of the actor's observation": lambda env, _: as_teacher(env, "actor"),
    "collector": as_collector,
    "student of a collector": as_student_of_a_collector,
    "start of a new run": lambda env, _: as_start_of_a_run(env),
}


@pytest.fixture(scope="module")
def own() -> Iterator[torch.Tensor]:
    """What the walk does with its own settings."""
    env = LeggedEnv(quiet("go1_walk"), seed=3)
    yield play(env, runs.RunPolicy(WALK, env))
    env.close()


@pytest.mark.parametrize("loader", LOADERS)
def test_every_loader_converts_scales(loader: str, own: torch.Tensor, tmp_path: Path) -> None:
    env = LeggedEnv(other_scales(quiet("go1_walk")), seed=3)
    try:
        found = LOADERS[loader](env, tmp_path / "data")
    finally:
        env.close()
    assert own.std(dim=0).max() > 0.05  # it moves
    torch.testing.assert_close(found, own, atol=2e-3, rtol=0.0)


def test_the_skills_of_a_mutex_are_converted(tmp_path: Path) -> None:
    skills = write_toy_skills(tmp_path)
    task = get_task("go1_field")
    own, others = quiet("go1_field"), other_scales(quiet("go1_field"))
    made_here = mutex.make_mutex(tmp_path / "go1_mutex", task, skills)
    made_there = mutex.make_mutex(tmp_path / "other_mutex", replace(task, env=others), skills)
    found = []
    # Put together for other scales than it acts with, for these very ones, and both.
    for cfg, folder in ((own, made_here), (own, made_there), (others, made_here), (others, made_there)):
        env = LeggedEnv(cfg, seed=3)
        loaded = runs.RunPolicy(folder, env)
        # No draws: every velocity command is the middle of its range.
        loaded.policy._cmd_range = loaded.policy._cmd_range.mean(1, True).repeat(1, 2)
        found.append(play(env, loaded))
        env.close()
    assert found[0].std(dim=0).max() > 3e-4
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], atol=2e-5, rtol=0.0)


def test_a_teacher_made_of_run_folders_is_converted(tmp_path: Path) -> None:
    skills = write_toy_skills(tmp_path)
    found = []
    for cfg in (quiet("go1_field"), other_scales(quiet("go1_field"))):
        env = LeggedEnv(cfg, seed=3)
        config = {
            "class_name": "ActorCriticClimbMutex",
            "sub_policy_class_name": "ActorCritic",
            "sub_policy_paths": [str(path) for path in skills.values()],
        }
        teacher = teacher_from_config(config, EnvDescription.of(cast(VecEnv, env)))
        obs, extras = env.reset()
        seen = []
        for _ in range(5):
            actions = teacher.act(teacher.observe(obs, extras["observations"]["critic"]))
            seen.append(targets(env, actions))
            obs, _, _, extras = env.step(actions)
        found.append(torch.stack(seen))
        env.close()
    torch.testing.assert_close(found[1], found[0], atol=2e-5, rtol=0.0)


def test_another_robot_is_said_once_in_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    env = LeggedEnv(quiet("a1_walk"), seed=3)
    with caplog.at_level(logging.WARNING, "st_rl"):
        policy = runs.RunPolicy(WALK, env)
    env.close()
    assert policy.loaded.conversion.differences == ("was trained on the robot go1 and acts on a1",)
    (record,) = [record for record in caplog.records if "trained on the robot" in record.message]
    assert str(WALK) in record.message and record.message.count(".") == 0


def test_matched_segments_are_converted_too() -> None:
    """A walk starts a task that sees more, in other scales, from a run that sees less."""
    task = get_task("go1_jump")
    found = []
    for cfg in (quiet("go1_jump"), other_scales(quiet("go1_jump"))):
        env = LeggedEnv(cfg, seed=3)
        runner = make_runner(replace(task, env=cfg), env, None)
        report = runner.load(WALK, resume=False, misaligned=True)
        assert report is not None and report.new_segments
        act = runner.get_inference_policy()
        obs, _ = env.reset()
        found.append(targets(env, act(obs)))
        env.close()
    torch.testing.assert_close(found[1], found[0], atol=1e-4, rtol=0.0)
    # From the jump back to the walk: what the walk does not see is left out, and the rest converted.
    jump = runs.SHIPPED / "go1_jump"
    starts = []
    for cfg in (quiet("go1_walk"), other_scales(quiet("go1_walk"))):
        env = LeggedEnv(cfg, seed=3)
        runner = make_runner(replace(get_task("go1_walk"), env=cfg), env, None)
        runner.load(jump, resume=False, misaligned=True)
        act = runner.get_inference_policy()
        obs, _ = env.reset()
        starts.append(targets(env, act(obs)))
        env.close()
    torch.testing.assert_close(starts[1], starts[0], atol=1e-4, rtol=0.0)
