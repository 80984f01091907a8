"""Tracks: floors and obstacles on numbers worked by hand, and what holds for every track."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings, strategies as st

from legged_gym_ext.terrain.blocks import BLOCK_NAMES, BLOCKS
from legged_gym_ext.terrain.queries import height_at
from legged_gym_ext.terrain.tracks import (
    TrackCfg,
    Tracks,
    build_tracks,
    draw_kinds,
    num_boxes,
    num_random,
    slots_per_block,
)
from st_rl.utils.errors import UnknownNameError, UserError

FIXED = {"width": (2.0, 2.0), "block_length": (2.0, 2.0), "start_length": (0.5, 0.5), "gap_depth": (0.6, 0.6)}


def track(*blocks: str, difficulty: float | list[float] = 0.0, noise: float = 0.0, **cfg) -> Tracks:
    """One track of ``blocks`` in this order, every length fixed; depths are the shortest where ``noise`` is 0."""
    made = TrackCfg(blocks=blocks, num_blocks=len(blocks), order="given", **(FIXED | cfg))
    hardness = torch.as_tensor(difficulty).expand(1, len(blocks))
    kinds = draw_kinds(made, 1, None, "cpu")
    return build_tracks(made, kinds, hardness, torch.full((1, num_random(made)), noise))


def random_tracks(cfg: TrackCfg, num: int, seed: int) -> tuple[Tracks, torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    kinds = draw_kinds(cfg, num, generator, "cpu")
    difficulty = torch.rand(kinds.shape, generator=generator)
    noise = torch.rand(num, num_random(cfg), generator=generator)
    return build_tracks(cfg, kinds, difficulty, noise), kinds, difficulty, noise


def close(value: torch.Tensor, expected: list) -> None:
    torch.testing.assert_close(value, torch.tensor(expected), atol=1e-5, rtol=0)


def floor_spans(tracks: Tracks, world: int = 0) -> list[tuple[float, float, float]]:
    """First x, last x and height of every floor that is there."""
    floors = tracks.boxes[world, : tracks.floor_height.shape[1]]
    spans = [(float(f[0] - f[7]), float(f[0] + f[7]), float(f[2] + f[9])) for f in floors if f[9] > 0]
    return [(round(a, 4), round(b, 4), round(c, 4)) for a, b, c in spans]


def test_a_flat_track_is_the_ground() -> None:
    made = track("flat", "flat")
    assert (made.boxes[..., 7:10] == 0.0).all() and made.boxes.shape == (1, 3, 10)
    close(made.start, [[2.5, 4.5]])
    close(made.end, [[2.5, 4.5]])
    close(made.floor_height, [[0.0, 0.0, 0.0]])


def test_jump_and_down_raise_and_lower_the_floor() -> None:
    made = track("jump", "down", difficulty=[1.0, 0.5], noise=1.0)
    close(made.parameter, [[0.5, -0.325]])
    # The first block ends at 0.5 + 2, its obstacle is 0.8 deep.
    close(made.start, [[1.7, 3.7]])
    close(made.end, [[2.5, 4.5]])
    close(made.floor_height, [[0.0, 0.5, 0.175]])
    close(made.info, [[[0.8, 0.5], [0.8, -0.325]]])
    assert floor_spans(made) == [(1.7, 3.7, 0.5), (3.7, 7.5, 0.175)]
    assert not made.obstacle.any()


def test_the_lowest_floor_is_the_ground() -> None:
    made = track("down", "down", difficulty=1.0)
    close(made.floor_height, [[1.2, 0.6, 0.0]])
    assert floor_spans(made) == [(-1.5, 2.4, 1.2), (2.4, 4.4, 0.6)]


def test_a_leap_is_a_gap_between_raised_floors() -> None:
    made = track("leap", "flat", difficulty=1.0)
    close(made.info[:, 0], [[0.9, 0.6]])
    close(made.floor_height, [[0.6, 0.6, 0.6]])
    close(made.start[:, 0], [1.6])
    close(made.end[:, 0], [2.5])
    # The flat block has a seam where its obstacle of no depth would be.
    assert floor_spans(made) == [(-1.5, 1.6, 0.6), (2.5, 4.5, 0.6), (4.5, 7.5, 0.6)]
    across = torch.tensor([[[1.5, 0.0], [1.7, 0.0], [2.4, 0.0], [2.6, 0.0]]])
    close(height_at(made.boxes, across), [[0.6, 0.0, 0.0, 0.6]])


def test_stairs_lead_from_floor_to_floor() -> None:
    made = track("stairs_up", "stairs_down", difficulty=1.0, depths={"stairs_up": (1.0, 1.0)})
    close(made.floor_height, [[0.0, 1.0, 0.0]])
    middle = [1.5 + 0.25 * (i + 0.5) for i in range(4)] + [3.5 + 0.25 * (i + 0.5) for i in range(4)]
    points = torch.tensor([[[x, 0.3] for x in [1.4, *middle[:4], 2.6, 3.4, *middle[4:], 4.6]]])
    close(height_at(made.boxes, points), [[0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0]])
    close(made.info, [[[1.0, 0.2], [1.0, -0.2]]])
    assert not made.obstacle.any()


def test_which_boxes_can_be_soft_and_which_hang_over() -> None:
    made = track("tilt", "crawl", "slope")
    # Four floors, then two slots for each block; the second slot of the bar is empty.
    assert made.obstacle.tolist() == [[False] * 4 + [True, True, True, False, False, False]]
    assert made.overhang.tolist() == [[False] * 4 + [False, False, True, True, False, False]]
    assert (made.boxes[0, 7, 7:10] == 0.0).all()


def test_side_walls_stand_beside_the_whole_track() -> None:
    made = track("jump", difficulty=1.0, side_walls=True, wall_height=0.4)
    left, right = made.boxes[0, -2:]
    # From 1.5 m behind the start to 3 m behind the end at 2.5 m; 0.4 m above the highest floor.
    close(left, [2.0, 1.025, 0.45, 0.0, 0.0, 0.0, 1.0, 3.5, 0.025, 0.45])
    close(right, [2.0, -1.025, 0.45, 0.0, 0.0, 0.0, 1.0, 3.5, 0.025, 0.45])
    assert not made.obstacle[0, -2:].any() and made.boxes.shape[1] == num_boxes(
        TrackCfg(blocks=("jump",), num_blocks=1, side_walls=True)
    )


def test_a_long_obstacle_keeps_a_run_up() -> None:
    made = track("leap", difficulty=1.0, parameters={"leap": (0.1, 1.8)})
    close(made.end - made.start, [[1.8]])
    close(made.start, [[1.1]])  # 0.6 m after the start platform


def test_a_floor_too_low_for_the_engine_is_the_ground() -> None:
    made = track("jump", parameters={"jump": (0.002, 0.002)})
    assert floor_spans(made) == []


@pytest.mark.parametrize("name", BLOCK_NAMES)
def test_difficulty_maps_to_the_parameter(name: str) -> None:
    easy, hard = BLOCKS[name].parameter
    made = track(name, name, name, difficulty=[0.0, 0.5, 1.0])
    close(made.parameter, [[easy, 0.5 * (easy + hard), hard]])


def test_a_track_may_cover_a_part_of_the_difficulties() -> None:
    cfg = TrackCfg(blocks=("jump",), num_blocks=2, difficulty=(0.5, 0.75), parameters={"jump": (0.0, 0.4)})
    made = build_tracks(cfg, torch.zeros(1, 2, dtype=torch.long), torch.tensor([[0.0, 1.0]]), torch.zeros(1, 7))
    close(made.difficulty, [[0.5, 0.75]])
    close(made.parameter, [[0.2, 0.3]])


def test_orders_of_blocks() -> None:
    names = ("jump", "down", "leap")
    generator = torch.Generator().manual_seed(0)
    given_order = draw_kinds(TrackCfg(blocks=names, num_blocks=5, order="given"), 2, generator, "cpu")
    assert given_order.tolist() == [[0, 1, 2, 0, 1]] * 2
    shuffled = draw_kinds(TrackCfg(blocks=names, num_blocks=3, order="shuffled"), 200, generator, "cpu")
    assert torch.equal(shuffled.sort(dim=1).values, torch.arange(3).expand(200, 3))
    assert len({tuple(row) for row in shuffled.tolist()}) == 6
    random = draw_kinds(TrackCfg(blocks=names, num_blocks=3), 2000, generator, "cpu")
    share = torch.stack([(random == kind).float().mean() for kind in range(3)])
    torch.testing.assert_close(share, torch.full((3,), 1 / 3), atol=0.03, rtol=0)


def test_impossible_tracks_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown block 'moat'; choose one of: flat, tilt"):
        num_boxes(TrackCfg(blocks=("moat",)))
    with pytest.raises(UnknownNameError, match="unknown block 'jmp'"):
        num_boxes(TrackCfg(blocks=("jump",), parameters={"jmp": (0.1, 0.2)}))
    with pytest.raises(UserError, match="at least one type of block"):
        num_boxes(TrackCfg(blocks=()))
    with pytest.raises(UserError, match="num_blocks must be from 1"):
        num_boxes(TrackCfg(blocks=("jump",), num_blocks=0))


def test_writing_some_worlds_leaves_the_others() -> None:
    cfg = TrackCfg(blocks=("jump", "crawl"), num_blocks=2)
    by_mask, _, _, _ = random_tracks(cfg, 4, 0)
    by_rows, _, _, _ = random_tracks(cfg, 4, 0)
    before, _, _, _ = random_tracks(cfg, 4, 0)
    new, kinds, difficulty, noise = random_tracks(cfg, 4, 1)
    mask = torch.tensor([False, True, False, True])
    rows = torch.tensor([1, 3])
    by_mask.write(mask, new)
    by_rows.write(rows, build_tracks(cfg, kinds[rows], difficulty[rows], noise[rows]))
    for name, value in vars(by_mask).items():
        assert torch.equal(value[mask], vars(new)[name][mask]), name
        assert torch.equal(value[~mask], vars(before)[name][~mask]), name
        torch.testing.assert_close(value, vars(by_rows)[name], atol=1e-6, rtol=0)


configurations = st.builds(
    TrackCfg,
    blocks=st.lists(st.sampled_from(BLOCK_NAMES), min_size=1, max_size=5, unique=True).map(tuple),
    num_blocks=st.integers(1, 5),
    order=st.sampled_from(["random", "shuffled", "given"]),
    side_walls=st.booleans(),
)


@settings(max_examples=30, deadline=None)
@given(cfg=configurations, seed=st.integers(0, 999))
def test_tracks_hang_together(cfg: TrackCfg, seed: int) -> None:
    made, kinds, _, _ = random_tracks(cfg, 3, seed)
    blocks = cfg.num_blocks
    assert made.boxes.shape == (3, num_boxes(cfg), 10) and made.boxes.isfinite().all()
    assert (made.boxes[..., 7:10] >= 0.0).all() and (made.floor_height >= 0.0).all()
    # Obstacles come one after the other, with a run-up before each.
    assert (made.start <= made.end).all() and (made.start[:, 0] >= 0.4 + 0.6 - 1e-5).all()
    assert (made.start[:, 1:] - made.end[:, :-1] >= 0.6 - 1e-5).all()
    # Near boxes rely on this: no three obstacles within 2.2 m.
    assert (made.start[:, 2:] - made.end[:, :-2] >= 2.2 - 1e-5).all()
    # Each block changes the level by its rise, and the lowest floor is the ground unless there is a gap.
    names = [[cfg.blocks[kind] for kind in row] for row in kinds.tolist()]
    for world, row in enumerate(names):
        rise = [float((BLOCKS[n].rise or torch.zeros_like)(p)) for n, p in zip(row, made.parameter[world], strict=True)]
        close(made.floor_height[world, 1:] - made.floor_height[world, :-1], rise)
        lowest = float(made.floor_height[world].min())
        assert 0.4 - 1e-5 <= lowest <= 0.8 + 1e-5 if "leap" in row else abs(lowest) < 1e-5
        assert made.obstacle_id[world].tolist() == [BLOCKS[n].obstacle_id for n in row]
        soft = made.obstacle[world, blocks + 1 : blocks + 1 + blocks * slots_per_block(cfg)]
        assert int(soft.sum()) == sum(BLOCKS[n].num_boxes for n in row if BLOCKS[n].soft)
    assert int(made.obstacle.sum()) == int(made.obstacle[:, blocks + 1 :].sum())
    close(made.info[..., 0], (made.end - made.start).tolist())


@settings(max_examples=20, deadline=None)
@given(cfg=configurations, seed=st.integers(0, 999))
def test_the_floor_has_no_holes_but_gaps(cfg: TrackCfg, seed: int) -> None:
    made, _, _, _ = random_tracks(cfg, 2, seed)
    x = -1.45 + torch.linspace(0.0, 1.0, 400) * (made.end[:, -1:] + 4.3)
    y = 0.47 * made.width[:, None] * torch.linspace(-1.0, 1.0, 400).roll(97)
    height = height_at(made.boxes, torch.stack((x, y), dim=-1), made.overhang)
    before = (x[..., None] > made.start[:, None]).sum(dim=-1)
    behind = (x[..., None] > made.end[:, None]).sum(dim=-1)
    between = before == behind
    floor = made.floor_height.gather(1, behind)
    # Between obstacles the ground is the floor; in obstacles it is no lower than the lower side, except in gaps.
    torch.testing.assert_close(height[between], floor[between], atol=3e-3, rtol=0)
    lower = torch.minimum(floor, made.floor_height.gather(1, before))
    leap = made.obstacle_id.gather(1, behind.clamp_max(cfg.num_blocks - 1)) == 4
    inside = ~between & ~leap
    assert (height[inside] >= lower[inside] - 3e-3).all()
    assert (height[~between & leap] == 0.0).all()


@settings(max_examples=15, deadline=None)
@given(cfg=configurations, seed=st.integers(0, 999))
def test_a_batch_of_tracks_equals_one_at_a_time(cfg: TrackCfg, seed: int) -> None:
    made, kinds, difficulty, noise = random_tracks(cfg, 3, seed)
    again, _, _, _ = random_tracks(cfg, 3, seed)
    alone = build_tracks(cfg, kinds[1:2], difficulty[1:2], noise[1:2])
    for name, value in vars(made).items():
        assert torch.equal(value, vars(again)[name]), name
        torch.testing.assert_close(value[1:2], vars(alone)[name], atol=1e-6, rtol=0)
