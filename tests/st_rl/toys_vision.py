"""A spot on a screen: where it is stands in the picture alone."""

from __future__ import annotations

from typing import Any

import torch
from toys import ToyEnv

from st_rl.modules import ActorCritic
from st_rl.utils.obs_layout import ObsLayout


class Spot(ToyEnv):
    """A bright pixel on an 8 x 8 screen, each step elsewhere; the action points at it.

    The reward is ``exp(-4 |action - place|^2)`` with ``place (2,)`` in [-1, 1]. The actor reads the picture and a
    segment of noise, the critic the place itself. Without the picture the best is to point at the middle, which
    earns ``blind_reward``.
    """

    world_state = ("pixel", "noise")
    size = 8

    def __init__(self, num_envs: int, max_episode_length: int = 10, seed: int = 0) -> None:
        layout = ObsLayout({"noise": (2,), "forward_depth": (1, self.size, self.size)})
        super().__init__(num_envs, layout, 2, max_episode_length, critic_layout=ObsLayout({"place": (2,)}), seed=seed)

    @property
    def place(self) -> torch.Tensor:
        """(N, 2) in [-1, 1]."""
        return self.pixel * (2.0 / (self.size - 1)) - 1.0

    @property
    def blind_reward(self) -> float:
        """Mean reward of the action zero."""
        row = (-4.0 * torch.linspace(-1.0, 1.0, self.size).square()).exp().mean()
        return float(row.square())

    def _restart(self, mask: torch.Tensor) -> None:
        self.write("pixel", mask, (self.rand(2) * self.size).floor())
        self.write("noise", mask, self.randn(2))

    def _observe(self) -> tuple[torch.Tensor, dict[str, Any]]:
        picture = torch.zeros(self.num_envs, self.size, self.size)
        row, column = self.pixel.long().unbind(-1)
        picture[torch.arange(self.num_envs), row, column] = 1.0
        return torch.cat((self.noise, picture.flatten(1)), -1), {"observations": {"critic": self.place}}

    def _advance(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        error = (actions - self.place).square().sum(-1)
        self._restart(torch.ones(self.num_envs, dtype=torch.bool))
        return (-4.0 * error).exp(), torch.zeros(self.num_envs, dtype=torch.bool), {"error": error.mean()}


def pointing_teacher() -> ActorCritic:
    """The policy that knows the place and points at it."""
    layout = ObsLayout({"place": (2,)})
    teacher = ActorCritic(2, 2, 2, actor_hidden_dims=None, obs_segments=layout)
    with torch.no_grad():
        teacher.actor.mean.weight.copy_(torch.eye(2))
        teacher.actor.mean.bias.zero_()
    return teacher


class SlowSpot(Spot):
    """A ``Spot`` whose picture comes every ``every`` steps, and in between stays as it was, growing older.

    The actor also reads the picture's age, in s of 0.1 a step. Nothing else says where the spot is.
    """

    world_state = ("pixel", "noise", "age")
    every = 3

    def __init__(self, num_envs: int, max_episode_length: int = 10, seed: int = 0) -> None:
        super().__init__(num_envs, max_episode_length, seed)
        self.obs_segments = ObsLayout({**self.obs_segments, "image_age": (1,)})
        self.num_obs = self.obs_segments.size

    def _restart(self, mask: torch.Tensor) -> None:
        super()._restart(mask)
        self.write("age", mask, torch.zeros(self.num_envs, 1))

    def _observe(self) -> tuple[torch.Tensor, dict[str, Any]]:
        obs, extras = super()._observe()
        return torch.cat((obs, 0.1 * self.age), -1), extras

    def _advance(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        error = (actions - self.place).square().sum(-1)
        self.age = self.age + 1.0
        self._restart(self.age[:, 0] >= self.every)
        return (-4.0 * error).exp(), torch.zeros(self.num_envs, dtype=torch.bool), {"error": error.mean()}
