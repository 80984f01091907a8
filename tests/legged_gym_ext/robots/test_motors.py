"""The torque of the generated motors against the formula in the module's docstring."""

import mujoco
import numpy as np
import pytest

from legged_gym_ext.robots.a1 import A1
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.robots.model import robot_mjcf

BOTH = pytest.mark.parametrize("cfg", [GO1, A1], ids=lambda cfg: cfg.name)
FL_HIP = 0  # Go1: 23.7 N m, 30.1 rad/s, 40 N m/rad, 1 N m s/rad


def torque(cfg: RobotCfg, q: np.ndarray, dq: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Torques (12) in N m that MuJoCo applies at joint angles ``q``, speeds ``dq`` and targets ``target`` (12)."""
    model = mujoco.MjModel.from_xml_string(robot_mjcf(cfg, visual=False))
    data = mujoco.MjData(model)
    data.qpos[7:], data.qvel[6:], data.ctrl[:] = q, dq, target
    mujoco.mj_forward(model, data)
    assert data.qfrc_actuator[6:] == pytest.approx(data.actuator_force)
    return data.actuator_force.copy()


def hip_torque(error: float, speed: float) -> float:
    """Torque of Go1's first hip motor at position error ``error`` in rad and ``speed`` in rad/s."""
    dq, target = np.zeros(12), np.zeros(12)
    dq[FL_HIP], target[FL_HIP] = speed, error
    return torque(GO1, np.zeros(12), dq, target)[FL_HIP]


@pytest.mark.parametrize(
    ("error", "speed", "expected"),
    [
        (0.25, 0.0, 10.0),  # 40 * 0.25
        (0.25, 2.0, 8.0),  # 10 - 1 * 2
        (-0.25, 2.0, -12.0),
        (5.0, 0.0, 23.7),  # stall: the torque limit
        (-5.0, 0.0, -23.7),
        (5.0, 15.05, 11.85),  # driving at half the speed limit: half the stall torque
        (-5.0, -15.05, -11.85),
        (-5.0, 15.05, -23.7),  # braking at that speed: the full limit
        (5.0, -15.05, 23.7),
        (5.0, 30.1, 0.0),  # nothing left at the speed limit
        (5.0, 36.12, -4.74),  # beyond it, at 1.2 of the limit, the motor brakes by 0.2 of the stall torque
        (-5.0, -36.12, 4.74),
        (5.0, 90.3, -23.7),  # never more than the limit
    ],
)
def test_the_torque_at_hand_worked_points(error: float, speed: float, expected: float):
    assert hip_torque(error, speed) == pytest.approx(expected, abs=1e-9)


@BOTH
def test_all_motors_follow_the_clipped_pd_law(cfg: RobotCfg):
    limit = np.array([joint.torque_limit for joint in cfg.joints])
    no_load = np.array([joint.velocity_limit for joint in cfg.joints])
    rng = np.random.default_rng(0)
    for _ in range(30):
        q, target = rng.uniform(-1, 1, (2, 12))
        dq = rng.uniform(-1.5, 1.5, 12) * no_load * rng.choice([0.02, 1.0])
        wanted = 40.0 * (target - q) - 1.0 * dq
        expected = np.clip(np.clip(wanted, -limit * (1 + dq / no_load), limit * (1 - dq / no_load)), -limit, limit)
        assert torque(cfg, q, dq, target) == pytest.approx(expected, abs=1e-9)


def test_gains_and_limits_sit_where_randomization_writes_them():
    model = mujoco.MjModel.from_xml_string(robot_mjcf(GO1, visual=False))
    assert model.actuator_gainprm[:, 4] == pytest.approx(GO1.stiffness)
    assert model.actuator_gainprm[:, 6] == pytest.approx(GO1.damping)
    assert model.actuator_forcerange[:, 1] == pytest.approx([joint.torque_limit for joint in GO1.joints])
    assert model.actuator_forcerange[:, 0] == pytest.approx(-model.actuator_forcerange[:, 1])
    # Voltage over motor constant is the no-load speed; constant times voltage over resistance the stall torque.
    resistance, constant, voltage = (
        model.actuator_gainprm[:, 0],
        model.actuator_gainprm[:, 1],
        model.actuator_gainprm[:, 7],
    )
    assert voltage / constant == pytest.approx([joint.velocity_limit for joint in GO1.joints])
    assert constant * voltage / resistance == pytest.approx([joint.torque_limit for joint in GO1.joints])


def test_a_motor_of_half_the_strength_gives_half_the_torque_at_every_speed():
    model = mujoco.MjModel.from_xml_string(robot_mjcf(GO1, visual=False))
    data = mujoco.MjData(model)
    rng = np.random.default_rng(1)
    for _ in range(10):
        data.qpos[7:], data.ctrl[:] = rng.uniform(-1, 1, (2, 12))
        data.qvel[6:] = rng.uniform(-40, 40, 12)
        mujoco.mj_forward(model, data)
        full = data.actuator_force.copy()
        weak = mujoco.MjModel.from_xml_string(robot_mjcf(GO1, visual=False))
        weak.actuator_gainprm[:, [4, 6]] *= 0.5
        weak.actuator_gainprm[:, 0] /= 0.5
        weak.actuator_forcerange *= 0.5
        mujoco.mj_forward(weak, data)
        assert data.actuator_force == pytest.approx(0.5 * full)


def test_the_gpu_engine_computes_the_same_torque():
    mjw = pytest.importorskip("mujoco_warp")
    wp = pytest.importorskip("warp")
    model = mujoco.MjModel.from_xml_string(robot_mjcf(GO1, visual=False))
    rng = np.random.default_rng(0)
    with wp.ScopedDevice("cpu"):
        warp_model = mjw.put_model(model)
        for _ in range(5):
            data = mujoco.MjData(model)
            data.qpos[7:], data.ctrl[:] = rng.uniform(-1, 1, 12), rng.uniform(-1, 1, 12)
            data.qvel[6:] = rng.uniform(-40, 40, 12)
            warp_data = mjw.put_data(model, data)
            for stage in (mjw.kinematics, mjw.com_pos, mjw.transmission, mjw.fwd_velocity, mjw.fwd_actuation):
                stage(warp_model, warp_data)
            mujoco.mj_forward(model, data)
            assert warp_data.actuator_force.numpy()[0] == pytest.approx(data.actuator_force, abs=1e-4)
