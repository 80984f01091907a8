"""Gaits as formulas: what stands does not slide, joints keep their limits, velocities are derivatives."""

import math

import pytest
import torch

from legged_gym_ext.motions.gaits import GAITS, MIXTURE, SPEEDS, YAW_RATES, gait_at
from legged_gym_ext.motions.generator import GaitMotion
from legged_gym_ext.robots.a1 import A1
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.robots.mass import mass_facts
from st_rl.utils.errors import UnknownNameError
from st_rl.utils.rotations import quat_rotate

BOTH = pytest.mark.parametrize("cfg", [GO1, A1], ids=lambda cfg: cfg.name)
EACH = pytest.mark.parametrize("gait", list(GAITS))


def times(motion: GaitMotion, count: int = 400) -> torch.Tensor:
    """Times over one stride, none of them just at a touch-down."""
    return (torch.arange(count, dtype=torch.float64) + 0.37) / count * motion.period


def feet_in_the_world(motion: GaitMotion, at: torch.Tensor) -> torch.Tensor:
    """Centers of the feet (T, 4, 3) m."""
    pose = motion.pose(at)
    return pose.root_pos[:, None] + quat_rotate(pose.root_rot[:, None].expand(-1, 4, -1), pose.foot_pos_b)


@BOTH
@EACH
@pytest.mark.parametrize("speed", [SPEEDS[0], SPEEDS[-1]])
@pytest.mark.parametrize("yaw_rate", YAW_RATES)
def test_feet_that_stand_neither_slide_nor_lift_off(cfg: RobotCfg, gait: str, speed: float, yaw_rate: float) -> None:
    motion = GaitMotion(cfg, GAITS[gait], speed, yaw_rate)
    at = times(motion)
    feet, stands = feet_in_the_world(motion, at), motion.contacts(at)
    both = stands[1:] & stands[:-1]
    assert (feet[1:] - feet[:-1]).norm(dim=-1)[both].max() < 1e-9
    assert (feet[..., 2][stands] - cfg.foot_radius).abs().max() < 1e-7
    # What does not stand is above the ground, and in the middle of its swing at the height that is asked for.
    assert feet[..., 2][~stands].min() > cfg.foot_radius
    assert feet[..., 2].max() - cfg.foot_radius == pytest.approx(GAITS[gait].clearance, abs=1e-4)


@BOTH
@EACH
def test_joints_keep_their_ranges_and_their_motors_speeds(cfg: RobotCfg, gait: str) -> None:
    lower = torch.tensor([joint.lower for joint in cfg.joints])
    upper = torch.tensor([joint.upper for joint in cfg.joints])
    fastest = torch.tensor([joint.velocity_limit for joint in cfg.joints])
    for speed in SPEEDS:
        motion = GaitMotion(cfg, GAITS[gait], speed, YAW_RATES[-1])
        pose = motion.moving_pose(times(motion))
        assert bool(((pose.dof_pos > lower) & (pose.dof_pos < upper)).all())
        assert bool((pose.dof_vel.abs() < fastest).all())


@EACH
def test_velocities_are_the_derivatives_of_positions(gait: str) -> None:
    motion = GaitMotion(GO1, GAITS[gait], 1.0, 0.4)
    at, h = times(motion, 100), 1e-4
    now, before, after = motion.moving_pose(at), motion.pose(at - h), motion.pose(at + h)
    world = quat_rotate(now.root_rot, now.lin_vel_b)
    assert torch.allclose(world, (after.root_pos - before.root_pos) / (2 * h), atol=1e-3)
    # Touch-downs bend the curves; away from them a difference is as good as a derivative.
    smooth = (motion.contacts(at - h) == motion.contacts(at + h)).all(dim=1)
    assert torch.allclose(now.dof_vel[smooth], ((after.dof_pos - before.dof_pos) / (2 * h))[smooth], atol=1e-2)
    # A body that turns by w for a short time moves what is ahead of it by w x ahead.
    ahead = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64).expand(100, 3)
    moved = (quat_rotate(after.root_rot, ahead) - quat_rotate(before.root_rot, ahead)) / (2 * h)
    spin = torch.linalg.cross(quat_rotate(now.root_rot, now.ang_vel_b), quat_rotate(now.root_rot, ahead))
    assert torch.allclose(moved, spin, atol=1e-3)


