"""The ring of steps and images: what is stored where, what is drawn, what a resume finds."""

from __future__ import annotations

import pytest
import torch

from st_rl.storage.image_replay import ImageReplay
from st_rl.utils.errors import UserError

PIXELS = 4


def ring(num_envs: int = 2, num_steps: int = 20, num_images: int = 8, skip_empty: bool = True) -> ImageReplay:
    fields = {"time": (1, torch.float32), "world": (1, torch.float16)}
    made = ImageReplay(num_envs, num_steps, num_images, PIXELS, fields, 2, (0.0, 255.0))
    made.skip_empty = skip_empty
    return made


def play(made: ImageReplay, steps: int, every: int = 3, episode: int = 7) -> None:
    """Steps numbered from that of the ring on; an image arrives at every third step and at the start of an episode.

    Pixels, states and times say at which step they were recorded.
    """
    for _ in range(steps):
        now = made.step
        first = torch.tensor([now % episode == 0, now == 0])
        new = first | (now % every == 0)
        value = torch.full((made.num_envs, 1), float(now))
        fields = {"time": value, "world": torch.arange(made.num_envs).view(-1, 1).float()}
        made.add(fields, value.expand(-1, PIXELS), new, first, value.expand(-1, 2))


@pytest.mark.parametrize("skip_empty", [True, False])
def test_an_image_is_stored_once_and_found_at_every_step_at_which_it_was_in_effect(skip_empty: bool) -> None:
    made = ring(skip_empty=skip_empty)
    play(made, 20)
    # World 0 begins episodes at 0, 7 and 14, and takes images at 0, 3, 6, 7, 9, 12, 14, 15, 18; world 1 at 0, 3, ...
    assert made.count.tolist() == [9, 7]
    rows = made.sample(200, 3, 4)
    world = rows.steps["world"][..., 0]
    time, shown = rows.steps["time"][..., 0], rows.images[..., 0]
    assert ((rows.images == shown[..., None]).all()) and torch.equal(world, world[:1, :, :1].expand_as(world))
    for row in range(200):
        images = [0, 3, 6, 7, 9, 12, 14, 15, 18] if world[0, row, 0] == 0 else [0, 3, 6, 9, 12, 15, 18]
        numbers = [int(value) for value in shown[:, row]]
        at = images.index(numbers[0])
        assert images[at : at + 3] == numbers
        for image, steps in zip(numbers, time[:, row], strict=True):
            following = images[images.index(image) + 1]
            assert all(image <= int(step) < following for step in steps)


def test_what_was_observed_when_an_image_arrived_and_what_the_memory_held_before_comes_with_it() -> None:
    made = ring()
    play(made, 20)
    rows = made.sample(100, 2, 1)
    torch.testing.assert_close(rows.arrivals["time"][..., 0], rows.images[..., 0])
    torch.testing.assert_close(rows.state, rows.images[0, :, :2])
    world = rows.arrivals["world"][0, :, 0]
    expected = torch.where(world == 0, rows.images[..., 0] % 7 == 0, rows.images[..., 0] == 0)
    assert torch.equal(rows.first, expected) and bool(expected.any())


@pytest.mark.parametrize("num_images", [8, 4])
def test_the_oldest_are_overwritten_and_never_drawn(num_images: int) -> None:
    made = ring(num_steps=10, num_images=num_images)
    play(made, 47)
    assert len(made) == 20
    # Steps 37 to 46 are held: images of world 1 from 39 on; the one of 45 is not over yet.
    rows = made.sample(300, 1, 3)
    assert float(rows.steps["time"].min()) >= 37.0 and float(rows.images.max()) <= 45.0
    of_second = rows.images[0, rows.arrivals["world"][0, :, 0] == 1, 0]
    assert set(of_second.tolist()) <= {39.0, 42.0}
    if num_images == 4:
        # World 0 has more images than places: 39, 42 and 45 are left of it, of which the last is open.
        assert set(rows.images[0, :, 0].tolist()) <= {39.0, 42.0, 45.0}


def test_pixels_are_bytes_over_the_range_given() -> None:
    made = ImageReplay(1, 6, 6, 3, {}, 1, (-0.5, 0.5))
    for _ in range(3):
        made.add({}, torch.tensor([[-0.5, 0.1, 7.0]]), torch.tensor([True]), torch.tensor([False]), torch.zeros(1, 1))
    assert made.images.dtype == torch.uint8
    # 0.1 is 153 of 255 steps above -0.5; what is brighter than the brightest reads that.
    torch.testing.assert_close(made.sample(1, 1, 1).images[0, 0], torch.tensor([-0.5, 0.1, 0.5]))


def test_a_ring_that_is_restored_draws_the_same() -> None:
    made, other = ring(), ring()
    play(made, 27)
    other.load_state_dict(made.state_dict())
    play(made, 4)
    play(other, 4)
    torch.manual_seed(3)
    expected = made.sample(20, 2, 2)
    torch.manual_seed(3)
    found = other.sample(20, 2, 2)
    assert torch.equal(found.images, expected.images) and torch.equal(found.state, expected.state)
    assert all(torch.equal(found.steps[name], expected.steps[name]) for name in expected.steps)
    with pytest.raises(ValueError, match="images"):
        ring(num_images=9).load_state_dict(made.state_dict())


def test_nothing_is_drawn_before_there_is_a_whole_row() -> None:
    made = ring()
    play(made, 3)
    assert not bool(made.ready(1))
    with pytest.raises(RuntimeError, match="no world has 1 images"):
        made.sample(1, 1, 1)
    play(made, 1)
    assert bool(made.ready(1)) and not bool(made.ready(2))
    with pytest.raises(UserError, match="two steps"):
        ring(num_steps=1)
