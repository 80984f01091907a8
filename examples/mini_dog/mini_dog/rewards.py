"""Rewards of this package: each returns a magnitude per second; the weight in the task carries the sign."""

from __future__ import annotations

from torch import Tensor

from legged_gym_ext import EnvState


def drift(env: EnvState, tolerance: float = 0.05) -> Tensor:
    """(N,) m: how far the trunk is from where its episode began, in the plane, beyond ``tolerance`` m."""
    distance = (env.base_pos[:, :2] - env.env_origins[:, :2]).norm(dim=1)
    return (distance - tolerance).clamp_min(0.0)
