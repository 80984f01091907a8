"""Queries of tracks: against numbers worked by hand, and against the rays and contacts of the engine."""

from __future__ import annotations

import math

import pytest
import torch
from engine import ray_heights, sphere_depths

from legged_gym_ext.terrain import queries
from legged_gym_ext.terrain.blocks import BLOCK_NAMES
from legged_gym_ext.terrain.tracks import TrackCfg, Tracks, build_tracks, draw_kinds, num_random
from st_rl.utils.rotations import quat_from_euler_xyz

UPRIGHT = [0.0, 0.0, 0.0, 1.0]


def box(center: list[float], half: list[float], quat: list[float] | None = None) -> torch.Tensor:
    return torch.tensor([*center, *(UPRIGHT if quat is None else quat), *half])


def pitched(angle: float) -> list[float]:
    return [0.0, math.sin(0.5 * angle), 0.0, math.cos(0.5 * angle)]


def random_boxes(num: int, seed: int, *, turned: bool) -> torch.Tensor:
    """(num, 10) around the origin, from 0.1 to 1.2 m large."""
    generator = torch.Generator().manual_seed(seed)
    unit = torch.rand(num, 9, generator=generator)
    boxes = torch.zeros(num, 10)
    boxes[:, 0:3] = (unit[:, 0:3] - 0.5) * 2.0
    boxes[:, 6] = 1.0
    if turned:
        boxes[:, 3:7] = quat_from_euler_xyz(*((unit[:, 3:6] - 0.5) * 3.0).unbind(1))
    boxes[:, 7:10] = 0.05 + 0.55 * unit[:, 6:9]
    return boxes


def track(blocks: tuple[str, ...], seed: int = 0, **cfg) -> Tracks:
    """One track with ``blocks`` in this order, random lengths, middle difficulty."""
    made = TrackCfg(blocks=blocks, num_blocks=len(blocks), order="given", **cfg)
    noise = torch.rand(1, num_random(made), generator=torch.Generator().manual_seed(seed))
    return build_tracks(made, draw_kinds(made, 1, None, "cpu"), torch.full((1, len(blocks)), 0.6), noise)


def close(value: torch.Tensor, expected: list, atol: float = 1e-6) -> None:
    torch.testing.assert_close(value, torch.tensor(expected), atol=atol, rtol=0)


# ------------------------------------------------------------------ heights


@pytest.mark.parametrize("turned", [False, True])
def test_height_is_that_of_the_highest_box(turned: bool) -> None:
    low, high = box([0.0, 0.0, 0.1], [0.5, 0.5, 0.1]), box([0.25, 0.0, 0.6], [0.1, 0.5, 0.1])
    boxes = torch.stack((low, high, torch.zeros(10) + torch.tensor([0.0] * 6 + [1.0] + [0.0] * 3)))[None]
    xy = torch.tensor([[[0.0, 0.0], [0.25, 0.4], [0.6, 0.0], [0.0, -0.6], [-0.49, -0.49]]])
    close(queries.height_at(boxes, xy, turned=turned), [[0.2, 0.7, 0.0, 0.0, 0.2]])
    # Looking through the upper box, as through a bar that one passes under.
    skip = torch.tensor([[False, True, False]])
    close(queries.height_at(boxes, xy, skip, turned=turned), [[0.2, 0.2, 0.0, 0.0, 0.2]])


def test_height_of_a_ramp() -> None:
    # Pitched by -30 degrees about +y, +x goes up: the face is 0.1 / cos 30 above the center, then rises by tan 30.
    ramp = box([2.0, 0.0, 1.0], [0.5, 0.4, 0.1], pitched(-math.radians(30.0)))[None, None]
    xy = torch.tensor([[[2.0, 0.3], [2.2, 0.0], [2.2, 0.5], [3.0, 0.0]]])
    middle = 1.0 + 0.1 / math.cos(math.radians(30.0))
    close(queries.height_at(ramp, xy), [[middle, middle + 0.2 * math.tan(math.radians(30.0)), 0.0, 0.0]])


