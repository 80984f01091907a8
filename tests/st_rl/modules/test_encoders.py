"""Policies with encoders, and with a visual encoder."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from policy_cases import CONV, CRITIC_LAYOUT, ENCODER, LAYOUT, VISUAL, Case
from torch import Tensor

from st_rl.modules import get_policy_class
from st_rl.utils.errors import UserError

OBS = torch.randn(3, LAYOUT.size)


def encoder_policy(**changes: Any) -> Any:
    return Case("EncoderActorCritic", ENCODER).build(**changes)


def test_latents_take_the_place_of_their_segments_whatever_the_order_of_the_names() -> None:
    policy = encoder_policy()
    embedded = policy.embed_encoders_latent(OBS, policy.encoder_obs_slices, policy.encoders, policy.latents_order)
    parts = LAYOUT.split(OBS)
    expected = [
        parts["proprioception"],
        parts["velocity"],
        policy.encoders["friction"](parts["friction"]),
        parts["engaging_block"],
        policy.encoders["forward_depth"](parts["forward_depth"]),
    ]
    torch.testing.assert_close(embedded, torch.cat(expected, dim=-1))
    assert policy.actor.fc[0].in_features == embedded.shape[-1] == 16 + 2 + 4 + 8 + 4
    assert policy.critic.fc[0].in_features == CRITIC_LAYOUT.size


def test_the_latent_of_a_segment_can_be_asked_for() -> None:
    policy = encoder_policy(critic_encoder_component_names="shared")
    latent = policy.get_encoder_latent(OBS, "forward_depth")
    torch.testing.assert_close(latent, policy.encoders["forward_depth"](LAYOUT.select(OBS, "forward_depth")))
    critic_obs = torch.randn(3, CRITIC_LAYOUT.size)
    image = CRITIC_LAYOUT.select(critic_obs, "forward_depth")
    shared = policy.get_encoder_latent(critic_obs, "forward_depth", critic=True)
    torch.testing.assert_close(shared, policy.encoders["forward_depth"](image))
    sequence = policy.get_encoder_latent(OBS.expand(2, 3, -1), "friction")
    assert sequence.shape == (2, 3, 4)
    with pytest.raises(KeyError, match="forward_depth, friction"):
        policy.get_encoder_latent(OBS, "velocity")


def test_the_critic_may_have_encoders_of_its_own() -> None:
    own = encoder_policy(
        critic_encoder_component_names=["proprioception"],
        critic_encoder_class_name="MlpModel",
        critic_encoder_kwargs={"hidden_sizes": [6]},
        critic_encoder_output_size=3,
    )
    assert list(own.critic_encoders) == ["proprioception"] and own.critic_encoders is not own.encoders
    assert own.critic.fc[0].in_features == CRITIC_LAYOUT.size - 16 + 3
    shared = encoder_policy(critic_encoder_component_names="shared")
    assert shared.critic_encoders is shared.encoders
    assert not any(name.startswith("own_critic_encoders") for name in shared.state_dict())


def test_without_output_size_the_latent_is_the_last_hidden_layer() -> None:
    policy = encoder_policy(
        encoder_component_names="friction",
        encoder_class_name="MlpModel",
        encoder_kwargs={"hidden_sizes": [7, 5]},
        encoder_output_size=None,
    )
    assert policy.get_encoder_latent(OBS, "friction").shape == (3, 5)


def test_encoders_that_cannot_be_built_say_why() -> None:
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"encoder_component_names": []}, UserError, "encoder_component_names"),
        ({"obs_segments": None}, UserError, "obs_segments"),
        ({"encoder_component_names": ["forward_depth", "no_such"]}, KeyError, "no_such"),
        ({"encoder_class_name": "Transformer"}, KeyError, "Conv2dHeadModel, MlpModel"),
        ({"encoder_class_name": ["MlpModel"]}, UserError, "2 of each"),
        ({"encoder_kwargs": [{}]}, UserError, "2 of each"),
        ({"critic_encoder_component_names": ["velocity"]}, KeyError, "velocity"),
        ({"encoder_kwargs": [{**CONV, "no_such": 1}, {"hidden_sizes": []}]}, TypeError, "no_such"),
    ]
    for changes, error, words in cases:
        with pytest.raises(error, match=words):
            encoder_policy(**changes)
    other = {"friction": (1,), "forward_depth": (1, 6, 8), "proprioception": (16,)}
    with pytest.raises(UserError, match=r"cannot share.*\[1, 8, 6\] in the actor and \[1, 6, 8\] in the critic"):
        encoder_policy(critic_encoder_component_names="shared", critic_obs_segments=other)


def visual_policy(class_name: str = "VisualDeterministicAC", **changes: Any) -> Any:
    return Case(class_name, VISUAL).build(**changes)


def test_the_image_is_replaced_by_its_latent() -> None:
    policy = visual_policy()
    embedded = policy.embed_visual_latent(OBS)
    assert embedded.shape == (3, LAYOUT.size - 48 + 5)
    assert torch.equal(embedded[:, :27], OBS[:, :27])
    torch.testing.assert_close(embedded[:, 27:], policy.visual_encoder(LAYOUT.split(OBS)["forward_depth"]))


@pytest.mark.parametrize("class_name", ["VisualDeterministicAC", "VisualDeterministicRecurrent"])
def test_an_embedded_observation_is_not_encoded_again(class_name: str) -> None:
    policy = visual_policy(class_name)
    encoded: list[Tensor] = []
    policy.visual_encoder.register_forward_hook(lambda _module, _inputs, output: encoded.append(output))
    embedded = policy.embed_visual_latent(OBS)
    policy.reset()
    actions = policy.act_with_embedded_latent(embedded)
    assert len(encoded) == 1
    policy.reset()
    assert torch.equal(actions, policy.act(OBS)) and torch.equal(actions, policy.action_mean)


def test_a_critic_without_the_image_reads_its_observation_as_it_is() -> None:
    policy = visual_policy(critic_obs_segments={"state": CRITIC_LAYOUT.size})
    assert policy.critic.fc[0].in_features == CRITIC_LAYOUT.size


def test_visual_policies_say_what_is_missing() -> None:
    with pytest.raises(UserError, match="forward_depth"):
        visual_policy(obs_segments=None)
    with pytest.raises(KeyError, match="'camera'; choose one of: proprioception"):
        visual_policy(visual_component_name="camera")
    with pytest.raises(UserError, match="same image"):
        visual_policy(critic_obs_segments={"friction": 1, "forward_depth": (1, 6, 8), "rest": 16})


def test_the_usage_of_the_reference() -> None:
    """Chapter 15: arguments as they stand there, the other ones at their defaults."""
    layout = {"proprioception": (32,), "forward_depth": (1, 20, 24)}
    model = get_policy_class("VisualDeterministicAC")(
        num_actor_obs=512,
        num_critic_obs=512,
        num_actions=12,
        obs_segments=layout,
        visual_component_name="forward_depth",
        visual_kwargs={"channels": [32, 64], "kernel_sizes": [5, 3], "strides": [2, 2]},
        visual_latent_size=128,
    )
    obs = torch.randn(2, 512)
    actions = model.act(obs)
    assert actions.shape == (2, 12) and torch.equal(actions, model.act_inference(obs))
    assert model.embed_visual_latent(obs).shape == (2, 32 + 128) and model.evaluate(obs).shape == (2, 1)
