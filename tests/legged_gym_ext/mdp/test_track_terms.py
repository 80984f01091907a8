"""Terms of tasks on tracks, on hand-placed robots.

The track of every world: six blocks of 2 m, the first obstacle ends at x = 2.5 m, each is 0.4 m deep (the gap 0.5 m).
Floors lie at 0.7 m, behind the jump at 0.9 m, behind the drop at 0.6 m.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch

from legged_gym_ext.mdp import track_terms as tracks
from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.mdp.track_state import TrackState
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.rotations import quat_from_euler_xyz, quat_rotate
from legged_gym_ext.sim.interface import SceneCfg, SimCfg
from legged_gym_ext.sim.registry import make_simulator
from legged_gym_ext.terrain import queries
from legged_gym_ext.terrain.blocks import BLOCK_NAMES
from legged_gym_ext.terrain.tracks import TrackCfg, num_boxes

SIX = ("tilt", "crawl", "jump", "down", "leap", "hurdle")
VALUES = {"tilt": 0.3, "crawl": 0.25, "jump": 0.2, "down": -0.3, "leap": 0.5, "hurdle": 0.1}
ENDS = [2.5, 4.5, 6.5, 8.5, 10.5, 12.5]
STARTS = [2.1, 4.1, 6.1, 8.1, 10.0, 12.1]


def track_cfg(*blocks: str, **cfg) -> TrackCfg:
    """``blocks`` in this order with every length fixed."""
    return TrackCfg(
        blocks=blocks,
        num_blocks=len(blocks),
        order="given",
        width=(2.0, 2.0),
        block_length=(2.0, 2.0),
        start_length=(0.5, 0.5),
        gap_depth=(0.6, 0.6),
        parameters={name: (VALUES[name], VALUES[name]) for name in blocks},
        depths=dict.fromkeys(blocks, (0.4, 0.4)),
        **cfg,
    )


def make(cfg: TrackCfg, num: int, seed: int = 0) -> EnvState:
    """``num`` worlds with fresh tracks and soft obstacles; control step 0.02 s."""
    scene = SceneCfg(num_boxes=num_boxes(cfg))
    sim = make_simulator("mujoco", GO1, num, sim=SimCfg(num_threads=1), scene=scene)
    generator = torch.Generator().manual_seed(seed)
    env = EnvState(sim, None, action_scale=0.25, max_episode_length=100, generator=generator, track_cfg=cfg)
    tracks.new_track(env, torch.ones(num, dtype=torch.bool))
    env.update_kinematics()
    return env


def place(env: EnvState, x: Sequence[float], y: float = 0.0, z: float = 1.0, yaw: float = 0.0) -> TrackState:
    """Put the robots in the default pose at ``x``, one for each world."""
    root = torch.zeros(env.num_envs, 13)
    root[:, 0], root[:, 1], root[:, 2] = torch.tensor(x), y, z
    zero = torch.zeros(env.num_envs)
    root[:, 3:7] = quat_from_euler_xyz(zero, zero, zero + yaw)
    pose = env.default_dof_pos.expand(env.num_envs, -1)
    env.sim.reset(torch.ones(env.num_envs, dtype=torch.bool), root, pose, torch.zeros_like(pose))
    env.update_kinematics()
    return tracks.track_of(env)


def went(env: EnvState, x: Sequence[float], depth: Sequence[float] | None = None) -> TrackState:
    """Pretend that the episodes led to ``x``, with bodies ``depth`` m inside soft obstacles."""
    track = place(env, x)
    track.max_x = torch.tensor(x)
    track.worst_penetration = torch.zeros(env.num_envs) if depth is None else torch.tensor(depth)
    return track


@pytest.fixture(scope="module")
def env() -> EnvState:
    return make(track_cfg(*SIX), 6)


def close(value: torch.Tensor, expected: list, atol: float = 1e-5) -> None:
    torch.testing.assert_close(value, torch.tensor(expected), atol=atol, rtol=0)


def all_of(env: EnvState) -> torch.Tensor:
    return torch.ones(env.num_envs, dtype=torch.bool)


def test_a_term_without_a_track_says_so() -> None:
    sim = make_simulator("mujoco", GO1, 1, sim=SimCfg(num_threads=1), scene=SceneCfg())
    bare = EnvState(sim, None, action_scale=0.25, max_episode_length=100, generator=torch.Generator())
    with pytest.raises(AssertionError, match=r"EnvCfg\.track"):
        tracks.finished(bare)


# ------------------------------------------------------------------ observations


def test_the_tracks_are_those_of_the_tests(env: EnvState) -> None:
    track = tracks.track_of(env).tracks
    close(track.start[0], STARTS)
    close(track.end[0], ENDS)
    close(track.floor_height[0], [0.7, 0.7, 0.7, 0.9, 0.6, 0.6, 0.6])


def test_engaging_block_of_every_type(env: EnvState) -> None:
    place(env, [start - 0.7 for start in STARTS])
    seen = tracks.engaging_block(env)
    close(seen[:, 0], [0.7] * 6)
    #          walk tilt crawl jump leap
    close(
        seen[:, 1:6],
        [
            [0.0, 1.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 1.0, 0.0],
            [0.0, 0.0, 0.0, 1.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, 1.0],
            [0.0, 0.0, 0.0, 1.0, 0.0],
        ],
    )
    close(seen[:, 6:8], [[0.4, 0.3], [0.4, 0.25], [0.4, 0.2], [0.4, -0.3], [0.5, 0.6], [0.4, 0.1]])


def test_engaging_block_inside_behind_and_out_of_reach(env: EnvState) -> None:
    place(env, [STARTS[0] - 1.51, STARTS[1] + 0.1, ENDS[1] + 0.29, ENDS[1] + 0.31, ENDS[5] + 0.31, STARTS[0] - 1.49])
    seen = tracks.engaging_block(env)
    walk, crawl, jump, tilt = (torch.eye(5)[index].tolist() for index in (0, 2, 3, 1))
    close(
        seen,
        [
            [1.5, *walk, 0.0, 0.0],  # out of reach
            [-0.1, *crawl, 0.4, 0.25],  # inside
            [-0.69, *crawl, 0.4, 0.25],  # not yet behind
            [1.29, *jump, 0.4, 0.2],  # the next one
            [1.5, *walk, 0.0, 0.0],  # none left
            [1.49, *tilt, 0.4, 0.3],
        ],
    )
    close(tracks.engaging_block(env, reach=1.0)[3], [1.0, *walk, 0.0, 0.0])


def test_sidewall_distance(env: EnvState) -> None:
    place(env, [0.0] * 6, y=0.4)
    close(tracks.sidewall_distance(env), [[0.6, 1.4]] * 6)
    close(tracks.edge_violation(env), [0.0] * 6)
    place(env, [0.0] * 6, y=-0.9)
    close(tracks.sidewall_distance(env), [[1.9, 0.1]] * 6)
    close(tracks.edge_violation(env), [1.0] * 6)


def test_height_scan_in_a_turned_frame(env: EnvState) -> None:
    # Turned by 90 degrees 0.3 m before the jump: the robot's right is toward the jump, its front toward the edge.
    place(env, [5.8] * 6, y=0.2, z=1.2, yaw=0.5 * math.pi)
    scan = tracks.height_measurements(env, x=(0.0, 0.4, 2), y=(-0.5, 0.5, 2), offset=0.3)
    close(scan[0], [0.0, 0.2, 0.0, 0.2])
    # 0.9 m to the front is off the track: the ground, 1.2 m below, clipped.
    far = tracks.height_measurements(env, x=(0.9, 0.9, 1), y=(0.0, 0.0, 1), offset=0.1)
    close(far[0], [1.0])
    assert tracks.height_measurements(env).shape == (6, 75)


def test_height_scan_looks_under_bars(env: EnvState) -> None:
    place(env, [STARTS[1] - 0.5] * 6)
    close(tracks.height_measurements(env, x=(0.7, 0.7, 1), y=(0.0, 0.0, 1), offset=0.0)[0], [0.3])


def test_boxes_near_a_robot_are_all_that_it_can_reach() -> None:
    field = make(TrackCfg(blocks=BLOCK_NAMES, num_blocks=5), 64)
    track, generator = tracks.track_of(field), torch.Generator().manual_seed(1)
    soft, deepest = track.tracks.obstacle, 0.0
    assert not field.sim.solid[soft].any()
    for _ in range(6):
        along = torch.rand(64, generator=generator) * (track.tracks.end[:, -1] + 2.0) - 0.8
        place(field, along.tolist())
        offset = torch.rand(64, 40, 2, generator=generator) * torch.tensor([2.1, 1.4]) - torch.tensor([0.5, 0.7])
        points = field.base_pos[:, None, 0:2] + offset
        expected = queries.height_at(track.tracks.boxes, points, track.tracks.overhang)
        torch.testing.assert_close(track.height_at(points), expected, atol=1e-6, rtol=0)
        depth = queries.penetration(track.tracks.boxes, track.body_points(), which=soft)
        torch.testing.assert_close(track.penetration(), depth, atol=1e-6, rtol=0)
        deepest = max(deepest, float(depth.max()))
    assert deepest > 0.05


# ------------------------------------------------------------------ rewards


def test_velocity_and_attitude_terms(env: EnvState) -> None:
    place(env, [0.0] * 6, yaw=0.5)
    env.sim.root_states[:, 7] = torch.tensor([0.5, 1.5, -0.5, 1.0, 0.0, 2.0])
    env.commands[:] = torch.tensor([1.0, 0.3, 0.0])
    env.update_kinematics()
    close(tracks.forward_progress(env), [0.5, 1.0, -0.5, 1.0, 0.0, 1.0])
    close(tracks.heading(env), [0.25] * 6)
    # 0.5 m/s along the track is -0.5 sin 0.5 to the left of a robot that is turned to the left.
    close(tracks.lateral_velocity(env)[:1], [(0.3 + 0.5 * math.sin(0.5)) ** 2])
    tilted = quat_from_euler_xyz(torch.tensor(0.4), torch.tensor(0.0), torch.tensor(0.9))
    env.sim.root_states[:, 3:7] = tilted
    env.update_kinematics()
    close(tracks.roll(env), [math.sin(0.4) ** 2] * 6)


def test_rolled_progress_before_and_in_a_slot(env: EnvState) -> None:
    # The slot is from 2.1 to 2.5 m and left at 2.8 m; the last robot rolls to the left.
    place(env, [0.7, 0.9, 2.3, 2.3, 2.3, 2.3])
    env.commands[:] = torch.tensor([1.0, 0.0, 0.0])
    env.sim.root_states[:, 7] = torch.tensor([1.0, 1.0, 0.5, 2.0, -1.0, 1.0])
    angle, zero = torch.tensor([0.4, 0.4, 0.4, 1.0, 0.4, -0.4]), torch.zeros(6)
    env.sim.root_states[:, 3:7] = quat_from_euler_xyz(angle, zero, zero + 0.3)
    env.update_kinematics()
    close(tracks.rolled_progress(env, target=0.8), [0.0, 0.5, 0.25, 1.0, 0.0, -0.5])


def test_reach_beyond_the_walls_of_a_slot(env: EnvState) -> None:
    # 0.4 m beside the middle of a slot 0.3 m wide every point is beyond the wall by more than ``most``.
    place(env, [1.5, 1.7, 2.3, 2.7, 2.9, 2.3], y=0.4)
    points = tracks.track_of(env).body_points().shape[1]
    close(tracks.wider_than_slot(env, margin=0.0, most=0.01)[:4], [0.0] + [0.01 * points] * 3, atol=1e-4)
    # In the middle only the outer faces of the hips, 0.14675 m to either side, reach into the margin, 5 points each.
    place(env, [2.3] * 6)
    pose = torch.zeros_like(env.default_dof_pos).expand(6, -1)
    env.sim.reset(all_of(env), env.sim.root_states.clone(), pose, torch.zeros_like(pose))
    env.update_kinematics()
    ends = 4 * 5 * (0.14675 - 0.15 + 0.01)
    close(tracks.wider_than_slot(env, margin=0.01), [ends] * 6, atol=1e-4)
    close(tracks.wider_than_slot(env, margin=0.0), [0.0] * 6)


def test_penetration_of_a_soft_bar(env: EnvState) -> None:
    """The trunk's front is 5 cm and more inside the bar, whose lower side is 0.25 m above the floor at 0.7 m."""
    track = place(env, [STARTS[1] - 0.1] * 6, z=1.1)
    states = env.sim.body_states[:, track._point_bodies]
    points = states[..., 0:3] + quat_rotate(states[..., 3:7], track._points.expand(6, -1, -1))
    expected = torch.minimum(points[..., 0] - STARTS[1], points[..., 2] - 0.95).clamp_min(0.0)
    found = track.penetration()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert found[0].max() > 0.03 and (found[0] > 0).sum() >= 4
    torch.testing.assert_close(tracks.penetration_depth(env), expected.sum(dim=1), atol=1e-4, rtol=0)
    torch.testing.assert_close(tracks.penetration_volume(env), (expected > 0).float().mean(dim=1))
    track.advance()
    close(track.worst_penetration, [float(expected.max())] * 6)
    place(env, [STARTS[1] - 1.0] * 6)
    assert tracks.penetration_depth(env).abs().max() == 0.0
    track.advance()
    close(track.worst_penetration, [float(expected.max())] * 6)


