"""A wheel that may turn either way: two gaits, worth the same to the task."""

from __future__ import annotations

from typing import Any

import torch
from toys import ToyEnv

from st_rl.utils.obs_layout import ObsLayout


class TwoGaits(ToyEnv):
    """The task asks for a speed of 1 in either direction; the reference shows one of them.

    ``speed' = 0.5 (speed + action)``, reward ``exp(-4 (|speed'| - 1)^2)``. A transition of a motion is
    (speed before, speed after); that of the reference stays at ``gait`` up to noise.
    """

    world_state = ("speed",)

    def __init__(self, num_envs: int, gait: float, max_episode_length: int = 20, seed: int = 0) -> None:
        self.gait = gait
        super().__init__(num_envs, ObsLayout({"speed": (1,)}), 1, max_episode_length, seed=seed)

    def _restart(self, mask: torch.Tensor) -> None:
        self.write("speed", mask, 0.2 * self.randn(1))

    def _observe(self) -> tuple[torch.Tensor, dict[str, Any]]:
        return self.speed, {"observations": {}}

    def _advance(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        before = self.speed
        self.speed = (0.5 * (before + actions)).clamp(-3.0, 3.0)
        self.transition = torch.cat((before, self.speed), -1)
        reward = (-4.0 * (self.speed.abs() - 1.0).square()).exp().squeeze(-1)
        return reward, torch.zeros(self.num_envs, dtype=torch.bool), {"speed": self.speed.mean()}

    def step(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]]:
        obs, rewards, dones, infos = super().step(actions)
        infos["observations"]["ref_obs"] = self.transition
        infos["ref_motion"] = self.gait + 0.05 * self.randn(2)
        return obs, rewards, dones, infos