@pytest.mark.parametrize("turned", [False, True])
def test_heights_of_random_boxes_are_those_of_the_engines_rays(turned: bool) -> None:
    boxes = random_boxes(8, 3, turned=turned)
    boxes[:, 2] += 0.7
    xy = (torch.rand(600, 2, generator=torch.Generator().manual_seed(4)) - 0.5) * 3.0
    expected = ray_heights(boxes, xy)
    found = queries.height_at(boxes[None], xy[None], turned=turned)[0]
    torch.testing.assert_close(found, expected.clamp_min(0.0), atol=1e-5, rtol=0)
    assert (expected > 0.01).float().mean() > 0.2


@pytest.mark.parametrize("name", BLOCK_NAMES)
def test_heights_of_every_block_are_those_of_the_engines_rays(name: str) -> None:
    made = track((name, "flat"), side_walls=True)
    generator = torch.Generator().manual_seed(1)
    start, end = float(made.start[0, 0]), float(made.end[0, 0])
    x = start - 0.3 + (end - start + 0.6) * torch.rand(300, generator=generator)
    y = (torch.rand(300, generator=generator) - 0.5) * (float(made.width[0]) + 0.3)
    xy = torch.stack((x, y), dim=1)
    found = queries.height_at(made.boxes, xy[None], turned=name == "slope")[0]
    torch.testing.assert_close(found, ray_heights(made.boxes[0], xy), atol=1e-5, rtol=0)


def test_each_world_has_its_own_boxes() -> None:
    boxes = torch.stack((random_boxes(5, 0, turned=True), random_boxes(5, 1, turned=True)))
    xy = (torch.rand(2, 50, 2, generator=torch.Generator().manual_seed(2)) - 0.5) * 2.0
    both = queries.height_at(boxes, xy)
    for world in range(2):
        torch.testing.assert_close(both[world], queries.height_at(boxes[world, None], xy[world, None])[0])


# ------------------------------------------------------------------ penetration


@pytest.mark.parametrize("turned", [False, True])
def test_penetration_is_the_way_to_the_nearest_face(turned: bool) -> None:
    boxes = torch.stack((box([0.0, 0.0, 0.0], [0.5, 0.4, 0.3]), box([2.0, 0.0, 0.0], [0.0, 0.0, 0.0])))[None]
    points = torch.tensor(
        [[[0.0, 0.0, 0.0], [0.45, 0.0, 0.0], [0.0, -0.3, 0.1], [0.6, 0.0, 0.0], [0.53, 0.44, 0.0], [2.0, 0.0, 0.0]]]
    )
    close(queries.penetration(boxes, points, turned=turned), [[0.3, 0.05, 0.1, 0.0, 0.0, 0.0]])
    # Spheres of 0.1 m: the fifth is 0.05 m from an edge (0.03 and 0.04 m beyond two faces).
    close(queries.penetration(boxes, points, 0.1, turned=turned), [[0.4, 0.15, 0.2, 0.0, 0.05, 0.0]])
    each = torch.tensor([0.0, 0.0, 0.0, 0.2, 0.0, 0.5])
    close(queries.penetration(boxes, points, each, turned=turned), [[0.3, 0.05, 0.1, 0.1, 0.0, 0.0]])


def test_only_chosen_boxes_count() -> None:
    boxes = torch.stack((box([0.0, 0.0, 0.0], [0.5, 0.5, 0.5]), box([0.0, 0.0, 0.0], [0.2, 0.2, 0.2])))[None]
    point = torch.zeros(1, 1, 3)
    close(queries.penetration(boxes, point), [[0.5]])
    close(queries.penetration(boxes, point, which=torch.tensor([[False, True]])), [[0.2]])
    close(queries.penetration(boxes, point, which=torch.tensor([[False, False]])), [[0.0]])