def test_solid_obstacles_are_not_penetrated() -> None:
    solid = make(track_cfg("hurdle"), 2)
    tracks.solid_obstacles(solid, torch.tensor([True, False]))
    tracks.new_track(solid, torch.tensor([True, True]))
    track = place(solid, [2.3, 2.3], z=0.3)
    depth = tracks.penetration_depth(solid)
    assert depth[0] == 0.0 and depth[1] > 0.0
    assert track.solid_probability.tolist() == [1.0, 0.0]
    assert solid.sim.solid.all(dim=1).tolist() == [True, False]


def test_impact_and_joint_speed(env: EnvState) -> None:
    forces = torch.zeros(6, len(GO1.body_names), 3)
    forces[0, 0], forces[0, 3] = torch.tensor([300.0, 400.0, 0.0]), torch.tensor([0.0, 0.0, 260.0])
    env.contact_forces = forces
    close(tracks.impact(env, force=250.0)[:2], [260.0, 0.0])
    env.sim.substep_dof_vel.zero_()
    env.sim.substep_dof_vel[1, 0, 4] = -float(env.velocity_limit[4])
    # A tenth of the limit too fast in one of four physics steps.
    close(tracks.dof_vel_limits(env, soft=0.9)[:2], [0.0, 0.1 * float(env.velocity_limit[4]) / 4], atol=1e-4)
    env.sim.substep_dof_vel.zero_()


