"""Delays on numbers worked by hand."""

from __future__ import annotations

import torch

from legged_gym_ext.sensors.latency import DelayLine, held, interpolated, num_samples


def close(value: torch.Tensor, expected: list) -> None:
    torch.testing.assert_close(value, torch.tensor(expected), atol=1e-6, rtol=0)


def test_measurements_are_interpolated_between_samples() -> None:
    # Three samples of six equal worlds: 10 now, 20 before, 40 before that.
    history = torch.tensor([10.0, 20.0, 40.0])[:, None, None].expand(3, 6, 1)
    age = torch.tensor([0.0, 0.5, 1.0, 1.25, 2.0, 5.0])
    close(interpolated(history, age)[:, 0], [10.0, 15.0, 20.0, 25.0, 40.0, 40.0])
    assert interpolated(history.expand(3, 6, 4), age).shape == (6, 4)


def test_commands_are_held_until_the_next_one_arrives() -> None:
    # Control steps of 20 ms with four physics steps; commands 1 (this step), 2 and 3 (two steps ago).
    history = torch.tensor([1.0, 2.0, 3.0])[:, None, None].expand(3, 7, 1)
    delay = torch.tensor([0.0, 0.005, 0.007, 0.015, 0.02, 0.025, 0.06])
    close(
        held(history, delay, 0.02, 4)[..., 0],
        [
            [1.0, 1.0, 1.0, 1.0],
            [2.0, 1.0, 1.0, 1.0],
            [2.0, 2.0, 1.0, 1.0],
            [2.0, 2.0, 2.0, 1.0],
            [2.0, 2.0, 2.0, 2.0],
            [3.0, 2.0, 2.0, 2.0],
            [3.0, 3.0, 3.0, 3.0],
        ],
    )
    assert held(history.expand(3, 7, 12), delay, 0.02, 5).shape == (7, 5, 12)


def test_as_many_samples_are_kept_as_the_longest_delay_needs() -> None:
    assert [num_samples(longest, 0.02) for longest in (0.0, 0.005, 0.02, 0.021, 0.045)] == [1, 2, 2, 3, 4]


def test_a_line_without_past_holds_no_delay() -> None:
    line = DelayLine(1, 2, 3, "cpu")
    line.push(torch.ones(2, 3))
    close(interpolated(line.history, torch.tensor([0.0, 0.7])), [[1.0] * 3] * 2)
    close(held(line.history, torch.tensor([0.0, 0.0]), 0.02, 2), [[[1.0] * 3] * 2] * 2)


def test_samples_move_back_and_fresh_worlds_have_no_past() -> None:
    line = DelayLine(3, 2, 1, "cpu")
    for value in (1.0, 2.0, 3.0):
        line.push(torch.tensor([[value], [10.0 * value]]))
    close(line.history[..., 0], [[3.0, 30.0], [2.0, 20.0], [1.0, 10.0]])
    line.push(torch.tensor([[4.0], [40.0]]), fresh=torch.tensor([False, True]))
    close(line.history[..., 0], [[4.0, 40.0], [3.0, 40.0], [2.0, 40.0]])
