"""The robot of an environment as its task drives it: gains and action scale are the robot's own or the task's."""

from __future__ import annotations

from dataclasses import replace

from legged_gym_ext.envs.cfg import ControlCfg, EnvCfg
from legged_gym_ext.robots.base import LEG_JOINTS, RobotCfg
from legged_gym_ext.robots.registry import get_robot
from st_rl.utils.errors import UserError


def robot_of(cfg: EnvCfg) -> RobotCfg:
    """The facts of the robot of ``cfg``, with the ``action_scale``, ``stiffness`` and ``damping`` that are in force.

    Raises:
        UserError: an unknown robot, or control settings that make no sense.
    """
    robot, control = get_robot(cfg.robot), cfg.control
    scale = robot.action_scale if control.action_scale is None else control.action_scale
    return replace(
        robot,
        action_scale=scale,
        stiffness=_gains("stiffness", control.stiffness, robot.stiffness),
        damping=_gains("damping", control.damping, robot.damping),
    )


def control_of(cfg: EnvCfg) -> ControlCfg:
    """The control settings that are in force, none of them ``None``."""
    robot = robot_of(cfg)
    return ControlCfg(robot.action_scale, robot.stiffness, robot.damping)


def _gains(name: str, given: tuple[float, ...] | None, own: tuple[float, ...]) -> tuple[float, ...]:
    """One gain for each joint, from one for all, one for each joint of a leg, or all of them."""
    if given is None:
        return own
    if len(given) not in (1, len(LEG_JOINTS), len(own)):
        raise UserError(
            f"control.{name} needs one number, {len(LEG_JOINTS)} (hip, thigh, calf) or {len(own)}, not {list(given)}"
        )
    return tuple(given) * (len(own) // len(given))
