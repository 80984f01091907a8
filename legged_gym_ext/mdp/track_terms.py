"""Terms of tasks on tracks: observations, rewards, terminations, curricula, events and metrics.

Each is a free function of ``env``, which must have a track (``EnvCfg.track``); N worlds.
"""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.mdp.events import reset_root_and_joints
from legged_gym_ext.mdp.observations import GridLine, scan_points
from legged_gym_ext.mdp.term_ranges import UNBOUNDED, within
from legged_gym_ext.mdp.track_state import TrackState
from legged_gym_ext.terrain import queries
from st_rl.utils.ranges import Count, Extent, Interval, Positive, Quantity, Share
from st_rl.utils.rotations import yaw_of


def track_of(env: EnvState) -> TrackState:
    """The tracks of ``env``; it is an error of the task's author if there are none."""
    assert env.track is not None, "this term needs EnvCfg.track"
    return env.track


# -------------------------------------------------------------------- observations


@within(*UNBOUNDED)
def engaging_block(env: EnvState, reach: Extent = 1.5) -> Tensor:
    """(N, 8): distance to the obstacle at hand in m (negative inside, at most ``reach``), one-hot over (walk, tilt,
    crawl, jump, leap), block info (2). Beyond ``reach``, or with no obstacle left, the one-hot says walk."""
    return track_of(env).engaging(reach)


@within(*UNBOUNDED)
def sidewall_distance(env: EnvState) -> Tensor:
    """(N, 2) m from the base to the left and to the right edge of the track."""
    return queries.side_wall_distance(track_of(env).tracks, env.base_pos[:, 1])


@within(-1.0, 1.0)
def height_measurements(
    env: EnvState,
    x: GridLine = (-0.4, 1.0, 15),
    y: GridLine = (-0.3, 0.3, 5),
    offset: Quantity = 0.3,
) -> Tensor:
    """(N, P) m: height of the base above the track around it, minus ``offset``, clipped to [-1, 1].

    The points are a grid in the base's heading frame, ``(first, last, number)`` along x and y, y running fastest.
    """
    return track_of(env).height_scan(yaw_of(env.base_quat), scan_points(tuple(x), tuple(y), env.device), offset)


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


def penetration_depth(env: EnvState) -> Tensor:
    """Depth to which the bodies are in soft obstacles, m, summed over their sample points."""
    return track_of(env).penetration().sum(dim=1)


def penetration_volume(env: EnvState) -> Tensor:
    """Share of the bodies' sample points that are in soft obstacles."""
    return (track_of(env).penetration() > 0.0).float().mean(dim=1)


def rolled_progress(env: EnvState, target: Positive, ahead: Extent = 1.3) -> Tensor:
    """Share of the commanded velocity along the track, times that of the roll ``target``, rad, to the right.

    Each is at most 1; a roll to the left counts negative. Only from ``ahead`` m before an obstacle to its end.
    """
    down = env.projected_gravity
    angle = torch.atan2(-down[:, 1], -down[:, 2])
    progress = (env.sim.root_states[:, 7] / env.commands[:, 0].clamp_min(0.1)).clamp(0.0, 1.0)
    return progress * (angle / target).clamp(-1.0, 1.0) * _near_obstacle(env, ahead)


def wider_than_slot(env: EnvState, margin: Quantity = 0.01, ahead: Extent = 0.5, most: Extent = 0.05) -> Tensor:
    """How far the bodies reach beyond the slot at hand, made narrower by ``margin`` on either side.

    m, up to ``most`` for each of their sample points, summed. It counts already ``ahead`` m before the slot.
    """
    track = track_of(env)
    half_width = 0.5 * track.tracks.parameter.gather(1, track.index[:, None])
    beyond = track.body_points()[..., 1].abs() - half_width + margin
    return beyond.clamp(0.0, most).sum(dim=1) * _near_obstacle(env, ahead)


def _near_obstacle(env: EnvState, ahead: Extent) -> Tensor:
    """(N,) bool: the base is less than ``ahead`` m before the obstacle at hand, or has not left it yet."""
    track = track_of(env)
    start = track.tracks.start.gather(1, track.index[:, None]).squeeze(1)
    return track.engaged & (env.base_pos[:, 0] > start - ahead)


def impact(env: EnvState, force: Extent = 250.0) -> Tensor:
    """Sum over bodies of the contact force in excess of ``force`` N."""
    return (env.contact_forces.norm(dim=-1) - force).clamp_min(0.0).sum(dim=1)


def dof_vel_limits(env: EnvState, soft: Positive = 0.9) -> Tensor:
    """Mean over the physics steps of the summed joint speeds beyond ``soft`` times what the motors reach, rad/s."""
    excess = (env.sim.substep_dof_vel.abs() - soft * env.velocity_limit).clamp_min(0.0)
    return excess.sum(dim=2).mean(dim=1)


# -------------------------------------------------------------------- terminations


def off_track(env: EnvState) -> Tensor:
    """The base is beside the track or has turned back behind the start platform."""
    track = track_of(env)
    beside = env.base_pos[:, 1].abs() > 0.5 * track.tracks.width
    return beside | (env.base_pos[:, 0] < -1.2)


