"""Bridge to the public rsl-rl-lib (version 5): our environments as its ``VecEnv``."""

from __future__ import annotations

from typing import Any

from rsl_rl.env import VecEnv
from tensordict import TensorDict
from torch import Tensor

from legged_gym_ext.envs.legged_env import LeggedEnv

CRITIC_PREFIX = "critic/"
"""Goes before the names of the critic's segments, whose values are those of the actor without noise."""


class RslRlEnv(VecEnv):
    """``LeggedEnv`` with observations in a TensorDict, one group (N, size) per segment."""

    def __init__(self, env: LeggedEnv) -> None:
        self.env = env
        self.num_envs, self.num_actions = env.num_envs, env.num_actions
        self.max_episode_length, self.device, self.cfg = env.max_episode_length, env.device, env.cfg

    @property
    def episode_length_buf(self) -> Tensor:  # type: ignore[override]
        """(N,) int64, control steps since the last reset."""
        return self.env.episode_length_buf

    @episode_length_buf.setter
    def episode_length_buf(self, value: Tensor) -> None:
        self.env.episode_length_buf = value

    @property
    def obs_groups(self) -> dict[str, list[str]]:
        """Which groups the actor and the critic see: the setting of that name in the library's runner."""
        critic = [f"{CRITIC_PREFIX}{name}" for name in self.env.critic_obs_segments]
        return {"actor": list(self.env.obs_segments), "critic": critic}

    def get_observations(self) -> TensorDict:
        """The current observation."""
        obs, extras = self.env.get_observations()
        return self._groups(obs, extras["observations"]["critic"])

    def step(self, actions: Tensor) -> tuple[TensorDict, Tensor, Tensor, dict[str, Any]]:
        """One control step under ``actions (N, A)``; see the library's ``VecEnv``."""
        obs, rewards, dones, infos = self.env.step(actions)
        # The library takes names with a slash for complete and puts the others under "Episode/".
        log = {name if "/" in name else f"/{name}": value for name, value in infos["log"].items()}
        extras = {"time_outs": infos["time_outs"], "log": log}
        return self._groups(obs, infos["observations"]["critic"]), rewards, dones.long(), extras

    def _groups(self, obs: Tensor, critic_obs: Tensor) -> TensorDict:
        groups = self.actor_groups(obs)
        segments = self.env.critic_obs_segments.split(critic_obs)
        groups.update({f"{CRITIC_PREFIX}{name}": value.flatten(1) for name, value in segments.items()})
        return groups

    def actor_groups(self, obs: Tensor) -> TensorDict:
        """The groups that the actor sees, from a flat observation (N, num_obs)."""
        segments = self.env.obs_segments.split(obs)
        return TensorDict({name: value.flatten(1) for name, value in segments.items()}, batch_size=[len(obs)])
