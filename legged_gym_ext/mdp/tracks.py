"""Terms of tasks on tracks: observations, rewards, terminations, curricula, events and metrics.

Each is a free function of ``env``, which must have a track (``EnvCfg.track``); N worlds.
"""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.mdp.track_state import TrackState
from legged_gym_ext.rotations import quat_from_euler_xyz, yaw_of
from legged_gym_ext.terrain import queries
from legged_gym_ext.terrain.blocks import BLOCKS, NUM_OBSTACLE_IDS
from st_rl.utils.constants import constant

TILT = BLOCKS["tilt"].obstacle_id


def track_of(env: EnvState) -> TrackState:
    """The tracks of ``env``; it is an error of the task's author if there are none."""
    assert env.track is not None, "this term needs EnvCfg.track"
    return env.track


# -------------------------------------------------------------------- observations


def engaging_block(env: EnvState, reach: float = 1.5) -> Tensor:
    """(N, 8): distance to the obstacle at hand in m (negative inside, at most ``reach``), one-hot over (walk, tilt,
    crawl, jump, leap), block info (2). Beyond ``reach``, or with no obstacle left, the one-hot says walk."""
    track = track_of(env)
    at = track.index[:, None]
    ahead = track.tracks.start.gather(1, at).squeeze(1) - env.base_pos[:, 0]
    engaged = track.engaged & (ahead < reach)
    obstacle_id = track.tracks.obstacle_id.gather(1, at).squeeze(1) * engaged
    one_hot = (obstacle_id[:, None] == torch.arange(NUM_OBSTACLE_IDS, device=env.device)).float()
    info = track.tracks.info.gather(1, at[..., None].expand(-1, -1, 2)).squeeze(1) * engaged[:, None]
    distance = torch.where(engaged, ahead.clamp(-1.5, reach), reach)
    return torch.cat((distance[:, None], one_hot, info.clamp(-1.0, 1.0)), dim=1)


def sidewall_distance(env: EnvState) -> Tensor:
    """(N, 2) m from the base to the left and to the right edge of the track."""
    return queries.side_wall_distance(track_of(env).tracks, env.base_pos[:, 1])


def height_measurements(
    env: EnvState,
    x: tuple[float, float, int] = (-0.4, 1.0, 15),
    y: tuple[float, float, int] = (-0.3, 0.3, 5),
    offset: float = 0.3,
) -> Tensor:
    """(N, P) m: height of the base above the track around it, minus ``offset``, clipped to [-1, 1].

    The points are a grid in the base's heading frame, ``(first, last, number)`` along x and y, y running fastest.
    """
    return _scan(env, x, y, offset)


def _scan(env: EnvState, x: tuple[float, float, int], y: tuple[float, float, int], offset: float) -> Tensor:
    along, across = torch.linspace(*x, device=env.device), torch.linspace(*y, device=env.device)
    px, py = (grid.reshape(1, -1) for grid in torch.meshgrid(along, across, indexing="ij"))
    yaw = yaw_of(env.base_quat)[:, None]
    cos, sin = yaw.cos(), yaw.sin()
    points = torch.stack((cos * px - sin * py, sin * px + cos * py), dim=-1) + env.base_pos[:, None, 0:2]
    heights = track_of(env).height_at(points)
    return (env.base_pos[:, 2:3] - offset - heights).clamp(-1.0, 1.0)


# -------------------------------------------------------------------- rewards


def forward_progress(env: EnvState) -> Tensor:
    """Velocity along the track, m/s, counted up to the forward command."""
    return torch.minimum(env.sim.root_states[:, 7], env.commands[:, 0])


def lateral_velocity(env: EnvState) -> Tensor:
    """Squared deviation of the lateral velocity from its command, (m/s)^2, base frame."""
    return (env.commands[:, 1] - env.base_lin_vel[:, 1]).square()


def heading(env: EnvState) -> Tensor:
    """Squared angle between the robot's heading and the track, rad^2."""
    return yaw_of(env.base_quat).square()


def roll(env: EnvState) -> Tensor:
    """Squared sine of the roll angle."""
    return env.projected_gravity[:, 1].square()