@pytest.mark.parametrize("turned", [False, True])
def test_penetration_is_that_of_the_engines_contacts(turned: bool) -> None:
    boxes, radius = random_boxes(4, 6, turned=turned), 0.08
    points = (torch.rand(400, 3, generator=torch.Generator().manual_seed(7)) - 0.5) * 2.4
    expected = sphere_depths(boxes, points, radius)
    found = queries.penetration(boxes[None], points[None], radius, turned=turned)[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    share = (expected > 0.0).float().mean()
    assert 0.1 < share < 0.9


@pytest.mark.parametrize("name", ["tilt", "crawl", "hurdle"])
def test_penetration_into_obstacles_is_that_of_the_engines_contacts(name: str) -> None:
    made = track((name,))
    obstacle = made.boxes[0, made.obstacle[0]]
    generator = torch.Generator().manual_seed(8)
    low, high = obstacle[:, 0:3] - obstacle[:, 7:10], obstacle[:, 0:3] + obstacle[:, 7:10]
    low, high = low.amin(dim=0) - 0.1, high.amax(dim=0) + 0.1
    points = low + (high - low) * torch.rand(200, 3, generator=generator)
    expected = sphere_depths(obstacle, points, 0.05)
    found = queries.penetration(made.boxes, points[None], 0.05, which=made.obstacle, turned=False)[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


# ------------------------------------------------------------------ where one is on a track


@pytest.fixture
def three() -> Tracks:
    """Five worlds with the same track: up 0.3 m at 2.2, a gap of 0.5 m at 4.0, down 0.2 m at 6.2; ends 0.3 behind."""
    made = track(("jump", "leap", "down"))
    made.start = torch.tensor([[2.2, 4.0, 6.2]]).repeat(5, 1)
    made.end = torch.tensor([[2.5, 4.5, 6.5]]).repeat(5, 1)
    made.floor_height = torch.tensor([[0.6, 0.9, 0.9, 0.7]]).repeat(5, 1)
    made.width = torch.tensor([2.0, 2.0, 3.0, 1.6, 1.6])
    return made


def test_the_obstacle_at_hand(three: Tracks) -> None:
    # It stays at hand until the base is 0.3 m behind it.
    index, there = queries.engaged_block(three, torch.tensor([0.0, 2.79, 2.81, 6.79, 6.81]))
    assert index.tolist() == [0, 0, 1, 2, 2]
    assert there.tolist() == [True, True, True, True, False]
    index, there = queries.engaged_block(three, torch.tensor([-9.0, 2.79, 2.81, 6.51, 90.0]), leave=0.0)
    assert index.tolist() == [0, 1, 1, 2, 2]
    assert there.tolist() == [True, True, True, False, False]


def test_obstacles_passed_and_the_finish(three: Tracks) -> None:
    passed = queries.num_passed(three, torch.tensor([0.0, 2.99, 3.01, 5.01, 7.01]))
    assert passed.tolist() == [0, 0, 1, 2, 3]
    close(queries.finish_line(three), [7.0] * 5)


def test_the_level_of_the_floor(three: Tracks) -> None:
    # Before an obstacle, in one that goes up, in a gap, in one that goes down, behind everything.
    close(queries.floor_level(three, torch.tensor([1.0, 2.3, 4.2, 6.3, 8.0])), [0.6, 0.6, 0.9, 0.7, 0.7])
    close(queries.floor_level(three, torch.tensor([-1.0, 2.6, 3.9, 5.0, 6.6])), [0.6, 0.9, 0.9, 0.9, 0.7])


def test_distances_to_the_edges(three: Tracks) -> None:
    found = queries.side_wall_distance(three, torch.tensor([0.0, 0.4, -0.5, 0.9, -1.0]))
    close(found, [[1.0, 1.0], [0.6, 1.4], [2.0, 1.0], [-0.1, 1.7], [1.8, -0.2]])
