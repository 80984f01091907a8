"""Every policy class is configured for a task on its command line, trained for one iteration, and read back."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from legged_gym_ext.envs.cfg import ObsTermCfg, RefObsTermCfg
from legged_gym_ext.mdp import motion, observations
from legged_gym_ext.runs.command_line import parse_task
from legged_gym_ext.runs.folders import SHIPPED, RunPolicy, load_run, make_env
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.sensors.depth_camera import DepthCameraCfg
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.registry import get_task, register_task, unregister_task
from legged_gym_ext.tasks.skills import skill
from st_rl.datasets.motion_file import Motion, save_motion
from st_rl.modules import POLICY_CLASSES, EncoderCfg, EncoderKwargs, MlpKwargs
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout

POLICY = "--train.policy."
RNN = [f"{POLICY}rnn-type", "gru", f"{POLICY}rnn-hidden-size", "12", f"{POLICY}rnn-num-layers", "2"]
ENCODER = [
    *(f"{POLICY}encoder-component-names", "height_measurements", "forward_depth"),
    *(f"{POLICY}encoder-class-name", "MlpModel", "Conv2dHeadModel"),
    *(f"{POLICY}encoder-kwargs.mlp.hidden-sizes", "16"),
    *(f"{POLICY}encoder-kwargs.conv.channels", "4", "8", f"{POLICY}encoder-kwargs.conv.kernel-sizes", "3", "3"),
    *(f"{POLICY}encoder-output-size", "6", f"{POLICY}critic-encoder-component-names", "height_measurements"),
]
ESTIMATOR = [
    *("--train.algorithm-class", "EstimatorPPO"),
    *(f"{POLICY}estimator-obs-components", "proprioception"),
    *(f"{POLICY}estimator-target-components", "engaging_block", f"{POLICY}estimator-kwargs.hidden-sizes", "16"),
]
ADAPTOR = [
    *(f"{POLICY}adaptor-obs-components", "proprioception", f"{POLICY}adaptor-target-components", "robot_config"),
    *(f"{POLICY}privilege-replace-state-prob", "0.5"),
]
MOTION = {
    "dof_pos": RefObsTermCfg(motion.dof_pos),
    "base_lin_vel_b": RefObsTermCfg(motion.base_lin_vel_b),
    "foot_pos_b": RefObsTermCfg(motion.foot_pos_b),
}
AMP = [
    *("--train.algorithm-class", "APPO", "--train.runner-class", "AmpPolicyRunner"),
    *(f"{POLICY}amp-discriminator.style-reward-coef", "3"),
]
IMITATION = [
    *("--train.algorithm-class", "TPPO", "--train.algorithm.no-using-ppo"),
    *("--train.algorithm.teacher-run", str(SHIPPED / "go1_jump")),
]
VISUAL = [*IMITATION, f"{POLICY}visual-kwargs.channels", "4", "4", f"{POLICY}visual-latent-size", "6"]
SKILLS = [f"go1_{skill}" for skill in ("walk", "tilt", "crawl", "jump", "leap")]
MUTEX = [f"{POLICY}sub-policy-paths", *SKILLS, f"{POLICY}cmd-velocities", "3", "1.0", "1.4", "4", "1.5", "1.5"]
CASES: dict[str, list[str]] = {
    "ActorCritic": [f"{POLICY}mu-activation", "tanh"],
    "ActorCriticRecurrent": RNN,
    "AmpActorCritic": AMP,
    "AmpActorCriticRecurrent": [*AMP, *RNN],
    "EncoderActorCritic": ENCODER,
    "EncoderActorCriticRecurrent": [*ENCODER, *RNN],
    "EncoderAmpActorCriticRecurrent": [*ENCODER, *AMP, *RNN],
    "EncoderStateAc": [*ENCODER, *ESTIMATOR],
    "EncoderStateAcRecurrent": [*ENCODER, *ESTIMATOR, *RNN],
    "PrivilegeStateAcRecurrent": [*ESTIMATOR, *ADAPTOR, *RNN],
    "StateAc": ESTIMATOR,
    "StateAcRecurrent": [*ESTIMATOR, *RNN],
    "VisualDeterministicAC": VISUAL,
    "VisualDeterministicRecurrent": [*VISUAL, *RNN],
    "ActorCriticFieldMutex": MUTEX,
    "ActorCriticClimbMutex": [*MUTEX, f"{POLICY}jump-down-policy-path", "go1_down", f"{POLICY}jump-down-vel", "1", "1"],
}
"""Class -> arguments of the command line; the task beside them is ``tiny``."""


@dataclass
class Options:
    """Options of a script."""

    task: str = ""


def tiny(robot: str) -> TaskCfg:
    """A robot that jumps, in few worlds, with few units and a camera of few pixels."""
    task = skill("jump", robot)
    image = {"forward_depth": ObsTermCfg(observations.forward_depth)}
    env = replace(
        task.env,
        num_envs=8,
        sim=replace(task.env.sim, num_threads=1),
        camera=DepthCameraCfg(height=12, width=16),
        observations=task.env.observations | image,
        ref_obs=MOTION,
    )
    train = replace(task.train, num_steps_per_env=4, max_iterations=1)
    policy = replace(train.policy, actor_hidden_dims=(16,), critic_hidden_dims=(16,))
    return replace(task, env=env, train=replace(train, policy=policy))


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    """``tiny`` is the task ``go1_tiny``."""
    register_task("tiny", tiny)
    yield
    unregister_task("tiny")


def parsed(class_name: str, reference: Path) -> TaskCfg:
    """``tiny`` with the arguments of the class."""
    arguments = ["go1_tiny", f"{POLICY}class-name", class_name, *CASES[class_name]]
    if "AmpPolicyRunner" in arguments:
        arguments += ["--train.motions", str(reference)]
    return parse_task(Options, arguments)[1]


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference motion: two seconds of standing, with noise."""
    env = make_env(tiny("go1").env, num_envs=1)
    parts = [term.func(env.state) for term in MOTION.values()]
    state, sizes = torch.cat(parts, dim=1), [part.shape[1] for part in parts]
    assert sizes == [12, 3, 12]
    frames = state + 0.01 * torch.randn(40, state.shape[1], generator=torch.Generator().manual_seed(0))
    path = tmp_path_factory.mktemp("motions") / "stand.json"
    layout = ObsLayout(zip(MOTION, [(size,) for size in sizes], strict=True))
    save_motion(path, Motion("stand", frames, 0.05, layout))
    return path