def below_track(env: EnvState, depth: Quantity = 0.05) -> Tensor:
    """The base is ``depth`` m below the floor of the track: it fell into a gap or off the side."""
    return env.base_pos[:, 2] < track_of(env).floor_level() - depth


def finished(env: EnvState) -> Tensor:
    """The last obstacle has been passed."""
    return env.base_pos[:, 0] > queries.finish_line(track_of(env).tracks) + 0.2


def stuck(env: EnvState, seconds: Positive = 1.5) -> Tensor:
    """The base has not got on along the track, by 0.1 m, for that long."""
    return track_of(env).idle_steps * env.control_dt > seconds


# -------------------------------------------------------------------- events and curriculum


def new_track(env: EnvState, mask: Tensor, *, num_levels: Count = 10, uniform: bool = False) -> None:
    """A new track for every world in ``mask``; episodes start at its beginning.

    ``uniform`` draws the difficulty of every block anew instead of from the world's levels: for evaluation.
    """
    track = track_of(env)
    track.rebuild(mask, num_levels=num_levels, uniform=uniform)
    origin = torch.zeros_like(env.env_origins)
    origin[:, 2] = track.tracks.floor_height[:, 0]
    env.env_origins = torch.where(mask[:, None], origin, env.env_origins)


def solid_obstacles(env: EnvState, mask: Tensor) -> None:
    """Obstacles are solid from now on: for evaluation, and for runs that need no soft ones."""
    track = track_of(env)
    track.solid_probability = torch.where(mask, 1.0, track.solid_probability)


def start_before_obstacle(
    env: EnvState,
    mask: Tensor,
    *,
    share: Share = 0.3,
    distance: Interval = (0.7, 1.4),
    forward: Interval = (0.3, 1.2),
) -> None:
    """Let a ``share`` of the episodes begin before any one of the track's obstacles, walking toward it.

    For an event after those that make the track and place the robots. The origin of these worlds is where they begin,
    never nearer than 0.35 m behind the obstacle before.

    Args:
        distance: m from the base to the obstacle.
        forward: velocity along the track, m/s.
    """
    track = track_of(env)
    blocks = track.cfg.num_blocks
    chosen = mask & (env.rand() < share)
    index = (env.rand() * blocks).long().clamp_max(blocks - 1)[:, None]
    behind = torch.cat((torch.full_like(track.tracks.end[:, :1], -0.35), track.tracks.end[:, :-1]), dim=1)
    x = track.tracks.start.gather(1, index).squeeze(1) - env.rand(low=distance[0], high=distance[1])
    x = torch.maximum(x, behind.gather(1, index).squeeze(1) + 0.35)
    level = track.tracks.floor_height.gather(1, index).squeeze(1)
    origin = torch.stack((x, torch.zeros_like(x), level), dim=1)
    env.env_origins = torch.where(chosen[:, None], origin, env.env_origins)
    reset_root_and_joints(
        env, chosen, xy=(-0.1, 0.1), yaw=(-0.2, 0.2), forward=forward, lin_vel=(-0.2, 0.2), joint_offset=(-0.2, 0.2)
    )


def random_track_level(env: EnvState, mask: Tensor, *, num_levels: Count = 10, solid_probability: Share = 0.0) -> None:
    """Draw the level of every type of block uniformly, and set the probability of solid obstacles."""
    track = track_of(env)
    track.solid_probability = torch.where(mask, solid_probability, track.solid_probability)
    track.levels = torch.where(mask[:, None], _draw_levels(env, num_levels), track.levels)


def _draw_levels(env: EnvState, num_levels: Count) -> Tensor:
    """(N, T) long, uniform in [0, num_levels)."""
    types = track_of(env).levels.shape[1]
    return (env.rand(types) * num_levels).long().clamp_max(num_levels - 1)


def track_level(env: EnvState, mask: Tensor, *, num_levels: Count = 10, clean: Extent = 0.03) -> None:
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
    level = torch.where(level >= num_levels, _draw_levels(env, num_levels), level.clamp_min(0))
    track.levels = torch.where(mask[:, None], level, track.levels)


def soft_to_solid(env: EnvState, mask: Tensor, *, step: Share = 0.25, clean: Extent = 0.03) -> None:
    """Obstacles of a world become solid more often after an episode that passed half of them without touching soft
    ones by more than ``clean`` m, and less often after one that passed none."""
    track = track_of(env)
    half = track.passed * 2 >= track.cfg.num_blocks
    harder = half & (track.worst_penetration <= clean)
    change = step * (harder.float() - (track.passed == 0).float())
    track.solid_probability = torch.where(
        mask, (track.solid_probability + change).clamp(0.0, 1.0), track.solid_probability
    )


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


def solid_probability(env: EnvState) -> Tensor:
    """Probability that obstacles are solid."""
    return track_of(env).solid_probability


def edge_violation(env: EnvState, margin: Quantity = 0.15) -> Tensor:
    """1 where the base is within ``margin`` m of an edge of the track or beyond it."""
    return (sidewall_distance(env).amin(dim=1) < margin).float()
