"""Mutex policies as run folders, and which skill they choose for robots placed by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from toy_runs import write_toy_run, write_toy_skills

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.runs import folders as runs, mutex
from legged_gym_ext.runs.mutex import MUTEX_ORDER, MutexOptions
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.terrain.blocks import BLOCK_NAMES
from st_rl.utils.errors import UserError
from st_rl.utils.run_folder import read_config

FIELD = get_task("go1_field")
EXPECTED = {
    "flat": "walk",
    "tilt": "tilt",
    "crawl": "crawl",
    "jump": "jump",
    "down": "down",
    "leap": "leap",
    "hurdle": "jump",
    "stairs_up": "walk",
    "stairs_down": "walk",
    "slope": "walk",
    "rubble": "walk",
}
"""Block -> the skill for it."""


@pytest.fixture(scope="module")
def skills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_toy_skills(tmp_path_factory.mktemp("skills"))


@pytest.fixture(scope="module")
def climb(skills: dict[str, Path]) -> Path:
    return mutex.make_mutex(skills["walk"].parent / "go1_mutex", FIELD, skills)


@pytest.fixture(scope="module")
def env() -> Iterator[LeggedEnv]:
    """One block of each type on a track, and one world per block."""
    assert FIELD.env.track is not None
    track = replace(FIELD.env.track, blocks=BLOCK_NAMES, num_blocks=len(BLOCK_NAMES), order="given")
    env = LeggedEnv(replace(FIELD.env, num_envs=len(BLOCK_NAMES), track=track), seed=3)
    yield env
    env.close()


def place(env: LeggedEnv, ahead: float) -> torch.Tensor:
    """Observations with the robot of world i ``ahead`` m before block i, standing on the floor there."""
    state, everyone = env.state, torch.ones(env.num_envs, dtype=torch.bool)
    assert state.track is not None
    tracks, index = state.track.tracks, torch.arange(env.num_envs)
    root = torch.zeros(env.num_envs, 13)
    root[:, 0] = tracks.start[index, index] - ahead
    root[:, 2] = tracks.floor_height[index, index] + state.robot.base_height
    root[:, 6] = 1.0
    joints = state.default_dof_pos.expand(env.num_envs, -1)
    env.sim.reset(everyone, root, joints, torch.zeros_like(joints))
    state.update_kinematics()
    env._compute_observations()
    return env.get_observations()[0]


def chosen(policy: Any, observations: torch.Tensor, names: tuple[str, ...]) -> list[str]:
    selection = policy.get_policy_selection(observations)
    assert selection.sum(dim=1).tolist() == [1] * len(observations)
    return [names[index] for index in selection.long().argmax(dim=1).tolist()]


@pytest.mark.parametrize("ahead", [0.25, 0.1, -0.02])
def test_every_block_selects_its_skill(env: LeggedEnv, climb: Path, ahead: float) -> None:
    policy = runs.load_policy(climb, env.obs_segments).policy
    assert type(policy).__name__ == "ActorCriticClimbMutex"
    found = chosen(policy, place(env, ahead), mutex.mutex_skills(climb))
    assert dict(zip(BLOCK_NAMES, found, strict=True)) == EXPECTED


def test_flat_ground_far_from_everything_selects_walk(env: LeggedEnv, climb: Path) -> None:
    policy = runs.load_policy(climb, env.obs_segments).policy
    observations = place(env, 0.0)
    engaging = env.obs_segments.slice_of("engaging_block")
    # Behind the last obstacle there is none ahead.
    assert env.state.track is not None
    root = env.sim.root_states.clone()
    root[:, 0] = env.state.track.tracks.end[:, -1] + 1.0
    everyone = torch.ones(env.num_envs, dtype=torch.bool)
    env.sim.reset(everyone, root, env.sim.dof_pos.clone(), env.sim.dof_vel.clone())
    env.state.update_kinematics()
    env._compute_observations()
    behind = env.get_observations()[0]
    assert not torch.equal(observations[:, engaging], behind[:, engaging])
    assert set(chosen(policy, behind, mutex.mutex_skills(climb))) == {"walk"}


def test_the_selected_skill_acts(env: LeggedEnv, climb: Path, skills: dict[str, Path]) -> None:
    # The same velocity command for all: what acts is the skill's own network alone.
    plain = MutexOptions(skill_velocity=tuple(f"{skill}=0.7" for skill in MUTEX_ORDER))
    folder = mutex.make_mutex(climb.parent / "plain", FIELD, skills, plain)
    policy = runs.RunPolicy(folder, env)
    env.state.commands = torch.tensor([[0.7, 0.0, 0.0]]).repeat(env.num_envs, 1)
    observations = place(env, 0.3)
    actions = policy(observations)
    for index, name in enumerate(BLOCK_NAMES):
        alone = runs.RunPolicy(skills[EXPECTED[name]], env)(observations)
        torch.testing.assert_close(actions[index], alone[index], atol=1e-5, rtol=1e-5)


def test_the_folder_is_small_relative_and_can_be_moved(climb: Path, tmp_path: Path) -> None:
    config = read_config(climb)
    assert config["policy"]["sub_policy_paths"] == [f"../go1_{skill}" for skill in MUTEX_ORDER]
    assert str(climb.parent) not in (climb / "config.json").read_text()
    assert (climb / "model_0.pt").stat().st_size < 50_000
    shutil.copytree(climb.parent, tmp_path / "elsewhere")
    moved = runs.load_policy(tmp_path / "elsewhere" / "go1_mutex").policy
    assert all(path.startswith(str(tmp_path)) for path in moved.sub_policy_paths)


def test_velocities_smoothing_and_reset_mode_are_kept(skills: dict[str, Path], tmp_path: Path) -> None:
    options = MutexOptions(skill_velocity=("jump=1.2", "leap=1.0:1.6"), smoothing=4, reset_mode="none")
    policy = runs.load_policy(mutex.make_mutex(tmp_path / "m", FIELD, skills, options)).policy
    assert policy.action_smoothing_buffer_len == 4 and policy.reset_non_selected is False
    assert policy.cmd_vel_mapping[3] == 1.2 and policy.cmd_vel_mapping[4] == [1.0, 1.6]
    trained = get_task("go1_crawl").env.commands.lin_vel_x
    assert policy.cmd_vel_mapping[2] == list(trained) and 0 not in policy.cmd_vel_mapping


def test_without_jumping_down_it_is_a_field_mutex(skills: dict[str, Path], tmp_path: Path) -> None:
    given = [f"{skill}={skills[skill]}" for skill in MUTEX_ORDER[:-1]]
    task = get_task("go1_field")
    folder = mutex.resolve_policy("mutex", task, MutexOptions(sub_policies=tuple(given)), root=tmp_path)
    assert folder.parent == tmp_path / "go1_field"
    assert read_config(folder)["policy"]["class_name"] == "ActorCriticFieldMutex"
    assert runs.load_run(folder).task.name == "go1_field"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("walk={walk}", "tilt={tilt}"), "lack: crawl, jump, leap"),
        (("swim={walk}",), "unknown skill 'swim'"),
        (("walk",), "write skill=RUN"),
        (("walk=nowhere",), "no run 'nowhere'"),
    ],
)
def test_missing_skills_are_named(
    skills: dict[str, Path],
    tmp_path: Path,
    given: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "SHIPPED", tmp_path / "nothing")  # or they would be those of the shipped mutex
    names = {skill: str(path) for skill, path in skills.items()}
    options = MutexOptions(sub_policies=tuple(text.format(**names) for text in given))
    with pytest.raises(UserError, match=message):
        mutex.resolve_policy("mutex", FIELD, options, root=tmp_path)


def test_mismatches_are_named(skills: dict[str, Path], climb: Path, tmp_path: Path) -> None:
    shutil.copytree(climb.parent, tmp_path / "runs")
    copy = tmp_path / "runs" / "go1_mutex"
    config = json.loads((copy / "config.json").read_text())
    config["policy"]["class_name"] = "ActorCriticFieldMutex"
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"ActorCriticFieldMutex.*6 sub-policies"):
        runs.load_policy(copy)
    shutil.rmtree(tmp_path / "runs" / "go1_leap")
    with pytest.raises(UserError, match="go1_leap"):
        runs.load_policy(copy)
    other = write_toy_run(tmp_path / "a1_walk", "a1_walk")
    given = (f"walk={other}", *(f"{skill}={skills[skill]}" for skill in MUTEX_ORDER[1:]))
    with pytest.raises(UserError, match="for walk is of the robot a1"):
        mutex.resolve_policy("mutex", FIELD, MutexOptions(sub_policies=given), root=tmp_path)
    with pytest.raises(UserError, match=r"skill-velocity.*jump=1\.2"):
        mutex.make_mutex(tmp_path / "m", FIELD, skills, MutexOptions(skill_velocity=("jump=fast",)))
    with pytest.raises(UserError, match="--smoothing: only --policy mutex"):
        mutex.resolve_policy("go1_walk", FIELD, MutexOptions(smoothing=3), root=tmp_path)
    with pytest.raises(UserError, match="needs a task with obstacles"):
        mutex.resolve_policy("mutex", None, MutexOptions(), root=tmp_path)


SHIPPED = runs.SHIPPED / "go1_mutex"


@pytest.mark.skipif(not SHIPPED.is_dir(), reason="needs the shipped mutex")
@pytest.mark.parametrize(
    ("options", "changed"),
    [
        (MutexOptions(smoothing=9), {"action_smoothing_buffer_len": 9}),
        (MutexOptions(reset_mode="none"), {"reset_non_selected": False}),
        (MutexOptions(skill_velocity=("tilt=0.7",)), {"cmd_vel_mapping": {"1": 0.7}}),
        (MutexOptions(skill_velocity=("jump=1.0:1.5", "walk=0.9")), {"cmd_vel_mapping": {"3": [1.0, 1.5], "0": 0.9}}),
        (MutexOptions(sub_policies=("crawl=go1_walk",)), {"sub_policy_paths": {2: "go1_walk"}}),
    ],
)
def test_an_option_changes_that_option_alone(options: MutexOptions, changed: dict[str, Any], tmp_path: Path) -> None:
    shipped = read_config(SHIPPED)
    made = mutex.resolve_policy("mutex", FIELD, options, root=tmp_path)
    config = read_config(made)
    assert config["skills"] == shipped["skills"]
    expected, found = dict(shipped["policy"]), dict(config["policy"])
    for settings, folder in ((expected, SHIPPED), (found, made)):
        settings["sub_policy_paths"] = [(folder / path).resolve() for path in settings["sub_policy_paths"]]
        settings.pop("proprioception_parts", None)
    for name, value in changed.items():
        if name == "sub_policy_paths":
            for index, run in value.items():
                expected[name][index] = runs.SHIPPED / run
        else:
            expected[name] = {**expected[name], **value} if isinstance(value, dict) else value
    assert found == expected
