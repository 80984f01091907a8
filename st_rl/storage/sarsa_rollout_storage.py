"""Rollouts whose mini-batches know what came next."""

from __future__ import annotations

import torch

from st_rl.storage.rollout_storage import Batch, RolloutStorage


class SarsaRolloutStorage(RolloutStorage):
    """Mini-batches hold ``(s, a, r, s', a')``: state, action, reward, and the next state and action.

    The next ones are read from the following step, nothing is stored twice. Where an episode ended they belong to
    the next episode: ``dones`` tells, and a target must not look across.
    """

    _last: tuple[torch.Tensor, torch.Tensor] | None = None
    """What ``finish`` was given."""

    def finish(self, last_obs: torch.Tensor, last_actions: torch.Tensor) -> None:
        """Close the rollout: ``last_obs (N, D)`` is seen after the last step, ``last_actions (N, A)`` taken there."""
        self._last = (last_obs.clone(), last_actions.clone())

    def mini_batches(self, num_mini_batches: int) -> list[Batch]:
        """As ``RolloutStorage``, with ``rewards``, ``dones`` (float), ``next_obs`` and ``next_actions`` as extras.

        Raises:
            ValueError: the rollout is not full, or was not closed by ``finish``.
        """
        if not self.full or self._last is None:
            raise ValueError("fill the storage and call finish() before making mini-batches")
        last_obs, last_actions = self._last
        own = self.extras
        self.extras = {
            **own,
            "rewards": self.rewards,
            "dones": self.dones.to(self.rewards.dtype),
            "next_obs": torch.cat((self.obs[1:], last_obs.unsqueeze(0))),
            "next_actions": torch.cat((self.actions[1:], last_actions.unsqueeze(0))),
        }
        try:
            return super().mini_batches(num_mini_batches)
        finally:
            self.extras = own

    def clear(self) -> None:
        """Forget the rollout and how it was closed."""
        super().clear()
        self._last = None
