"""Observations, rewards and ends of episodes of tasks on tracks, on the robots of ``hand_placed``."""

from __future__ import annotations

import math

import pytest
import torch
from hand_placed import ENDS, SIX, STARTS, all_of, close, make, place, track_cfg

from legged_gym_ext.mdp import track_terms as tracks
from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.sim.interface import SceneCfg, SimCfg
from legged_gym_ext.sim.registry import make_simulator
from legged_gym_ext.terrain import queries
from legged_gym_ext.terrain.blocks import BLOCK_NAMES
from legged_gym_ext.terrain.tracks import TrackCfg
from st_rl.utils.rotations import quat_from_euler_xyz, quat_rotate


@pytest.fixture(scope="module")
def env() -> EnvState:
    return make(track_cfg(*SIX), 6)


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
