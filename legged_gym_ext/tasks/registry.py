"""Tasks by name, ``<robot>_<task>``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from legged_gym_ext.plugins import load_plugins
from legged_gym_ext.robots.registry import ROBOTS, get_robot
from legged_gym_ext.tasks.adaptation import adapted, informed
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.gaits import gaits
from legged_gym_ext.tasks.onboard import onboard
from legged_gym_ext.tasks.skills import SKILLS, skill
from legged_gym_ext.tasks.vision import vision
from legged_gym_ext.tasks.walk import walk
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.registry import Registry

TaskFactory = Callable[[str], TaskCfg]
"""Makes a task for the robot of that name."""

_FAMILIES: Registry[TaskFactory] = Registry(
    "task",
    {
        "walk": walk,
        "onboard": onboard,
        "informed": informed,
        "adapted": adapted,
        "gaits": gaits,
        "vision": vision,
        **{name: partial(skill, name) for name in SKILLS},
    },
)
"""Tasks of every robot, by their name without the robot's."""
_SINGLE: Registry[tuple[str, TaskFactory]] = Registry("task")
"""Tasks of one robot, by their full name."""


def register_task(name: str, factory: TaskFactory, *, robot: str | None = None) -> None:
    """Make a task known to every command.

    Args:
        name: the task's name without the robot's: ``register_task("stand", stand)`` adds ``go1_stand``, ``a1_stand``
            and so on for every robot. A name that begins with that of a registered robot, such as ``go1_stand``, adds
            this one task alone.
        factory: called with the name of a robot; returns the task for it.
        robot: add the task for this robot alone; it may be registered later.

    Raises:
        UserError: there is such a task already, or the name cannot be one.
    """
    if robot is None:
        robot, family = _split(name) or (None, name)
    else:
        family = name
    if robot is not None:
        full = f"{robot}_{family}"
        if _owners(full):
            raise UserError(f"there is a task '{full}' already; choose another name")
        _SINGLE.register(full, (robot, factory))
        return
    taken = [f"{other}_{name}" for other in ROBOTS if f"{other}_{name}" in _SINGLE]
    if taken:
        raise UserError(f"there is a task '{taken[0]}' already; choose another name than '{name}'")
    _FAMILIES.register(name, factory)


def task_names() -> list[str]:
    """Every task there is, those of plugins included, sorted."""
    load_plugins()
    return sorted({f"{robot}_{family}" for robot in ROBOTS for family in _FAMILIES} | set(_SINGLE))


def get_task(name: str) -> TaskCfg:
    """The configuration of a task.

    Raises:
        UnknownNameError: there is no such task; the message lists those that there are.
        UserError: the name can be read in two ways, or its factory makes something else.
    """
    owners = _owners(name)
    if not owners:
        load_plugins()
        owners = _owners(name)
    if not owners:
        raise UnknownNameError("task", name, task_names())
    if len(owners) > 1:
        robots = " and ".join(robot for robot, _ in owners)
        raise UserError(f"'{name}' is a task of the robots {robots}; rename the robot or the task of one of them")
    robot, factory = owners[0]
    get_robot(robot)
    task = factory(robot)
    if not isinstance(task, TaskCfg) or task.env.robot != robot:
        made = f"a task for '{task.env.robot}'" if isinstance(task, TaskCfg) else f"a {type(task).__name__}"
        raise UserError(f"the factory of the task '{name}' must return a TaskCfg for '{robot}', and made {made}")
    return replace(task, name=name)


def unregister_task(name: str) -> None:
    """Take out what ``register_task`` added under ``name``, as tests do."""
    (_SINGLE if name in _SINGLE else _FAMILIES).unregister(name)


def _split(name: str) -> tuple[str, str] | None:
    """The robot that ``name`` begins with, the longest one that fits, and the rest."""
    fitting = [robot for robot in ROBOTS if name.startswith(f"{robot}_") and len(name) > len(robot) + 1]
    robot = max(fitting, key=len, default=None)
    return None if robot is None else (robot, name[len(robot) + 1 :])


def _owners(name: str) -> list[tuple[str, TaskFactory]]:
    """Every way to read ``name`` as a robot and a task of it."""
    if name in _SINGLE:
        return [_SINGLE[name]]
    pairs = [(robot, name.removeprefix(f"{robot}_")) for robot in ROBOTS if name.startswith(f"{robot}_")]
    return [(robot, _FAMILIES[family]) for robot, family in pairs if family in _FAMILIES]
