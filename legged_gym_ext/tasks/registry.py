"""Tasks by name, ``<robot>_<task>``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from legged_gym_ext.robots.registry import ROBOTS
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.skills import SKILLS, skill
from legged_gym_ext.tasks.vision import vision
from legged_gym_ext.tasks.walk import walk
from st_rl.utils.errors import UnknownNameError

_FAMILIES: dict[str, Callable[[str], TaskCfg]] = {
    "walk": walk,
    **{name: partial(skill, name) for name in SKILLS},
    "vision": vision,
}
"""Task name without the robot -> factory that takes the robot's name."""


def task_names() -> list[str]:
    """Every registered task, sorted."""
    return sorted(f"{robot}_{family}" for robot in ROBOTS for family in _FAMILIES)


def get_task(name: str) -> TaskCfg:
    """The configuration of a task; ``UnknownNameError`` lists the known ones."""
    if name not in task_names():
        raise UnknownNameError("task", name, task_names())
    robot, family = name.split("_", 1)
    return _FAMILIES[family](robot)
