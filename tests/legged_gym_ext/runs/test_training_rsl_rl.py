"""What is handed to the public library's runner, what is refused, and how its checkpoints are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.training_rsl_rl import as_rsl_rl_trains, rsl_rl_config, train_with_rsl_rl
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg, with_algorithm
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UserError
from st_rl.utils.run_folder import read_config

pytest.importorskip("rsl_rl")
WALK = get_task("go1_walk")


def changed(**train: Any) -> TaskCfg:
    return replace(WALK, train=replace(WALK.train, **train))


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (changed(policy=replace(WALK.train.policy, class_name="StateAc")), "policy.class_name StateAc"),
        (changed(runner_class="TwoStageRunner"), "runner_class TwoStageRunner"),
        (replace(WALK, train=with_algorithm(WALK.train, "TPPO")), "algorithm_class TPPO"),
        (
            changed(algorithm=replace(WALK.train.algorithm, clip_min_std=0.1)),
            "nothing like --train.algorithm.clip-min-std",
        ),
        (changed(algorithm=replace(WALK.train.algorithm, adapting_factor=2.0)), "adapting-factor"),
        (changed(motions=("trot.json",)), "nothing like --train.motions"),
        (changed(load=replace(WALK.train.load, match_segments=True)), "nothing like --train.load"),
    ],
)
def test_what_the_library_cannot_do_is_refused(task: TaskCfg, words: str) -> None:
    with pytest.raises(UserError, match=words):
        as_rsl_rl_trains(task)


def test_what_the_task_has_and_the_library_lacks_is_said_and_recorded() -> None:
    task, said = as_rsl_rl_trains(WALK)
    assert "cool_down_updates" in said and task.train.algorithm.cool_down_updates is None
    assert task.train.algorithm.gamma == WALK.train.algorithm.gamma


@pytest.mark.parametrize("class_name", ["ActorCritic", "ActorCriticRecurrent"])
@pytest.mark.parametrize("normalize", [False, True])
def test_its_policies_act_here_as_they_do_there(class_name: str, normalize: bool, tmp_path: Path) -> None:
    from rsl_rl.runners import OnPolicyRunner

    from legged_gym_ext.envs.rsl_rl import RslRlEnv

    task, _ = as_rsl_rl_trains(
        changed(
            policy=replace(WALK.train.policy, class_name=class_name, actor_hidden_dims=(16, 8)),
            algorithm=replace(WALK.train.algorithm, normalize_obs=normalize),
            max_iterations=2,
            num_steps_per_env=4,
        )
    )
    task = replace(task, env=replace(task.env, num_envs=4))
    folder = tmp_path / "go1_walk"
    folder.mkdir()
    train_with_rsl_rl(task, folder, Where(num_threads=1))
    config = read_config(folder)
    assert config["policy"]["class_name"] == class_name and config["runner"] == "rsl_rl"
    env = runs.make_env(task.env, Where(num_threads=1), num_envs=4, seed=2)
    bridge = RslRlEnv(env)
    theirs = OnPolicyRunner(bridge, rsl_rl_config(task.train, bridge.obs_groups), None, "cpu")
    theirs.load(str(folder / "model_2.pt" if (folder / "model_2.pt").is_file() else folder / "model_1.pt"))
    actor, ours = theirs.get_inference_policy(device="cpu"), runs.RunPolicy(folder, env)
    assert type(ours.policy).__name__ == class_name
    obs, _ = env.reset()
    actor.reset()
    with torch.inference_mode():
        for _ in range(8):
            actions = ours(obs)
            torch.testing.assert_close(actions, actor(bridge.actor_groups(obs)), atol=1e-5, rtol=1e-4)
            obs = env.step(actions)[0]
    env.close()
