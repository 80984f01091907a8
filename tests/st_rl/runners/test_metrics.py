"""Statistics of a rollout on hand-worked numbers, and how they are shown."""

from __future__ import annotations

import io
import math
import os
import re
import shutil

import pytest
import torch

from st_rl.runners.metrics import MeanAccumulator, RolloutMetrics, with_derived
from st_rl.runners.progress import Progress, by_importance, duration


def flags(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.bool)


def test_returns_and_lengths_are_those_of_the_episodes_that_ended() -> None:
    metrics = RolloutMetrics(2, "cpu")
    metrics.add(torch.tensor([1.0, 10.0]), flags(0, 0), {})
    assert metrics.read() == {"mean_step_reward": 5.5}
    metrics.add(torch.tensor([2.0, 20.0]), flags(1, 0), {})
    metrics.add(torch.tensor([4.0, 40.0]), flags(1, 1), {})
    # Episodes: 1 + 2 in 2 steps, 4 in 1 step, 10 + 20 + 40 in 3 steps.
    read = metrics.read()
    assert read["mean_reward"] == pytest.approx(77 / 3)
    assert read["mean_episode_length"] == pytest.approx(2.0)
    assert read["mean_step_reward"] == pytest.approx(66 / 4)


def test_the_mean_return_forgets_old_episodes_when_there_are_enough_new_ones() -> None:
    metrics = RolloutMetrics(60, "cpu")
    for reward in (1.0, 2.0, 6.0):
        metrics.add(torch.full((60,), reward), torch.ones(60, dtype=torch.bool), {})
        last = metrics.read()["mean_reward"]
    # The last 100 episodes need two rollouts of 60.
    assert last == pytest.approx(4.0)


def test_episode_means_are_weighted_by_their_number_and_roots_are_added() -> None:
    metrics = RolloutMetrics(4, "cpu")
    nothing = {"episode": {"x": torch.tensor(math.nan)}, "log": {"v_mse": torch.tensor(1.0)}}
    metrics.add(torch.zeros(4), flags(0, 0, 0, 0), nothing)
    metrics.add(torch.zeros(4), flags(1, 0, 0, 0), {"episode": {"x": torch.tensor(1.0)}})
    metrics.add(
        torch.zeros(4), flags(1, 1, 1, 0), {"episode": {"x": torch.tensor(5.0)}, "log": {"v_mse": torch.tensor(7.0)}}
    )
    read = metrics.read()
    assert read["Episode/x"] == pytest.approx(4.0)
    assert read["Log/v_mse"] == pytest.approx(4.0)
    assert read["Log/v_rmsd"] == pytest.approx(2.0)
    assert "Episode/x" not in metrics.read()


def test_names_may_differ_from_step_to_step() -> None:
    means = MeanAccumulator(torch.device("cpu"))
    one = torch.ones(())
    means.add({"a": 1.0}, one)
    means.add({"a": 3.0, "b": 2.0}, one)
    assert means.read()["b"] == 2.0
    assert with_derived({"a_mse": 9.0, "b": 4.0}) == {"a_mse": 9.0, "b": 4.0, "a_rmsd": 3.0}


def test_cost_of_transport_is_that_of_the_means() -> None:
    metrics = RolloutMetrics(2, "cpu")
    for power, speed in ((0.2, 0.4), (0.6, 1.6)):
        log = {"power_over_weight": torch.tensor(power), "planar_speed": torch.tensor(speed)}
        metrics.add(torch.zeros(2), flags(0, 0), {"log": log})
    # 0.4 m/s of power over weight at 1 m/s; the mean of the two quotients would be 0.4375.
    assert metrics.read()["Log/cost_of_transport"] == pytest.approx(0.4)
    assert "cost_of_transport" not in with_derived({"power_over_weight": 1.0, "planar_speed": 0.0})


def test_the_state_of_unfinished_episodes_is_restored() -> None:
    metrics, other = RolloutMetrics(1, "cpu"), RolloutMetrics(1, "cpu")
    metrics.add(torch.tensor([3.0]), flags(0), {})
    metrics.read()
    other.load_state_dict(metrics.state_dict())
    other.add(torch.tensor([4.0]), flags(1), {})
    assert other.read()["mean_reward"] == 7.0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_table_and_a_line_that_are_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda fallback=(80, 24): os.terminal_size((100, 24)))
    stream = Terminal()
    progress = Progress(stream, 10, 20)
    progress.report(15, 1234.0, {"mean_reward": 1.5})
    first = stream.getvalue()
    lines = re.sub(r"\x1b\[[0-9;]*m", "", first).splitlines()
    assert lines[0].split() == ["mean_reward", "1.5"]
    assert lines[1].endswith("iteration 15/20  1,234 steps/s  left 0:00")
    progress.report(20, 1234.0, {"mean_reward": 2.5})
    second = stream.getvalue()[len(first) :]
    # Back over the two lines of the first drawing; from the second value on there is a trend.
    assert second.startswith("\x1b[2A\x1b[J") and "▁█" in second


def test_errors_of_the_task_come_before_single_rewards() -> None:
    names = ["steps_per_second", "time/update", "Loss/height_mse", "mean_reward", "Log/reward/torque"]
    names += ["Log/yaw", "Log/yaw_mse", "Log/yaw_rmsd"]
    shown = by_importance(dict.fromkeys(names, 1.0))
    assert list(shown) == ["mean_reward", "Log/yaw", "Log/yaw_rmsd", "Loss/height_mse", "Log/reward/torque"]


def test_a_file_gets_a_line_now_and_then() -> None:
    stream = io.StringIO()
    progress = Progress(stream, 0, 25, line_interval=10)
    for iteration in range(1, 26):
        progress.report(iteration, 1.0, {})
    assert [line.split()[1] for line in stream.getvalue().splitlines()] == ["1/25", "10/25", "20/25", "25/25"]
    assert [duration(seconds) for seconds in (5, 65, 3723)] == ["0:05", "1:05", "1:02:03"]
