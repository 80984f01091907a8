"""Joint angles from feet, against forward kinematics and a leg worked by hand; and the mass of a robot."""

import math

import pytest
import torch

from legged_gym_ext.robots.a1 import A1
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.robots.inverse_kinematics import joint_angles_of_feet
from legged_gym_ext.robots.kinematics import foot_positions
from legged_gym_ext.robots.mass import mass_facts

BOTH = pytest.mark.parametrize("cfg", [GO1, A1], ids=lambda cfg: cfg.name)


@BOTH
def test_angles_come_back_from_the_feet_that_they_reach(cfg: RobotCfg) -> None:
    generator = torch.Generator().manual_seed(0)
    low, high = torch.tensor([[-0.6, 0.0, -2.5], [0.6, 1.6, -1.0]], dtype=torch.float64)
    angles = low + (high - low) * torch.rand(200, 4, 3, dtype=torch.float64, generator=generator)
    angles = angles.view(200, 12)
    assert torch.allclose(joint_angles_of_feet(cfg, foot_positions(cfg, angles)), angles, atol=1e-6)


def test_a_right_angled_leg_of_go1_is_as_worked_by_hand() -> None:
    # Thigh and calf of 0.213 m at a right angle: the foot is sqrt(2) * 0.213 m below the hip, the thigh leans 45
    # degrees backwards, which is positive.
    feet = foot_positions(GO1, torch.zeros(1, 12, dtype=torch.float64))
    feet[..., 2] = -math.sqrt(2.0) * 0.213
    angles = joint_angles_of_feet(GO1, feet).view(4, 3)
    expected = torch.tensor([0.0, math.pi / 4, -math.pi / 2], dtype=torch.float64)
    assert torch.allclose(angles, expected.expand(4, 3), atol=1e-6)


def test_what_is_out_of_reach_is_reached_for_with_a_straight_leg() -> None:
    feet = foot_positions(GO1, torch.zeros(1, 12, dtype=torch.float64))
    feet[..., 2] = -1.0
    assert joint_angles_of_feet(GO1, feet).view(4, 3)[:, 2].tolist() == pytest.approx([0.0] * 4, abs=1e-6)


@BOTH
def test_the_mass_is_that_of_all_links_and_the_inertia_that_of_a_long_body(cfg: RobotCfg) -> None:
    facts = mass_facts(cfg)
    assert facts.mass == pytest.approx(sum(link.mass for link in cfg.links))
    assert abs(facts.com[0]) < 0.02 and abs(facts.com[1]) < 0.005 and -0.05 < facts.com[2] < 0.0
    roll, pitch, yaw = facts.inertia
    assert roll < pitch < yaw < roll + pitch