@EACH
def test_a_stride_leads_on_by_the_commanded_way_and_turn(gait: str) -> None:
    motion = GaitMotion(GO1, GAITS[gait], 0.8, 0.4)
    pose = motion.pose(torch.tensor([0.0, motion.period], dtype=torch.float64))
    assert torch.allclose(pose.dof_pos[0], pose.dof_pos[1], atol=1e-9)
    # A chord of the circle with radius 2 m.
    chord = 2.0 * 2.0 * math.sin(0.5 * 0.4 * motion.period)
    straight = GaitMotion(GO1, GAITS[gait], 0.8).pose(torch.tensor([0.0, motion.period], dtype=torch.float64))
    assert float((straight.root_pos[1] - straight.root_pos[0])[0]) == pytest.approx(0.8 * motion.period)
    if gait == "trot":  # which does not sway about the path
        assert float((pose.root_pos[1] - pose.root_pos[0]).norm()) == pytest.approx(chord)


def test_a_trot_stays_level_a_pace_sways_to_the_feet_that_stand_and_a_bound_nods_over_them() -> None:
    quarter = 0.25
    trot, pace, bound = (GaitMotion(GO1, GAITS[name], 0.4) for name in ("trot", "pace", "bound"))
    middle = {
        motion.gait.name: motion.pose(torch.tensor([quarter * motion.period]).double()) for motion in (pace, bound)
    }
    level = trot.pose(times(trot))
    assert level.root_pos[:, 1].abs().max() < 1e-12 and level.root_rot[:, :2].abs().max() < 1e-12
    # In the middle of the stance of the left pair: 2/pi of the feet's distance y from the middle is the first
    # harmonic's half, so that p = 4/pi y; x'' = g/h (x - p) gives the amplitude p k / (w^2 + k).
    y = 0.04675 + 0.75 * 0.08
    pull, rate = 9.81 / 0.3218, (2.0 * math.pi / 0.4) ** 2
    expected = 4.0 / math.pi * y * pull / (rate + pull)
    assert float(middle["pace"].root_pos[0, 1]) == pytest.approx(expected)
    # In the middle of the stance of the fore pair the nose is at its lowest, and the trunk ahead of the path.
    pressure = 4.0 / math.pi * 0.1881
    sway = pressure * 0.5 * pull / (rate + 0.5 * pull)
    facts = mass_facts(GO1)
    pitch = 0.5 * facts.mass * 9.81 * (pressure - sway) / (facts.inertia[1] * rate)
    assert float(2.0 * middle["bound"].root_rot[0, 1].asin()) == pytest.approx(pitch)
    assert float(middle["bound"].root_pos[0, 0]) == pytest.approx(0.4 * 0.1 + sway)


def test_feet_stand_for_the_duty_factor_in_the_order_of_the_gait() -> None:
    motion = GaitMotion(GO1, GAITS["trot"], 0.4)
    stands = motion.contacts(times(motion))
    assert stands.float().mean(dim=0).tolist() == pytest.approx([0.5] * 4, abs=0.01)
    assert torch.equal(stands[:, 0], stands[:, 3]) and torch.equal(stands[:, 1], stands[:, 2])
    assert not bool((stands[:, 0] & stands[:, 1]).any())


def test_where_feet_stand_for_less_than_half_of_the_stride_the_trunk_falls_and_is_thrown_up() -> None:
    motion = GaitMotion(GO1, GAITS["trot"], 1.6)
    height = motion.pose(times(motion)).root_pos[:, 2]
    # Duty factor 0.42, stride 0.42 s: g sin(2 pi 0.42) / (pi 0.42) = 3.58 m/s^2, over (4 pi / 0.42 s)^2 4.0 mm.
    assert float(height.max() - height.min()) / 2.0 == pytest.approx(0.0040, abs=1e-4)
    # It is lowest in the middle of a stance.
    middle = motion.pose(torch.tensor([0.5 * 0.42 * motion.period]).double()).root_pos[0, 2]
    assert float(middle) == pytest.approx(float(height.min()), abs=1e-5)
    assert float(height.mean()) == pytest.approx(GO1.base_height)


def test_the_mixture_follows_the_speed_and_an_unknown_gait_is_named() -> None:
    assert [gait_at(MIXTURE, speed).name for speed in SPEEDS] == ["pace"] * 2 + ["trot"] * 3 + ["bound"] * 2
    with pytest.raises(UnknownNameError, match="mixture"):
        gait_at("gallop", 1.0)
    trot = GAITS["trot"]
    assert (trot.period(0.4), trot.period(1.0), trot.period(5.0)) == pytest.approx((0.48, 0.45, 0.42))
    assert (trot.duty_factor(0.1), trot.duty_factor(1.0)) == pytest.approx((0.5, 0.46))
