"""The depth camera: where its pixels look, when its images arrive, what is wrong with them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from legged_gym_ext.envs.cfg import ObsTermCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.mdp import observations
from legged_gym_ext.sensors.depth_camera import DepthCamera, DepthCameraCfg, pixel_rays
from legged_gym_ext.sensors.depth_noise import (
    DepthNoiseCfg,
    edges,
    missing_blocks,
    noisy,
    range_noise,
    sky_artifacts,
)
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UserError
from st_rl.utils.rotations import quat_rotate

EXACT = DepthCameraCfg(
    position=(0.0, 0.0, 0.0), pitch=0.0, position_range=0.0, angle_range=0.0, noise=None, latency=(0.0, 0.0)
)
UPRIGHT = torch.tensor([0.0, 0.0, 0.0, 1.0])


def close(value: torch.Tensor, expected: list | float, atol: float = 1e-5) -> None:
    torch.testing.assert_close(value, torch.tensor(expected), atol=atol, rtol=0)


def camera(cfg: DepthCameraCfg, num: int = 1, seed: int = 0) -> DepthCamera:
    return DepthCamera(cfg, num, 0.02, torch.Generator().manual_seed(seed), "cpu")


def wall(x: float, num: int = 1) -> torch.Tensor:
    """(num, 1, 10) a wall across everything whose face is at ``x`` m."""
    return torch.tensor([x + 0.5, 0.0, 0.0, *UPRIGHT, 0.5, 50.0, 50.0]).repeat(num, 1, 1)


# ------------------------------------------------------------------ optics


def test_pixels_cover_the_field_of_view() -> None:
    rays = pixel_rays(DepthCameraCfg()).view(48, 64, 3)
    # From pixel center to pixel center it is 63/64 of the tangent of half the angle; the first pixel is up and left.
    edge = math.tan(math.radians(43.5)) * 63 / 64
    close(rays[0, 0, :2], [1.0, edge])
    close(rays[0, 63, :2], [1.0, -edge])
    focal = 32.0 / math.tan(math.radians(43.5))
    close(rays[0, 0, 2], 23.5 / focal)
    close(rays[47, 0, 2], -23.5 / focal)
    assert pixel_rays(DepthCameraCfg()).shape == (48 * 64, 3)


def test_depth_is_along_the_optical_axis() -> None:
    seen = camera(EXACT).depth(torch.tensor([[0.0, 0.0, 1.0]]), UPRIGHT[None], wall(2.0))[0]
    # The whole upper half sees the wall at 2 m, however oblique the ray; the lowest row sees the ground 1 m below.
    close(seen[:24], torch.full((24, 64), 2.0).tolist())
    focal = 32.0 / math.tan(math.radians(43.5))
    close(seen[47], [focal / 23.5] * 64)


def test_the_camera_moves_with_the_trunk() -> None:
    cfg = replace(EXACT, position=(0.3, 0.0, 0.0), pitch=90.0)
    half = math.sqrt(0.5)
    left = torch.tensor([0.0, 0.0, half, half])  # heading +y
    # Looking straight down from 0.8 m at a box whose top is 0.5 m high under the camera at y = 0.3.
    box = torch.tensor([[[0.0, 0.3, 0.25, *UPRIGHT, 0.05, 0.05, 0.25]]])
    seen = camera(cfg).depth(torch.tensor([[0.0, 0.0, 0.8]]), left[None], box)[0]
    close(seen[23:25, 31:33], [[0.3, 0.3], [0.3, 0.3]])
    close(seen[0, 0], 0.8)


def test_mountings_differ_from_world_to_world() -> None:
    made = camera(replace(DepthCameraCfg(), pitch=20.0, position=(0.2, 0.0, 0.1)), 500)
    off = made.position - torch.tensor([0.2, 0.0, 0.1])
    assert 0.009 < float(off.abs().max()) <= 0.0101 and off.std(dim=0).min() > 0.004
    off = made.angles.rad2deg() - torch.tensor([0.0, 20.0, 0.0])
    assert 1.9 < float(off.abs().max()) <= 2.001


# ------------------------------------------------------------------ timing


def watch(made: DepthCamera, steps: int, first_fresh: bool = True) -> list[float]:
    """Depth that the middle pixel delivers in each control step; in step k the wall is 1 + k cm away."""
    shown = []
    for step in range(steps):
        fresh = torch.full((1,), first_fresh and step == 0)
        made.update(torch.tensor([[0.0, 0.0, 1.0]]), UPRIGHT[None], wall(1.0 + 0.01 * step), fresh)
        value = made.delivered()[0, 0, 10, 32]
        shown.append(round(float((value + 0.5) * 2.9 + 0.1), 4))
        if step == 0:
            made.since[:] = 0.0  # no random phase
    return shown


def test_an_image_is_taken_every_tenth_of_a_second() -> None:
    expected = [1.0] * 5 + [1.05] * 5 + [1.1] * 5
    assert watch(camera(EXACT), 15) == expected


def test_images_arrive_late() -> None:
    # 140 ms are seven control steps: the image of step 5 arrives in step 12, that of step 10 in step 17.
    late = replace(EXACT, latency=(0.14, 0.14))
    assert watch(camera(late), 20) == [1.0] * 12 + [1.05] * 5 + [1.1] * 3


@pytest.mark.parametrize("rate", [30.0, 12.5, 7.0, 50.0])
def test_a_rate_that_does_not_divide_the_control_rate_is_right_on_average(rate: float) -> None:
    shown = watch(camera(replace(EXACT, rate=rate)), 201)
    taken = [round(100.0 * (depth - 1.0)) for depth in shown]  # the step of the image shown in each step
    assert len(set(taken)) - 1 == pytest.approx(4.0 * rate, abs=1.0)  # in the 4 s after the first
    # Each is taken in the control step nearest to its time.
    times = sorted(set(taken))
    assert all(abs(0.02 * step - index / rate) <= 0.0101 for index, step in enumerate(times))


def test_every_image_arrives_at_the_age_of_the_latency() -> None:
    # 30 Hz: images of the steps 0, 2, 3, 5, 7, 8, 10 ... Each arrives three control steps after it was taken.
    prompt = watch(camera(replace(EXACT, rate=30.0)), 40)
    late = watch(camera(replace(EXACT, rate=30.0, latency=(0.06, 0.06))), 40)
    assert prompt[:11] == [1.0, 1.0, 1.02, 1.03, 1.03, 1.05, 1.05, 1.07, 1.08, 1.08, 1.1]
    assert late == [1.0] * 3 + prompt[:-3]


def test_more_images_than_control_steps_are_refused() -> None:
    with pytest.raises(UserError, match=r"camera.rate is 60 images per second, more than the 50 control steps"):
        camera(replace(EXACT, rate=60.0))


def test_the_latency_is_drawn_anew_for_each_world() -> None:
    made = camera(replace(EXACT, latency=(0.08, 0.26), latency_interval=(0.05, 0.1), height=2, width=2), 300)
    assert 0.08 <= float(made.latency.min()) < 0.09 and 0.25 < float(made.latency.max()) <= 0.26
    before = made.latency.clone()
    pose = torch.tensor([[0.0, 0.0, 1.0]]).repeat(300, 1), UPRIGHT.repeat(300, 1)
    for _ in range(6):
        made.update(*pose, wall(1.0, 300), torch.zeros(300, dtype=torch.bool))
    assert (made.latency != before).all()


def test_a_reset_world_shows_nothing_of_its_past() -> None:
    cfg = replace(EXACT, latency=(0.2, 0.2), height=2, width=2)
    for skip_empty in (True, False):
        made = camera(cfg, 2)
        made.skip_empty = skip_empty
        pose = torch.tensor([[0.0, 0.0, 9.0]]).repeat(2, 1), UPRIGHT.repeat(2, 1)
        everyone = torch.ones(2, dtype=torch.bool)
        made.update(*pose, wall(1.0, 2), everyone)
        made.update(*pose, wall(2.0, 2), torch.tensor([False, True]))
        shown = (made.delivered()[:, 0, 0, 0] + 0.5) * 2.9 + 0.1
        close(shown, [1.0, 2.0])


def test_the_age_of_an_image_is_the_time_since_it_was_taken_and_falls_when_one_arrives() -> None:
    made = camera(replace(EXACT, latency=(0.14, 0.14), height=2, width=2))
    ages = []
    for step in range(18):
        made.update(torch.tensor([[0.0, 0.0, 1.0]]), UPRIGHT[None], wall(1.0), torch.tensor([step == 0]))
        ages.append(round(float(made.delivered_age()), 3))
        if step == 0:
            made.since[:] = 0.0  # no random phase
    # Images of steps 0, 5 and 10 arrive in steps 0 (after a reset), 12 and 17.
    assert ages == [round(0.02 * step, 3) for step in range(12)] + [0.14, 0.16, 0.18, 0.2, 0.22, 0.14]


# ------------------------------------------------------------------ noise


def test_errors_grow_with_the_distance() -> None:
    cfg = DepthNoiseCfg(near_std=0.01, near_limit=0.5, far_std=0.02)
    depth = torch.tensor([[[0.3, 1.0, 2.0]]])
    close(range_noise(depth, cfg, torch.ones(1, 1, 3)), [[[0.31, 1.02, 2.08]]])


def test_edges_are_both_sides_of_a_jump() -> None:
    depth = torch.ones(1, 4, 5)
    depth[0, 2:, 3:] = 2.0
    expected = torch.zeros(4, 5, dtype=torch.bool)
    expected[2:, 2:4] = True  # left of it and it
    expected[1:3, 3:] = True  # above it and it
    assert torch.equal(edges(depth, 0.5)[0], expected)
    assert not edges(depth, 1.5).any()


def test_blocks_are_missing_where_they_are_placed() -> None:
    cfg = DepthNoiseCfg(block_probability=0.5, block_size=(0.5, 0.5), num_blocks=1)
    uniform = torch.tensor([[[0.4, 0.0, 1.0, 0.3, 0.3]], [[0.6, 0.0, 0.0, 0.3, 0.3]]])
    found = missing_blocks(torch.ones(2, 4, 8), cfg, uniform)
    expected = torch.zeros(4, 8, dtype=torch.bool)
    expected[:2, 4:] = True  # half the image each way, at the top and to the right
    assert torch.equal(found[0], expected) and not found[1].any()


def test_artifacts_appear_only_in_the_sky() -> None:
    cfg = DepthNoiseCfg(sky_probability=0.5, sky_depth=(1.0, 2.0))
    depth = torch.full((1, 2, 10), 3.0)
    depth[0, 1] = 1.5
    shown = sky_artifacts(depth, cfg, torch.tensor([[0.2, 0.0, 1.0, 0.5]]), 3.0)
    close(shown[0, 0], [1.5] + [3.0] * 9)  # 0.12 of the width
    assert torch.equal(shown[0, 1], depth[0, 1])
    assert torch.equal(sky_artifacts(depth, cfg, torch.tensor([[0.7, 0.0, 1.0, 0.5]]), 3.0), depth)


def test_noisy_images_stay_in_range_and_resemble_the_true_ones() -> None:
    depth = torch.linspace(0.2, 4.0, 64).expand(50, 48, 64).clone()
    depth[:, 0, 0] = torch.inf
    shown = noisy(depth, DepthNoiseCfg(), torch.Generator().manual_seed(0))
    assert shown.shape == depth.shape and (shown >= 0.1).all() and (shown <= 3.0).all()
    wrong = ((shown - depth.clamp(0.1, 3.0)).abs() > 0.3).float().mean()
    assert 0.002 < wrong < 0.15
    again = noisy(depth, DepthNoiseCfg(), torch.Generator().manual_seed(0))
    assert torch.equal(shown, again)


# ------------------------------------------------------------------ in the environment


def test_forward_depth_is_a_segment_like_any_other() -> None:
    cfg = get_task("go1_crawl").env
    seen = {"forward_depth": ObsTermCfg(observations.forward_depth)}
    cfg = replace(
        cfg,
        num_envs=2,
        sim=replace(cfg.sim, num_threads=1),
        camera=DepthCameraCfg(),
        observations=cfg.observations | seen,
    )
    env, other = LeggedEnv(cfg, seed=0), LeggedEnv(cfg, seed=1)
    assert env.obs_segments["forward_depth"] == (1, 48, 64)
    for _ in range(8):
        env.step(torch.zeros(2, 12))
    image = env.obs_segments.split(env.get_observations()[0])["forward_depth"]
    assert image.shape == (2, 1, 48, 64) and float(image.min()) >= -0.5 and float(image.max()) <= 0.5
    assert image.std() > 0.05
    other.load_state_dict(env.state_dict())
    for _ in range(7):
        assert torch.equal(env.step(torch.zeros(2, 12))[0], other.step(torch.zeros(2, 12))[0])


def test_rough_ground_is_seen_by_a_robot_that_walks_on_it() -> None:
    cfg = get_task("go1_walk").env
    seen = {"forward_depth": ObsTermCfg(observations.forward_depth)}
    view = replace(EXACT, height=6, width=8, pitch=60.0, position=(0.3, 0.0, 0.0))
    cfg = replace(cfg, num_envs=3, sim=replace(cfg.sim, num_threads=1), camera=view, observations=seen)
    env = LeggedEnv(cfg, seed=0)
    camera, state = env.state.camera, env.state
    assert camera is not None and state.height_field is not None
    depth = camera.depth(state.base_pos, state.base_quat, state.sim.boxes)
    directions = pixel_directions(camera, len(depth))
    axes = quat_rotate(state.base_quat[:, None].expand(-1, directions.shape[1], -1), directions)
    origin = state.base_pos + quat_rotate(state.base_quat, camera.position)
    points = origin[:, None] + axes * depth.flatten(1)[..., None]
    torch.testing.assert_close(points[..., 2], state.ground_height(points[..., :2]), atol=3e-3, rtol=0)


def pixel_directions(camera: DepthCamera, num: int) -> torch.Tensor:
    """(N, H W, 3) the directions of the pixels in the base frame."""
    rays = pixel_rays(camera.cfg).expand(num, -1, -1)
    return quat_rotate(camera._mount()[:, None].expand(-1, rays.shape[1], -1), rays)


def test_the_robots_own_legs_are_seen_only_if_asked_for() -> None:
    cfg = get_task("go1_vision").env
    below = replace(EXACT, height=12, width=16, position=(0.0, 0.0, -0.06), pitch=60.0, near=0.02)
    found = []
    for own_legs in (False, True):
        view = replace(below, own_legs=own_legs)
        env = LeggedEnv(replace(cfg, num_envs=2, sim=replace(cfg.sim, num_threads=1), camera=view), seed=0)
        assert env.state.camera is not None
        found.append(env.state.camera.images[0])
    # From under the trunk the front legs stand in front of what is seen without them.
    hidden = found[1] < found[0] - 0.02
    assert 0.02 < float(hidden.float().mean()) < 0.9 and bool((found[1] <= found[0] + 1e-4).all())
