"""A mutex whose walk estimates its velocity and whose skills have memories and encoders: made, played, measured,
exported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from toy_runs import train_toy_run, write_toy_run

from legged_gym_ext.cli import evaluate, export, make_mutex
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UserError
from st_rl.utils.run_folder import read_config

POLICY = "--train.policy."
SCAN = (f"{POLICY}encoder-component-names", "height_measurements", f"{POLICY}encoder-kwargs.mlp.hidden-sizes", "8")
SKILLS: dict[str, tuple[str, ...]] = {
    "walk": ("go1_onboard",),
    "tilt": ("go1_tilt", f"{POLICY}class-name", "ActorCriticRecurrent"),
    "crawl": ("go1_crawl", f"{POLICY}class-name", "EncoderActorCritic", *SCAN),
    "jump": ("go1_jump", f"{POLICY}class-name", "EncoderActorCriticRecurrent", *SCAN, f"{POLICY}rnn-type", "gru"),
    "leap": ("go1_leap",),
    "down": (
        *("go1_down", f"{POLICY}class-name", "StateAcRecurrent", "--train.algorithm-class", "EstimatorPPO"),
        *(f"{POLICY}estimator-obs-components", "proprioception"),
        *(f"{POLICY}estimator-target-components", "robot_config", f"{POLICY}replace-state-prob", "1"),
    ),
}
"""Skill -> the command line that trains it."""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of the mutex, made by its command."""
    root = tmp_path_factory.mktemp("mixed")
    for skill, arguments in SKILLS.items():
        train_toy_run(root / f"go1_{skill}", *arguments)
    out = root / "go1_mutex"
    given = [f"{skill}={root / f'go1_{skill}'}" for skill in SKILLS]
    assert make_mutex.main(["--task", "go1_field", "--out", str(out), "--sub-policies", *given]) == 0
    return out


@pytest.fixture
def env() -> Iterator[LeggedEnv]:
    made = runs.make_env(get_task("go1_field").env, Where(num_threads=1), num_envs=6, seed=3)
    yield made
    made.close()


def selecting(env: LeggedEnv, observations: torch.Tensor) -> torch.Tensor:
    """``observations (6, D)`` in which world i meets what the i-th skill is for."""
    columns = env.obs_segments.slice_of("engaging_block")
    block = torch.zeros(6, 8)
    block[:, 0] = 0.3
    for world, obstacle in enumerate((None, 1, 2, 3, 4, 3)):
        if obstacle is not None:
            block[world, 1 + obstacle] = 1.0
    block[3, 7], block[5, 7] = 0.3, -0.3  # up, and down
    observations = observations.clone()
    observations[:, columns] = block
    return observations


def test_each_class_acts_in_its_place_with_its_memory(mixed: Path, env: LeggedEnv) -> None:
    policy = runs.RunPolicy(mixed, env)
    names = [type(module).__name__ for module in policy.policy.submodules]
    assert names == [
        *("StateAcRecurrent", "ActorCriticRecurrent", "EncoderActorCritic", "EncoderActorCriticRecurrent"),
        *("ActorCritic", "StateAcRecurrent"),
    ]
    alone = [runs.RunPolicy(mixed.parent / f"go1_{skill}", env) for skill in SKILLS]
    # One command for all, so that what acts is the skill's own network, and what it remembers, alone.
    policy.policy.cmd_vel_mapping = {}
    policy.policy._cmd_range = torch.full_like(policy.policy._cmd_range, torch.nan)
    for _ in range(3):
        observations = selecting(env, env.get_observations()[0])
        actions = policy(observations)
        for world, single in enumerate(alone):
            torch.testing.assert_close(actions[world], single(observations)[world], atol=1e-5, rtol=1e-5)
        env.step(actions)


def test_the_walk_reads_its_parts_of_proprioception(mixed: Path, env: LeggedEnv) -> None:
    walk = runs.RunPolicy(mixed.parent / "go1_walk", env)
    observations = env.get_observations()[0]
    seen = walk.loaded.select(observations, env.obs_segments)
    # All but the base velocity, which are the first three of the 48 columns.
    assert torch.equal(seen, observations[:, env.obs_segments.slice_of("proprioception")][:, 3:])
    before = walk(observations)
    walk.reset()
    changed = observations.clone()
    changed[:, env.obs_segments.slice_of("proprioception").start] += 5.0
    assert torch.equal(walk(changed), before)
    estimate = walk.estimated_velocity()
    assert estimate is not None and estimate.shape == (6, 3)


def test_it_is_evaluated_and_exported_by_its_commands(mixed: Path, tmp_path: Path) -> None:
    report = tmp_path / "course.json"
    short = ["--episodes", "2", "--env.episode-length-s", "0.4", "--num-threads", "1"]
    assert evaluate.main(["--policy", str(mixed), "--protocol", "course", *short, "--json", str(report)]) == 0
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    assert found["episodes"] == 2 and set(found["sub_policies"]) == set(SKILLS)
    # The export compares the file with the policy over 250 steps, in which every skill has its turn.
    assert export.main(["--policy", str(mixed), "--out", str(tmp_path / "exported"), "--no-onnx"]) == 0
    assert {path.name for path in (tmp_path / "exported").iterdir()} == {"policy.pt", "policy.json"}


def test_a_segment_of_another_shape_is_still_refused(mixed: Path, tmp_path: Path) -> None:
    folder = write_toy_run(tmp_path / "go1_leap", "go1_leap")
    config = read_config(folder)
    layout = [[name, [80] if name == "height_measurements" else shape] for name, shape in config["obs_segments"]]
    (folder / "config.json").write_text(json.dumps(dict(config) | {"obs_segments": layout}))
    env = runs.make_env(get_task("go1_field").env, Where(num_threads=1), num_envs=1)
    with pytest.raises(UserError, match=r"'height_measurements' is \[\d+\] in the environment and \[80\] in the run"):
        runs.RunPolicy(folder, env)
    env.close()