# ------------------------------------------------------------------ ends of episodes


def test_off_the_track(env: EnvState) -> None:
    place(env, [0.0, -1.19, -1.21, 5.0, 5.0, 5.0], y=0.99)
    assert tracks.off_track(env).tolist() == [False, False, True, False, False, False]
    place(env, [0.0] * 6, y=-1.01)
    assert tracks.off_track(env).all()


def test_below_the_track(env: EnvState) -> None:
    # Over the start, the jump (the lower side counts), behind it, the drop, the gap, the last floor.
    x = [0.0, 6.3, 7.0, 8.3, 10.2, 14.0]
    lowest = torch.tensor([0.7, 0.7, 0.9, 0.6, 0.6, 0.6])
    place(env, x)
    for above, below in ((-0.04, False), (-0.06, True)):
        env.sim.root_states[:, 2] = lowest + above
        env.update_kinematics()
        assert tracks.below_track(env).tolist() == [below] * 6


def test_finished(env: EnvState) -> None:
    place(env, [13.19, 13.21, 0.0, 12.6, 20.0, 13.0])
    assert tracks.finished(env).tolist() == [False, True, False, False, True, False]


# ------------------------------------------------------------------ events and curriculum


def test_a_new_track_touches_only_its_worlds() -> None:
    field = make(TrackCfg(blocks=("jump", "leap", "crawl"), num_blocks=3), 4)
    track = tracks.track_of(field)
    track.max_x[:], track.worst_penetration[:] = 3.0, 0.1
    before = {name: value.clone() for name, value in vars(track.tracks).items()}
    boxes, origins = field.sim.boxes.clone(), field.env_origins.clone()
    mask = torch.tensor([False, True, False, True])
    tracks.new_track(field, mask)
    for name in ("boxes", "start", "parameter"):
        now = vars(track.tracks)[name]
        assert torch.equal(now[~mask], before[name][~mask])
        assert not torch.equal(now[1], before[name][1]) and not torch.equal(now[3], before[name][3])
    assert torch.equal(field.sim.boxes[~mask], boxes[~mask]) and torch.equal(field.sim.boxes, track.tracks.boxes)
    assert torch.equal(field.env_origins[~mask], origins[~mask])
    close(field.env_origins[:, 2], track.tracks.floor_height[:, 0].tolist())
    assert track.max_x.tolist() == [3.0, 0.0, 3.0, 0.0]
    close(track.worst_penetration, [0.1, 0.0, 0.1, 0.0])


