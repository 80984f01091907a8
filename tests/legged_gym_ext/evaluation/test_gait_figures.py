"""The figures of a gait, on hand-worked strides and on a real environment."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from legged_gym_ext.evaluation.gaits import SPEEDS, GaitCount, gait_rows, speed_cfg
from legged_gym_ext.evaluation.report import default_protocol, evaluation_report, table
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.registry import get_task


def trot(strides: int, hind_late: int = 0) -> np.ndarray:
    """Contacts (T, 4) of a trot with strides of 20 steps, whose hind feet are ``hind_late`` steps late."""
    starts = np.array([0, 10, 10 + hind_late, hind_late])
    return ((np.arange(20 * strides)[:, None] - starts) % 20) < 10


def test_shares_errors_and_duty_factor_of_a_trot_that_turns_into_a_walk() -> None:
    count = GaitCount("trot")
    # FL touches down in steps 20, 40 and 60 of 80, so that 40 steps are between touch-downs.
    count.add(trot(4), np.full(80, 0.8), 0.02)
    # Hind feet 4 steps, a fifth of a stride, late: nearly a walk. Errors 0, 0.2 and 0.2 in the mean.
    count.add(trot(4, hind_late=4), np.full(80, 0.8), 0.02)
    figures = count.to_json(0.02)
    assert figures["gait_share"] == figures["gait_shares"]["trot"] == pytest.approx(40 / 80)
    assert figures["gait_shares"]["walk"] == pytest.approx(0.5)
    assert figures["phase_error"] == pytest.approx((0.0 + 0.4 / 3.0) / 2.0)
    assert figures["duty_factor"] == 0.5 and figures["stride_s"] == pytest.approx(0.4)
    assert figures["reference_gait"] == "trot"


def test_in_the_mixture_the_command_says_which_gait_is_meant() -> None:
    slow, middling = GaitCount("mixture"), GaitCount("mixture")
    slow.add(trot(4), np.full(80, 0.5), 0.02)
    middling.add(trot(4), np.full(80, 1.0), 0.02)
    assert slow.to_json(0.02)["gait_share"] == 0.0 and middling.to_json(0.02)["gait_share"] == 1.0


def test_without_a_reference_gait_only_what_was_seen_is_said() -> None:
    count = GaitCount("")
    count.add(trot(4), np.full(80, 0.5), 0.02)
    assert count.to_json(0.02) == {"gait_shares": {"trot": 1.0}, "duty_factor": 0.5}


class Still:
    """Asks for the default pose."""

    def __call__(self, observations: Tensor) -> Tensor:
        return torch.zeros(len(observations), 12)

    def reset(self, dones: Tensor | None = None) -> None:
        pass


@pytest.fixture(scope="module")
def task() -> TaskCfg:
    task = get_task("go1_gaits")
    return replace(task, env=replace(task.env, sim=replace(task.env.sim, num_threads=1)))


def test_speeds_are_measured_straight_ahead_and_without_pushes(task: TaskCfg) -> None:
    cfg = speed_cfg(task.env, 1.2)
    assert cfg.commands.lin_vel_x == (1.2, 1.2) and cfg.commands.ang_vel_yaw == (0.0, 0.0)
    assert "push" in task.env.events and "push" not in cfg.events and "dynamics" in cfg.events


def test_a_robot_that_stands_is_in_no_gait(task: TaskCfg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("legged_gym_ext.evaluation.walk.EPISODE_S", 4.0)
    monkeypatch.setattr("legged_gym_ext.evaluation.gaits.SPEED_EPISODE_S", 3.0)
    events = {name: task.env.events[name] for name in ("pose",)}
    calm = replace(task, env=replace(task.env, events=events))
    report = evaluation_report(calm, lambda env: Still(), policy="still", episodes=2, seed=1)
    assert report["protocol"] == "gaits" and report["gait_shares"] == {"other": 1.0}
    assert report["gait_share"] == 0.0 and report["duty_factor"] > 0.95
    assert [row["command"] for row in report["at_speed"]] == list(SPEEDS)
    assert all(row["speed"] < 0.1 and math.isfinite(row["cost_of_transport"]) for row in report["at_speed"])
    assert any("told 0.4 m/s" in line for line in gait_rows(report)) and "reference gait" in table(report)


def test_tasks_with_a_reference_gait_are_measured_by_it() -> None:
    assert default_protocol(get_task("a1_gaits")) == "gaits"
    assert default_protocol(get_task("a1_walk")) == "walk"
