"""Changing the algorithm of a task, and handing a task to a runner."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.runs.command_line import parse_task
from legged_gym_ext.runs.config_io import task_from_config, to_dict
from legged_gym_ext.runs.folders import make_env
from legged_gym_ext.runs.training import make_runner, share_of_process
from legged_gym_ext.tasks.cfg import DatasetCfg, TaskCfg, with_algorithm, with_policy
from legged_gym_ext.tasks.registry import get_task
from st_rl.algorithms import ALGORITHM_CLASSES, PPOCfg, TPPOCfg
from st_rl.modules import RecurrentCfg
from st_rl.utils.errors import UnknownNameError, UserError


@dataclass
class Options:
    """Options that belong to no command."""

    task: str = ""


@pytest.fixture(scope="module")
def env() -> LeggedEnv:
    return make_env(get_task("go1_walk").env, num_envs=2)


def test_another_algorithm_keeps_the_numbers_that_both_have() -> None:
    walk = get_task("go1_walk").train
    changed = with_algorithm(walk, "TPPO")
    assert isinstance(changed.algorithm, TPPOCfg) and changed.algorithm_class == "TPPO"
    assert changed.algorithm.entropy_coef == walk.algorithm.entropy_coef != PPOCfg().entropy_coef
    assert with_algorithm(changed, "PPO") == walk
    with pytest.raises(UnknownNameError, match="EstimatorPPO"):
        with_algorithm(walk, "DQN")


def test_a_policy_class_with_fewer_arguments_drops_the_others() -> None:
    onboard = get_task("go1_onboard").train
    recurrent = with_policy(onboard, "ActorCriticRecurrent").policy
    assert type(recurrent) is RecurrentCfg and recurrent.rnn_type == "gru" and recurrent.actor_hidden_dims == (128, 64)
    assert with_policy(onboard, "StateAcRecurrent") == onboard


@pytest.mark.parametrize("name", ALGORITHM_CLASSES)
def test_every_algorithm_can_be_chosen_set_and_read_back(name: str) -> None:
    arguments = ["go1_walk", "--train.algorithm-class", name, "--train.algorithm.gamma", "0.9"]
    _, task = parse_task(Options, arguments)
    assert type(task.train.algorithm) is ALGORITHM_CLASSES[name].cfg_class and task.train.algorithm.gamma == 0.9
    config = json.loads(json.dumps({"env": to_dict(task.env), "train": to_dict(task.train)}))
    assert task_from_config(get_task("go1_walk"), config, "run") == task


def test_a_stored_algorithm_that_is_unknown_is_named() -> None:
    config = {"env": {}, "train": {"algorithm_class": "DQN"}}
    with pytest.raises(UserError, match=r"'run': unknown algorithm 'DQN'"):
        task_from_config(get_task("go1_walk"), config, "run")


def with_runner(name: str, algorithm: str, folder: str = "") -> TaskCfg:
    task = get_task("go1_walk")
    train = replace(
        with_algorithm(task.train, algorithm), runner_class=name, dataset=DatasetCfg(folder, wait_seconds=0)
    )
    return replace(task, train=train)


def test_the_runner_is_found_by_name_and_given_what_it_needs(env: LeggedEnv, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="TwoStageRunner"):
        make_runner(with_runner("Sprinter", "PPO"), env, None)
    with pytest.raises(UserError, match=r"--train\.dataset\.folder"):
        make_runner(with_runner("TwoStageRunner", "TPPO"), env, None)
    with pytest.raises(UserError, match="start a collector"):
        make_runner(with_runner("TwoStageRunner", "TPPO", str(tmp_path)), env, None)
    with pytest.raises(UserError, match="APPO"):
        make_runner(with_runner("AmpPolicyRunner", "PPO"), env, None)


def test_one_process_simulates_everything() -> None:
    cfg = get_task("go1_walk").env
    assert share_of_process(cfg) is cfg
