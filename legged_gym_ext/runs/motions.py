"""Files of reference motions: the suite's own, and how those that a task learns from are found."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

import torch

from legged_gym_ext.motions.gaits import GAITS, MIXTURE, SPEEDS, YAW_RATES, Gait, gait_at
from legged_gym_ext.motions.generator import GaitMotion
from legged_gym_ext.resource_folder import resource_folder
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.registry import get_robot
from st_rl.datasets.dog_motion_file import save_dog_motion
from st_rl.utils.errors import UserError

MOTIONS = resource_folder() / "motions"
"""Motions that come with the suite, in a folder for each robot."""
FRAME_S = 0.01
"""About the time between two frames, s; a stride is a whole number of them."""
STEP_S = 0.02
"""A file holds that much more than a stride, so that a transition may begin at any phase, s."""


def motion_name(gait: Gait, speed: float, yaw_rate: float) -> str:
    """The name of a motion's file without suffix, such as ``trot_v0.8_w-0.4``."""
    return f"{gait.name}_v{speed:.1f}_w{yaw_rate:+.1f}"


def gait_frames(motion: GaitMotion) -> tuple[torch.Tensor, float]:
    """The columns (F, 61) of one stride and a control step more, legs FL, FR, RL, RR, and the time between frames."""
    count = round(motion.period / FRAME_S)
    duration = motion.period / count
    pose = motion.moving_pose(torch.arange(count + 1 + round(STEP_S / duration), dtype=torch.float64) * duration)
    parts = (
        *(pose.root_pos, pose.root_rot, pose.dof_pos, pose.foot_pos_b.flatten(1)),
        *(pose.lin_vel_b, pose.ang_vel_b, pose.dof_vel, pose.foot_vel_b.flatten(1)),
    )
    return torch.cat(parts, dim=1), duration


def write_motions(
    root: Path,
    robot: RobotCfg,
    gaits: Sequence[str] = tuple(GAITS),
    speeds: Sequence[float] = SPEEDS,
    yaw_rates: Sequence[float] = YAW_RATES,
) -> list[Path]:
    """Write the motions of ``robot`` to ``root/<robot>/`` and return their files; an earlier one of a name gives way.

    Raises:
        UserError: an unknown gait, a folder that cannot be written, or a speed at which a leg is too short.
    """
    folder, written = root / robot.name, []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make '{folder}' ({error.strerror}); choose another --root") from error
    for name in gaits:
        for speed in speeds:
            for yaw_rate in yaw_rates:
                gait = gait_at(name, speed)
                frames, duration = gait_frames(within_reach(GaitMotion(robot, gait, speed, yaw_rate)))
                path = folder / f"{motion_name(gait, speed, yaw_rate)}.json"
                save_dog_motion(path, frames, duration)
                written.append(path)
    return written


def within_reach(motion: GaitMotion) -> GaitMotion:
    """``motion``; ``UserError`` where a joint would leave its range or be faster than its motor."""
    robot = motion.robot
    pose = motion.moving_pose(torch.linspace(0.0, motion.period, 200, dtype=torch.float64))
    lower, upper, fastest = (
        torch.tensor(values, dtype=torch.float64)
        for values in zip(*((joint.lower, joint.upper, joint.velocity_limit) for joint in robot.joints), strict=True)
    )
    outside = (pose.dof_pos < lower) | (pose.dof_pos > upper) | (pose.dof_vel.abs() > fastest)
    if bool(outside.any()):
        joint = robot.dof_names[int(outside.any(dim=0).nonzero()[0])]
        raise UserError(
            f"{robot.name} cannot {motion.gait.name} at {motion.speed:g} m/s and {motion.yaw_rate:g} rad/s: "
            f"{joint} would leave its range or be too fast; choose a smaller speed"
        )
    return motion


def motion_files(patterns: Sequence[str]) -> list[Path]:
    """Files of the motions that ``patterns`` name: paths, folders, or patterns such as ``go1/trot_*``.

    What does not exist where it says is looked for among the motions that come with the suite.

    Raises:
        UserError: a pattern that names nothing.
    """
    found: list[Path] = []
    for pattern in patterns:
        files = _matching(pattern) or _matching(str(MOTIONS / pattern)) or _matching(str(MOTIONS / f"{pattern}.json"))
        if not files:
            raise UserError(
                f"there are no motions '{pattern}'; name files, a folder, or some of those in '{MOTIONS}', which "
                "legged-make-motions writes"
            )
        found += files
    return list(dict.fromkeys(found))


def gait_motions(robot: str, gait: str) -> list[str]:
    """Patterns of the suite's motions of ``robot`` in ``gait``, for ``motion_files``; none without a gait."""
    if gait == MIXTURE:
        return [f"{get_robot(robot).name}/{gait_at(gait, speed).name}_v{speed:.1f}_*.json" for speed in SPEEDS]
    return [f"{robot}/{gait}_*.json"] if gait else []


def _matching(pattern: str) -> list[Path]:
    if Path(pattern).is_dir():
        return sorted(Path(pattern).glob("*.json"))
    return sorted(Path(path) for path in glob.glob(pattern))
