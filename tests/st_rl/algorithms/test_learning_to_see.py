"""Policies that see solve a task whose state is only in the picture."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from toys_estimation import mean_reward, train
from toys_vision import Spot, pointing_teacher

from st_rl.algorithms import PPO, TPPO
from st_rl.modules import ActorCritic, EncoderActorCritic, VisualDeterministicAC, VisualDeterministicRecurrent

pytestmark = pytest.mark.usefixtures("one_thread")

CONV: dict[str, Any] = {"channels": [8], "kernel_sizes": [3], "strides": [1], "paddings": [1], "hidden_sizes": [32]}
FIXED: dict[str, Any] = {"schedule": "fixed", "entropy_coef": 0.0, "gamma": 0.5, "learning_rate": 3e-3}


def build(cls: type[Any], env: Spot, **kwargs: Any) -> Any:
    arguments: dict[str, Any] = {
        "obs_segments": env.obs_segments,
        "critic_obs_segments": env.critic_obs_segments,
        "actor_hidden_dims": [32],
        "critic_hidden_dims": [32],
        "init_noise_std": 0.5,
    }
    return cls(env.num_obs, env.num_critic_obs, env.num_actions, **(arguments | kwargs))


def test_by_reinforcement() -> None:
    torch.manual_seed(0)
    env = Spot(256)
    encoder = {
        "encoder_component_names": ["forward_depth"],
        "encoder_class_name": "Conv2dHeadModel",
        "encoder_kwargs": CONV,
        "encoder_output_size": 16,
    }
    policy = build(EncoderActorCritic, env, **encoder)
    train(PPO(policy, **FIXED), env, iterations=12, steps=10)
    # Whoever is blind can do no better than to point at the middle, and gets 0.15.
    assert mean_reward(policy, Spot(512, seed=5), 10) > 0.8 > 5.0 * env.blind_reward


def test_without_the_picture_it_cannot_be_solved() -> None:
    torch.manual_seed(0)

    class Blind(Spot):
        """The picture is black."""

        def _observe(self) -> tuple[torch.Tensor, dict[str, Any]]:
            obs, extras = super()._observe()
            return obs * (torch.arange(self.num_obs) < 2), extras

    env = Blind(256)
    policy = build(ActorCritic, env)
    train(PPO(policy, **FIXED), env, iterations=10, steps=10)
    assert mean_reward(policy, Blind(512, seed=5), 10) < 1.1 * env.blind_reward


@pytest.mark.parametrize("cls", [VisualDeterministicAC, VisualDeterministicRecurrent])
def test_by_imitation_a_visual_student_comes_up_to_a_teacher_that_is_told(cls: type[Any]) -> None:
    torch.manual_seed(0)
    env, teacher = Spot(256), pointing_teacher()
    recurrent = {"rnn_hidden_size": 32} if cls is VisualDeterministicRecurrent else {}
    student = build(cls, env, visual_kwargs=CONV, visual_latent_size=16, **recurrent)
    algorithm = TPPO(student, teacher=teacher, using_ppo=False, teacher_decay_updates=4.0, **FIXED)
    train(algorithm, env, iterations=12, steps=10)
    best = mean_reward(teacher, Spot(512, seed=5), 10, critic=True)
    assert best == pytest.approx(1.0, abs=1e-4)
    assert mean_reward(student, Spot(512, seed=5), 10) >= 0.95 * best
