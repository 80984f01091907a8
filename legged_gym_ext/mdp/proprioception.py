"""The parts of ``proprioception``: what each is, how wide, how it is scaled, how noisy it is, and whether it is late.

This is the one place that lists them. N worlds, 12 joints; vectors are in the base frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from st_rl.utils.attributes import field_values
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.ranges import Checked, NonNegative


@dataclass(frozen=True)
class ObsScalesCfg(Checked):
    """Factors on the parts of ``proprioception``."""

    lin_vel: NonNegative = 2.0
    """Base linear velocity, and the commands that ask for one."""
    ang_vel: NonNegative = 0.25
    """Base angular velocity, and the command that asks for one."""
    gravity: NonNegative = 1.0
    dof_pos: NonNegative = 1.0
    dof_vel: NonNegative = 0.05


@dataclass(frozen=True)
class NoiseCfg(Checked):
    """Half widths of uniform noise on the parts of ``proprioception`` that the actor sees, in SI units."""

    lin_vel: NonNegative = 0.1
    ang_vel: NonNegative = 0.2
    gravity: NonNegative = 0.05
    dof_pos: NonNegative = 0.01
    dof_vel: NonNegative = 1.5


@dataclass(frozen=True)
class Part:
    """Some columns of ``proprioception`` that belong together."""

    size: int
    value: Callable[[EnvState], Tensor]
    """(N, size), SI units."""
    scales: tuple[str, ...]
    """Which field of ``ObsScalesCfg`` each column is multiplied with; a single one is for all columns, none is 1."""
    noise: Callable[[NoiseCfg], float] | None
    """Half width of the noise; ``None`` for what is not measured: the robot knows it exactly and at once."""

    @property
    def column_scales(self) -> tuple[str, ...]:
        """The field of ``ObsScalesCfg`` that each column is multiplied with, an empty text where there is none."""
        scales = self.scales or ("",)
        return scales * self.size if len(scales) == 1 else scales

    @property
    def measured(self) -> bool:
        """Whether a sensor delivers it, so that it is noisy and, in tasks with latency, late."""
        return self.noise is not None


PARTS: dict[str, Part] = {
    "base_lin_vel": Part(3, lambda env: env.base_lin_vel, ("lin_vel",), lambda n: n.lin_vel),
    "base_ang_vel": Part(3, lambda env: env.base_ang_vel, ("ang_vel",), lambda n: n.ang_vel),
    "projected_gravity": Part(3, lambda env: env.projected_gravity, ("gravity",), lambda n: n.gravity),
    "commands": Part(3, lambda env: env.commands, ("lin_vel", "lin_vel", "ang_vel"), None),
    "dof_pos": Part(12, lambda env: env.dof_pos - env.default_dof_pos, ("dof_pos",), lambda n: n.dof_pos),
    "dof_vel": Part(12, lambda env: env.dof_vel, ("dof_vel",), lambda n: n.dof_vel),
    "actions": Part(12, lambda env: env.actions, (), None),
}
"""Base velocities in m/s and rad/s, the unit vector of gravity, the commands (forward and lateral velocity in m/s, yaw
rate in rad/s), joint angles minus their defaults in rad, joint speeds in rad/s, and the last actions."""

PROPRIOCEPTION = ObsLayout((name, part.size) for name, part in PARTS.items())
"""Layout of the 48 columns of the whole segment."""
MEASURED = tuple(name for name in PROPRIOCEPTION if name != "base_lin_vel")
"""The parts of it that a robot without a motion capture system knows."""


def proprioception(env: EnvState, parts: Sequence[str] = PROPRIOCEPTION.names) -> Tensor:
    """(N, columns): the named parts one after the other, SI units; all of them are 48 columns."""
    return torch.cat([PARTS[name].value(env) for name in parts], dim=1)


def check_parts(parts: Sequence[str]) -> None:
    """``UnknownNameError`` for a part that does not exist, ``UserError`` for none at all or one named twice."""
    for name in parts:
        if name not in PARTS:
            raise UnknownNameError("part of proprioception", name, list(PARTS))
    if not parts or len(set(parts)) < len(parts):
        raise UserError(f"proprioception needs at least one part and each at most once, not {list(parts)}")


def part_scales(parts: Sequence[str], cfg: ObsScalesCfg) -> Tensor:
    """(columns,) factors of the named parts."""
    factors = field_values(cfg) | {"": 1.0}
    return torch.tensor([float(factors[scale]) for name in parts for scale in PARTS[name].column_scales])


def part_noise(parts: Sequence[str], cfg: NoiseCfg) -> Tensor:
    """(columns,) half widths of the noise on the named parts, SI units."""
    noises = [PARTS[name].noise for name in parts]
    widths = [0.0 if noise is None else noise(cfg) for noise in noises]
    return torch.cat([torch.full((PARTS[name].size,), width) for name, width in zip(parts, widths, strict=True)])


def measured_columns(parts: Sequence[str]) -> Tensor:
    """(columns,) bool: what a sensor delivers."""
    return torch.cat([torch.full((PARTS[name].size,), PARTS[name].measured) for name in parts])
