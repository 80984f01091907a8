"""What the learning library asks of an environment: many worlds stepped at once, tensors in and out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import torch

from st_rl.utils.policy_interface import Settings


class VecEnv(Protocol):
    """``num_envs`` separate worlds that advance together, written N below.

    Every tensor lies on ``device``; floats are float32. A world whose episode ends is reset inside
    ``step``: the observation that ``step`` returns for it is the first one of its next episode.
    Nothing that a caller receives may be changed by a later ``step`` (views of live buffers are copied).

    ``infos`` of ``step`` holds

    - ``time_outs (N,)`` bool: the episode ended by its time limit, not by failure (subset of ``dones``);
    - ``final_observation``, if the environment reports it: ``actor (N, num_obs)`` and, where ``observations`` has
      it, ``critic``: what the episodes that ended saw last, of use where ``dones`` is true;
    - ``observations``: mapping with the same entries as that of ``get_observations``;
    - ``episode``: mapping name -> 0-d tensor, each the mean over the episodes that ended in this step
      (any value where none did; means are weighted by the number of episodes that ended);
    - ``log``: mapping name -> 0-d tensor, each a mean over worlds at this step. A name that ends in
      ``_mse`` (mean squared error) is logged as its root too, with the ending ``_rmsd``; from
      ``power_over_weight`` and ``planar_speed`` (both m/s) follows ``cost_of_transport``.

    ``observations`` holds ``critic (N, num_critic_obs)`` where the critic sees something else than the
    actor; algorithms read further entries from it (``ref_obs``, segments for estimators).
    """

    num_envs: int
    num_obs: int
    num_critic_obs: int
    num_actions: int
    max_episode_length: int
    """In steps."""
    episode_length_buf: torch.Tensor
    """(N,) int64, steps since the world's last reset; may be written to de-synchronize the worlds."""
    device: torch.device | str
    obs_segments: Mapping[str, tuple[int, ...]]
    """Ordered layout of the flat observation: segment name -> shape, sizes adding up to ``num_obs``."""
    critic_obs_segments: Mapping[str, tuple[int, ...]] | None

    def get_observations(self) -> tuple[torch.Tensor, dict[str, Any]]:
        """The current observation (N, num_obs) and ``extras`` with the mapping ``observations``."""
        ...

    def step(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]]:
        """Apply ``actions (N, num_actions)`` for one control step.

        Returns ``obs (N, num_obs)``, ``rewards (N,)``, ``dones (N,)`` bool and ``infos``.
        """
        ...

    def reset(self) -> tuple[torch.Tensor, dict[str, Any]]:
        """Start a new episode in every world; returns what ``get_observations`` returns."""
        ...


@runtime_checkable
class StatefulVecEnv(Protocol):
    """An environment whose whole state can be saved, so that a resumed run equals an uninterrupted one."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that later steps depend on, generators of its own included.

        Tensors and plain numbers, strings, lists and dictionaries only: the file is read with
        ``torch.load(..., weights_only=True)``.
        """
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned, in an environment built with the same configuration."""
        ...


@runtime_checkable
class DescribedVecEnv(Protocol):
    """An environment that says what its numbers mean."""

    settings: Settings
    """The entries of ``config.json`` that ``st_rl.utils.policy_interface`` reads."""
