"""The assembled robots against the manufacturer's figures and against sums worked by hand."""

import math

import pytest

from legged_gym_ext.robots import a1, go1
from legged_gym_ext.robots.base import LinkCfg, RobotCfg, RotorCfg
from legged_gym_ext.robots.geometry import merge_rotors
from legged_gym_ext.robots.registry import ROBOTS, get_robot
from st_rl.utils.errors import UnknownNameError

BOTH = pytest.mark.parametrize("cfg", [go1.GO1, a1.A1], ids=lambda cfg: cfg.name)


def link(cfg: RobotCfg, name: str) -> LinkCfg:
    return cfg.links[cfg.body_names.index(name)]


def test_a_robot_is_found_by_its_name_and_an_unknown_one_lists_the_names():
    assert get_robot("go1") is go1.GO1
    assert get_robot("a1") is a1.A1
    with pytest.raises(UnknownNameError, match="unknown robot 'spot'; choose one of: a1, go1"):
        get_robot("spot")


@pytest.mark.parametrize(("name", "published"), [("go1", 13.1005), ("a1", 13.741)])
def test_the_total_mass_is_the_published_one(name: str, published: float):
    # The published totals include an IMU and camera frames of together less than 2 g.
    assert math.fsum(part.mass for part in get_robot(name).links) == pytest.approx(published, abs=0.002)


def test_the_parts_sum_to_hand_computed_masses():
    leg = 0.591 + 0.089 + 0.92 + 0.089 + 0.135862 + 0.06
    assert math.fsum(part.mass for part in go1.GO1.links) == pytest.approx(5.204 + 4 * 0.089 + 4 * leg)
    assert math.fsum(part.mass for part in a1.A1.links) == pytest.approx(6.0 + 4 * (0.696 + 1.013 + 0.166 + 0.06))


@BOTH
def test_bodies_and_joints_stand_in_the_agreed_order(cfg: RobotCfg):
    legs = ("FL", "FR", "RL", "RR")
    assert cfg.body_names == ("trunk", *(f"{leg}_{part}" for leg in legs for part in ("hip", "thigh", "calf", "foot")))
    assert cfg.dof_names == tuple(f"{leg}_{part}_joint" for leg in legs for part in ("hip", "thigh", "calf"))
    assert cfg.foot_names == ("FL_foot", "FR_foot", "RL_foot", "RR_foot")
    assert cfg.thigh_names == ("FL_thigh", "FR_thigh", "RL_thigh", "RR_thigh")
    assert cfg.num_dof == len(cfg.default_dof_pos) == len(cfg.stiffness) == len(cfg.damping) == 12
    assert len(cfg.links) == len(cfg.body_points) == 17
    assert all(len(points) > 0 for points in cfg.body_points)


def test_joint_limits_are_the_listed_ones_on_every_leg():
    go1_limits = [(-0.863, 0.863, 23.7, 30.1), (-0.686, 4.501, 23.7, 30.1), (-2.818, -0.888, 35.55, 20.06)]
    degrees = [(-46, 46), (-60, 240), (-154.5, -52.5)]
    a1_limits = [(math.radians(low), math.radians(high), 33.5, 21.0) for low, high in degrees]
    for cfg, limits in ((go1.GO1, go1_limits), (a1.A1, a1_limits)):
        found = [(j.lower, j.upper, j.torque_limit, j.velocity_limit) for j in cfg.joints]
        for joint, expected in zip(found, limits * 4, strict=True):
            assert joint == pytest.approx(expected)


@BOTH
def test_the_default_pose_is_inside_the_limits(cfg: RobotCfg):
    for angle, joint in zip(cfg.default_dof_pos, cfg.joints, strict=True):
        assert joint.lower < angle < joint.upper


@pytest.mark.parametrize(
    ("leg", "com", "ixy", "ixz", "iyz"),
    [
        ("FR", (-0.003311, -0.000635, 3.1e-05), 9.409e-06, -3.42e-07, 4.66e-07),
        ("RL", (0.003311, 0.000635, 3.1e-05), 9.409e-06, 3.42e-07, -4.66e-07),
        ("RR", (0.003311, -0.000635, 3.1e-05), -9.409e-06, 3.42e-07, 4.66e-07),
    ],
)
def test_a_mirrored_hip_has_the_listed_signs(leg: str, com: tuple, ixy: float, ixz: float, iyz: float):
    hip = link(a1.A1, f"{leg}_hip")
    assert hip.com == pytest.approx(com)
    assert hip.inertia[1:3] == pytest.approx((ixy, ixz))
    assert hip.inertia[4] == pytest.approx(iyz)


