"""What numbers mean, and how one meaning becomes another."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.policy_interface import PolicyInterface, columns_elsewhere, conversion_between, rearranged

SCALES = {"lin_vel": 2.0, "ang_vel": 0.25, "gravity": 1.0, "dof_pos": 1.0, "dof_vel": 0.05}
LAYOUT = ObsLayout({"proprioception": (12 + 3 * 2,), "heights": (3,)})
"""What a robot with two joints observes: 12 columns and three for each joint."""


def settings(**changes: Any) -> dict[str, Any]:
    known = {
        "robot": "go1",
        "control": {"action_scale": 0.25},
        "normalization": {"obs_scales": SCALES},
        "env": {"observations": {"heights": {"scale": 3.0}}, "sim": {"dt": 0.005, "decimation": 4}},
    }
    return {**known, **changes}


def interface(layout: ObsLayout = LAYOUT, **changes: Any) -> PolicyInterface:
    return PolicyInterface.from_settings(settings(**changes), layout, 2, "run")


def test_columns_have_the_scales_of_the_parts_they_belong_to() -> None:
    columns = interface().columns
    scales = [column.scale for column in columns["proprioception"]]
    assert scales == [2.0] * 3 + [0.25] * 3 + [1.0] * 3 + [2.0, 2.0, 0.25] + [1.0] * 2 + [0.05] * 2 + [1.0] * 2
    assert [column.joint for column in columns["proprioception"]][-2:] == [0, 1]
    assert columns["proprioception"][9].part == "commands[0]"
    assert [column.scale for column in columns["heights"]] == [3.0] * 3


def test_the_parts_of_proprioception_are_those_of_the_settings() -> None:
    layout = ObsLayout({"proprioception": (5,)})
    known = {"speed": ["dof_vel", "dof_vel"], "height": [""], "actions": ["", ""]}
    columns = interface(layout, proprioception=known).columns["proprioception"]
    assert [column.part for column in columns] == ["speed[0]", "speed[1]", "height[0]", "actions[0]", "actions[1]"]
    assert [column.scale for column in columns] == [0.05, 0.05, 1.0, 1.0, 1.0]
    assert [column.joint for column in columns] == [None, None, None, 0, 1]
    with pytest.raises(UserError, match=r"proprioception\.speed must be the names of scales, not 2"):
        interface(layout, proprioception={"speed": 2})


def test_equal_meanings_need_no_conversion() -> None:
    conversion = conversion_between(interface(), interface(), "run")
    assert conversion.obs_factor is None and conversion.action_factor is None and not conversion.differences
    assert conversion_between(None, interface(), "run").obs_factor is None


def test_scales_of_observations_and_actions_are_converted() -> None:
    env = interface(
        control={"action_scale": 0.5},
        normalization={"obs_scales": {**SCALES, "lin_vel": 1.0, "dof_vel": 0.1}},
        env={"observations": {"heights": {"scale": 6.0}}},
    )
    conversion = conversion_between(env, interface(), "run")
    seen = conversion.observation(torch.ones(1, LAYOUT.size))[0].tolist()
    # The environment's 1 m/s is 1 there and 2 for the policy; last actions of 0.5 rad are 2 units of 0.25 rad.
    expected = [2.0] * 3 + [1.0] * 6 + [2.0, 2.0, 1.0] + [1.0] * 2 + [0.5] * 2 + [2.0] * 2 + [0.5] * 3
    assert seen == pytest.approx(expected)
    assert conversion.action(torch.tensor([[1.0, -2.0]])).tolist() == [[0.5, -1.0]]


def test_one_action_scale_for_each_joint() -> None:
    env = interface(control={"action_scale": [0.25, 0.5]})
    conversion = conversion_between(env, interface(), "run")
    assert conversion.action(torch.ones(1, 2)).tolist() == [[1.0, 0.5]]
    assert conversion.observation(torch.ones(1, LAYOUT.size))[0, 16:18].tolist() == [1.0, 2.0]


def test_a_part_and_another_order_of_segments_are_converted_by_name() -> None:
    theirs = ObsLayout({"heights": (3,), "proprioception": (18,)})
    conversion = conversion_between(interface(env={"observations": {"heights": {"scale": 1.5}}}), interface(theirs), "")
    assert conversion.obs_factor is not None
    assert conversion.obs_factor.tolist() == [2.0] * 3 + [1.0] * 18


def test_stacked_observations_repeat_their_columns() -> None:
    layout = ObsLayout({"proprioception": (2, 18)})
    columns = interface(layout).columns["proprioception"]
    assert len(columns) == 36 and columns[:18] == columns[18:]


def test_what_cannot_be_converted_is_one_sentence() -> None:
    env = interface(
        robot="a1",
        control={"action_scale": 0.25, "stiffness": [20.0]},
        env={"observations": {}, "sim": {"dt": 0.005, "decimation": 8}},
    )
    policy = interface(control={"action_scale": 0.25, "stiffness": (40.0, 40.0)})
    said = conversion_between(env, policy, "run").sentence("run")
    assert said == (
        "the policy in 'run' was trained on the robot go1 and acts on a1; it was trained at 50 actions a second and "
        "acts at 25"
    )
    same_robot = interface(control={"action_scale": 0.25, "stiffness": [20.0]})
    assert "trained with a stiffness of 40.0 N m/rad and acts with 20.0" in conversion_between(
        same_robot, policy, "run"
    ).sentence("run")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"control": {"action_scale": -1.0}}, "positive number"),
        ({"control": {"action_scale": [0.1, 0.2, 0.3]}}, "2 of them"),
        ({"control": 3}, "'control' must be an object"),
        ({"normalization": {"obs_scales": {"lin_vel": "x"}}}, "lin_vel must be a number"),
        ({"env": {"observations": {"heights": {"scale": None, "parts": ["x"]}}}}, "unknown parts"),
        ({"env": {"robot": "a1"}}, "'robot' and 'env.robot' contradict"),
        ({"env": {"control": {"action_scale": 0.5}}}, "'control' and 'env.control' contradict"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        interface(**changes)


def test_other_parts_of_the_same_size_are_refused() -> None:
    parts = ["base_ang_vel", "base_lin_vel", "projected_gravity", "commands", "dof_pos", "dof_vel", "actions"]
    env = interface(env={"observations": {"proprioception": {"parts": parts}}})
    with pytest.raises(UserError, match=r"'base_lin_vel\[0\]' where the environment has 'base_ang_vel\[0\]'"):
        conversion_between(env, interface(), "run")
    zero = interface(normalization={"obs_scales": {**SCALES, "gravity": 0.0}})
    with pytest.raises(UserError, match="by 0"):
        conversion_between(zero, interface(), "run")


def test_a_segment_that_is_not_there_is_made_of_columns_that_mean_the_same() -> None:
    # The actions first, then the commands: columns 16, 17 and 9 to 11 of proprioception; the heights by their name.
    layout = ObsLayout({"own": (5,), "heights": (3,)})
    terms = {"own": {"parts": ["actions", "commands"]}, "heights": {"scale": 3.0}}
    policy = interface(layout, env={"observations": terms})
    found = columns_elsewhere(interface(), LAYOUT, policy)
    assert found == (16, 17, 9, 10, 11, 18, 19, 20)
    twice = interface(normalization={"obs_scales": {**SCALES, "lin_vel": 4.0}})
    conversion = conversion_between(rearranged(twice, layout, found), policy, "run")
    # The environment doubles the commanded velocities, and neither the yaw rate nor the rest.
    assert conversion.obs_factor is not None
    assert conversion.obs_factor.tolist() == [1.0, 1.0, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "layout",
    [
        ObsLayout({"smell": (1,)}),
        ObsLayout({"heights": (2,)}),  # of another shape
        ObsLayout({"own": (10,)}),  # two steps of what the environment shows one of
    ],
)
def test_what_means_something_else_is_not_taken_for_it(layout: ObsLayout) -> None:
    terms = {"own": {"parts": ["actions", "commands"]}}
    assert columns_elsewhere(interface(), LAYOUT, interface(layout, env={"observations": terms})) is None
