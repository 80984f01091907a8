"""The mutex policy that has one sub-policy for jumping up and another one for jumping down."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from st_rl.modules.actor_critic_field_mutex import ActorCriticFieldMutex
from st_rl.modules.mutex_cfg import ClimbMutexCfg
from st_rl.modules.velocity_commands import VelocityCommand, as_range
from st_rl.utils.errors import UserError


class ActorCriticClimbMutex(ActorCriticFieldMutex):
    """Has one more sub-policy, the last, that jumps down; that of the jump obstacle jumps up."""

    cfg_class = ClimbMutexCfg

    JUMP_OBSTACLE_ID = 3

    def __init__(
        self,
        num_actor_obs: int,
        num_critic_obs: int,
        num_actions: int,
        sub_policy_class_name: str,
        sub_policy_paths: Sequence[str | Path],
        *args: Any,
        jump_down_policy_path: str | Path | None = None,
        jump_down_vel: VelocityCommand | None = None,
        **kwargs: Any,
    ) -> None:
        """``jump_down_policy_path``: run folder of the policy that jumps down, appended to ``sub_policy_paths``.

        Without it the last of ``sub_policy_paths`` jumps down. ``jump_down_vel``: forward velocity for it, fixed or a
        range; without it that of ``cmd_vel_mapping``, or else the one for jumping up, holds.
        """
        self.jump_down_vel = jump_down_vel
        paths = [*sub_policy_paths, *([] if jump_down_policy_path is None else [jump_down_policy_path])]
        super().__init__(num_actor_obs, num_critic_obs, num_actions, sub_policy_class_name, paths, *args, **kwargs)

    def get_policy_selection(self, observations: Tensor) -> Tensor:
        """As in ``ActorCriticFieldMutex``; a jump goes up where the last block info is above zero, else down."""
        selection = super().get_policy_selection(observations)
        is_jump = torch.arange(selection.shape[-1], device=selection.device) == self.JUMP_OBSTACLE_ID
        goes_up = self._engaging_block(observations)[..., -1:] > 0.0
        jump_down = selection[..., self.JUMP_OBSTACLE_ID].unsqueeze(-1) & ~goes_up
        return torch.cat([selection & (goes_up | ~is_jump), jump_down], dim=-1)

    def _num_obstacle_policies(self) -> int:
        return len(self.submodules) - 1

    def _command_ranges(self) -> Tensor:
        ranges = super()._command_ranges()
        if self.jump_down_vel is not None:
            ranges[-1] = torch.tensor(as_range(self.jump_down_vel))
        elif len(self.submodules) - 1 not in self.cmd_vel_mapping:
            ranges[-1] = ranges[self.JUMP_OBSTACLE_ID]
        return ranges

    def _check_layout(self) -> None:
        super()._check_layout()
        if self._num_obstacle_policies() <= self.JUMP_OBSTACLE_ID:
            raise UserError(
                f"{type(self).__name__} needs sub-policies for the obstacle ids 0 to {self.JUMP_OBSTACLE_ID} at least "
                f"and, last, one to jump down; it was given {len(self.submodules)} run folders"
            )
