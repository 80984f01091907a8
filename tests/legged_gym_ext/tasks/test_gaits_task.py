"""The tasks with a reference gait: chosen on the command line, trained for an iteration, and refused."""

import io
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from legged_gym_ext.runs.command_line import parse_task
from legged_gym_ext.runs.folders import load_run, make_env
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from st_rl.algorithms import APPO
from st_rl.runners import AmpPolicyRunner
from st_rl.utils.errors import UserError

SMALL = ["--env.num-envs", "8", "--train.num-steps-per-env", "4", "--train.policy.actor-hidden-dims", "16"]
ENCODED = [
    *("--train.policy.class-name", "EncoderAmpActorCriticRecurrent", "--train.policy.rnn-hidden-size", "8"),
    *(
        "--train.policy.encoder-component-names",
        "proprioception",
        "--train.policy.encoder-kwargs.mlp.hidden-sizes",
        "8",
    ),
]


@dataclass
class Options:
    """Options of a script."""

    task: str = ""


@pytest.mark.parametrize("gait", ["trot", "pace", "bound", "mixture"])
def test_a_gait_is_chosen_by_one_option_and_learned_from_its_motions(gait: str, tmp_path: Path) -> None:
    more = ENCODED if gait == "mixture" else []
    _, task = parse_task(Options, ["a1_gaits", "--env.gait", gait, *SMALL, *more])
    env = make_env(task.env, num_envs=8, where=Where(num_threads=1), seed=1)
    runner = make_runner(task, env, tmp_path)
    assert isinstance(runner, AmpPolicyRunner) and isinstance(runner.alg, APPO) and runner.loader is not None
    names = {name.split("_")[0] for name in runner.loader.names}
    assert names == ({"trot", "pace", "bound"} if gait == "mixture" else {gait})
    runner.stream = io.StringIO()
    metrics = runner.learn(1)
    assert {f"Loss/{name}" for name in ("expert_score", "policy_score", "discriminator_accuracy")} <= metrics.keys()
    assert 0.0 <= metrics["Loss/discriminator_accuracy"] <= 1.0
    assert load_run(tmp_path).task == task


def test_every_reference_observation_is_a_field_of_the_motions() -> None:
    task = get_task("go1_gaits")
    env = make_env(task.env, num_envs=2, where=Where(num_threads=1))
    runner = make_runner(replace(task, env=replace(task.env, num_envs=2)), env, None)
    assert isinstance(runner, AmpPolicyRunner) and runner.loader is not None
    assert runner.loader.state_fields.names == tuple(task.env.ref_obs)
    assert [term.func(env.state).shape[1] for term in task.env.ref_obs.values()] == [
        runner.loader.fields.size_of(name) for name in task.env.ref_obs
    ]


def test_an_unknown_gait_or_motion_is_refused_in_one_sentence() -> None:
    with pytest.raises(UserError, match=r"env.gait 'gallop' is unknown; choose one of trot, pace, bound, mixture"):
        parse_task(Options, ["go1_gaits", "--env.gait", "gallop"])
    _, task = parse_task(Options, ["go1_gaits", *SMALL, "--train.motions", "nowhere/*.json"])
    with pytest.raises(UserError, match="no motions 'nowhere"):
        make_runner(task, make_env(task.env, num_envs=8), None)
