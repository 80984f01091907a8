"""Rays against boxes: on numbers worked by hand, and against those of the engine."""

from __future__ import annotations

import math

import pytest
import torch
from engine import ray_distances

from legged_gym_ext.sensors.depth_camera import DepthCameraCfg, pixel_rays
from legged_gym_ext.sensors.raycast import cast_rays, cast_rays_on_cpu, cast_rays_on_surface
from legged_gym_ext.terrain.blocks import BLOCK_NAMES
from legged_gym_ext.terrain.height_field import HeightField, HeightFieldCfg
from legged_gym_ext.terrain.tracks import TrackCfg, build_tracks, draw_kinds, num_random
from st_rl.utils.rotations import quat_from_euler_xyz, quat_rotate

UPRIGHT = [0.0, 0.0, 0.0, 1.0]


def close(value: torch.Tensor, expected: list) -> None:
    torch.testing.assert_close(value, torch.tensor(expected), atol=1e-6, rtol=0)


@pytest.mark.parametrize("turned", [False, True])
def test_rays_meet_the_nearest_face(turned: bool) -> None:
    near, far = [2.0, 0.0, 0.0, *UPRIGHT, 0.5, 0.5, 0.5], [4.0, 0.0, 0.0, *UPRIGHT, 0.5, 2.0, 2.0]
    boxes = torch.tensor([[far, near, [1.0, 0.0, 0.0, *UPRIGHT, 0.0, 0.0, 0.0]]])
    origin = torch.zeros(1, 3)
    rays = torch.tensor([[[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [1.0, 0.4, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    inf = math.inf
    found = cast_rays(origin, rays, boxes, turned=turned, ground=False)
    # A direction of twice the length needs half as many; the third passes beside the near box.
    close(found, [[1.5, 0.75, 3.5, inf, inf]])


def test_a_ray_from_inside_leaves_through_the_far_face() -> None:
    box = torch.tensor([[[0.0, 0.0, 0.0, *UPRIGHT, 0.5, 0.6, 0.7]]])
    rays = torch.eye(3)[None]
    close(cast_rays(torch.zeros(1, 3), rays, box, ground=False), [[0.5, 0.6, 0.7]])


def test_the_ground_is_seen_from_above() -> None:
    origin, none = torch.tensor([[0.0, 0.0, 0.5]]), torch.zeros(1, 0, 10)
    rays = torch.tensor([[[0.0, 0.0, -1.0], [1.0, 0.0, -0.25], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    close(cast_rays(origin, rays, none), [[0.5, 2.0, math.inf, math.inf]])
    assert cast_rays(origin, rays, none, ground=False).isinf().all()


def test_a_turned_box_is_met_where_it_is() -> None:
    # Turned by 45 degrees about z, the edge of a cube of 1 m points at the origin.
    box = torch.tensor([[[3.0, 0.0, 0.0, 0.0, 0.0, math.sin(math.pi / 8), math.cos(math.pi / 8), 0.5, 0.5, 0.5]]])
    found = cast_rays(torch.zeros(1, 3), torch.tensor([[[1.0, 0.0, 0.0]]]), box, ground=False)
    close(found, [[3.0 - math.sqrt(0.5)]])


@pytest.mark.parametrize("blocks", [("tilt", "crawl", "jump"), ("stairs_up", "slope", "rubble"), ("leap", "hurdle")])
def test_a_camera_on_a_track_sees_what_the_engine_sees(blocks: tuple[str, ...]) -> None:
    cfg = TrackCfg(blocks=blocks, num_blocks=len(blocks), order="given")
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(2, num_random(cfg), generator=generator)
    tracks = build_tracks(cfg, draw_kinds(cfg, 2, None, "cpu"), torch.full((2, len(blocks)), 0.7), noise)
    pixels = pixel_rays(DepthCameraCfg(height=20, width=32))
    quat = quat_from_euler_xyz(*torch.tensor([[0.1, -0.2], [0.4, 0.3], [0.3, -0.2]]))
    rays = quat_rotate(quat[:, None].expand(-1, len(pixels), -1), pixels.expand(2, -1, -1))
    for block in range(len(blocks)):
        origin = torch.stack((tracks.start[:, block] - 0.6, torch.tensor([0.1, -0.2])), dim=1)
        origin = torch.cat((origin, tracks.floor_height[:, block, None] + 0.35), dim=1)
        found = cast_rays(origin, rays, tracks.boxes, turned="slope" in blocks)
        for world in range(2):
            expected = ray_distances(tracks.boxes[world], origin[world], rays[world])
            meters = found[world] * rays[world].norm(dim=1)
            near = expected < 10.0  # farther away single precision has fewer digits
            torch.testing.assert_close(meters[near], expected[near], atol=1e-5, rtol=0)
            assert (meters[~near] > 9.99).all() and near.float().mean() > 0.3


def test_turned_boxes_are_seen_as_the_engine_sees_them() -> None:
    generator = torch.Generator().manual_seed(1)
    boxes = torch.zeros(6, 10)
    boxes[:, 0:3] = 4.0 * torch.rand(6, 3, generator=generator) - 2.0
    boxes[:, 3:7] = quat_from_euler_xyz(*(3.0 * torch.rand(3, 6, generator=generator) - 1.5))
    boxes[:, 7:10] = 0.1 + 0.6 * torch.rand(6, 3, generator=generator)
    rays, origin = torch.randn(600, 3, generator=generator), torch.tensor([0.1, 0.2, 2.5])
    found = cast_rays(origin[None], rays[None], boxes[None])[0] * rays.norm(dim=1)
    expected = ray_distances(boxes, origin, rays)
    near = expected < 10.0
    torch.testing.assert_close(found[near], expected[near], atol=1e-5, rtol=0)
    torch.testing.assert_close(found.isinf(), expected.isinf())


def test_looking_before_working_changes_nothing_within_reach() -> None:
    cfg = TrackCfg(blocks=BLOCK_NAMES, num_blocks=5)
    generator, num = torch.Generator().manual_seed(2), 20
    noise = torch.rand(num, num_random(cfg), generator=generator)
    difficulty = torch.rand(num, 5, generator=generator)
    tracks = build_tracks(cfg, draw_kinds(cfg, num, generator, "cpu"), difficulty, noise)
    x = torch.rand(num, 1, generator=generator) * tracks.end[:, -1:]
    origin = torch.cat((x, torch.randn(num, 1, generator=generator) * 0.3, tracks.floor_height[:, :1] + 0.5), dim=1)
    pixels = pixel_rays(DepthCameraCfg(height=12, width=16))
    yaw = torch.linspace(-3.0, 3.0, num)
    quat = quat_from_euler_xyz(0.1 * yaw, 0.0 * yaw + 0.3, yaw)
    rays = quat_rotate(quat[:, None].expand(-1, len(pixels), -1), pixels.expand(num, -1, -1))
    plain = cast_rays(origin, rays, tracks.boxes)
    found = cast_rays_on_cpu(origin, rays, tracks.boxes, 3.0)
    assert 0.3 < (plain < 3.0).float().mean() < 1.0
    torch.testing.assert_close(found.clamp_max(3.0), plain.clamp_max(3.0), atol=1e-5, rtol=0)


def test_rays_meet_rough_ground_where_it_is() -> None:
    # A step of 0.2 m at x = 1, and a slope of 1/2 behind x = 2, seen from 0.5 m.
    def height_at(xy: torch.Tensor) -> torch.Tensor:
        x = xy[..., 0]
        return torch.where(x < 1.0, 0.0, 0.2) + (x - 2.0).clamp_min(0.0) * 0.5

    origin = torch.tensor([[0.0, 0.0, 0.5]])
    rays = torch.tensor([[[0.0, 0.0, -1.0], [1.0, 0.0, -1.0], [1.0, 0.0, -0.4], [1.0, 0.0, 0.0], [1.0, 0.0, 1.0]]])
    found = cast_rays_on_surface(origin, rays, height_at, 3.0, 0.05)[0]
    # Straight down; onto the flat; onto the step's face; onto the slope, at the height of the eye; into the sky.
    assert found[:3].tolist() == pytest.approx([0.5, 0.5, 1.0], abs=5e-3) and float(found[3]) == pytest.approx(2.6)
    assert float(found[4]) == math.inf


def test_rays_end_on_the_height_field_and_pass_through_none_of_it() -> None:
    field = HeightField(HeightFieldCfg(num_levels=2, strip_length=4.0, width=8.0, margin=2.0, roughness=(0.1, 0.2)))
    generator = torch.Generator().manual_seed(0)
    origins = torch.rand(3, 3, generator=generator) * torch.tensor([3.0, 2.0, 0.2]) + torch.tensor([0.0, -1.0, 0.35])
    rays = pixel_rays(DepthCameraCfg(height=12, width=16)) + torch.tensor([0.0, 0.0, -0.3])
    rays = rays.expand(3, -1, -1).contiguous()
    found = cast_rays_on_surface(origins, rays, field.height_at, 3.0, 0.05)
    points = origins[:, None] + rays * found.clamp_max(3.0)[..., None]
    met = found < 3.0
    off = points[..., 2] - field.height_at(points[..., :2])
    assert float(met.float().mean()) > 0.5 and float(off[met].abs().max()) < 2e-3
    # Nothing was passed through before: a finer search finds the same.
    finer = cast_rays_on_surface(origins, rays, field.height_at, 3.0, 0.005)
    agree = ((found - finer).abs() < 5e-3) | (found.isinf() & finer.isinf())
    assert float(agree.float().mean()) > 0.98
