"""How deep the bodies of the robots are in solid boxes, to show that none passes through an obstacle."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym_ext.mdp.track_state import TrackState
from legged_gym_ext.robots.base import LinkCfg, RobotCfg
from legged_gym_ext.sim.interface import Simulator
from legged_gym_ext.terrain import queries
from st_rl.utils.rotations import quat_rotate


class BodyProbe:
    """Spheres and points that stand for the collision shapes of a robot, P in all.

    A foot is the sphere that it is, a capsule five spheres along its axis; other shapes are the points on their surface
    in ``RobotCfg.body_points``.
    """

    def __init__(self, robot: RobotCfg, device: torch.device | str = "cpu") -> None:
        points = [point for samples in robot.body_points for point in samples]
        bodies = [body for body, samples in enumerate(robot.body_points) for _ in samples]
        links = {link.name: link for link in robot.links}
        radii = [_radius(links[robot.body_names[body]]) for body in bodies]
        self.points = torch.tensor(points, device=device)
        """(P, 3) m, body frame."""
        self.bodies = torch.tensor(bodies, device=device)
        """(P,) index of the body."""
        self.radii = torch.tensor(radii, device=device)
        """(P,) m, 0 for points."""

    def positions(self, sim: Simulator) -> Tensor:
        """(N, P, 3) m, world frame."""
        states = sim.body_states[:, self.bodies]
        return states[..., 0:3] + quat_rotate(states[..., 3:7], self.points.expand(sim.num_envs, -1, -1))

    def depths(self, sim: Simulator, track: TrackState) -> Tensor:
        """(N, P) m: how deep each sphere and point is in the solid boxes around; see ``queries.penetration``."""
        boxes, _, soft = track.near_boxes()
        turned = "slope" in track.cfg.blocks
        return queries.penetration(boxes, self.positions(sim), self.radii, ~soft, turned=turned)


def _radius(link: LinkCfg) -> float:
    """Radius of a body that is one sphere or capsule, m; 0 for other shapes."""
    shapes = {geom.type for geom in link.collision}
    return max(geom.size[0] for geom in link.collision) if shapes and shapes <= {"sphere", "capsule"} else 0.0
