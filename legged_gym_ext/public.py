"""The names that ``import legged_gym_ext`` offers."""

from __future__ import annotations

from typing import Any

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.registry import get_robot, register_robot, robot_names
from legged_gym_ext.tasks.cfg import TaskCfg, TrainCfg
from legged_gym_ext.tasks.registry import get_task, register_task, task_names

PUBLIC: dict[str, Any] = {
    "EnvCfg": EnvCfg,
    "EnvState": EnvState,
    "LeggedEnv": LeggedEnv,
    "RobotCfg": RobotCfg,
    "TaskCfg": TaskCfg,
    "TrainCfg": TrainCfg,
    "get_robot": get_robot,
    "get_task": get_task,
    "register_robot": register_robot,
    "register_task": register_task,
    "robot_names": robot_names,
    "task_names": task_names,
}
"""Name -> object."""
