"""TPPO: who drives, what is learned from whom, and that students come up to their teachers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from toys_estimation import HiddenVelocity, linear_teacher, mean_reward, train
from toys_motion import TwoGaits

from st_rl.algorithms import ATPPO, TPPO, EstimatorTPPO, StoredTransition, get_algorithm_class
from st_rl.modules import ActorCritic, ActorCriticRecurrent, AmpActorCritic, EncoderActorCritic, StateAcRecurrent
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.obs_layout import ObsLayout

pytestmark = pytest.mark.usefixtures("one_thread")

FIXED: dict[str, Any] = {"schedule": "fixed", "entropy_coef": 0.0, "gamma": 0.9, "learning_rate": 2e-3}


def build_student(env: HiddenVelocity, cls: type[Any] = ActorCritic, **kwargs: Any) -> Any:
    arguments: dict[str, Any] = {
        "obs_segments": env.obs_segments,
        "critic_obs_segments": env.critic_obs_segments,
        "actor_hidden_dims": [64, 64],
        "critic_hidden_dims": [32],
        "init_noise_std": 0.5,
    }
    return cls(env.num_obs, env.num_critic_obs, env.num_actions, **(arguments | kwargs))


@pytest.mark.parametrize("using_ppo", [True, False])
def test_a_student_that_sees_less_comes_up_to_its_teacher(using_ppo: bool) -> None:
    torch.manual_seed(0)
    env = HiddenVelocity(128)
    student, teacher = build_student(env), linear_teacher(env)
    algorithm = TPPO(student, teacher=teacher, using_ppo=using_ppo, teacher_decay_updates=5.0, **FIXED)
    reports = train(algorithm, env, iterations=15, steps=24)
    test_env = HiddenVelocity(256, seed=5)
    best = mean_reward(teacher, test_env, 24, critic=True)
    test_env = HiddenVelocity(256, seed=5)
    assert best > 0.95 and mean_reward(student, test_env, 24) >= 0.95 * best
    assert ("surrogate_loss" in reports[0]) == using_ppo
    assert reports[0]["teacher_probability"] == 1.0 and 0.0 < reports[-1]["teacher_probability"] < 0.1


def test_the_teacher_drives_whole_episodes_with_the_scheduled_probability() -> None:
    torch.manual_seed(0)
    env = HiddenVelocity(400, max_episode_length=6)
    algorithm = TPPO(build_student(env), teacher=linear_teacher(env), teacher_act_prob=0.25)
    obs, extras = env.get_observations()
    algorithm.init_storage(400, 12, env.num_obs, env.num_critic_obs, 1)
    driven = []
    for _ in range(12):
        critic_obs = extras["observations"]["critic"]
        actions = algorithm.act(obs, critic_obs)
        labels = algorithm.teacher.policy.act_inference(critic_obs)  # type: ignore[union-attr]
        assert torch.equal((actions == labels).squeeze(-1), algorithm.driven)
        driven.append(algorithm.driven.clone())
        obs, rewards, dones, extras = env.step(actions)
        algorithm.process_env_step(rewards, dones, extras)
        assert torch.equal(algorithm.storage.extras["action_labels"][algorithm.storage.step - 1], labels)
    stacked = torch.stack(driven)
    assert (stacked[:6] == stacked[0]).all() and (stacked[6:] == stacked[6]).all()
    assert not torch.equal(stacked[0], stacked[6])
    assert 0.18 < stacked[0].float().mean().item() < 0.32 and 0.18 < stacked[6].float().mean().item() < 0.32


def test_the_surrogate_learns_nothing_from_the_teachers_actions() -> None:
    torch.manual_seed(0)
    env = HiddenVelocity(16)
    policy = build_student(env)
    # The teacher's actions lie hundreds of deviations from the student's mean.
    policy.clip_std(max=0.01)
    before = policy.actor.mean.weight.clone()
    algorithm = TPPO(policy, teacher=linear_teacher(env), distillation_loss_coef=0.0, entropy_coef=0.0)
    report = train(algorithm, env, iterations=1, steps=8)[0]
    assert report["surrogate_loss"] == 0.0 and report["value_loss"] > 0.0 and report["distillation_loss"] > 0.0
    assert torch.equal(policy.actor.mean.weight, before)


def test_a_recurrent_student_with_an_estimator_learns_both_at_once() -> None:
    torch.manual_seed(0)
    env = HiddenVelocity(64, history=False)
    student = build_student(
        env,
        StateAcRecurrent,
        rnn_hidden_size=32,
        estimator_obs_components=["wheel"],
        estimator_target_components=["velocity"],
        estimator_kwargs={"hidden_sizes": [32]},
        replace_state_prob=1.0,
    )
    settings = FIXED | {"learning_rate": 4e-3, "using_ppo": False, "teacher_decay_updates": 3.0}
    reports = train(EstimatorTPPO(student, teacher=linear_teacher(env), **settings), env, iterations=12, steps=24)
    # In an episode's first step, of 24, nobody can know the velocity: 0.48 of variance, 0.02 on average.
    assert reports[-1]["estimator_loss"] < 0.035 < 0.1 < reports[0]["estimator_loss"]
    best = mean_reward(linear_teacher(env), HiddenVelocity(256, history=False, seed=5), 24, critic=True)
    reward = mean_reward(student, HiddenVelocity(256, history=False, seed=5), 24)
    assert reward >= 0.93 * best


def encoder_policy(env: HiddenVelocity, component: str, size: int = 4) -> Any:
    return build_student(
        env,
        EncoderActorCritic,
        encoder_component_names=[component],
        encoder_kwargs={"hidden_sizes": [32]},
        encoder_output_size=size,
    )


def test_latent_distillation_lowers_the_distance_of_the_latents() -> None:
    torch.manual_seed(0)
    env = HiddenVelocity(64)
    teacher, student = encoder_policy(env, "velocity"), encoder_policy(env, "wheel")

    def distance() -> float:
        test_env = HiddenVelocity(512, seed=7)
        obs, extras = test_env.get_observations()
        with torch.no_grad():
            latents = student.get_encoder_latent(obs, "wheel")
            aims = teacher.get_encoder_latent(extras["observations"]["critic"], "velocity")
        return (latents - aims).norm(dim=-1).mean().item()

    before = distance()
    settings = FIXED | {"using_ppo": False, "distillation_loss_coef": 0.0, "distill_latent_target": "mse_sum"}
    algorithm = TPPO(student, teacher=teacher, distill_latent_components={"wheel": "velocity"}, **settings)
    reports = train(algorithm, env, iterations=8, steps=24)
    assert distance() < 0.3 * before
    assert reports[-1]["latent_distillation_loss"] < 0.3 * reports[0]["latent_distillation_loss"]
    with pytest.raises(UserError, match="4 numbers and the teacher's of 'velocity' 6"):
        wide = encoder_policy(env, "velocity", size=6)
        TPPO(student, teacher=wide, distill_latent_components={"wheel": "velocity"})
    with pytest.raises(UnknownNameError, match="wheel"):
        TPPO(student, teacher=teacher, distill_latent_components={"command": "velocity"})


FIELD = ObsLayout({"proprioception": (11,), "engaging_block": (8,)})


def write_skill(folder: Path, action: float) -> Path:
    """A run folder of a policy that always takes the same action."""
    networks: dict[str, Any] = {"actor_hidden_dims": [], "critic_hidden_dims": [4]}
    policy = ActorCritic(FIELD.size, FIELD.size, 1, obs_segments=FIELD, **networks)
    policy.actor.mean.weight.data.zero_()
    policy.actor.mean.bias.data.fill_(action)
    folder.mkdir()
    config = {
        "policy": {"class_name": "ActorCritic", **networks},
        "control": {"action_scale": 0.5},
        "normalization": {"obs_scales": {"lin_vel": 2.0}},
        "obs_segments": FIELD.to_json(),
        "critic_obs_segments": FIELD.to_json(),
    }
    (folder / "config.json").write_text(json.dumps(config))
    torch.save({"model_state_dict": policy.state_dict()}, folder / "model_7.pt")
    return folder


def test_the_teacher_may_be_a_mutex_of_several_skills(tmp_path: Path) -> None:
    torch.manual_seed(0)
    skills = [write_skill(tmp_path / f"skill_{index}", 0.5 * index - 1.0) for index in range(5)]
    names = {"class_name": "ActorCriticFieldMutex", "sub_policy_class_name": "ActorCritic"}
    student = ActorCritic(FIELD.size, FIELD.size, 1, obs_segments=FIELD, actor_hidden_dims=[32], critic_hidden_dims=[8])
    algorithm = TPPO(student, teacher_policy=names | {"sub_policy_paths": skills}, using_ppo=False, learning_rate=5e-3)
    algorithm.init_storage(64, 8, FIELD.size, None, 1)
    for _ in range(15):
        for _ in range(8):
            obstacle = torch.randint(5, (64,))
            obs = torch.zeros(64, FIELD.size)
            obs[:, 12:17] = torch.eye(5)[obstacle]
            algorithm.act(obs)
            algorithm.process_env_step(torch.zeros(64), torch.ones(64, dtype=torch.bool), {})
            labels = algorithm.storage.extras["action_labels"][algorithm.storage.step - 1]
            assert torch.allclose(labels.squeeze(-1), 0.5 * obstacle - 1.0)
        algorithm.compute_returns(obs)
        report = algorithm.update()
    assert report["distillation_loss"] < 0.05


def test_the_teacher_may_be_a_run_folder(tmp_path: Path) -> None:
    student = ActorCritic(FIELD.size, FIELD.size, 1, obs_segments=FIELD, actor_hidden_dims=[4], critic_hidden_dims=[4])
    algorithm = TPPO(student, teacher_run=str(write_skill(tmp_path / "run", 0.75)))
    algorithm.init_storage(2, 1, FIELD.size, None, 1)
    assert algorithm.act(torch.zeros(2, FIELD.size)).tolist() == [[0.75], [0.75]]
    env = HiddenVelocity(2)
    with pytest.raises(UserError, match=r"does not observe what the teacher reads.*proprioception"):
        TPPO(build_student(env), teacher_run=str(tmp_path / "run"))


def test_it_learns_from_stored_transitions_without_a_teacher() -> None:
    torch.manual_seed(0)
    env = HiddenVelocity(64)
    expert, student = linear_teacher(env), build_student(env)
    algorithm = TPPO(student, using_ppo=False, **FIXED)
    algorithm.init_storage(64, 24, env.num_obs, env.num_critic_obs, 1)
    obs, extras = env.get_observations()
    with pytest.raises(UserError, match="teacher_run"):
        algorithm.act(obs, extras["observations"]["critic"])
    for update in range(12):
        for _ in range(24):
            critic_obs = extras["observations"]["critic"]
            labels = expert.act_inference(critic_obs).detach()
            actions = labels + 0.3 * torch.randn(64, 1)
            new_obs, rewards, dones, extras = env.step(actions)
            # With labels the actions may be noisy; without them they are the demonstration.
            step = StoredTransition(obs, actions, rewards, dones, labels if update % 2 else None, critic_obs)
            algorithm.collect_transition_from_dataset(step, extras)
            stored = algorithm.storage.extras["action_labels"][algorithm.storage.step - 1]
            assert torch.equal(stored, labels if update % 2 else actions)
            obs = new_obs
        algorithm.compute_returns(obs, extras["observations"]["critic"])
        algorithm.update()
    best = mean_reward(expert, HiddenVelocity(256, seed=5), 24, critic=True)
    assert mean_reward(student, HiddenVelocity(256, seed=5), 24) >= 0.9 * best


def test_a_resumed_run_goes_on_bit_for_bit_with_a_teacher_that_remembers() -> None:
    torch.manual_seed(0)
    env = HiddenVelocity(8, max_episode_length=7)
    teacher = build_student(env, ActorCriticRecurrent, rnn_hidden_size=8, actor_hidden_dims=[8])
    twin = build_student(env, ActorCriticRecurrent, rnn_hidden_size=8, actor_hidden_dims=[8])
    twin.load_state_dict(teacher.state_dict())
    first, second = (
        TPPO(build_student(env), teacher=each, teacher_act_prob=0.5, num_mini_batches=2) for each in (teacher, twin)
    )
    train(first, env, iterations=2, steps=10)
    assert first.driven.any() and not first.driven.all()
    second.init_storage(8, 10, env.num_obs, env.num_critic_obs, 1)
    second.load_state_dict(first.state_dict())
    assert torch.equal(second.driven, first.driven) and second.num_updates == 2
    other_env = HiddenVelocity(8, max_episode_length=7)
    other_env.load_state_dict(env.state_dict())
    reports = []
    for algorithm, each in ((first, env), (second, other_env)):
        torch.manual_seed(1)
        reports.append(one_iteration(algorithm, each, steps=10))
    assert reports[0] == reports[1]
    for one, other in zip(first.actor_critic.parameters(), second.actor_critic.parameters(), strict=True):
        assert torch.equal(one, other)


def one_iteration(algorithm: TPPO, env: HiddenVelocity, steps: int) -> dict[str, float]:
    obs, extras = env.get_observations()
    for _ in range(steps):
        obs, rewards, dones, infos = env.step(algorithm.act(obs, extras["observations"]["critic"]))
        algorithm.process_env_step(rewards, dones, infos)
        extras = infos
    algorithm.compute_returns(obs, extras["observations"]["critic"])
    return algorithm.update()


def test_motion_priors_and_a_teacher_go_together() -> None:
    torch.manual_seed(0)
    env = TwoGaits(32, 1.0)
    discriminator = {"input_dim": 2, "style_reward_coef": 1.0, "hidden_dims": [16], "task_reward_lerp": 0.5}
    sizes: dict[str, Any] = {"actor_hidden_dims": [16], "critic_hidden_dims": [16]}
    student = AmpActorCritic(1, 1, 1, obs_segments=env.obs_segments, amp_discriminator=discriminator, **sizes)
    teacher = ActorCritic(1, 1, 1, obs_segments=env.obs_segments, actor_hidden_dims=None)
    teacher.actor.mean.weight.data.zero_()
    teacher.actor.mean.bias.data.fill_(1.0)  # the gait of the reference
    report = train(ATPPO(student, teacher=teacher, teacher_decay_updates=4.0, **FIXED), env, 10, 20)[-1]
    assert {"style_reward", "discriminator_loss", "distillation_loss", "surrogate_loss"} <= report.keys()
    assert mean_reward_without_critic(student, env) > 0.9 and (env.speed - 1.0).abs().max() < 0.3


def mean_reward_without_critic(policy: Any, env: TwoGaits) -> float:
    env.max_episode_length = 1000
    return mean_reward(policy, env, 20)


def test_settings_are_checked_and_the_names_are_registered() -> None:
    student = build_student(HiddenVelocity(2))
    with pytest.raises(UnknownNameError, match="real"):
        TPPO(student, distill_target="huber")
    with pytest.raises(UnknownNameError, match="exp, linear, tanh"):
        TPPO(student, teacher_schedule="cosine")
    with pytest.raises(UserError, match="must be more than 0"):
        TPPO(student, teacher_decay_updates=0.0)
    with pytest.raises(UserError, match="latent distillation needs a teacher"):
        TPPO(student, distill_latent_components={"wheel": "velocity"})
    for cls in (TPPO, ATPPO, EstimatorTPPO):
        assert get_algorithm_class(cls.__name__) is cls