def test_difficulty_is_drawn_within_the_level() -> None:
    field = make(TrackCfg(blocks=("jump", "crawl"), num_blocks=2), 200)
    track = tracks.track_of(field)
    track.levels[:] = torch.tensor([3, 9])
    tracks.new_track(field, all_of(field), num_levels=10)
    low = torch.where(track.tracks.kind == 0, 0.3, 0.9)
    assert (track.tracks.difficulty >= low).all() and (track.tracks.difficulty <= low + 0.1).all()
    tracks.new_track(field, all_of(field), num_levels=10, uniform=True)
    assert track.tracks.difficulty.min() < 0.05 and track.tracks.difficulty.max() > 0.95
    close(track.tracks.difficulty.mean(), 0.5, atol=0.05)  # pyright: ignore[reportArgumentType]


def test_obstacles_are_solid_as_often_as_their_probability_says() -> None:
    field = make(track_cfg("hurdle"), 400)
    tracks.track_of(field).solid_probability[:] = 0.3
    tracks.new_track(field, all_of(field))
    assert 0.2 < field.sim.solid.all(dim=1).float().mean() < 0.4


def test_levels_rise_and_fall() -> None:
    pair = make(track_cfg("jump", "down"), 6)
    # Both passed; failed at the first; not quite behind it; failed at the second; both passed, one touched; masked.
    track = went(pair, [5.1, 2.0, 2.7, 3.5, 5.1, 5.1], [0.02, 0.0, 0.0, 0.0, 0.05, 0.0])
    track.levels[:] = 4
    tracks.track_level(pair, torch.tensor([True] * 5 + [False]))
    assert track.levels.tolist() == [[5, 5], [3, 4], [4, 4], [5, 3], [3, 3], [4, 4]]
    close(tracks.mean_level(pair), [5.0, 3.5, 4.0, 4.0, 3.0, 4.0])


