"""The page on which class is for what names every class of the reference, and its commands build what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from toy_runs import train_toy_run

from legged_gym_ext.cli import collect, evaluate, make_mutex
from legged_gym_ext.cli.train import TrainOptions, base_task
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import parse_options, parse_task
from legged_gym_ext.runs.teachers import with_teacher_folders
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.algorithms import ALGORITHM_CLASSES
from st_rl.modules import POLICY_CLASSES
from st_rl.runners import RUNNER_CLASSES, OnPolicyRunner
from st_rl.utils.errors import UserError

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "choosing.md").read_text(encoding="utf-8")
_REFERENCE = """
    ActorCritic Actor Critic ActorCriticFieldMutex ActorCriticClimbMutex ActorCriticMutex ActorCriticRecurrent Memory
    ActorCriticHiddenState LstmHiddenState EncoderStateAc EncoderStateAcRecurrent AMPDiscriminator AmpMixin
    AmpActorCritic AmpActorCriticRecurrent Conv2dModel Conv2dHeadModel DeterministicPolicyMixin EncoderActorCriticMixin
    EncoderActorCritic EncoderActorCriticRecurrent EncoderAmpActorCriticRecurrent MlpModel EmpiricalNormalization
    Normalize RunningMeanStd Normalizer AdaptorActorHiddenState PrivilegeEstimatorMixin PrivilegeStateAcRecurrent
    EstimatorActorHiddenState EstimatorMixin StateAc StateAcRecurrent get_activation_Cls conv2d_output_shape
    VisualActorCriticMixin VisualDeterministicRecurrent VisualDeterministicAC
"""
REFERENCE = _REFERENCE.split()
"""The names of the reference."""
_OTHERS = """
    PPO APPO ATPPO TPPO EstimatorPPO EstimatorTPPO DAgger OnPolicyRunner AmpPolicyRunner TwoStageRunner
    DemonstrationSaver DaggerSaver RolloutStorage QueueRolloutStorage ActionLabelRollout AmpRolloutStorage
    SarsaRolloutStorage ReplayBuffer ImageReplay RolloutDataset
"""
OTHERS = _OTHERS.split()
"""The algorithms, runners and storages."""
MUTEXES = {"ActorCriticMutex", "ActorCriticFieldMutex", "ActorCriticClimbMutex"}
"""Policy classes that are put together and not trained, and the base of both."""


def commands(name: str) -> list[list[str]]:
    """The arguments of every call of ``name`` on the page."""
    text = "\n".join(re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)).replace("\\\n", " ")
    return [words[1:] for words in map(shlex.split, text.splitlines()) if words and words[0] == name]


TRAININGS = commands("legged-train")


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A current folder with what the commands ask for: a run that is told its dynamics."""
    where = tmp_path_factory.mktemp("choosing")
    informed = next(words for words in TRAININGS if words[0] == "go1_informed")
    train_toy_run(where / "logs" / "go1_informed" / "2026-01-01_12-00-00_go1_informed", informed[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)
        yield where


def parsed(words: list[str]) -> tuple[TrainOptions, TaskCfg]:
    """The options and the task of a training, in few worlds with few steps."""
    options, task = parse_task(TrainOptions, words, base_task)
    task = with_teacher_folders(task, options.log_root)
    dataset = replace(task.train.dataset, wait_seconds=0.0)
    train = replace(task.train, num_steps_per_env=2, max_iterations=1, dataset=dataset)
    return options, replace(task, env=replace(task.env, num_envs=8), train=train)


def built(words: list[str]) -> OnPolicyRunner:
    """The runner that a training makes, with the weights that it starts from."""
    options, task = parsed(words)
    env = runs.make_env(task.env, Where(num_threads=1), num_envs=8)
    try:
        runner = make_runner(task, env, None)
        if options.load_run is not None:
            source, cfg = runs.resolve_run(options.load_run, root=options.log_root), task.train.load
            runner.load(source, resume=False, misaligned=cfg.match_segments, manipulators=cfg.manipulators)
        return runner
    finally:
        env.close()


def test_the_page_names_every_class() -> None:
    assert len(set(REFERENCE)) == 40
    named = set(re.findall(r"\w+", PAGE))
    assert [name for name in [*REFERENCE, *OTHERS, *POLICY_CLASSES, *ALGORITHM_CLASSES] if name not in named] == []


def test_every_class_that_is_trained_has_a_command() -> None:
    trainings = [parsed(words)[1].train for words in TRAININGS]
    assert {training.policy.class_name for training in trainings} == set(POLICY_CLASSES) - MUTEXES
    assert {training.algorithm_class for training in trainings} == set(ALGORITHM_CLASSES)
    assert {training.runner_class for training in trainings} == set(RUNNER_CLASSES)


@pytest.mark.parametrize("words", TRAININGS, ids=lambda words: " ".join(words)[:80])
def test_a_training_builds_what_the_page_says(words: list[str]) -> None:
    if "TwoStageRunner" in words:
        with pytest.raises(UserError, match="start a collector"):  # which the command before it writes
            built(words)
        return
    runner = built(words)
    training = parsed(words)[1].train
    assert type(runner) is RUNNER_CLASSES[training.runner_class]
    assert type(runner.alg) is ALGORITHM_CLASSES[training.algorithm_class]
    assert type(runner.alg.actor_critic) is POLICY_CLASSES[training.policy.class_name]


def test_the_other_commands_are_understood() -> None:
    for words in commands("legged-collect"):
        assert parse_task(collect.CollectOptions, words)[0].data == Path("data/walk")
    for words in commands("legged-make-mutex"):
        assert parse_options(make_mutex.MakeMutexOptions, words).task == "go1_field"
    walk, course = commands("legged-evaluate")
    walk[walk.index("latest")] = "go1_walk"
    options, task = parse_task(evaluate.EvaluateOptions, walk, evaluate.base_task)
    assert options.conditions == ("zero_estimate", "hard_dynamics") and task.name == "go1_walk"
    options, task = parse_task(evaluate.EvaluateOptions, course, evaluate.base_task)
    assert options.sub_policies == ("walk=go1_walk",) and task.name == "go1_field"


def test_no_command_of_the_page_is_left_out() -> None:
    names = ("train", "collect", "make-mutex", "evaluate")
    every = re.findall(r"^legged-", "\n".join(re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)), re.MULTILINE)
    assert sum(len(commands(f"legged-{name}")) for name in names) == len(every)
