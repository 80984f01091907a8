"""The task ``vision``: what its actor may know, and that it can be trained as it is registered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from commands import call

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation.tracks import track_evaluation_cfg
from legged_gym_ext.mdp import track_terms as tracks
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.tasks.vision import ESTIMATED, MEASURED


def small(robot: str = "go1", worlds: int = 4) -> TaskCfg:
    task = get_task(f"{robot}_vision")
    return replace(task, env=replace(task.env, num_envs=worlds, sim=replace(task.env.sim, num_threads=1)))


@pytest.mark.parametrize("robot", ["go1", "a1"])
def test_the_actor_observes_what_a_robot_can_measure(robot: str) -> None:
    env = LeggedEnv(small(robot).env, seed=0)
    image = {"forward_depth": (1, 24, 32), "image_age": (1,)}
    assert dict(env.obs_segments) == {"onboard": (45,), "recent": (5 * 45,)} | image
    assert MEASURED == ("base_ang_vel", "projected_gravity", "commands", "dof_pos", "dof_vel", "actions")
    teacher = runs.load_policy(runs.SHIPPED / f"{robot}_mutex")
    assert all(env.critic_obs_segments[name] == teacher.layout[name] for name in teacher.layout)
    assert set(ESTIMATED) <= set(env.critic_obs_segments)
    assert env.cfg.latency is not None and env.cfg.camera is not None and env.cfg.camera.noise is not None


def test_obstacles_are_solid_levels_uniform_and_nothing_tests_for_soft_ones() -> None:
    env = LeggedEnv(small(worlds=64).env, seed=0)
    track = env.state.track
    assert track is not None and not track.has_obstacles and bool(env.sim.solid.all())
    difficulty = track.tracks.difficulty
    assert 0.4 < float(difficulty.mean()) < 0.6 and float(difficulty.min()) < 0.05 and float(difficulty.max()) > 0.95


def test_three_of_ten_episodes_begin_just_before_an_obstacle() -> None:
    env = LeggedEnv(small(worlds=400).env, seed=0)
    track, state = env.state.track, env.state
    assert track is not None
    origin = state.env_origins
    ahead = origin[:, 0] > 0.3
    assert 0.2 < float(ahead.float().mean()) < 0.4
    distance = track.tracks.start - origin[:, :1]
    nearest = torch.where(distance > 0.0, distance, 99.0).amin(dim=1)[ahead]
    assert float(nearest.min()) > 0.2 and float(nearest.max()) < 1.4 + 1e-5
    # They stand on the floor in front of that obstacle: no foot is in the ground or far above it.
    index = torch.where(distance > 0.0, distance, 99.0).argmin(dim=1)
    floor = track.tracks.floor_height.gather(1, index[:, None]).squeeze(1)
    torch.testing.assert_close(origin[ahead, 2], floor[ahead])
    forward = state.sim.root_states[ahead, 7]
    assert float(forward.min()) >= 0.3 - 1e-5 and float(forward.max()) <= 1.2 + 1e-5


def test_gaps_come_more_often_in_training_and_not_in_an_evaluation() -> None:
    env = LeggedEnv(small(worlds=400).env, seed=0)
    track = env.state.track
    assert track is not None
    leap = torch.tensor([name == "leap" for name in track.cfg.blocks])[track.tracks.kind].float().mean()
    assert 3 / 13 - 0.04 < float(leap) < 3 / 13 + 0.04
    evaluated = track_evaluation_cfg(small().env, "course").track
    field = get_task("go1_field").env.track
    assert evaluated is not None and field is not None and evaluated.blocks == field.blocks


def test_no_evaluation_begins_there() -> None:
    cfg = track_evaluation_cfg(small().env, "course")
    assert all(term.func is not tracks.start_before_obstacle for term in cfg.events.values())


@pytest.mark.parametrize("robot", ["go1", "a1"])
def test_it_is_trained_by_its_name_alone_resumed_and_exported(robot: str, tmp_path: Path) -> None:
    few = ["--env.num-envs", "8", "--num-threads", "1", "--log-root", str(tmp_path), "--no-evaluate", "--no-video"]
    short = ["--train.num-steps-per-env", "70", "--train.algorithm.num-gradient-steps", "1"]
    short += ["--train.algorithm.num-sequences", "4", "--train.algorithm.replay-steps", "2000"]
    assert call("train", f"{robot}_vision", *few, *short, "--train.max-iterations", "1") == 0
    folder = next((tmp_path / f"{robot}_vision").iterdir())
    more = ["--log-root", str(tmp_path), "--num-threads", "1", "--no-evaluate", "--no-video"]
    assert call("train", "--resume", str(folder), "--train.max-iterations", "2", *more) == 0
    assert "distillation_loss" in (folder / "metrics.jsonl").read_text()
    assert call("export", "--policy", str(folder), "--no-onnx") == 0
    assert (folder / "exported" / "policy.pt").is_file()
