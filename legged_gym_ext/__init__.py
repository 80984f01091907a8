"""Simulated tasks for quadruped robots: simulators, robots, terrain, sensors and environments.

What is public can be imported from here; it is loaded when it is first asked for.
"""

import os
from typing import TYPE_CHECKING, Any

from st_rl.utils.version import __version__

# Threads of torch that wait for work would otherwise spin, and take the cores from the simulator's threads: 7 % of a
# training. OpenMP reads this when torch is first imported, so it is set before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from legged_gym_ext.public import (
        EnvCfg,
        EnvState,
        LeggedEnv,
        RobotCfg,
        TaskCfg,
        TrainCfg,
        get_robot,
        get_task,
        register_robot,
        register_task,
        robot_names,
        task_names,
    )

__all__ = [
    "EnvCfg",
    "EnvState",
    "LeggedEnv",
    "RobotCfg",
    "TaskCfg",
    "TrainCfg",
    "__version__",
    "get_robot",
    "get_task",
    "register_robot",
    "register_task",
    "robot_names",
    "task_names",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'; it offers {', '.join(__all__)}")
    # Only now: importing this package must not import torch.
    from legged_gym_ext.public import PUBLIC

    return PUBLIC[name]


def __dir__() -> list[str]:
    return list(__all__)
