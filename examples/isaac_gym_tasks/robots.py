"""What a task needs to know of the suite's own robots, for code that is written against Isaac Gym."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.resource_folder import resource_folder


@dataclass(frozen=True)
class Quadruped:
    """A robot of this suite. Its feet are bodies of their own, and its joints are named FL_hip_joint and so on."""

    name: str
    height: float
    """m, of the trunk's frame when the robot stands in its stance."""
    hip: float = 0.1
    """rad, outward; the right legs have the opposite sign."""
    thigh: tuple[float, float] = (0.8, 1.0)
    """rad, of the front and the hind legs."""
    calf: float = -1.5
    """rad."""
    stiffness: float = 40.0
    """N m/rad."""
    damping: float = 1.0
    """N m s/rad."""

    @property
    def file(self) -> Path:
        """The URDF file."""
        return resource_folder() / "robots" / self.name / f"{self.name}.urdf"

    def stance(self) -> dict[str, float]:
        """Return the joint angles of the action 0, rad, by the names of the joints."""
        angles: dict[str, float] = {}
        for leg in ("FL", "FR", "RL", "RR"):
            angles[f"{leg}_hip_joint"] = self.hip if leg.endswith("L") else -self.hip
            angles[f"{leg}_thigh_joint"] = self.thigh[0] if leg.startswith("F") else self.thigh[1]
            angles[f"{leg}_calf_joint"] = self.calf
        return angles


FOOT, TRUNK, LEGS = "foot", "trunk", ("thigh", "calf")
"""Parts of the names of the bodies: which are feet, which must not touch the ground, which should not."""
GO1 = Quadruped("go1", height=0.32)
A1 = Quadruped("a1", height=0.30)
ROBOTS = (GO1, A1)
