"""Imitation by a student that sees, from a ring of images."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from toys_estimation import mean_reward, train
from toys_vision import SlowSpot, pointing_teacher

from st_rl.algorithms import DAgger
from st_rl.algorithms.dagger import in_parts
from st_rl.algorithms.tppo import StoredTransition
from st_rl.modules import ActorCritic, VisualPrivilegeStateAc
from st_rl.runners import OnPolicyRunner
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout

pytestmark = pytest.mark.usefixtures("one_thread")

STUDENT: dict[str, Any] = {
    "actor_hidden_dims": [32],
    "critic_hidden_dims": [8],
    "visual_kwargs": {"channels": [8], "kernel_sizes": [3], "strides": [1], "paddings": [1], "hidden_sizes": [32]},
    "visual_latent_size": 16,
    "memory_components": ["image_age"],
    "memory_hidden_size": 24,
    "estimator_obs_components": ["forward_depth"],
    "estimator_target_components": ["place"],
    "estimator_kwargs": {"hidden_sizes": [16]},
    "adaptor_obs_components": ["forward_depth"],
    "adaptor_target_components": ["noise"],
    "adaptor_kwargs": {"hidden_sizes": [8]},
}
LEARN: dict[str, Any] = {
    "learning_rate": 3e-3,
    "replay_steps": 20_000,
    "images_per_step": 0.6,
    "image_range": (0.0, 1.0),
    "num_gradient_steps": 6,
    "num_sequences": 64,
    "sequence_length": 3,
    "warm_up_images": 1,
    "teacher_decay_updates": 4.0,
    "start_from_teacher": False,
}


def student(env: SlowSpot, **changes: Any) -> VisualPrivilegeStateAc:
    layouts = {"obs_segments": env.obs_segments, "critic_obs_segments": env.critic_obs_segments}
    return VisualPrivilegeStateAc(env.num_obs, env.num_critic_obs, env.num_actions, **layouts, **STUDENT | changes)


def test_a_student_that_sees_comes_up_to_a_teacher_that_is_told() -> None:
    torch.manual_seed(0)
    env = SlowSpot(128)
    policy = student(env)
    reports = train(DAgger(policy, teacher=pointing_teacher(), **LEARN), env, iterations=24, steps=10)
    # Blindly the best is to point at the middle, which earns 0.15; the teacher earns 1.
    assert mean_reward(policy, SlowSpot(256, seed=5), 10) > 0.9 > 5.0 * env.blind_reward
    assert reports[-1]["distillation_loss"] < 0.2 * reports[0]["distillation_loss"]
    assert reports[-1]["estimator_loss"] < 0.2 * reports[0]["estimator_loss"]
    assert reports[-1]["replay_steps"] == 20_000 // 128 * 128


def test_each_image_is_encoded_once_per_use(monkeypatch: pytest.MonkeyPatch) -> None:
    env = SlowSpot(32)
    algorithm = DAgger(student(env), teacher=pointing_teacher(), **LEARN | {"num_gradient_steps": 1})
    encoded = []
    encode = algorithm.actor_critic.encode
    monkeypatch.setattr(
        algorithm.actor_critic, "encode", lambda images: encoded.append(images.flatten(0, -2)) or encode(images)
    )
    train(algorithm, env, iterations=1, steps=30)
    acting, learning = sum(len(images) for images in encoded[:-2]), sum(len(images) for images in encoded[-2:])
    # Episodes of 10 steps show images at steps 0, 3, 6 and 9; 64 rows of 3 images are learned from.
    assert acting == 32 * 3 * 4 and learning == 64 * 3


def test_the_actor_starts_as_the_teachers_and_ignores_what_is_new() -> None:
    env = SlowSpot(8)
    teacher = ActorCritic(2, 2, 2, actor_hidden_dims=[32], obs_segments=ObsLayout({"place": (2,)}))
    torch.nn.init.normal_(teacher.actor.mean.weight)
    algorithm = DAgger(student(env), teacher=teacher, **LEARN | {"start_from_teacher": True})
    policy = algorithm.actor_critic
    assert algorithm.start_report is not None and "actor.fc.0.weight" in algorithm.start_report.moved
    obs, _ = env.get_observations()
    actions = policy.act(obs)
    # What the student estimates stands where the teacher observes it.
    estimate = policy.state_predictions()["estimator"].prediction
    torch.testing.assert_close(actions, teacher.act_inference(estimate))


def test_segments_of_the_teacher_may_be_known_in_parts() -> None:
    layout = ObsLayout({"body": (5,), "block": (2,)})
    parts = {"body": {"speed": 3, "joints": 2}}
    assert in_parts(layout, parts) == ObsLayout({"speed": (3,), "joints": (2,), "block": (2,)})
    with pytest.raises(UserError, match="have 4 columns together and the segment 5"):
        in_parts(layout, {"body": {"speed": 3, "joints": 1}})


def write_teacher(folder: Path) -> Path:
    """A run folder of the teacher that is told the place."""
    layout = ObsLayout({"place": (2,)}).to_json()
    networks: dict[str, Any] = {"actor_hidden_dims": []}
    config = {"policy": {"class_name": "ActorCritic", **networks}, "obs_segments": layout}
    config |= {"critic_obs_segments": layout, "control": {"action_scale": 0.5}}
    config |= {"normalization": {"obs_scales": {"lin_vel": 2.0}}}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    torch.save({"model_state_dict": pointing_teacher().state_dict()}, folder / "model_1.pt")
    return folder


def runner(folder: Path | None, teacher: Path) -> OnPolicyRunner:
    return OnPolicyRunner(
        SlowSpot(16, seed=3),
        policy={"class_name": "VisualPrivilegeStateAc", **STUDENT},
        algorithm=LEARN | {"teacher_run": str(teacher), "replay_steps": 400},
        algorithm_class="DAgger",
        num_steps_per_env=12,
        save_interval=1000,
        log_dir=folder,
        seed=4,
        stream=io.StringIO(),
    )


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    teacher = write_teacher(tmp_path / "teacher")
    whole = runner(None, teacher)
    expected = whole.learn(6)
    runner(tmp_path / "run", teacher).learn(4)
    torch.manual_seed(99)
    second = runner(tmp_path / "run", teacher)
    second.load(tmp_path / "run", resume=True)
    found = second.learn(2)
    ours, theirs = second.alg.state_dict()["model_state_dict"], whole.alg.state_dict()["model_state_dict"]
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())
    assert found["Loss/distillation_loss"] == expected["Loss/distillation_loss"]
    # What is shipped, the policy, does not carry the ring.
    assert not any("replay" in name for name in second.alg.state_dict())


def test_it_learns_from_recorded_steps() -> None:
    torch.manual_seed(0)
    env, policy = SlowSpot(64), student(SlowSpot(1))
    algorithm = DAgger(policy, **LEARN)
    algorithm.init_storage(64, 10, env.num_obs, env.num_critic_obs, env.num_actions)
    obs, extras = env.get_observations()
    for _ in range(20):
        for _ in range(10):
            critic_obs = extras["observations"]["critic"]
            following, rewards, dones, extras = env.step(critic_obs)
            step = StoredTransition(obs=obs, actions=critic_obs, rewards=rewards, dones=dones, critic_obs=critic_obs)
            algorithm.collect_transition_from_dataset(step)
            obs = following
        algorithm.update()
    assert mean_reward(policy, SlowSpot(256, seed=5), 10) > 0.8


def test_what_does_not_fit_is_one_sentence() -> None:
    env = SlowSpot(2)
    blind = ActorCritic(env.num_obs, 2, 2, obs_segments=env.obs_segments, critic_obs_segments=env.critic_obs_segments)
    with pytest.raises(UserError, match="such as VisualPrivilegeStateAc, not ActorCritic"):
        DAgger(blind, **LEARN)
    with pytest.raises(UserError, match="learns by imitation"):
        DAgger(student(env), **LEARN | {"using_ppo": True})
    with pytest.raises(UserError, match="warm_up_images must be fewer"):
        DAgger(student(env), **LEARN | {"warm_up_images": 3})
    with pytest.raises(UserError, match="no teacher"):
        train(DAgger(student(env), **LEARN), env, iterations=1, steps=2)
