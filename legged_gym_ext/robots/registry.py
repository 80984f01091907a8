"""Robots by name."""

from __future__ import annotations

from legged_gym_ext.plugins import load_plugins
from legged_gym_ext.robots.a1 import A1
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.check import check_robot
from legged_gym_ext.robots.go1 import GO1
from st_rl.utils.registry import Registry

ROBOTS: Registry[RobotCfg] = Registry("robot", {robot.name: robot for robot in (GO1, A1)})
"""Those of the suite, and those of plugins that were loaded."""


def register_robot(cfg: RobotCfg) -> RobotCfg:
    """Make ``cfg`` known by its name to every command and task; returns ``cfg``.

    Raises:
        UserError: there is a robot of that name, or the facts of ``cfg`` do not fit together.
    """
    check_robot(cfg)
    return ROBOTS.register(cfg.name, cfg)


def robot_names() -> list[str]:
    """Every robot there is, those of plugins included, sorted."""
    load_plugins()
    return sorted(ROBOTS)


def get_robot(name: str) -> RobotCfg:
    """The robot called ``name``; ``UnknownNameError`` lists the known names."""
    if name not in ROBOTS:
        load_plugins()
    return ROBOTS[name]
