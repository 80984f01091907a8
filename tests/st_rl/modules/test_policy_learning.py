"""That the architectures can learn what they are there for, by plain regression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from st_rl.modules import ActorCritic, ActorCriticRecurrent, EncoderActorCritic, StateAcRecurrent
from st_rl.utils.obs_layout import ObsLayout

NUM_STEPS, NUM_ENVS = 10, 64
MASKS = torch.ones(NUM_STEPS, NUM_ENVS, dtype=torch.bool)


def fit(policy: Any, loss_of: Callable[[], Tensor], steps: int, rate: float = 5e-3) -> float:
    optimizer = torch.optim.Adam(policy.parameters(), lr=rate)
    losses = []
    for _ in range(steps):
        loss = loss_of()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses[-10:]) / 10


def test_a_memory_recalls_what_an_mlp_cannot_know() -> None:
    """The sign shown at the first step is asked for at the last: an MLP sees noise there, its best error is 1."""
    torch.manual_seed(0)

    def recall_loss(policy: ActorCritic) -> Tensor:
        obs = torch.randn(NUM_STEPS, NUM_ENVS, 2)
        sign = torch.randint(0, 2, (NUM_ENVS, 1)) * 2.0 - 1.0
        obs[0, :, :1] = sign
        policy.act(obs, masks=MASKS)
        return (policy.action_mean[-1] - sign).square().mean()

    recurrent = ActorCriticRecurrent(2, 2, 1, actor_hidden_dims=[16], critic_hidden_dims=[16], rnn_hidden_size=16)
    flat = ActorCritic(2, 2, 1, actor_hidden_dims=[32], critic_hidden_dims=[16])
    assert fit(recurrent, lambda: recall_loss(recurrent), 300, rate=1e-2) < 0.1
    assert fit(flat, lambda: recall_loss(flat), 100) > 0.8


def test_an_estimator_recovers_a_hidden_velocity() -> None:
    torch.manual_seed(0)
    layout = ObsLayout({"position": 1, "velocity": 1})
    policy = StateAcRecurrent(
        2,
        2,
        1,
        obs_segments=layout,
        actor_hidden_dims=[8],
        critic_hidden_dims=[8],
        rnn_hidden_size=24,
        estimator_obs_components=["position"],
        estimator_target_components=["velocity"],
        estimator_kwargs={"hidden_sizes": [24], "nonlinearity": "ELU"},
    )

    def batch() -> Tensor:
        pushes = torch.randn(NUM_STEPS, NUM_ENVS, 1) * 0.3
        velocity = torch.randn(NUM_ENVS, 1) + pushes.cumsum(0)
        position = torch.randn(NUM_ENVS, 1) + 0.5 * velocity.cumsum(0)
        return torch.cat([position, velocity], dim=-1)

    def errors() -> tuple[Tensor, Tensor]:
        obs = batch()
        policy.act(obs, masks=MASKS)
        truth = layout.select(obs, "velocity")[1:]  # one position alone says nothing
        return (policy.get_estimated_state()[1:] - truth).square().mean(), truth.var()

    fit(policy, lambda: errors()[0], 300, rate=1e-2)
    with torch.no_grad():
        squared, variance = errors()
    assert 1.0 - squared / variance > 0.95


def test_a_convolution_finds_what_is_only_in_the_image() -> None:
    torch.manual_seed(0)
    layout = ObsLayout({"state": 2, "image": (1, 8, 8)})
    conv = {"channels": [8], "kernel_sizes": [3], "strides": [2], "paddings": [1], "hidden_sizes": [32]}
    policy = EncoderActorCritic(
        layout.size,
        layout.size,
        2,
        obs_segments=layout,
        actor_hidden_dims=[32],
        critic_hidden_dims=[32],
        encoder_component_names=["image"],
        encoder_class_name="Conv2dHeadModel",
        encoder_kwargs=conv,
        encoder_output_size=16,
    )

    def place_loss() -> Tensor:
        place = torch.randint(0, 8, (NUM_ENVS, 2))
        image = torch.zeros(NUM_ENVS, 1, 8, 8)
        image[torch.arange(NUM_ENVS), 0, place[:, 0], place[:, 1]] = 1.0
        policy.act(layout.pack({"state": torch.randn(NUM_ENVS, 2), "image": image}))
        return (policy.action_mean - (place - 3.5) / 4.0).square().mean()

    assert fit(policy, place_loss, 200) < 0.02  # the variance is 0.33
