"""Foot positions and body states against closed forms and against MuJoCo."""

import math
from dataclasses import replace

import mujoco
import numpy as np
import pytest
import torch

from legged_gym_ext.robots.a1 import A1
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.robots.kinematics import body_states, foot_positions
from legged_gym_ext.robots.model import robot_mjcf

BOTH = pytest.mark.parametrize("cfg", [GO1, A1], ids=lambda cfg: cfg.name)


def leg_in_closed_form(
    hip: tuple[float, float], offset: float, upper: float, lower: float, q: np.ndarray
) -> list[float]:
    """Foot of a leg at hip axis ``hip`` (x, y): the planar two-link leg at distance ``offset``, rolled by q[0]."""
    x = -upper * math.sin(q[1]) - lower * math.sin(q[1] + q[2])
    down = upper * math.cos(q[1]) + lower * math.cos(q[1] + q[2])
    y = offset * math.cos(q[0]) + down * math.sin(q[0])
    z = offset * math.sin(q[0]) - down * math.cos(q[0])
    return [hip[0] + x, hip[1] + y, z]


def random_angles(cfg: RobotCfg, count: int) -> np.ndarray:
    """Joint angles (count, 12) in rad inside the limits."""
    lower = np.array([joint.lower for joint in cfg.joints])
    upper = np.array([joint.upper for joint in cfg.joints])
    return np.random.default_rng(0).uniform(lower, upper, size=(count, 12))


@pytest.mark.parametrize(
    ("angles", "expected"),
    [
        ((0.0, 0.0, 0.0), (0.1881, 0.12675, -0.426)),
        # The thigh points backwards, the calf straight down.
        ((0.0, math.pi / 2, -math.pi / 2), (-0.0249, 0.12675, -0.213)),
        # The whole leg is stretched out to the left.
        ((math.pi / 2, 0.0, 0.0), (0.1881, 0.47275, 0.08)),
    ],
)
def test_the_front_left_foot_of_go1_at_simple_angles(angles: tuple, expected: tuple):
    dof_pos = torch.zeros(1, 12, dtype=torch.float64)
    dof_pos[0, :3] = torch.tensor(angles, dtype=torch.float64)
    assert foot_positions(GO1, dof_pos)[0, 0].tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("cfg", "x", "y", "offset", "length"), [(GO1, 0.1881, 0.04675, 0.08, 0.213), (A1, 0.1805, 0.047, 0.0838, 0.2)]
)
def test_every_foot_agrees_with_the_closed_form(cfg: RobotCfg, x: float, y: float, offset: float, length: float):
    angles = random_angles(cfg, 20)
    found = foot_positions(cfg, torch.from_numpy(angles)).numpy()
    for q, feet in zip(angles, found, strict=True):
        for leg, (fore, side) in enumerate(((1, 1), (1, -1), (-1, 1), (-1, -1))):
            hip = (fore * x, side * y)
            expected = leg_in_closed_form(hip, side * offset, length, length, q[3 * leg : 3 * leg + 3])
            assert feet[leg] == pytest.approx(expected, abs=1e-12)


@BOTH
def test_mujoco_puts_the_feet_where_the_kinematics_say(cfg: RobotCfg):
    model = mujoco.MjModel.from_xml_string(robot_mjcf(cfg, visual=False))
    data = mujoco.MjData(model)
    angles = random_angles(cfg, 20)
    found = foot_positions(cfg, torch.from_numpy(angles)).numpy()
    foot_ids = [model.body(name).id for name in cfg.foot_names]
    for q, feet in zip(angles, found, strict=True):
        data.qpos[:3] = 0.0
        data.qpos[7:] = q
        mujoco.mj_kinematics(model, data)
        assert data.xpos[foot_ids] == pytest.approx(feet, abs=1e-9)


@BOTH
def test_mujoco_moves_every_body_as_the_kinematics_say(cfg: RobotCfg):
    model = mujoco.MjModel.from_xml_string(robot_mjcf(cfg, visual=False))
    data = mujoco.MjData(model)
    rng, count = np.random.default_rng(1), 20
    angles, speeds = random_angles(cfg, count), rng.normal(0.0, 5.0, size=(count, 12))
    root = rng.normal(size=(count, 13))
    root[:, 3:7] /= np.linalg.norm(root[:, 3:7], axis=1, keepdims=True)
    found = body_states(cfg, *(torch.from_numpy(values) for values in (root, angles, speeds))).numpy()
    ids = [model.body(name).id for name in cfg.body_names]
    for base, q, dq, states in zip(root, angles, speeds, found, strict=True):
        data.qpos[:3], data.qpos[3:7], data.qpos[7:] = base[:3], base[[6, 3, 4, 5]], q
        data.qvel[:3], data.qvel[6:] = base[7:10], dq
        mujoco.mju_rotVecQuat(data.qvel[3:6], base[10:13], base[[6, 3, 4, 5]] * [1.0, -1.0, -1.0, -1.0])
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_comVel(model, data)
        assert states[:, 0:3] == pytest.approx(data.xpos[ids], abs=1e-9)
        same = np.sign((states[:, [6, 3, 4, 5]] * data.xquat[ids]).sum(axis=1, keepdims=True))
        assert states[:, [6, 3, 4, 5]] * same == pytest.approx(data.xquat[ids], abs=1e-9)
        velocity = np.zeros(6)
        for body, state in zip(ids, states, strict=True):
            mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, body, velocity, 0)
            assert state[7:10] == pytest.approx(velocity[3:], abs=1e-9)
            assert state[10:13] == pytest.approx(velocity[:3], abs=1e-9)


@BOTH
def test_the_lowest_foot_touches_the_ground_at_the_base_height(cfg: RobotCfg):
    feet = foot_positions(cfg, torch.tensor([cfg.default_dof_pos], dtype=torch.float64))
    soles = feet[0, :, 2] + cfg.base_height - cfg.foot_radius
    assert soles.min().item() == pytest.approx(0.0, abs=1e-4)
    assert soles.max().item() < 0.012


def test_single_precision_input_gives_single_precision_output():
    feet = foot_positions(A1, torch.zeros(3, 12))
    assert feet.dtype == torch.float32
    assert feet.shape == (3, 4, 3)


def test_another_joint_layout_is_refused():
    sideways = replace(A1.joints[0], axis=(0.0, 0.0, 1.0))
    with pytest.raises(ValueError, match="FL_hip_joint"):
        foot_positions(replace(A1, joints=(sideways, *A1.joints[1:])), torch.zeros(1, 12))