def test_levels_stay_in_their_range() -> None:
    pair = make(track_cfg("jump"), 200)
    track = went(pair, [3.1] * 100 + [1.0] * 100)
    track.levels[:100] = 9
    tracks.track_level(pair, all_of(pair))
    assert set(track.levels[:100, 0].tolist()) == set(range(10))  # past the top: any
    assert (track.levels[100:] == 0).all()


def test_a_failure_after_a_success_of_the_same_type_is_no_failure() -> None:
    twice = make(TrackCfg(blocks=("jump",), num_blocks=2, block_length=(2.0, 2.0), start_length=(0.5, 0.5)), 1)
    track = went(twice, [3.5])
    track.levels[:] = 4
    tracks.track_level(twice, all_of(twice))
    assert track.levels.tolist() == [[4]]


def test_random_levels_touch_only_their_worlds() -> None:
    pair = make(track_cfg("jump", "down"), 400)
    track, mask = tracks.track_of(pair), torch.arange(400) < 300
    tracks.random_track_level(pair, mask, num_levels=4)
    assert (track.levels[300:] == 0).all() and set(track.levels[:300].flatten().tolist()) == {0, 1, 2, 3}


def test_soft_obstacles_turn_solid_with_success() -> None:
    pair = make(track_cfg("crawl", "hurdle"), 6)
    # Half passed; all; none; half but touched; all, already solid; masked.
    track = went(pair, [3.1, 5.1, 2.0, 3.1, 5.1, 5.1], [0.0, 0.02, 0.0, 0.05, 0.0, 0.0])
    track.solid_probability = torch.tensor([0.5, 0.5, 0.5, 0.5, 1.0, 0.5])
    tracks.soft_to_solid(pair, torch.tensor([True] * 5 + [False]), step=0.2)
    close(tracks.solid_probability(pair), [0.7, 0.7, 0.3, 0.5, 1.0, 0.5])
    track.solid_probability[:] = 0.1
    went(pair, [0.0] * 6)
    tracks.soft_to_solid(pair, all_of(pair), step=0.2)
    close(track.solid_probability, [0.0] * 6)


# ------------------------------------------------------------------ metrics and persistence


def test_progress_is_that_of_the_farthest_place(env: EnvState) -> None:
    tracks.new_track(env, all_of(env))
    track = place(env, [3.1, 2.9, -0.5, 13.1, 5.1, 0.0])
    track.advance()
    place(env, [0.0] * 6)
    track.advance()
    close(tracks.passed_fraction(env), [1 / 6, 0.0, 0.0, 1.0, 1 / 3, 0.0])
    close(tracks.distance_covered(env), [3.1, 2.9, 0.0, 13.1, 5.1, 0.0])


def test_state_is_restored() -> None:
    cfg = TrackCfg(blocks=("jump", "crawl"), num_blocks=2)
    one, other = make(cfg, 3, seed=0), make(cfg, 3, seed=1)
    tracks.track_of(one).levels[:] = 3
    went(one, [1.0, 2.0, 3.0], [0.1, 0.2, 0.3])
    other.sim.load_state_dict(one.sim.state_dict())
    other.load_state_dict(one.state_dict())
    assert torch.equal(tracks.engaging_block(one), tracks.engaging_block(other))
    for name, value in tracks.track_of(one).state_dict().items():
        assert torch.equal(value, tracks.track_of(other).state_dict()[name]), name
