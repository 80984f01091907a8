"""A robot in a gait, as formulas of time: feet by phase and duty factor, joints by inverse kinematics.

The *path frame* moves along the ground with the commanded velocity and yaw rate, x ahead; without sway the trunk is
above its origin. Everything is float64 and SI; T times, feet in the order FL, FR, RL, RR.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from legged_gym_ext.motions.gaits import Gait
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.inverse_kinematics import joint_angles_of_feet
from legged_gym_ext.robots.kinematics import foot_positions
from legged_gym_ext.robots.mass import mass_facts
from st_rl.utils.rotations import quat_from_euler_xyz, quat_multiply, quat_rotate, quat_rotate_inverse

GRAVITY = 9.81
"""m/s^2."""
_STEP = 1e-5
"""Half the time, in s, over which velocities are differences of positions."""


@dataclass(frozen=True)
class Pose:
    """Where a robot is at T times."""

    root_pos: Tensor
    """(T, 3) m, world."""
    root_rot: Tensor
    """(T, 4) xyzw."""
    dof_pos: Tensor
    """(T, 12) rad."""
    foot_pos_b: Tensor
    """(T, 4, 3) m, centers of the feet in the base frame."""


@dataclass(frozen=True)
class MovingPose(Pose):
    """Where a robot is at T times, and how it moves."""

    lin_vel_b: Tensor
    """(T, 3) m/s, base frame."""
    ang_vel_b: Tensor
    """(T, 3) rad/s, base frame."""
    dof_vel: Tensor
    """(T, 12) rad/s."""
    foot_vel_b: Tensor
    """(T, 4, 3) m/s, derivative of ``foot_pos_b``."""


class GaitMotion:
    """``robot`` in ``gait`` at a constant forward speed (m/s) and yaw rate (rad/s)."""

    def __init__(self, robot: RobotCfg, gait: Gait, speed: float, yaw_rate: float = 0.0) -> None:
        self.robot, self.gait, self.speed, self.yaw_rate = robot, gait, speed, yaw_rate
        self.period, self.duty = gait.period(speed), gait.duty_factor(speed)
        self.height = robot.base_height
        """Of the trunk above the ground in the mean over a stride, m."""
        hips = torch.tensor([joint.origin for joint in robot.joints[::3]], dtype=torch.float64)
        sides = hips[:, 1].sign()
        self._neutral = torch.stack((hips[:, 0], hips[:, 1] + sides * gait.stance_width * robot.hip_offset), dim=-1)
        """(4, 2) m, path frame: where each foot is in the middle of its stance."""
        self._offsets = torch.tensor(gait.offsets, dtype=torch.float64)
        self._sway, self._lean = self._giving_way()
        self._heave = self._heaving()

    def _middles(self) -> Tensor:
        """(4,) rad: phase of the middle of each foot's stance."""
        return 2.0 * math.pi * (self._offsets + 0.5 * self.duty)

    def _heaving(self) -> complex:
        """Amplitude of the trunk's height in m, twice a stride.

        Feet that stand carry the weight of the whole stride, ``z'' = g (s - 1)`` with ``s`` their number over its mean;
        of that the second harmonic is taken. With a duty factor of a half there is none.
        """
        harmonic = torch.polar(torch.full((4,), 0.25, dtype=torch.float64), -2.0 * self._middles()).sum().item()
        rate = (4.0 * math.pi / self.period) ** 2
        return -GRAVITY * harmonic * math.sin(2.0 * math.pi * self.duty) / (math.pi * self.duty) / rate

    def _giving_way(self) -> tuple[Tensor, Tensor]:
        """Amplitudes (2,) complex of sway along x and y in m, and of roll and pitch in rad, over one stride.

        The center of pressure goes to and fro between the pairs of feet; of that the first harmonic is taken. A share
        ``gait.sway`` of its moment about the center of mass is met by horizontal forces, under which the trunk sways
        as a linear inverted pendulum (Kajita et al. 2001), ``x'' = sway g / h (x - p)``; the rest turns it,
        ``I roll'' = (1 - sway) m g (p - x)``, and the nose down where the force is behind.
        """
        gait, facts = self.gait, mass_facts(self.robot)
        # How long the pairs stand alone; the one that stands carries the weight of the whole stride.
        alone = math.sin(math.pi * min(self.duty, 1.0 - self.duty)) / math.pi / min(2.0 * self.duty, 1.0)
        turning = torch.polar(torch.full((4,), alone, dtype=torch.float64), -self._middles())
        pressure = (self._neutral * turning[:, None]).sum(dim=0)
        rate = (2.0 * math.pi / self.period) ** 2
        pull = gait.sway * GRAVITY / self.height
        sway = pressure * pull / (rate + pull)
        lever = (1.0 - gait.sway) * facts.mass * GRAVITY / rate * (pressure - sway)
        lean = torch.stack((-lever[1] / facts.inertia[0], lever[0] / facts.inertia[1]))
        return sway, lean

    def phases(self, times: Tensor) -> Tensor:
        """Phase (T, 4) in [0, 1) of each foot; it stands while that is below the duty factor."""
        return (times[:, None] / self.period - self._offsets).remainder(1.0)

    def contacts(self, times: Tensor) -> Tensor:
        """(T, 4) bool: which feet stand."""
        return self.phases(times) < self.duty

    def pose(self, times: Tensor) -> Pose:
        """Where the robot is at ``times (T,)`` in s."""
        turning = torch.polar(torch.ones_like(times), 2.0 * math.pi * times / self.period)[:, None]
        sway, lean = (self._sway * turning).real, (self._lean * turning).real
        tilt = quat_from_euler_xyz(lean[:, 0], lean[:, 1], torch.zeros_like(times))
        heave = (self._heave * turning.square()).real
        trunk = torch.cat((sway, self.height + heave), dim=1)
        feet = quat_rotate_inverse(tilt[:, None].expand(-1, 4, -1), self._feet(times) - trunk[:, None])
        dof_pos = joint_angles_of_feet(self.robot, feet)
        heading = quat_from_euler_xyz(torch.zeros_like(times), torch.zeros_like(times), self.yaw_rate * times)
        root_pos = quat_rotate(heading, trunk)
        root_pos[:, :2] += _arc(self.speed, self.yaw_rate, times)
        # The feet are those of the joints: where a leg is too short, files and robots must agree.
        return Pose(root_pos, quat_multiply(heading, tilt), dof_pos, foot_positions(self.robot, dof_pos))

    def moving_pose(self, times: Tensor) -> MovingPose:
        """As ``pose``, with velocities: differences of the positions shortly before and after ``times (T,)``."""
        now, before, after = self.pose(times), self.pose(times - _STEP), self.pose(times + _STEP)

        def rate(first: Tensor, second: Tensor) -> Tensor:
            return (second - first) / (2.0 * _STEP)

        conjugate = before.root_rot * torch.tensor([-1.0, -1.0, -1.0, 1.0], dtype=torch.float64)
        turned = quat_multiply(conjugate, after.root_rot)
        return MovingPose(
            **_positions(now),
            lin_vel_b=quat_rotate_inverse(now.root_rot, rate(before.root_pos, after.root_pos)),
            # Of a small rotation the vector part of the quaternion is half the angle.
            ang_vel_b=2.0 * turned[:, :3] * turned[:, 3:].sign() / (2.0 * _STEP),
            dof_vel=rate(before.dof_pos, after.dof_pos),
            foot_vel_b=rate(before.foot_pos_b, after.foot_pos_b),
        )

    def _feet(self, times: Tensor) -> Tensor:
        """Centers of the feet (T, 4, 3) m in the path frame."""
        phases, duty = self.phases(times), self.duty
        stance = self._standing((phases - 0.5 * duty) * self.period)
        half = torch.full((1, 4), 0.5 * duty * self.period, dtype=torch.float64)
        share = ((phases - duty) / (1.0 - duty)).clamp_min(0.0)
        swing = self._swing(share, self._standing(half), self._standing(-half))
        xy = torch.where((phases < duty)[..., None], stance, swing)
        # Without speed at both ends, and 1 in the middle.
        lift = 16.0 * (share * (1.0 - share)) ** 2 * self.gait.clearance
        return torch.cat((xy, (self.robot.foot_radius + lift)[..., None]), dim=-1)

    def _standing(self, since: Tensor) -> Tensor:
        """Path-frame positions (T, 4, 2) of feet that stand, ``since (T, 4)`` s after the middle of their stance."""
        return _turned(self._neutral - _arc(self.speed, self.yaw_rate, since), -self.yaw_rate * since)

    def _drift(self, place: Tensor) -> Tensor:
        """Velocity (..., 2) m/s in the path frame of what rests on the ground at ``place (..., 2)``."""
        x, y = place.unbind(dim=-1)
        return torch.stack((self.yaw_rate * y - self.speed, -self.yaw_rate * x), dim=-1)

    def _swing(self, share: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """Path-frame positions (T, 4, 2) at ``share (T, 4)`` of a swing from ``start`` to ``end (1, 4, 2)``.

        A polynomial of third degree, which leaves the ground and returns to it at the ground's own velocity. Higher
        degrees would start and end without acceleration, and be faster in between than motors allow.
        """
        duration = (1.0 - self.duty) * self.period
        first, last, way = duration * self._drift(start), duration * self._drift(end), end - start
        u = share[..., None]
        return start + u * (first + u * (3.0 * way - 2.0 * first - last + u * (first + last - 2.0 * way)))


def _positions(pose: Pose) -> dict[str, Tensor]:
    return {
        "root_pos": pose.root_pos,
        "root_rot": pose.root_rot,
        "dof_pos": pose.dof_pos,
        "foot_pos_b": pose.foot_pos_b,
    }


def _arc(speed: float, yaw_rate: float, times: Tensor) -> Tensor:
    """Where (..., 2) m one is after ``times (...)`` s at a speed ahead and a yaw rate, from the origin along x."""
    if yaw_rate == 0.0:
        return torch.stack((speed * times, torch.zeros_like(times)), dim=-1)
    angle, radius = yaw_rate * times, speed / yaw_rate
    return torch.stack((radius * angle.sin(), radius * (1.0 - angle.cos())), dim=-1)


def _turned(vector: Tensor, angle: Tensor) -> Tensor:
    """``vector (..., 2)`` turned by ``angle (...)`` rad."""
    x, y = vector.unbind(dim=-1)
    cos, sin = angle.cos(), angle.sin()
    return torch.stack((cos * x - sin * y, sin * x + cos * y), dim=-1)
