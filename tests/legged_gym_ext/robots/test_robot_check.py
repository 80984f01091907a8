"""Robots whose facts do not fit together are refused before anything is made of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from legged_gym_ext.robots.a1 import A1
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.check import check_robot
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.robots.registry import ROBOTS, register_robot
from legged_gym_ext.sim.interface import SceneCfg, SimCfg
from legged_gym_ext.sim.registry import make_simulator
from st_rl.utils.errors import UserError

ORDER = (1, 0, 3, 2)
"""FR, FL, RR, RL: the order of the manufacturer's own software."""


def by_leg(values: tuple[Any, ...], size: int) -> tuple[Any, ...]:
    """``values`` of ``size`` per leg with the legs in ``ORDER``."""
    return tuple(value for leg in ORDER for value in values[leg * size : (leg + 1) * size])


def reordered(cfg: RobotCfg) -> RobotCfg:
    """``cfg`` with everything in ``ORDER``, as somebody would write it who knows no better."""
    links = (cfg.links[0], *by_leg(cfg.links[1:], 4))
    joints = by_leg(cfg.joints, 3)
    return replace(
        cfg,
        links=links,
        joints=joints,
        foot_mounts=by_leg(cfg.foot_mounts, 1),
        body_names=tuple(link.name for link in links),
        dof_names=tuple(joint.name for joint in joints),
        hip_names=by_leg(cfg.hip_names, 1),
        thigh_names=by_leg(cfg.thigh_names, 1),
        calf_names=by_leg(cfg.calf_names, 1),
        foot_names=by_leg(cfg.foot_names, 1),
        default_dof_pos=by_leg(cfg.default_dof_pos, 3),
    )


def joint(index: int, **changes: Any) -> tuple[Any, ...]:
    """The Go1's joints with one of them changed."""
    return (*GO1.joints[:index], replace(GO1.joints[index], **changes), *GO1.joints[index + 1 :])


@pytest.mark.parametrize("cfg", [GO1, A1], ids=lambda cfg: cfg.name)
def test_the_robots_of_the_suite_are_right(cfg: RobotCfg) -> None:
    check_robot(cfg)


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        (reordered(GO1), "lists its legs in the order FR, FL, RR, RL .* list them as FL, FR, RL, RR"),
        (replace(GO1, joints=by_leg(GO1.joints, 3)), "lists dof_names in another order than joints"),
        (replace(GO1, foot_names=by_leg(GO1.foot_names, 1)), "lists its bodies as trunk, FL_hip"),
        (replace(GO1, foot_mounts=by_leg(GO1.foot_mounts, 1)), "has its foot 0 between FR_calf and FR_foot"),
        (replace(GO1, joints=joint(4, parent="trunk")), "'FR_thigh_joint' from trunk to FR_thigh, not from FR_hip"),
        (replace(GO1, joints=joint(0, axis=(0.0, 1.0, 0.0))), r"about \(0.0, 1.0, 0.0\); only \(1.0, 0.0, 0.0\)"),
        (replace(GO1, joints=joint(2, upper=-2.0)), "the default angle -1.5 rad of 'FL_calf_joint' outside its range"),
        (replace(GO1, joints=joint(2, lower=0.0, upper=0.0)), "whose range 0.0 to 0.0 rad is empty"),
        (replace(GO1, default_dof_pos=(0.0, 5.0, -1.5) * 4), "the default angle 5.0 rad of 'FL_thigh_joint'"),
        (replace(GO1, default_dof_pos=(0.0,) * 8), "has 8 default_dof_pos; a quadruped with 12 joints has 12"),
        (replace(GO1, stiffness=(0.0,) * 12), "needs a stiffness above zero for 'FL_hip_joint'"),
        (replace(GO1, links=(replace(GO1.links[0], mass=0.0), *GO1.links[1:])), "'trunk' of 0.0 kg"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused_in_one_sentence(cfg: RobotCfg, message: str) -> None:
    other = replace(cfg, name="other")
    with pytest.raises(UserError, match=f"the robot 'other' .*{message}"):
        register_robot(other)
    assert "other" not in ROBOTS
    with pytest.raises(UserError, match=message):
        make_simulator("mujoco", other, 1, sim=SimCfg(num_threads=1), scene=SceneCfg())
