"""Termination terms: each returns (N,) bool, true where the episode ends."""

from __future__ import annotations

from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from st_rl.utils.ranges import Extent, Positive


def time_out(env: EnvState) -> Tensor:
    """The episode has reached its full length."""
    return env.episode_length >= env.max_episode_length


def trunk_contact(env: EnvState, force: Extent = 1.0) -> Tensor:
    """The trunk touches something with more than ``force`` N."""
    return env.contact_forces[:, 0].norm(dim=-1) > force


def bad_orientation(env: EnvState, max_tilt: Positive = 1.0) -> Tensor:
    """The trunk leans more than ``max_tilt`` rad away from upright."""
    return env.projected_gravity[:, 2].neg().clamp(-1.0, 1.0).acos() > max_tilt


def off_the_field(env: EnvState) -> Tensor:
    """The robot is about to leave the height field; end the episode without blame."""
    assert env.height_field is not None
    return ~env.height_field.contains(env.base_pos[:, 0:2])


def broken_state(env: EnvState) -> Tensor:
    """The physics produced a state that is not finite, or the policy an action that is not (NaN guard)."""
    return env.sim.invalid | env.broken_actions
