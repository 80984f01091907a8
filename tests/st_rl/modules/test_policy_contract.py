"""What holds for every policy class."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from policy_cases import CRITIC_LAYOUT, FEED_FORWARD, LAYOUT, NUM_ACTIONS, RECURRENT, SINGLE, Case
from torch import Tensor

from st_rl.modules import POLICY_CLASSES, EmpiricalNormalization, get_policy_class
from st_rl.utils.errors import UnknownNameError
from st_rl.utils.export import export_onnx, export_torchscript
from st_rl.utils.namedarraytuple import NamedArrayTuple
from st_rl.utils.padding import split_and_pad_trajectories, trajectory_starts

NUM_ENVS, NUM_STEPS = 5, 7

every_policy = pytest.mark.parametrize("case", SINGLE, ids=str)
every_recurrent = pytest.mark.parametrize("case", RECURRENT, ids=str)


def lively(policy: Any) -> Any:
    """The policy with a last layer large enough that its actions depend visibly on what it reads."""
    torch.nn.init.normal_(policy.actor.mean.weight)
    return policy


def rollout_batch(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Observations ``(T, N, D)``, critic observations and dones ``(T, N)`` with resets in mid-sequence."""
    generator = torch.Generator().manual_seed(seed)
    dones = torch.rand(NUM_STEPS, NUM_ENVS, generator=generator) < 0.3
    dones[:, 0] = False
    dones[2, 1] = dones[3, 1] = True
    return (
        torch.randn(NUM_STEPS, NUM_ENVS, LAYOUT.size, generator=generator),
        torch.randn(NUM_STEPS, NUM_ENVS, CRITIC_LAYOUT.size, generator=generator),
        dones,
    )


def states_of_trajectories(states: list[NamedArrayTuple], dones: Tensor) -> NamedArrayTuple:
    """Hidden states at the first steps of the padded trajectories, as a storage selects them."""
    starts = trajectory_starts(dones).transpose(0, 1)
    stacked = type(states[0]).stack(states)
    return stacked.map(lambda leaf: leaf.permute(2, 0, 1, 3)[starts].transpose(0, 1))


def test_every_registered_class_is_tested_here_or_as_a_mutex() -> None:
    mutex = {"ActorCriticMutex", "ActorCriticFieldMutex", "ActorCriticClimbMutex"}
    assert {case.class_name for case in SINGLE} | mutex == set(POLICY_CLASSES)
    with pytest.raises(UnknownNameError, match="StateAcRecurrent"):
        get_policy_class("NoSuchPolicy")


@every_policy
def test_shapes_of_a_step(case: Case) -> None:
    policy = case.build()
    obs, critic_obs, _ = rollout_batch()
    actions = policy.act(obs[0])
    assert actions.shape == policy.action_mean.shape == policy.action_std.shape == (NUM_ENVS, NUM_ACTIONS)
    assert policy.get_actions_log_prob(actions).shape == policy.entropy.shape == (NUM_ENVS,)
    assert policy.act_inference(obs[0]).shape == (NUM_ENVS, NUM_ACTIONS)
    assert policy.evaluate(critic_obs[0]).shape == (NUM_ENVS, 1)
    distribution, values = policy(obs[0], critic_obs[0])
    assert distribution.mean.shape == (NUM_ENVS, NUM_ACTIONS) and values.shape == (NUM_ENVS, 1)
    log_probs, entropy, values = policy.evaluate_actions(obs[0], actions, critic_obs[0])
    assert log_probs.shape == entropy.shape == (NUM_ENVS,) and values.shape == (NUM_ENVS, 1)
    policy.reset(torch.ones(NUM_ENVS, dtype=torch.bool))
    policy.reset()


@every_policy
def test_log_prob_and_entropy_are_those_of_the_normal_distribution(case: Case) -> None:
    policy = lively(case.build(init_noise_std=[0.5, 1.0, 2.0]))
    obs, critic_obs, _ = rollout_batch()
    distribution, _ = policy(obs[0], critic_obs[0])
    actions = torch.randn(NUM_ENVS, NUM_ACTIONS)
    torch.testing.assert_close(policy.get_actions_log_prob(actions), distribution.log_prob(actions).sum(-1))
    torch.testing.assert_close(policy.entropy, distribution.entropy().sum(-1))
    torch.testing.assert_close(policy.action_std[0], torch.tensor([0.5, 1.0, 2.0]))


@every_policy
def test_unknown_arguments_are_refused_by_name(case: Case) -> None:
    with pytest.raises(TypeError, match="no_such_argument"):
        case.build(no_such_argument=1)


@every_policy
def test_observations_are_never_written(case: Case) -> None:
    policy = case.build()
    obs, critic_obs, _ = rollout_batch()
    before, critic_before = obs.clone(), critic_obs.clone()
    policy.act(obs[0])
    policy.act_inference(obs[0])
    policy.evaluate(critic_obs[0])
    assert torch.equal(obs, before) and torch.equal(critic_obs, critic_before)


@every_policy
def test_saved_and_loaded_it_acts_identically(case: Case, tmp_path: Path) -> None:
    policy, other = lively(case.build()), case.build()
    obs, critic_obs, _ = rollout_batch()
    torch.save(policy.state_dict(), tmp_path / "model.pt")
    other.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    assert torch.equal(policy.act_inference(obs[0]), other.act_inference(obs[0]))
    assert torch.equal(policy.evaluate(critic_obs[0]), other.evaluate(critic_obs[0]))


