"""Bad input to the real commands: one sentence that names it, exit code 2, no traceback, and nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import call

from st_rl.utils.errors import UserError

WALK = ["go1_walk", "--no-video", "--no-evaluate"]
FIELDS = [
    ("--env.num-envs", "0", "env.num_envs must be at least 1"),
    ("--env.num-envs", "-3", "env.num_envs must be at least 1"),
    ("--num-envs", "1000000000", "need about"),
    ("--env.num-envs", "99999999999999999999", "env.num_envs must"),
    ("--env.num-envs", "many", "invalid literal"),
    ("--env.num-envs", "nan", "invalid literal"),
    ("--env.episode-length-s", "0", "env.episode_length_s must be more than 0"),
    ("--env.episode-length-s", "-1", "env.episode_length_s must be more than 0"),
    ("--env.episode-length-s", "nan", "env.episode_length_s must be finite"),
    ("--env.episode-length-s", "inf", "env.episode_length_s must be finite"),
    ("--env.episode-length-s", "0.001", "env.episode_length_s must be at least a control step of 0.02 s"),
    ("--env.sim.dt", "0", "env.sim.dt must be from 1e-06 to 0.05"),
    ("--env.sim.dt", "nan", "env.sim.dt must be finite"),
    ("--env.sim.dt", "1", "env.sim.dt must be from 1e-06 to 0.05"),
    ("--env.sim.decimation", "0", "env.sim.decimation must be from 1 to 10000"),
    ("--env.sim.decimation", "1000", "env.sim.decimation times dt must be at most 1 s"),
    ("--env.sim.num-threads", "-1", "env.sim.num_threads must be from 0 to 1024"),
    ("--env.control.action-scale", "0", "env.control.action_scale must be more than 0"),
    ("--env.rewards.torque.weight", "nan", "env.rewards.torque.weight must be finite"),
    ("--env.rewards.torque.weight", "1e39", "must fit into a 32-bit float"),
    ("--env.rewards.track-lin-vel.params.sigma", "0", "params.sigma must be more than 0"),
    ("--env.events.dynamics.params.friction", "1.2 0.5", "must be two numbers, the smaller first"),
    ("--env.events.push.interval-s", "-1 2", "env.events.push.interval_s must be"),
    ("--env.commands.lin-vel-x", "1 -1", "env.commands.lin_vel_x must be two numbers, the smaller first"),
    ("--env.commands.standing-fraction", "1.5", "env.commands.standing_fraction must be from 0 to 1"),
    ("--env.scene.height-field.cell", "0.001", "points"),
    ("--env.scene.height-field.cell", "0", "env.scene.height_field.cell must be from 0.001"),
    ("--env.scene.num-boxes", "-1", "env.scene.num_boxes must be from 0"),
    ("--env.normalization.clip-actions", "0", "env.normalization.clip_actions must be more than 0"),
    ("--env.noise.dof-vel", "-1", "env.noise.dof_vel must be at least 0"),
    ("--env.camera.width", "0", "env.camera.width must be from 1 to 4096"),
    ("--env.camera.width", "100000", "env.camera.width must be from 1 to 4096"),
    ("--env.camera.rate", "0", "env.camera.rate must be from 0.01"),
    ("--env.camera.near", "5", "env.camera.near must be less than far"),
    ("--env.camera", "maybe", "maybe"),
    ("--env.latency.action", "0.1 0.0", "env.latency.action must be two numbers, the smaller first"),
    ("--train.algorithm.gamma", "2", "train.algorithm.gamma must be from 0 to 1"),
    ("--train.algorithm.lam", "nan", "train.algorithm.lam must be finite"),
    ("--train.algorithm.learning-rate", "-1e-3", "train.algorithm.learning_rate must be more than 0"),
    ("--train.algorithm.num-mini-batches", "0", "train.algorithm.num_mini_batches must be at least 1"),
    ("--train.algorithm.num-mini-batches", "100000", "transitions for an update"),
    ("--train.algorithm.clip-param", "0", "train.algorithm.clip_param must be more than 0"),
    ("--train.save-interval", "0", "train.save_interval must be at least 1"),
    ("--train.max-iterations", "0", "train.max_iterations must be at least 1"),
    ("--train.num-steps-per-env", "0", "train.num_steps_per_env must be at least 1"),
    ("--train.policy.actor-hidden-dims", "0", "train.policy.actor_hidden_dims must be from 1"),
    ("--train.policy.actor-hidden-dims", " ".join(["16384"] * 200), "the networks of the policy need about"),
    ("--train.policy.init-noise-std", "0", "train.policy.init_noise_std must be more than 0"),
    ("--seed", "-1", "train.seed must be at least 0"),
    ("--seed", "99999999999999999999999", "train.seed must"),
    ("--episodes", "0", "--episodes must be at least 1"),
    ("--video-seconds", "nan", "--video-seconds must be finite"),
    ("--num-threads", "-4", "--num-threads must be from 0 to 1024"),
    ("--device", "foo", "'foo' is no device"),
    ("--device", "cuda:", "'cuda:' is no device"),
    ("--device", "cuda:99999999999", "is no device"),
    ("--gamma", "0.9", "did you mean --train.algorithm.gamma?"),
    ("--width", "0.9", "did you mean --env.camera.width or --env.scene.height-field.width?"),
]
"""An option of a training, its value, and what is said about it."""

OTHERS = [
    ("train", [*WALK, "--num-envs", "1", "--train.num-steps-per-env", "1"], "1 transitions for an update"),
    ("evaluate", ["--policy", "go1_walk", "--episodes", "0"], "--episodes must be at least 1"),
    ("evaluate", ["--policy", "go1_walk", "--seed", "-7"], "--seed must be at least 0"),
    ("evaluate", ["--policy", "go1_jump", "--difficulty", "1.5"], "--difficulty must be from 0 to 1"),
    ("evaluate", ["--policy", "go1_jump", "--num-blocks", "0"], "--num-blocks must be from 1 to 100"),
    ("evaluate", ["--policy", "go1_jump", "--strict-episodes", "-1"], "--strict-episodes must be at least 0"),
    ("evaluate", ["--policy", "go1_jump", "--plot", "x.png"], "must end with .svg"),
    ("evaluate", ["--policy", "go1_walk", "--device", "gpu"], "'gpu' is no device"),
    ("evaluate", ["--task", "go1_field", "--policy", "mutex", "--smoothing", "0"], "--smoothing must be from 1"),
    ("record", ["--policy", "go1_walk", "--out", "a.xyz"], "must end with .mp4 or .png"),
    ("record", ["--policy", "go1_walk", "--beside", "go1_walk", "--out", "a.png"], "stills show one policy"),
    ("record", ["--policy", "go1_walk", "--seconds", "-2"], "--seconds must be more than 0"),
    ("record", ["--policy", "go1_walk", "--camera-width", "0"], "--camera-width must be from 1 to 4096"),
    ("record", ["--policy", "go1_walk", "--camera-height", "100000"], "--camera-height must be from 1 to 4096"),
    ("record", ["--policy", "go1_walk", "--camera-distance", "nan"], "--camera-distance must be finite"),
    ("record", ["--policy", "go1_walk", "--command", "1", "inf", "0"], "--command must be finite"),
    ("play", ["--policy", "go1_walk", "--difficulty", "-1"], "--difficulty must be from 0 to 1"),
    ("collect", ["go1_walk", "--data", "d", "--teacher", "go1_walk", "--steps", "-1"], "--steps must be at least 0"),
    ("collect", ["go1_walk", "--data", "d", "--teacher", "go1_walk", "--action-noise", "nan"], "must be finite"),
    ("collect", ["go1_walk", "--data", "d", "--teacher", "go1_walk", "--check-interval", "0"], "must be at least 1"),
    ("benchmark", ["--rounds", "0"], "--rounds must be at least 1"),
    ("benchmark", ["--worlds", "-1"], "--worlds must be at least 1"),
    ("parity", ["--episodes", "0"], "--episodes must be at least 1"),
    ("parity", ["--device", "foo"], "'foo' is no device"),
    ("gpu_report", ["--worlds", "0"], "--worlds must be at least 1"),
    ("gpu_report", ["--device", "foo"], "'foo' is no device"),
    ("train_skills", ["--jobs", "0"], "--jobs must be from 1"),
    ("train_skills", ["--num-envs", "0"], "--num-envs must be at least 1"),
    ("make_mutex", ["--task", "go1_field", "--smoothing", "-1"], "--smoothing must be from 1"),
]
"""Another command, its arguments, and what is said about them."""


def check(command: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(command, *arguments) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    # Neither a file nor a run folder: at most the task's own folder, empty.
    assert not [path for path in Path.cwd().rglob("*") if path.is_file() or path.parent.parent.name == "logs"]


@pytest.mark.parametrize(("option", "value", "said"), FIELDS)
def test_a_training_that_is_refused_says_why(
    option: str,
    value: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    check("train", [*WALK, option, *value.split()], said, capsys)


@pytest.mark.parametrize(("command", "arguments", "said"), OTHERS)
def test_other_commands_say_what_is_wrong(
    command: str,
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    check(command, arguments, said, capsys)


@pytest.mark.parametrize("command", ["train", "record", "evaluate"])
def test_a_way_of_drawing_that_does_not_exist_is_named(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUJOCO_GL", "garbage")
    check(command, ["--task", "go1_walk"], "MUJOCO_GL is 'garbage'; set it to egl, osmesa or glfw", capsys)


def test_a_training_that_is_interrupted_or_breaks_before_its_first_iteration_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for error in (KeyboardInterrupt(), ValueError("a mistake of ours"), UserError("a loss is not finite")):

        def update(*arguments: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr("st_rl.algorithms.ppo.PPO.update", update)
        arguments = [*WALK, "--num-envs", "4", "--max-iterations", "1", "--train.num-steps-per-env", "2"]
        if isinstance(error, ValueError):
            with pytest.raises(ValueError, match="ours"):
                call("train", *arguments)
        else:
            assert call("train", *arguments) == (130 if isinstance(error, KeyboardInterrupt) else 2)
        assert not list((tmp_path / "logs" / "go1_walk").iterdir())


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")])
def test_memory_that_runs_out_in_the_middle_is_a_sentence(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def act(*arguments: object) -> None:
        raise error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("st_rl.algorithms.ppo.PPO.act", act)
    check("train", [*WALK, "--num-envs", "4", "--max-iterations", "1"], "the memory is used up; lower", capsys)
