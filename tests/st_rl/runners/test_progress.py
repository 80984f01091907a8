"""What a person sees of long work: what matters first, and no more than fits."""

from __future__ import annotations

import io
import os
import re
import shutil

import pytest

from st_rl.runners import progress
from st_rl.runners.dashboard import trend
from st_rl.runners.progress import Countdown, Progress, by_importance

METRICS = {
    "mean_step_reward": 0.1,
    "Log/planar_speed": 0.5,
    "Loss/value_loss": 2.0,
    "Loss/kl": 0.0123,
    "Policy/mean_std": 0.7,
    "mean_reward": 12.0,
    "time/update": 3.0,
}


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_rewards_come_first_then_kl_and_noise() -> None:
    names = list(by_importance(METRICS))
    assert names[:5] == ["mean_reward", "mean_step_reward", "Loss/kl", "Policy/mean_std", "Log/planar_speed"]
    assert "time/update" not in names


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_line_is_no_wider_than_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda fallback=(80, 24): os.terminal_size((columns, 24)))
    stream = io.StringIO()
    Progress(stream, 0, 10).report(1, 1234.0, by_importance(METRICS))
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("iteration 1/10") and len(line) <= columns
    # Whole metrics, KL and noise among those of a wide terminal.
    assert columns < 200 or "  kl 0.0123  mean_std 0.7  planar_speed 0.5  value_loss 2" in line


def test_a_low_terminal_shows_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda fallback=(80, 24): os.terminal_size((60, 6)))
    stream = Terminal()
    Progress(stream, 0, 10).report(1, 1234.0, by_importance(METRICS))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 5 and "Loss/kl" in lines[2] and "iteration 1/10" in lines[-1]


def test_no_line_of_a_table_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda fallback=(80, 24): os.terminal_size((40, 24)))
    stream = Terminal()
    progress = Progress(stream, 0, 10)
    for iteration in (1, 2, 3):
        progress.report(iteration, 1234.0, {f"Log/{'x' * 60}": 1.0 * iteration} | by_importance(METRICS))
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", stream.getvalue())
    assert max(len(line) for line in plain.splitlines()) < 40
    assert len(plain.splitlines()) == 3 * 8


def test_a_trend_goes_from_the_lowest_to_the_highest() -> None:
    assert trend([1.0]) == "" and trend([2.0, 2.0, 2.0]) == "▄▄▄"
    assert trend([0.0, 7.0]) == "▁█" and trend([0.0, 3.5, float("nan"), 7.0]) == "▁▅█"
    # Six values in three bars: means 0.5, 2.5, 4.5; the middle one is half way up.
    assert trend([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], width=3) == "▁▅█"


def test_a_countdown_tells_how_much_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    countdown = Countdown("64 episodes", 200, stream)
    for done, seconds in ((1, 1.0), (50, 31.0), (51, 32.0), (100, 70.0)):
        now[0] = 100.0 + seconds
        countdown.report(done)
    countdown.close()
    # A quarter in 31 s: three times as long is left.
    assert stream.getvalue().splitlines() == [
        "64 episodes  25%  left at most 1:33",
        "64 episodes  50%  left at most 1:10",
    ]


def test_on_a_terminal_a_countdown_is_one_line_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = Terminal()
    countdown = Countdown("episodes", 10, stream)
    now[0] = 1.0
    countdown.report(5)
    countdown.close()
    assert "\n" not in stream.getvalue() and stream.getvalue().endswith("\r\x1b[K")
    assert "episodes  50%  left at most 0:01" in stream.getvalue()