def test_right_thighs_are_mirrored_and_go1_calves_are_not():
    # Listed: thigh com y -0.022327 left, +0.022327 right, front and rear alike; Go1's calf com y +0.001408 everywhere.
    assert [link(a1.A1, f"{leg}_thigh").com[1] for leg in ("FL", "FR", "RL", "RR")] == pytest.approx(
        [-0.022327, 0.022327, -0.022327, 0.022327]
    )
    assert [link(a1.A1, f"{leg}_thigh").com[0] for leg in ("FL", "RL")] == [-0.003237, -0.003237]
    assert {link(go1.GO1, f"{leg}_calf").com for leg in ("FL", "FR", "RL", "RR")} == {(0.006197, 0.001408, -0.116695)}


def test_joint_origins_are_mirrored():
    origins = {joint.name: joint.origin for joint in go1.GO1.joints}
    assert origins["FL_hip_joint"] == (0.1881, 0.04675, 0.0)
    assert origins["RR_hip_joint"] == (-0.1881, -0.04675, 0.0)
    assert origins["RL_thigh_joint"] == (0.0, 0.08, 0.0)
    assert origins["FR_thigh_joint"] == (0.0, -0.08, 0.0)
    assert origins["FR_calf_joint"] == (0.0, 0.0, -0.213)


def test_merging_two_point_masses_gives_a_dumbbell():
    # 3 kg at x = 0 and 1 kg at x = 4: com at x = 1, I about it = 3 * 1 + 1 * 9 = 12 across, nothing along x.
    body = LinkCfg("body", 3.0, (0.0, 0.0, 0.0), (0.0,) * 6)
    merged = merge_rotors(body, (RotorCfg("rotor", "body", (4.0, 0.0, 0.0), 1.0, (0.0,) * 6),))
    assert merged.mass == 4.0
    assert merged.com == pytest.approx((1.0, 0.0, 0.0))
    assert merged.inertia == pytest.approx((0.0, 0.0, 0.0, 12.0, 0.0, 12.0))


def test_the_go1_hip_with_its_rotor_by_hand():
    # 0.591 kg and 0.089 kg, the reduced mass 0.591 * 0.089 / 0.68 and d = rotor - hip com = (5.657, 8.602, 0.102) mm.
    hip = link(go1.GO1, "FL_hip")
    reduced = 0.591 * 0.089 / 0.68
    assert hip.mass == pytest.approx(0.68)
    assert hip.com == pytest.approx((-0.0049165985, -0.00762615, -8.865e-05))
    assert hip.inertia[0] == pytest.approx(0.000334008405 + 5.9647e-05 + reduced * (0.008602**2 + 0.000102**2))
    assert hip.inertia[3] == pytest.approx(0.000619101213 + 0.000111842 + reduced * (0.005657**2 + 0.000102**2))
    assert hip.inertia[1] == pytest.approx(-1.0826066e-05 - reduced * 0.005657 * 0.008602)


def test_the_go1_trunk_with_four_rotors_by_hand():
    # About the trunk's origin Izz is its own 0.0716547 plus 5.204 (x^2 + y^2) plus four rotors of
    # 5.9647e-5 + 0.089 (0.11215^2 + 0.04675^2), together 0.0797577; moving to the common center of mass takes
    # 5.56 (0.0208722^2 + 0.0018719^2) = 0.0024417 off.
    trunk = link(go1.GO1, "trunk")
    assert trunk.mass == pytest.approx(5.56)
    assert trunk.com == pytest.approx((5.204 * 0.0223 / 5.56, 5.204 * 0.002 / 5.56, -5.204 * 0.0005 / 5.56))
    assert trunk.inertia[5] == pytest.approx(0.077316042, abs=1e-9)


def test_every_registered_robot_can_exist_physically():
    for cfg in ROBOTS.values():
        for part in cfg.links:
            ixx, _, _, iyy, _, izz = part.inertia
            assert part.mass > 0
            assert min(ixx, iyy, izz) > 0
            assert ixx + iyy > izz and iyy + izz > ixx and izz + ixx > iyy
