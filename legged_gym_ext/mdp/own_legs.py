"""The legs of a robot as boxes: what a camera on it may see of itself. N worlds."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym_ext.robots.base import GeomCfg, RobotCfg
from legged_gym_ext.sim.interface import Simulator
from st_rl.utils.rotations import quat_from_euler_xyz, quat_multiply, quat_rotate


class OwnLegs:
    """Boxes around the collision shapes of every body but the trunk, to which the camera is fixed."""

    def __init__(self, robot: RobotCfg, device: torch.device) -> None:
        shapes = [
            (robot.body_names.index(link.name), geom)
            for link in robot.links
            if link.name != robot.trunk_name and link.name in robot.body_names
            for geom in link.collision
        ]
        self._bodies = torch.tensor([body for body, _ in shapes], device=device)
        self._position = torch.tensor([geom.pos for _, geom in shapes], device=device)
        angles = torch.tensor([geom.rpy for _, geom in shapes], device=device)
        self._turn = quat_from_euler_xyz(*angles.unbind(-1))
        self._half = torch.tensor([half_extents(geom) for _, geom in shapes], device=device)

    def boxes(self, sim: Simulator) -> Tensor:
        """(N, shapes, 10) where they are now, m."""
        states = sim.body_states[:, self._bodies]
        turn = states[..., 3:7]
        center = states[..., 0:3] + quat_rotate(turn, self._position.expand(len(states), -1, -1))
        return torch.cat(
            (center, quat_multiply(turn, self._turn.expand_as(turn)), self._half.expand_as(center)), dim=-1
        )


def half_extents(geom: GeomCfg) -> tuple[float, float, float]:
    """Half extents, m, of the smallest box around a shape in the shape's own frame."""
    if geom.type == "sphere":
        return geom.size[0], geom.size[0], geom.size[0]
    if geom.type == "capsule":
        return geom.size[0], geom.size[0], geom.size[0] + geom.size[1]
    if geom.type == "cylinder":
        return geom.size[0], geom.size[0], geom.size[1]
    return geom.size[0], geom.size[1], geom.size[2]
