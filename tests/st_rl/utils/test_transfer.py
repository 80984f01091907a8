"""Starting from a policy of other observation segments."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from st_rl.modules import (
    ActorCritic,
    ActorCriticRecurrent,
    EmpiricalNormalization,
    EncoderActorCritic,
    EncoderStateAcRecurrent,
    StateAcRecurrent,
)
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.transfer import align_normalizer_state, load_misaligned_state_dict

OLD = ObsLayout({"proprioception": (6,), "command": (2,), "base_pose": (3,)})
NEW = ObsLayout({"height": (4,), "command": (2,), "proprioception": (6,), "friction": (1,)})
SMALL: dict[str, Any] = {"actor_hidden_dims": [8], "critic_hidden_dims": [8]}
RNN: dict[str, Any] = {**SMALL, "rnn_hidden_size": 5}


def build(make: Any, layout: ObsLayout, critic: ObsLayout | None = None, **kwargs: Any) -> Any:
    critic = critic or layout
    policy = make(layout.size, critic.size, 2, obs_segments=layout, critic_obs_segments=critic, **kwargs)
    torch.nn.init.normal_(policy.actor.mean.weight)
    return policy


def same_world(num_envs: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """One state in both layouts; what only the old one has is zero, what only the new one has is arbitrary."""
    new = torch.randn(num_envs, NEW.size)
    parts = NEW.split(new)
    parts = {"proprioception": parts["proprioception"], "command": parts["command"]}
    return OLD.pack({**parts, "base_pose": torch.zeros(num_envs, 3)}), new


@pytest.mark.parametrize(
    ("make", "kwargs"),
    [
        (ActorCritic, SMALL),
        (ActorCritic, {"actor_hidden_dims": [], "critic_hidden_dims": [8]}),
        (ActorCriticRecurrent, RNN),
        (ActorCriticRecurrent, {**RNN, "rnn_type": "gru", "rnn_num_layers": 2}),
        (
            StateAcRecurrent,
            {
                **RNN,
                "estimator_obs_components": ["command", "proprioception"],
                "estimator_target_components": ["command"],
            },
        ),
    ],
)
@pytest.mark.parametrize("as_state_dict", [True, False])
def test_the_new_policy_acts_as_the_old_one_did(make: Any, kwargs: dict[str, Any], as_state_dict: bool) -> None:
    source, target = build(make, OLD, **kwargs), build(make, NEW, **kwargs)
    report = load_misaligned_state_dict(target, source.state_dict() if as_state_dict else source, OLD)
    old, new = same_world()
    torch.testing.assert_close(target.act_inference(new), source.act_inference(old))
    torch.testing.assert_close(target.evaluate(new), source.evaluate(old))
    first = "memory_a.rnn.weight_ih_l0" if source.is_recurrent else next(iter(report.moved))
    assert report.moved[first] == ["command", "proprioception"]
    assert report.new_segments[first] == ["height", "friction"]
    assert report.left_out[f"{first}[base_pose]"] == "no such segment here"
    assert f"{first}: command, proprioception (new: height, friction)" in str(report)
    assert "actor.log_std" in report.copied


def test_equal_layouts_are_copied_whole() -> None:
    source, target = build(ActorCritic, OLD, **SMALL), build(ActorCritic, OLD, **SMALL)
    report = load_misaligned_state_dict(target, source, OLD)
    assert not report.moved and not report.left_out and len(report.copied) == len(source.state_dict())
    obs = torch.randn(3, OLD.size)
    assert torch.equal(source.act_inference(obs), target.act_inference(obs))


def test_actor_and_critic_layouts_are_told_apart() -> None:
    source, target = build(ActorCritic, OLD, NEW, **SMALL), build(ActorCritic, NEW, OLD, **SMALL)
    load_misaligned_state_dict(target, source, OLD, NEW)
    old, new = same_world()
    torch.testing.assert_close(target.act_inference(new), source.act_inference(old))
    new[:, NEW.slice_of("height")] = new[:, NEW.slice_of("friction")] = 0.0
    torch.testing.assert_close(target.evaluate(old), source.evaluate(new))


ENCODED: dict[str, Any] = {
    "encoder_component_names": ["proprioception"],
    "encoder_kwargs": {"hidden_sizes": [7]},
    "encoder_output_size": 3,
    "critic_encoder_component_names": "shared",
}


def test_encoders_follow_the_segment_they_encode() -> None:
    source, target = (
        build(EncoderActorCritic, OLD, **SMALL, **ENCODED),
        build(EncoderActorCritic, NEW, **SMALL, **ENCODED),
    )
    report = load_misaligned_state_dict(target, source, OLD)
    old, new = same_world()
    torch.testing.assert_close(target.act_inference(new), source.act_inference(old))
    torch.testing.assert_close(target.evaluate(new), source.evaluate(old))
    assert "encoders.proprioception.model.0.weight" in report.copied


def test_a_policy_with_a_new_encoder_starts_from_one_without() -> None:
    source = build(ActorCritic, OLD, **SMALL)
    kwargs = {**SMALL, **ENCODED, "encoder_component_names": ["height"]}
    target = build(EncoderActorCritic, NEW, **kwargs)
    for module in (source, source.state_dict()):
        report = load_misaligned_state_dict(target, module, OLD)
        old, new = same_world()
        torch.testing.assert_close(target.act_inference(new), source.act_inference(old))
        assert report.new_segments["actor.fc.0.weight"] == ["height", "friction"]
        assert report.left_out["encoders.height.model.0.weight"].startswith("not in the source")


def test_the_documented_method_does_it_for_encoder_and_estimator_together() -> None:
    kwargs = {
        **RNN,
        **ENCODED,
        "estimator_obs_components": ["proprioception"],
        "estimator_target_components": ["command"],
    }
    source, target = build(EncoderStateAcRecurrent, OLD, **kwargs), build(EncoderStateAcRecurrent, NEW, **kwargs)
    report = target.load_misaligned_state_dict(source, OLD)
    old, new = same_world()
    torch.testing.assert_close(target.act_inference(new), source.act_inference(old))
    torch.testing.assert_close(target.get_estimated_state(), source.get_estimated_state())
    assert set(report.moved) == {"memory_a.rnn.weight_ih_l0", "memory_c.rnn.weight_ih_l0"}


def test_what_does_not_fit_stays_and_is_reported() -> None:
    source = build(ActorCritic, OLD, actor_hidden_dims=[8, 4], critic_hidden_dims=[9])
    target = build(ActorCritic, NEW, **SMALL)
    before = {name: value.clone() for name, value in target.state_dict().items()}
    report = load_misaligned_state_dict(target, source, OLD)
    assert "actor.mean.weight" in report.left_out and "critic.fc.0.weight" in report.left_out
    assert report.left_out["actor.fc.2.weight"] == "not in this policy"
    for name in ("actor.mean.weight", "critic.fc.0.weight"):
        assert torch.equal(target.state_dict()[name], before[name])


def test_nonsense_is_refused() -> None:
    target = build(ActorCritic, NEW, **SMALL)
    with pytest.raises(UserError, match="nothing of the given policy fits"):
        load_misaligned_state_dict(target, {"other": torch.zeros(2)}, OLD)
    with pytest.raises(UserError, match="obs_segments"):
        load_misaligned_state_dict(ActorCritic(3, 3, 2), target, NEW)


def test_statistics_follow_their_segments_and_new_ones_learn_from_their_own_data() -> None:
    normalizer = EmpiricalNormalization(OLD.size)
    normalizer.update(torch.randn(1000, OLD.size) * 3.0 + torch.arange(OLD.size))
    aligned = EmpiricalNormalization(NEW.size)
    aligned.load_state_dict(align_normalizer_state(normalizer.state_dict(), OLD, NEW))
    old, new = same_world()
    before, after = OLD.split(normalizer(old)), NEW.split(aligned(new))
    for name in ("proprioception", "command"):
        torch.testing.assert_close(after[name], before[name])
    height = NEW.slice_of("height")
    assert aligned.mean[height].tolist() == [0.0] * 4 and aligned.std[height].tolist() == [1.0] * 4
    batch = torch.randn(50, NEW.size) * 5.0 + 7.0
    aligned.update(batch)
    torch.testing.assert_close(aligned.mean[height], batch.mean(0)[height])
    torch.testing.assert_close(aligned.var[height], batch.var(0, correction=0)[height])
    assert (aligned.mean[NEW.slice_of("command")] - torch.tensor([6.0, 7.0])).abs().max() < 0.5
    with pytest.raises(UserError, match="11 columns"):
        align_normalizer_state(normalizer.state_dict(), NEW, OLD)