def test_there_is_a_case_for_every_class_that_can_act() -> None:
    # The first is a base of others, and the second learns in a task of its own, whose tests train it.
    assert {*CASES, "ActorCriticMutex", "VisualPrivilegeStateAc"} == set(POLICY_CLASSES)


@pytest.mark.parametrize("class_name", CASES)
def test_a_class_is_configured_trained_and_read_back(class_name: str, stand: Path, tmp_path: Path) -> None:
    task = parsed(class_name, stand)
    env = make_env(task.env, num_envs=8, where=Where(num_threads=1), seed=1)
    runner = make_runner(task, env, tmp_path)
    assert type(runner.alg.actor_critic) is POLICY_CLASSES[class_name]
    assert type(task.train.policy) is POLICY_CLASSES[class_name].cfg_class
    runner.stream = io.StringIO()
    before = {name: value.clone() for name, value in runner.alg.actor_critic.state_dict().items()}
    runner.learn(1)
    after = runner.alg.actor_critic.state_dict()
    assert all(value.isfinite().all() for value in after.values() if value.is_floating_point())
    assert any(not torch.equal(before[name], value) for name, value in after.items())
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert config["policy"]["class_name"] == class_name
    assert load_run(tmp_path).task == task
    actions = RunPolicy(tmp_path, env)(env.get_observations()[0])
    assert actions.shape == (8, 12) and actions.isfinite().all()
    env.close()


def test_layers_of_single_encoders_are_set_from_python_and_survive_the_run(tmp_path: Path) -> None:
    task = get_task("go1_tiny")
    policy = EncoderCfg(
        class_name="EncoderActorCritic",
        encoder_component_names=("height_measurements", "robot_config"),
        own_encoder_kwargs={"robot_config": EncoderKwargs(mlp=MlpKwargs(hidden_sizes=(5,)))},
        encoder_output_size=3,
    )
    task = replace(task, train=replace(task.train, policy=policy))
    env = make_env(task.env, num_envs=2, where=Where(num_threads=1))
    runner = make_runner(task, env, tmp_path)
    widths = {name: encoder.model[0].out_features for name, encoder in runner.alg.actor_critic.encoders.items()}
    assert widths == {"height_measurements": 128, "robot_config": 5}
    runner.stream = io.StringIO()
    runner.learn(1)
    assert load_run(tmp_path).task.train.policy == policy


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([f"{POLICY}rnn-type", "gru"], "unknown field 'train.policy.rnn-type'"),
        ([f"{POLICY}class-name", "StateAc"], "needs obs_segments, estimator_obs_components and estimator_target"),
        ([f"{POLICY}class-name", "EncoderActorCritic"], "needs obs_segments and encoder_component_names"),
        ([f"{POLICY}class-name", "ActorCriticFieldMutex"], "needs sub_policy_paths"),
        ([f"{POLICY}class-name", "ActorCriticFieldMutex", f"{POLICY}sub-policy-paths", "nobody"], "no run 'nobody'"),
        (
            [f"{POLICY}class-name", "EncoderActorCritic", f"{POLICY}encoder-component-names", "smell"],
            "unknown observation segment 'smell'",
        ),
        (
            [
                *(f"{POLICY}class-name", "EncoderActorCritic", f"{POLICY}encoder-component-names", "proprioception"),
                *(f"{POLICY}encoder-class-name", "MlpModel", "MlpModel"),
            ],
            "encoder_class_name needs one entry, or one for each of 1 segments, not 2",
        ),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        _, task = parse_task(Options, ["go1_tiny", *arguments])
        make_runner(task, make_env(task.env, num_envs=2), None)


def test_a_motion_prior_needs_reference_observations() -> None:
    _, task = parse_task(Options, ["go1_tiny", f"{POLICY}class-name", "AmpActorCritic"])
    env = replace(task.env, num_envs=2, ref_obs={})
    with pytest.raises(UserError, match="this task has no ref_obs; train go1_gaits"):
        make_runner(replace(task, env=env), make_env(env, num_envs=2), None)
