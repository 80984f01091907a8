"""Robots by name."""

from legged_gym_ext.robots.a1 import A1
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.go1 import GO1
from st_rl.utils.errors import UnknownNameError

ROBOTS: dict[str, RobotCfg] = {robot.name: robot for robot in (GO1, A1)}


def get_robot(name: str) -> RobotCfg:
    """The robot called ``name``; raises UnknownNameError, which lists the known names."""
    if name not in ROBOTS:
        raise UnknownNameError("robot", name, sorted(ROBOTS))
    return ROBOTS[name]
