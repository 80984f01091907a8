"""Action scale and gains are the robot's own, unless its task or the command line says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch

from legged_gym_ext.envs.cfg import ControlCfg
from legged_gym_ext.envs.control import control_of, robot_of
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.robots.registry import ROBOTS, register_robot
from legged_gym_ext.runs.command_line import parse_task
from legged_gym_ext.runs.config_io import task_from_config, to_dict
from legged_gym_ext.runs.folders import run_config
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UserError


@dataclass
class Options:
    """Options of a script."""

    task: str = ""


@pytest.fixture
def stiff() -> Iterator[None]:
    """A Go1 with other gains and another action scale."""
    register_robot(replace(GO1, name="stiff", stiffness=(60.0,) * 12, damping=(2.0,) * 12, action_scale=0.4))
    yield
    ROBOTS.unregister("stiff")


def env_of(task: str, control: ControlCfg | None = None) -> LeggedEnv:
    cfg = get_task(task).env
    events = {name: term for name, term in cfg.events.items() if name != "dynamics"}
    settings = replace(cfg, num_envs=2, events=events, sim=replace(cfg.sim, num_threads=1))
    return LeggedEnv(settings if control is None else replace(settings, control=control))


def test_the_robots_own_settings_reach_its_tasks(stiff: None) -> None:
    env = env_of("stiff_walk")
    assert env.state.action_scale == 0.4
    dynamics = env.sim.dynamics
    assert dynamics.stiffness is not None and dynamics.stiffness.eq(60.0).all()
    assert dynamics.damping is not None and dynamics.damping.eq(2.0).all()
    assert run_config(get_task("stiff_walk"), "mujoco")["control"] == {
        "action_scale": 0.4,
        "stiffness": [60.0] * 12,
        "damping": [2.0] * 12,
    }


def test_a_task_and_the_command_line_replace_them(stiff: None) -> None:
    arguments = ["stiff_walk", "--env.control.action-scale", "0.5", "--env.control.stiffness", "20", "30", "40"]
    _, task = parse_task(Options, arguments)
    assert task.env.control == ControlCfg(action_scale=0.5, stiffness=(20.0, 30.0, 40.0))
    assert control_of(task.env) == ControlCfg(0.5, (20.0, 30.0, 40.0) * 4, (2.0,) * 12)
    env = env_of("stiff_walk", task.env.control)
    assert env.state.action_scale == 0.5 and env.sim.robot.stiffness == (20.0, 30.0, 40.0) * 4
    assert task_from_config(get_task("stiff_walk"), to_dict(task), "run") == task


def test_stiffer_motors_pull_harder() -> None:
    torques = []
    for gain in (20.0, 40.0):
        env = env_of("go1_walk", ControlCfg(stiffness=(gain,), damping=(0.0,)))
        state, everyone = env.state, torch.ones(2, dtype=torch.bool)
        root = env.sim.root_states.clone()
        root[:, 2] += 1.0
        root[:, 7:] = 0.0
        env.sim.reset(everyone, root, state.default_dof_pos.expand(2, -1).clone(), torch.zeros(2, 12))
        env.sim.step((state.default_dof_pos + 0.1).expand(2, -1))
        torques.append(float(env.sim.torques[0, 0, 0]))
    # The first physics step begins 0.1 rad away: 0.1 kp, and a little less by its end.
    assert torques == pytest.approx([2.0, 4.0], rel=0.15) and torques[1] / torques[0] == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize(
    ("control", "message"),
    [
        ({"action_scale": 0.0}, "action_scale must be more than 0 and at most 10, not 0.0"),
        ({"action_scale": float("nan")}, "action_scale must be finite"),
        ({"stiffness": (1.0, 2.0)}, r"control.stiffness needs one number, 3 .* or 12, not \[1.0, 2.0\]"),
        ({"damping": (-1.0,)}, "damping must be from 0 to"),
    ],
)
def test_impossible_settings_are_refused(control: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        robot_of(replace(get_task("go1_walk").env, control=ControlCfg(**control)))
