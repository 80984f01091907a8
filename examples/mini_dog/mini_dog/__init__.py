"""A robot, a task and a reward beside legged-gym-ext."""

from __future__ import annotations


def register() -> None:
    """Register what this package has; legged-gym-ext calls it when it looks for a robot or a task."""
    from legged_gym_ext import register_robot, register_task
    from mini_dog.robot import MINI_DOG
    from mini_dog.task import stand

    register_robot(MINI_DOG)
    register_task("stand", stand)