def slot_roll(env: EnvState, widest: float = 0.38, narrowest: float = 0.26, max_roll: float = 0.95) -> Tensor:
    """Share (N,) in [0, 1] of the roll that the slot of a tilt block asks for, to either side; 0 away from a slot.

    Only who moves on is rewarded: it is multiplied by the share of the commanded forward velocity. It counts from 0.4 m
    before the slot to its end. The roll grows linearly from 0 for a slot of ``widest`` m to ``max_roll`` rad for one of
    ``narrowest`` m. Upright, the robots are 0.30 m wide at the hips: asked to roll where it is not yet needed, they
    learn it before walls stand in the way.
    """
    track = track_of(env)
    at = track.index[:, None]
    x = env.base_pos[:, 0]
    width = track.tracks.parameter.gather(1, at).squeeze(1)
    is_tilt = track.tracks.obstacle_id.gather(1, at).squeeze(1) == TILT
    start, end = (bound.gather(1, at).squeeze(1) for bound in (track.tracks.start, track.tracks.end))
    asked = max_roll * ((widest - width) / (widest - narrowest)).clamp(0.0, 1.0)
    gravity = env.projected_gravity
    angle = torch.atan2(gravity[:, 1].abs(), -gravity[:, 2]).clamp_min(0.0)
    here = is_tilt & (asked > 0.0) & (x > start - 0.4) & (x < end + 0.2)
    speed = (env.sim.root_states[:, 7] / env.commands[:, 0].clamp_min(0.1)).clamp(0.0, 1.0)
    return here * speed * (angle / asked.clamp_min(1e-6)).clamp_max(1.0)


def penetration_depth(env: EnvState) -> Tensor:
    """Depth to which the bodies are in soft obstacles, m, summed over their sample points."""
    return track_of(env).penetration().sum(dim=1)


def penetration_volume(env: EnvState) -> Tensor:
    """Share of the bodies' sample points that are in soft obstacles."""
    return (track_of(env).penetration() > 0.0).float().mean(dim=1)


def impact(env: EnvState, force: float = 250.0) -> Tensor:
    """Sum over bodies of the contact force in excess of ``force`` N."""
    return (env.contact_forces.norm(dim=-1) - force).clamp_min(0.0).sum(dim=1)


def dof_vel_limits(env: EnvState, soft: float = 0.9) -> Tensor:
    """Mean over the physics steps of the summed joint speeds beyond ``soft`` times what the motors reach, rad/s."""
    excess = (env.sim.substep_dof_vel.abs() - soft * env.velocity_limit).clamp_min(0.0)
    return excess.sum(dim=2).mean(dim=1)


# -------------------------------------------------------------------- terminations


def off_track(env: EnvState) -> Tensor:
    """The base is beside the track or has turned back behind the start platform."""
    track = track_of(env)
    beside = env.base_pos[:, 1].abs() > 0.5 * track.tracks.width
    return beside | (env.base_pos[:, 0] < -1.2)


def below_track(env: EnvState, depth: float = 0.05) -> Tensor:
    """The base is ``depth`` m below the floor of the track: it fell into a gap or off the side."""
    return env.base_pos[:, 2] < queries.floor_level(track_of(env).tracks, env.base_pos[:, 0]) - depth


def finished(env: EnvState) -> Tensor:
    """The last obstacle has been passed."""
    return env.base_pos[:, 0] > queries.finish_line(track_of(env).tracks) + 0.2


# -------------------------------------------------------------------- events and curriculum


def new_track(env: EnvState, mask: Tensor, *, num_levels: int = 10, uniform: bool = False) -> None:
    """A new track for every world in ``mask``; episodes start at its beginning.

    ``uniform`` draws the difficulty of every block anew instead of from the world's levels: for evaluation.
    """
    track = track_of(env)
    track.rebuild(mask, num_levels=num_levels, uniform=uniform)
    origin = torch.zeros_like(env.env_origins)
    origin[:, 2] = track.tracks.level[:, 0]
    env.env_origins = torch.where(mask[:, None], origin, env.env_origins)


def start_in_slot(env: EnvState, mask: Tensor, *, share: float = 0.3, margin: float = 0.002) -> None:
    """Let a ``share`` of the episodes begin before or in the first slot of a track of tilt blocks, rolled as far as it
    needs, with the legs upright under the hips: what the robot is to find, it has seen. To come after the pose's reset.

    Standing like this a robot is 2 (a cos(roll) + b) wide: a from the middle of the trunk to the hip axis, b from there
    to the outside of the hip. ``margin`` m is left on either side, where the range of the hips allows it.
    """
    track, robot = track_of(env), env.robot
    chosen = mask & (env.rand() < share)
    if track.skip_empty and not bool(chosen.any()):
        return
    axis = robot.joints[0].origin[1]
    outside = robot.hip_offset + 0.02
    half = 0.5 * track.tracks.parameter[:, 0] - margin
    side = (env.rand() < 0.5).float() * 2.0 - 1.0
    roll = side * ((half - outside) / axis).clamp(-1.0, 1.0).acos().clamp_max(robot.joints[0].upper)
    # A leg of length L under its hip: the hips of one side are higher, and its legs longer.
    reach = robot.thigh_length + robot.calf_length
    rise = axis * roll.sin()[:, None] * constant([1.0, -1.0, 1.0, -1.0], env.device)
    knee = 2.0 * ((0.72 * reach + rise) / reach).clamp(0.4, 0.98).acos()
    hip = (-roll[:, None]).expand_as(knee)
    dof_pos = torch.stack((hip, 0.5 * knee, -knee), dim=-1).flatten(1)
    dof_pos = torch.minimum(torch.maximum(dof_pos, env.dof_lower), env.dof_upper)
    root = torch.zeros(env.num_envs, 13, device=env.device)
    start, end = track.tracks.start[:, 0], track.tracks.end[:, 0]
    root[:, 0] = torch.lerp(start - 0.5, end, env.rand())
    root[:, 2] = env.env_origins[:, 2] + 0.72 * reach + robot.foot_radius + margin
    zero = torch.zeros_like(roll)
    root[:, 3:7] = quat_from_euler_xyz(roll, zero, zero)
    root[:, 7] = env.rand(low=0.3, high=1.0)
    env.sim.reset(chosen, root, dof_pos, torch.zeros_like(dof_pos))


