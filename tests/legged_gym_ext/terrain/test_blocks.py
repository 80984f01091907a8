"""Every type of block on numbers worked by hand; what the boxes of all have in common."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings, strategies as st

from legged_gym_ext.terrain.blocks import (
    BLOCK_NAMES,
    BLOCKS,
    NUM_OBSTACLE_IDS,
    NUM_RUBBLE,
    NUM_STEPS,
    OBSTACLE_HEIGHT,
    ObstacleBatch,
    box,
    span,
)
from legged_gym_ext.terrain.queries import height_at
from st_rl.utils.rotations import quat_rotate

UPRIGHT = [0.0, 0.0, 0.0, 1.0]


def batch(
    parameter: float, depth: float = 0.5, level: float = 0.2, width: float = 2.0, noise: torch.Tensor | None = None
) -> ObstacleBatch:
    """One obstacle that begins at x = 1 m."""
    if noise is None:
        noise = torch.full((4 * NUM_RUBBLE,), 0.5)
    return ObstacleBatch(
        front=torch.tensor(1.0),
        level=torch.tensor(level),
        depth=torch.tensor(depth),
        parameter=torch.tensor(parameter),
        width=torch.tensor(width),
        noise=noise,
    )


def boxes_of(name: str, obstacle: ObstacleBatch) -> torch.Tensor:
    make = BLOCKS[name].boxes
    assert make is not None
    return make(obstacle)


def close(value: torch.Tensor, expected: list) -> None:
    torch.testing.assert_close(value, torch.tensor(expected), atol=1e-6, rtol=0)


def test_a_box_by_center_and_by_span() -> None:
    numbers = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]).unbind()
    x, y, z, a, b, c = numbers
    made = box((x, y, z), (a, b, c))
    close(made[1], [2.0, 4.0, 6.0, *UPRIGHT, 0.2, 0.4, 0.6])
    same = span((x - a, x + a), (y - b, y + b), (z - c, z + c))
    torch.testing.assert_close(made, same)


def test_tilt_is_two_walls_with_a_slot() -> None:
    # A slot of 0.3 m in a track of 2 m: the walls reach from |y| = 0.15 to 1.0, center 0.575, half 0.425.
    half_z = 0.5 * OBSTACLE_HEIGHT
    close(
        boxes_of("tilt", batch(0.3)),
        [
            [1.25, 0.575, 0.2 + half_z, *UPRIGHT, 0.25, 0.425, half_z],
            [1.25, -0.575, 0.2 + half_z, *UPRIGHT, 0.25, 0.425, half_z],
        ],
    )


def test_crawl_is_a_bar_above_the_floor() -> None:
    half_z = 0.5 * OBSTACLE_HEIGHT
    close(boxes_of("crawl", batch(0.25)), [[1.25, 0.0, 0.2 + 0.25 + half_z, *UPRIGHT, 0.25, 1.0, half_z]])
    assert BLOCKS["crawl"].overhang


def test_hurdle_is_a_bar_on_the_floor() -> None:
    close(boxes_of("hurdle", batch(0.4)), [[1.25, 0.0, 0.4, *UPRIGHT, 0.25, 1.0, 0.2]])


@pytest.mark.parametrize(("name", "sign"), [("stairs_up", 1.0), ("stairs_down", -1.0)])
def test_stairs_rise_step_by_step_from_the_ground(name: str, sign: float) -> None:
    # Four treads of 0.25 m and five risers of 0.1 m; each step fills everything from the ground to its tread.
    level = 0.5 if sign > 0 else 0.6
    steps = boxes_of(name, batch(0.1, depth=1.0, level=level))
    assert steps.shape == (NUM_STEPS - 1, 10)
    top = [level + sign * 0.1 * (i + 1) for i in range(4)]
    close(steps[:, 0], [1.125, 1.375, 1.625, 1.875])
    close(steps[:, 7], [0.125] * 4)
    close(steps[:, 2] + steps[:, 9], top)
    close(steps[:, 2] - steps[:, 9], [0.0] * 4)
    rise = BLOCKS[name].rise
    assert rise is not None and float(rise(torch.tensor(0.1))) == pytest.approx(sign * 0.5)
    # The last riser leads onto the floor behind.
    assert top[-1] + sign * 0.1 == pytest.approx(level + sign * 0.5)


def test_a_slope_is_a_ridge_whose_faces_rise_from_the_floor() -> None:
    ramps = boxes_of("slope", batch(30.0, depth=1.2))
    # At 30 degrees a run of 0.6 m rises 0.6 tan 30 = 0.3464 m; the face is 0.6 / cos 30 = 0.6928 m long.
    close(ramps[:, 7], [0.3464102, 0.3464102])
    angle = math.radians(30.0)
    close(ramps[:, 4], [-math.sin(angle / 2), math.sin(angle / 2)])
    corner = torch.tensor([[-1.0, 0.0, 1.0], [1.0, 0.0, 1.0]])  # both ends of the upper face, in half extents
    ends = ramps[:, None, 0:3] + quat_rotate(ramps[:, None, 3:7].expand(2, 2, 4), corner * ramps[:, None, 7:10])
    ridge = 0.2 + 0.3464102
    close(ends[0], [[1.0, 0.0, 0.2], [1.6, 0.0, ridge]])
    close(ends[1], [[1.6, 0.0, ridge], [2.2, 0.0, 0.2]])
    info = BLOCKS["slope"].info
    assert info is not None and float(info(batch(30.0, depth=1.2))) == pytest.approx(0.3464102)


def test_rubble_is_stones_of_random_size_place_and_height() -> None:
    noise = torch.zeros(NUM_RUBBLE, 4)
    noise[1] = 0.5
    noise[7] = torch.tensor([0.25, 0.75, 0.9, 1.0])
    stones = boxes_of("rubble", batch(0.1, depth=1.0, noise=noise.flatten()))
    assert stones.shape == (NUM_RUBBLE, 10)
    # Stone 0: half extent 0.1, as far to the front and to the right as it can be, 0.3 of the height.
    close(stones[0], [1.1, -0.9, 0.2 + 0.015, *UPRIGHT, 0.1, 0.1, 0.015])
    # Stone 1: half extent 0.15; x = 1 + 0.15 + 0.7 * 0.5 / 2, y = 1.7 * (1.5 / 5 - 0.5), 0.65 of the height.
    close(stones[1], [1.325, -0.34, 0.2 + 0.0325, *UPRIGHT, 0.15, 0.15, 0.0325])
    # Stone 7 is in the second row and the third column; x = 1 + 0.125 + 0.75 * 1.75 / 2, y = 1.75 * (2.9 / 5 - 0.5).
    close(stones[7], [1.78125, 0.14, 0.25, *UPRIGHT, 0.125, 0.125, 0.05])


def test_second_numbers_of_the_block_info() -> None:
    def info(name: str, obstacle: ObstacleBatch) -> float:
        function = BLOCKS[name].info
        return float(obstacle.parameter if function is None else function(obstacle))

    assert info("tilt", batch(0.3)) == pytest.approx(0.3)
    assert info("crawl", batch(0.25)) == pytest.approx(0.25)
    assert info("jump", batch(0.4)) == pytest.approx(0.4)
    assert info("down", batch(-0.4)) == pytest.approx(-0.4)
    assert info("leap", batch(0.6, level=0.7)) == pytest.approx(0.7)  # the gap reaches down to the ground
    assert info("stairs_up", batch(0.1)) == pytest.approx(0.1)
    assert info("stairs_down", batch(0.1)) == pytest.approx(-0.1)


def test_ids_and_names_are_those_of_the_design() -> None:
    ids = {name: block.obstacle_id for name, block in BLOCKS.items()}
    assert ids == {
        "flat": 0,
        "tilt": 1,
        "crawl": 2,
        "jump": 3,
        "down": 3,
        "leap": 4,
        "hurdle": 3,
        "stairs_up": 0,
        "stairs_down": 0,
        "slope": 0,
        "rubble": 0,
    }
    assert max(ids.values()) == NUM_OBSTACLE_IDS - 1


def test_what_one_walks_on_is_never_soft() -> None:
    soft = {name for name, block in BLOCKS.items() if block.soft}
    assert soft == {"tilt", "crawl", "hurdle"}
    # Soft boxes are tested for penetration as upright ones.
    for name in soft:
        close(boxes_of(name, batch(0.3))[:, 3:7], [UPRIGHT] * BLOCKS[name].num_boxes)


@pytest.mark.parametrize("name", BLOCK_NAMES)
def test_parameters_get_harder(name: str) -> None:
    easy, hard = BLOCKS[name].parameter
    if name in ("tilt", "crawl"):
        assert easy > hard > 0.0  # narrower, lower
    elif name != "flat":
        assert abs(easy) < abs(hard) and easy * hard > 0.0


fraction = st.floats(0.0, 1.0, width=32)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(BLOCK_NAMES), hardness=fraction, depth=fraction, width=fraction, seed=st.integers(0, 99))
def test_boxes_are_finite_and_inside_the_block(
    name: str, hardness: float, depth: float, width: float, seed: int
) -> None:
    block = BLOCKS[name]
    if block.boxes is None:
        assert block.num_boxes == 0
        return
    parameter = block.parameter[0] + hardness * (block.parameter[1] - block.parameter[0])
    extent = block.depth[0] + depth * (block.depth[1] - block.depth[0])
    noise = torch.rand(4 * NUM_RUBBLE, generator=torch.Generator().manual_seed(seed))
    obstacle = batch(parameter, extent, level=1.2, width=1.6 + 1.4 * width, noise=noise)
    boxes = boxes_of(name, obstacle)
    assert boxes.shape == (block.num_boxes, 10) and boxes.isfinite().all()
    assert (boxes[:, 7:10] > 0.0).all()
    torch.testing.assert_close(boxes[:, 3:7].norm(dim=1), torch.ones(len(boxes)))
    assert ((boxes[:, 1].abs() + boxes[:, 8]) <= 0.5 * obstacle.width + 1e-6).all()
    # Seen from above nothing lies outside the block, or only below the floor (the back of a ramp).
    outside = torch.tensor([[0.999, 0.0], [1.001 + extent, 0.0]]).expand(1, 2, 2)
    assert (height_at(boxes[None], outside) <= 1.2).all()


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from([name for name in BLOCK_NAMES if BLOCKS[name].boxes]), seed=st.integers(0, 99))
def test_a_batch_equals_one_at_a_time(name: str, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    front, level, depth, parameter, width = torch.rand(5, 3, 2, generator=generator).unbind()
    noise = torch.rand(3, 2, 4 * NUM_RUBBLE, generator=generator)
    whole = ObstacleBatch(front, level, depth + 0.5, parameter + 0.1, width + 1.6, noise)
    boxes = boxes_of(name, whole)
    assert boxes.shape == (3, 2, BLOCKS[name].num_boxes, 10)
    one = ObstacleBatch(*(value[2, 1] for value in vars(whole).values()))
    torch.testing.assert_close(boxes[2, 1], boxes_of(name, one), atol=1e-6, rtol=0)
