"""A rollout that also keeps motion: what each world did and what the reference does."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from st_rl.storage.rollout_storage import RolloutStorage


class AmpRolloutStorage(RolloutStorage):
    """Adds the extra fields ``ref_obs`` and ``ref_motion (T, N, M)`` and two rewards ``(T, N)``."""

    def __init__(
        self,
        num_envs: int,
        num_transitions_per_env: int,
        num_obs: int,
        num_critic_obs: int | None,
        num_actions: int,
        motion_size: int,
        device: torch.device | str = "cpu",
        extra_fields: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        """``motion_size`` M: numbers that describe one transition of a motion."""
        self.motion_size = motion_size
        fields = {"ref_obs": (motion_size,), "ref_motion": (motion_size,), "task_reward": (), "style_reward": ()}
        super().__init__(
            num_envs,
            num_transitions_per_env,
            num_obs,
            num_critic_obs,
            num_actions,
            device=device,
            extra_fields={**(extra_fields or {}), **fields},
        )

    @property
    def ref_obs(self) -> torch.Tensor:
        """(T, N, M), what the worlds did."""
        return self.extras["ref_obs"]

    @property
    def ref_motion(self) -> torch.Tensor:
        """(T, N, M), what the reference does."""
        return self.extras["ref_motion"]

    @property
    def task_reward(self) -> torch.Tensor:
        """(T, N), what the environment paid."""
        return self.extras["task_reward"]

    @property
    def style_reward(self) -> torch.Tensor:
        """(T, N), what the discriminator paid."""
        return self.extras["style_reward"]