def solid_obstacles(env: EnvState, mask: Tensor) -> None:
    """Obstacles are solid from now on: for evaluation, and for runs that need no soft ones."""
    track = track_of(env)
    track.hardness = torch.where(mask, 1.0, track.hardness)


def random_track_level(env: EnvState, mask: Tensor, *, num_levels: int = 10, hardness: float = 0.0) -> None:
    """Draw the level of every type of block uniformly; obstacles are solid with the probability ``hardness``."""
    track = track_of(env)
    track.hardness = torch.where(mask, hardness, track.hardness)
    fresh = (env.rand(track.levels.shape[1]) * num_levels).long().clamp_max(num_levels - 1)
    track.levels = torch.where(mask[:, None], fresh, track.levels)


def track_level(env: EnvState, mask: Tensor, *, num_levels: int = 10, clean: float = 0.03) -> None:
    """Per type of block: harder where the track's obstacles of that type were all passed, easier after a failure.

    A soft obstacle counts as passed only where no body was more than ``clean`` m inside it. The obstacle at which the
    episode ended makes its type easier, unless the robot was already behind it or passed another one of that type.
    Past the top, levels are drawn at random.
    """
    track = track_of(env)
    kinds, types = track.tracks.kind, torch.arange(track.levels.shape[1], device=env.device)
    blocks = torch.arange(kinds.shape[1], device=env.device)
    is_kind = kinds[..., None] == types  # (N, M, T)
    passed = (blocks < track.passed[:, None])[..., None]  # (N, M, 1)
    spotless = (track.worst_penetration <= clean)[:, None]
    won = is_kind.any(dim=1) & (passed | ~is_kind).all(dim=1) & spotless
    met = (track.max_x[:, None] > track.tracks.end)[..., None]
    failed = (is_kind & ~passed & ~met).any(dim=1) & ~(is_kind & passed).any(dim=1)
    reached = ((blocks <= track.passed[:, None])[..., None] & is_kind).any(dim=1)
    lost = reached & (failed | ~spotless)
    level = track.levels + won.long() - (lost & ~won).long()
    random = (env.rand(level.shape[1]) * num_levels).long().clamp_max(num_levels - 1)
    level = torch.where(level >= num_levels, random, level.clamp_min(0))
    track.levels = torch.where(mask[:, None], level, track.levels)


def soft_to_solid(
    env: EnvState, mask: Tensor, *, step: float = 0.25, clean: float = 0.03, hardest: float = 1.0
) -> None:
    """Obstacles of a world become solid more often after an episode that passed half of them without touching soft
    ones by more than ``clean`` m, and less often after one that passed none; never more often than ``hardest``."""
    track = track_of(env)
    half = track.passed * 2 >= track.cfg.num_blocks
    harder = half & (track.worst_penetration <= clean)
    change = step * (harder.float() - (track.passed == 0).float())
    track.hardness = torch.where(mask, (track.hardness + change).clamp(0.0, hardest), track.hardness)


# -------------------------------------------------------------------- metrics


def passed_fraction(env: EnvState) -> Tensor:
    """Share of the track's obstacles that have been passed so far."""
    track = track_of(env)
    return track.passed / track.cfg.num_blocks


def distance_covered(env: EnvState) -> Tensor:
    """How far the base has been along the track, m."""
    return track_of(env).max_x.clamp_min(0.0)


def mean_level(env: EnvState) -> Tensor:
    """Level of difficulty, averaged over the types of block."""
    return track_of(env).levels.float().mean(dim=1)


def hardness(env: EnvState) -> Tensor:
    """Probability that obstacles are solid."""
    return track_of(env).hardness


def edge_violation(env: EnvState, margin: float = 0.15) -> Tensor:
    """1 where the base is within ``margin`` m of an edge of the track or beyond it."""
    return (sidewall_distance(env).amin(dim=1) < margin).float()
