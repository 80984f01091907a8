"""Mass, center of mass and inertia of a whole robot in one pose."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.kinematics import body_states
from st_rl.utils.rotations import quat_rotate


@dataclass(frozen=True)
class MassFacts:
    """Of a robot in its default pose, trunk frame."""

    mass: float
    """kg."""
    com: tuple[float, float, float]
    """m."""
    inertia: tuple[float, float, float]
    """Moments about the axes through the center of mass, kg m^2; legs count as points at the centers of their links."""


def mass_facts(cfg: RobotCfg) -> MassFacts:
    """Mass, center of mass and inertia of ``cfg`` in its default pose."""
    still = torch.zeros(1, cfg.num_dof, dtype=torch.float64)
    root = torch.zeros(1, 13, dtype=torch.float64)
    root[:, 6] = 1.0
    pose = body_states(cfg, root, still + torch.tensor(cfg.default_dof_pos, dtype=torch.float64), still)[0]
    by_name = {link.name: link for link in cfg.links}
    links = [by_name[name] for name in cfg.body_names]
    masses = torch.tensor([link.mass for link in links], dtype=torch.float64)
    centers = pose[:, 0:3] + quat_rotate(pose[:, 3:7], torch.tensor([link.com for link in links], dtype=torch.float64))
    total = masses.sum()
    com = (masses[:, None] * centers).sum(dim=0) / total
    squares = (centers - com).square()
    about_axes = squares.sum(dim=1, keepdim=True) - squares
    trunk = by_name[cfg.trunk_name].inertia
    inertia = (masses[:, None] * about_axes).sum(dim=0) + torch.tensor([trunk[0], trunk[3], trunk[5]]).double()
    return MassFacts(float(total), _three(com), _three(inertia))


def _three(values: torch.Tensor) -> tuple[float, float, float]:
    x, y, z = values.tolist()
    return x, y, z
