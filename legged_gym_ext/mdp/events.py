"""Event terms ``f(env, mask, **parameters)``: they change the worlds in ``mask (N,)`` and only those."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.robots.kinematics import foot_positions
from legged_gym_ext.sim.interface import DynamicsSample
from st_rl.utils.constants import constant
from st_rl.utils.ranges import Interval, NonNegativeInterval, Share
from st_rl.utils.rotations import quat_from_euler_xyz, quat_rotate, turn_planar


def reset_root_and_joints(
    env: EnvState,
    mask: Tensor,
    *,
    xy: Interval = (-0.5, 0.5),
    ahead: Interval | None = None,
    yaw: Interval = (-3.14159, 3.14159),
    roll: Interval = (-0.1, 0.1),
    pitch: Interval = (-0.1, 0.1),
    forward: Interval | None = None,
    lin_vel: Interval = (-0.3, 0.3),
    ang_vel: Interval = (-0.3, 0.3),
    joint_offset: Interval = (-0.2, 0.2),
    joint_vel: Interval = (-0.5, 0.5),
    clearance: Interval = (0.02, 0.02),
) -> None:
    """Put the robot near its world's origin in about the default pose.

    Args:
        xy: offset from ``env_origins``, m; ``ahead``, if given, is added along the world's x.
        yaw: heading, rad; ``roll`` and ``pitch`` rad, nose down is positive.
        forward: velocity along the world's x, m/s; ``None`` draws it like the others.
        lin_vel: m/s per axis; ``ang_vel`` rad/s per axis.
        joint_offset: rad added to the default joint angles; ``joint_vel`` rad/s.
        clearance: m between the highest ground under the robot and its lowest foot.
    """
    rows = env.rows(mask)
    draw, origins = partial(env.draw, rows), env.env_origins[rows]
    root = torch.zeros(len(origins), 13, device=env.device)
    root[:, 0:2] = origins[:, 0:2] + draw(2, low=xy[0], high=xy[1])
    if ahead is not None:
        root[:, 0] += draw(low=ahead[0], high=ahead[1])
    heading = draw(low=yaw[0], high=yaw[1])
    rolled, pitched = draw(low=roll[0], high=roll[1]), draw(low=pitch[0], high=pitch[1])
    root[:, 3:7] = quat_from_euler_xyz(rolled, pitched, heading)
    root[:, 7:10] = draw(3, low=lin_vel[0], high=lin_vel[1])
    if forward is not None:
        root[:, 7] = draw(low=forward[0], high=forward[1])
    root[:, 10:13] = draw(3, low=ang_vel[0], high=ang_vel[1])
    dof_pos = env.default_dof_pos + draw(env.robot.num_dof, low=joint_offset[0], high=joint_offset[1])
    dof_pos = torch.minimum(torch.maximum(dof_pos, env.dof_lower), env.dof_upper)
    dof_vel = draw(env.robot.num_dof, low=joint_vel[0], high=joint_vel[1])
    above = draw(low=clearance[0], high=clearance[1])
    footprint = root[:, None, 0:2] + _footprint(env, heading)
    feet = quat_rotate(root[:, None, 3:7].expand(-1, 4, -1), foot_positions(env.robot, dof_pos))
    lowest = feet[..., 2].amin(dim=1) - env.robot.foot_radius
    ground = env.ground_height(footprint).amax(dim=1)
    root[:, 2] = origins[:, 2] + ground + above - lowest
    env.sim.reset(mask, *(env.spread(rows, values) for values in (root, dof_pos, dof_vel)))


def arrive(env: EnvState, mask: Tensor, *, share: Share) -> None:
    """Start a ``share`` of the worlds as another skill leaves the robot.

    Fast, landing, askew, joints in full motion, and nearer to the obstacle than at the start of a track.
    The ranges are about those that the shipped policies had when they handed over behind hurdles, leaps, jumps and
    drops (docs/notes/combine_skills.md). For an event after the one that places the robots.
    """
    reset_root_and_joints(
        env,
        mask & (env.rand() < share),
        xy=(-0.25, 0.25),
        ahead=(0.0, 0.8),
        yaw=(-0.25, 0.25),
        roll=(-0.2, 0.2),
        pitch=(-0.15, 0.6),
        forward=(0.6, 2.6),
        lin_vel=(-0.5, 0.4),
        ang_vel=(-2.5, 2.5),
        joint_offset=(-0.5, 0.5),
        joint_vel=(-8.0, 8.0),
        clearance=(0.0, 0.08),
    )


def _footprint(env: EnvState, heading: Tensor) -> Tensor:
    """World-frame offsets (N, 9, 2) of a grid about as large as the stance of the robot, m."""
    x, y = torch.meshgrid(
        constant([-0.25, 0.0, 0.25], env.device),
        constant([-0.15, 0.0, 0.15], env.device),
        indexing="ij",
    )
    return turn_planar(x.reshape(1, -1), y.reshape(1, -1), heading)


def randomize_dynamics(
    env: EnvState,
    mask: Tensor,
    *,
    friction: NonNegativeInterval = (0.5, 1.25),
    added_mass: Interval = (-0.5, 1.5),
    com_shift: Interval = (-0.03, 0.03),
    motor_strength: NonNegativeInterval = (0.9, 1.1),
    gains: NonNegativeInterval = (0.9, 1.1),
    joint_friction: NonNegativeInterval = (0.0, 0.3),
    armature: NonNegativeInterval = (0.8, 1.2),
) -> None:
    """Draw friction, added mass (kg), shift of the trunk's center of mass (m), motor strength (factor per joint),
    PD gains (factor per joint), dry joint friction (N m) and armature (factor per joint)."""
    d, robot, rows = env.robot.num_dof, env.robot, env.rows(mask)

    def drawn(*shape: int, bounds: Interval, nominal: tuple[float, ...] = (1.0,)) -> Tensor:
        values = env.draw(rows, *shape, low=bounds[0], high=bounds[1])
        return env.spread(rows, values if nominal == (1.0,) else values * constant(nominal, env.device))

    sample = DynamicsSample(
        friction=drawn(bounds=friction),
        added_mass=drawn(bounds=added_mass),
        com_shift=drawn(3, bounds=com_shift),
        motor_strength=drawn(d, bounds=motor_strength),
        stiffness=drawn(d, bounds=gains, nominal=robot.stiffness),
        damping=drawn(d, bounds=gains, nominal=robot.damping),
        joint_friction=drawn(d, bounds=joint_friction),
        armature=drawn(d, bounds=armature, nominal=(robot.armature,) * d),
    )
    env.sim.set_dynamics(mask, sample)


def push(env: EnvState, mask: Tensor, *, lin_vel: Interval = (-0.5, 0.5), yaw_rate: Interval = (-0.3, 0.3)) -> None:
    """Kick the trunk: add a horizontal velocity in m/s and a yaw rate in rad/s."""
    velocity = torch.zeros(env.num_envs, 6, device=env.device)
    velocity[:, 0:2] = env.rand(2, low=lin_vel[0], high=lin_vel[1])
    velocity[:, 5] = env.rand(low=yaw_rate[0], high=yaw_rate[1])
    env.sim.push(mask, velocity)


def place_on_level(env: EnvState, mask: Tensor, *, x: Interval = (-3.0, 3.0), y: Interval = (-6.0, 6.0)) -> None:
    """Move the origins of the worlds to a random place on the strip of their terrain level; offsets in m."""
    if env.height_field is None:
        return
    origin = torch.zeros_like(env.env_origins)
    origin[:, 0] = env.height_field.level_origin_x(env.terrain_levels) + env.rand(low=x[0], high=x[1])
    origin[:, 1] = env.rand(low=y[0], high=y[1])
    env.env_origins = torch.where(mask[:, None], origin, env.env_origins)
