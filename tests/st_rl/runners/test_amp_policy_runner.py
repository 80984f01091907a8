"""Motion files as the reference of an environment that has none."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from toys_motion import TwoGaits

from st_rl.datasets import Motion, save_motion
from st_rl.runners import RUNNER_CLASSES, AmpPolicyRunner, OnPolicyRunner, get_runner_class
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.obs_layout import ObsLayout

pytestmark = pytest.mark.usefixtures("one_thread")


class WithoutReference(TwoGaits):
    """The wheel, saying what it did but not what it should look like."""

    def step(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]]:
        obs, rewards, dones, infos = super().step(actions)
        del infos["ref_motion"]
        return obs, rewards, dones, infos


def motion_file(folder: Path, speed: float) -> Path:
    """A motion that keeps about the same speed."""
    frames = torch.tensor([[speed, 7.0], [speed + 0.05, 7.0], [speed - 0.05, 7.0], [speed, 7.0]])
    path = folder / "turning.json"
    save_motion(path, Motion("turning", frames, 0.1, ObsLayout({"speed": (1,), "unused": (1,)})))
    return path


def make(motions: list[Path], num_envs: int = 32, input_dim: int = 2, **more: Any) -> AmpPolicyRunner:
    discriminator = {"input_dim": input_dim, "style_reward_coef": 1.0, "hidden_dims": [32], "task_reward_lerp": 0.5}
    policy = {
        "class_name": "AmpActorCritic",
        "actor_hidden_dims": [32],
        "critic_hidden_dims": [32],
        "init_noise_std": 0.5,
        "amp_discriminator": discriminator,
    }
    arguments: dict[str, Any] = {
        "policy": policy,
        "algorithm": {"schedule": "fixed", "entropy_coef": 0.0, "gamma": 0.9},
        "algorithm_class": "APPO",
        "motions": motions,
        "motion_options": {"fields": ["speed"]},
        "stream": io.StringIO(),
    }
    return AmpPolicyRunner(WithoutReference(num_envs, gait=0.0), **(arguments | more))


@pytest.mark.parametrize("speed", [1.0, -1.0])
def test_of_two_gaits_that_pay_the_same_the_one_in_the_file_is_learned(tmp_path: Path, speed: float) -> None:
    runner = make([motion_file(tmp_path, speed)])
    runner.learn(40)
    metrics = runner.evaluation(15)
    policy, env = runner.get_inference_policy(), WithoutReference(64, gait=0.0)
    obs, _ = env.reset()
    for _ in range(15):
        obs, _, _, _ = env.step(policy(obs))
    assert torch.all((env.speed - speed).abs() < 0.4)
    assert metrics["mean_step_reward"] > 0.5


def test_a_resumed_run_draws_the_same_motions(tmp_path: Path) -> None:
    path = motion_file(tmp_path, 1.0)

    def run(folder: Path, *iterations: int) -> dict[str, torch.Tensor]:
        runner = make([path], log_dir=folder, num_steps_per_env=5)
        for number in iterations:
            if runner.iteration == 0 and (folder / "config.json").exists():
                runner.load(folder, resume=True)
            runner.learn(number)
            last = runner
            runner = make([path], log_dir=folder, num_steps_per_env=5)
        return last.alg.actor_critic.state_dict()

    whole, resumed = run(tmp_path / "a", 4), run(tmp_path / "b", 2, 2)
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name


def test_motions_must_fit_the_discriminator(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="input_dim"):
        make([motion_file(tmp_path, 1.0)], input_dim=3)


def test_an_algorithm_without_a_discriminator_is_refused() -> None:
    with pytest.raises(UserError, match="APPO"):
        make([], algorithm_class="PPO", policy={"actor_hidden_dims": [8], "critic_hidden_dims": [8]}, algorithm={})


def test_runners_are_found_by_name() -> None:
    assert {name: cls.__name__ for name, cls in RUNNER_CLASSES.items()} == {name: name for name in RUNNER_CLASSES}
    assert get_runner_class("OnPolicyRunner") is OnPolicyRunner
    with pytest.raises(UnknownNameError, match="AmpPolicyRunner"):
        get_runner_class("Runner")
