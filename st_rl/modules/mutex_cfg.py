"""Mutex policies as typed configurations (see ``policy_cfg``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from st_rl.modules.policy_cfg import PolicyCfg
from st_rl.utils.ranges import Count, Interval, Positive, Quantity, Whole

ResetMode = Literal["all", "when_skill", "none"]


@dataclass(frozen=True)
class MutexCfg(PolicyCfg):
    """Trained policies in one, of which one acts at a time."""

    sub_policy_class_name: str = "ActorCritic"
    """Class of the sub-policies whose run does not name it."""
    sub_policy_paths: tuple[str, ...] = ()
    """Run folders of the sub-policies, in the order of the selection."""
    env_action_scale: Positive | None = None
    """Radians per unit of action of the environment; by default what the environment has."""

    def arguments(self) -> dict[str, Any]:
        """As ``PolicyCfg.arguments``; without ``env_action_scale`` where it is left to the environment."""
        arguments = super().arguments() | {
            "sub_policy_class_name": self.sub_policy_class_name,
            "sub_policy_paths": list(self.sub_policy_paths),
        }
        return arguments if self.env_action_scale is None else arguments | {"env_action_scale": self.env_action_scale}


@dataclass(frozen=True)
class FieldMutexCfg(MutexCfg):
    """A mutex that chooses by the obstacle ahead."""

    cmd_velocities: tuple[tuple[Whole, Quantity, Quantity], ...] = ()
    """Index of a sub-policy, and the lowest and highest forward command, m/s, while it is selected."""
    reset_non_selected: ResetMode = "all"
    """Which of the sub-policies that are not selected forget what they remember."""
    action_smoothing_buffer_len: Count = 1
    """Steps whose selections are averaged to blend the actions."""

    def arguments(self) -> dict[str, Any]:
        """As ``MutexCfg.arguments``."""
        return super().arguments() | {
            "cmd_vel_mapping": {str(index): [low, high] for index, low, high in self.cmd_velocities},
            "reset_non_selected": False if self.reset_non_selected == "none" else self.reset_non_selected,
            "action_smoothing_buffer_len": self.action_smoothing_buffer_len,
        }


@dataclass(frozen=True)
class ClimbMutexCfg(FieldMutexCfg):
    """A mutex with one more sub-policy, the last, that jumps down."""

    jump_down_policy_path: str | None = None
    """Run folder of the policy that jumps down; by default the last of ``sub_policy_paths``."""
    jump_down_vel: Interval | None = None
    """Lowest and highest forward command, m/s, while it jumps down; by default as for jumping up."""

    def arguments(self) -> dict[str, Any]:
        """As ``FieldMutexCfg.arguments``."""
        arguments = super().arguments()
        if self.jump_down_policy_path is not None:
            arguments["jump_down_policy_path"] = self.jump_down_policy_path
        return arguments if self.jump_down_vel is None else arguments | {"jump_down_vel": list(self.jump_down_vel)}
