"""Curriculum terms ``f(env, mask, **parameters)``: they adapt the difficulty of worlds whose episode just ended."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from st_rl.utils.ranges import Share


def terrain_level(env: EnvState, mask: Tensor, *, up: Share = 0.7, down: Share = 0.45, anywhere: Share = 0.0) -> None:
    """One level up where the robot tracked its commands to the end of the episode, one down where it did badly.

    Tracking is ``env.tracking_score``, the mean over the full length of an episode of the velocity tracking reward,
    in [0, 1], so falling early scores low. Past the hardest level a world goes to a random one, and so does a share
    ``anywhere`` of all.
    """
    if env.height_field is None:
        return
    top = env.height_field.num_levels - 1
    step = (env.tracking_score > up).long() - (env.tracking_score < down).long()
    level = env.terrain_levels + step
    random = _any_level(env, top + 1)
    level = torch.where((level > top) | (env.rand() < anywhere), random, level.clamp_min(0))
    env.terrain_levels = torch.where(mask, level, env.terrain_levels)


def random_level(env: EnvState, mask: Tensor) -> None:
    """Draw levels uniformly: for evaluation."""
    if env.height_field is None:
        return
    env.terrain_levels = torch.where(mask, _any_level(env, env.height_field.num_levels), env.terrain_levels)


def _any_level(env: EnvState, num_levels: int) -> Tensor:
    """(N,) long, uniform in [0, ``num_levels``)."""
    return (env.rand() * num_levels).long().clamp_max(num_levels - 1)