@every_policy
def test_it_can_be_copied_while_it_holds_a_graph(case: Case) -> None:
    policy = lively(case.build())
    obs, _, _ = rollout_batch()
    policy.act(obs[0])
    twin = copy.deepcopy(policy)
    assert torch.equal(policy.act_inference(obs[1]), twin.act_inference(obs[1]))


@every_policy
def test_the_noise_level_is_clipped_and_stays_positive(case: Case) -> None:
    policy = case.build(init_noise_std=1.0)
    policy.clip_std(min=torch.tensor([0.1, 2.0, 0.1]), max=None)
    torch.testing.assert_close(policy.std, torch.tensor([1.0, 2.0, 1.0]))
    policy.clip_std(max=0.5)
    torch.testing.assert_close(policy.std, torch.full((3,), 0.5))
    policy.clip_std(min=-1.0, max=0.0)
    assert (policy.std > 0).all()


@every_recurrent
def test_a_sequence_equals_its_steps_with_resets_in_between(case: Case) -> None:
    policy = lively(case.build())
    obs, critic_obs, dones = rollout_batch()
    with torch.no_grad():
        for step in range(3):  # states at the start of the rollout are those of running episodes
            policy.act(obs[step] * 0.5)
            policy.evaluate(critic_obs[step] * 0.5)
    states, means, values, predictions = [], [], [], []
    with torch.no_grad():
        for step in range(NUM_STEPS):
            states.append(policy.get_hidden_states())
            policy.act(obs[step])
            means.append(policy.action_mean)
            values.append(policy.evaluate(critic_obs[step]))
            predictions.append({name: found.prediction for name, found in policy.state_predictions().items()})
            policy.reset(dones[step])
    padded, masks = split_and_pad_trajectories(obs, dones)
    critic_padded, _ = split_and_pad_trajectories(critic_obs, dones)
    start = states_of_trajectories(states, dones)
    actions = policy.act(padded, masks=masks, hidden_states=start.actor)
    assert actions.shape == (NUM_STEPS, NUM_ENVS, NUM_ACTIONS)
    torch.testing.assert_close(policy.action_mean, torch.stack(means), atol=1e-5, rtol=0)
    values_of_sequence = policy.evaluate(critic_padded, masks=masks, hidden_states=start.critic)
    torch.testing.assert_close(values_of_sequence, torch.stack(values), atol=1e-5, rtol=0)
    for name, found in policy.state_predictions().items():
        steps = torch.stack([step[name] for step in predictions])
        torch.testing.assert_close(found.prediction, steps, atol=1e-5, rtol=0)
    # The steps did depend on their past: without the stored states the first actions are others.
    policy.act(padded, masks=masks)
    assert not torch.allclose(policy.action_mean[0], means[0], atol=1e-3)


@every_recurrent
def test_hidden_states_can_be_restored(case: Case) -> None:
    policy = lively(case.build())
    obs, critic_obs, _ = rollout_batch()
    with torch.no_grad():
        policy.act(obs[0])
        policy.evaluate(critic_obs[0])
        states = policy.get_hidden_states()
        expected = policy.act_inference(obs[1]), policy.evaluate(critic_obs[1])
        policy.act(obs[2])
        policy.set_hidden_states(states)
        assert torch.equal(policy.act_inference(obs[1]), expected[0])
        assert torch.equal(policy.evaluate(critic_obs[1]), expected[1])
        policy.reset()
        fresh = policy.act_inference(obs[1])
        policy.set_hidden_states(policy.zero_hidden_states(NUM_ENVS))
        assert torch.equal(policy.act_inference(obs[1]), fresh)


@every_recurrent
def test_a_reset_concerns_only_its_worlds_even_with_broken_states(case: Case) -> None:
    policy = lively(case.build())
    obs, _, _ = rollout_batch()
    with torch.no_grad():
        fresh = policy.act_inference(obs[1])
        policy.reset()
        policy.act(obs[0])
        running = copy.deepcopy(policy).act_inference(obs[1])
        memory: Any = policy.actor_memories()[0]
        memory.set_flat_state([state.index_fill(1, torch.tensor([1]), torch.nan) for state in memory.flat_state()])
        policy.reset(torch.tensor([0, 1, 0, 0, 0]))
        mixed = policy.act_inference(obs[1])
    torch.testing.assert_close(mixed[1], fresh[1])
    others = [0, 2, 3, 4]
    torch.testing.assert_close(mixed[others], running[others])


@every_policy
def test_exported_it_acts_identically(case: Case, tmp_path: Path) -> None:
    policy = lively(case.build())
    normalizer = EmpiricalNormalization(LAYOUT.size)
    normalizer.update(torch.randn(50, LAYOUT.size) * 2 + 1)
    assert export_torchscript(policy, tmp_path / "policy.pt", normalizer) < 1e-5


# What a policy computes when it acts, once each: classes that add a discriminator or a critic's encoder act alike.
ONNX_CASES = [*(FEED_FORWARD[index] for index in (0, 4, 7, 8)), *(RECURRENT[index] for index in (1, 3, 8, 9, 10, 11))]


@pytest.mark.parametrize("case", ONNX_CASES, ids=str)
def test_exported_to_onnx_it_acts_identically(case: Case, tmp_path: Path) -> None:
    normalizer = EmpiricalNormalization(LAYOUT.size)
    normalizer.update(torch.randn(50, LAYOUT.size) * 2 + 1)
    assert export_onnx(lively(case.build()), tmp_path / "policy.onnx", normalizer) < 1e-5
