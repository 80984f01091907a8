"""Mutex policies on batches worked by hand.

Sub-policy i is linear: its action is ``i + 1 + forward command + last action``, component by component.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from policy_cases import LAYOUT, NUM_ACTIONS, RNN, Case, build_mutex, mutex, write_case, write_run
from torch import Tensor

from st_rl.modules import ActorCritic, EmpiricalNormalization
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout

WALK, TILT, CRAWL, JUMP, LEAP = range(5)
LINEAR: dict[str, Any] = {"actor_hidden_dims": [], "critic_hidden_dims": [4]}
SMALL = ObsLayout({"proprioception": (16,), "engaging_block": (8,)})


def linear_policy(index: int, layout: ObsLayout) -> ActorCritic:
    policy = ActorCritic(layout.size, SMALL.size, NUM_ACTIONS, obs_segments=layout, critic_obs_segments=SMALL, **LINEAR)
    weight = torch.zeros(NUM_ACTIONS, layout.size)
    columns = layout.slice_of("proprioception")
    weight[:, columns.start + 9] = 1.0
    weight[:, columns.stop - NUM_ACTIONS : columns.stop] = torch.eye(NUM_ACTIONS)
    policy.actor.mean.weight.data, policy.actor.mean.bias.data = weight, torch.full((NUM_ACTIONS,), index + 1.0)
    return policy


def linear_runs(tmp_path: Path, scales: list[float], layout: ObsLayout = SMALL) -> list[Path]:
    return [
        write_run(
            tmp_path / f"run_{index}",
            linear_policy(index, layout),
            "ActorCritic",
            LINEAR,
            layout=layout,
            critic_layout=SMALL,
            action_scale=scale,
            lin_vel=2.0 + index,
        )
        for index, scale in enumerate(scales)
    ]


def linear_mutex(tmp_path: Path, class_name: str, scales: list[float], **kwargs: Any) -> Any:
    paths = linear_runs(tmp_path, scales)
    policy = build_mutex_of(SMALL, class_name, paths, **kwargs)
    return policy


def build_mutex_of(layout: ObsLayout, class_name: str, paths: list[Path], **kwargs: Any) -> Any:
    from st_rl.modules import get_policy_class

    make: Any = get_policy_class(class_name)
    arguments = {"obs_segments": layout, "critic_hidden_dims": [4], **kwargs}
    return make(layout.size, layout.size, NUM_ACTIONS, "ActorCritic", paths, **arguments)


def observe(obstacles: list[int | None], info: float = 1.0, command: float = 0.5, layout: ObsLayout = SMALL) -> Tensor:
    """One world per entry: last actions 1, 2, 3; ``None`` is a zero one-hot."""
    obs = torch.zeros(len(obstacles), layout.size)
    proprioception, block = layout.slice_of("proprioception"), layout.slice_of("engaging_block")
    obs[:, proprioception.start + 9] = command
    obs[:, proprioception.stop - 3 : proprioception.stop] = torch.tensor([1.0, 2.0, 3.0])
    obs[:, block.start], obs[:, block.stop - 1] = 0.7, info
    for world, obstacle in enumerate(obstacles):
        if obstacle is not None:
            obs[world, block.start + 1 + obstacle] = 1.0
    return obs


def selected(policy: Any, obs: Tensor) -> list[int]:
    selection = policy.get_policy_selection(obs)
    assert selection.dtype == torch.bool and (selection.sum(-1) == 1).all()
    return selection.int().argmax(-1).tolist()


def test_the_obstacle_selects_and_none_is_walk(tmp_path: Path) -> None:
    policy = linear_mutex(tmp_path, "ActorCriticFieldMutex", [0.5] * 5)
    obs = observe([None, WALK, TILT, CRAWL, JUMP, LEAP])
    assert selected(policy, obs) == [0, 0, 1, 2, 3, 4]
    assert policy.get_policy_selection(obs.expand(3, 6, -1)).shape == (3, 6, 5)


def test_the_sign_of_the_block_info_tells_jump_up_from_jump_down(tmp_path: Path) -> None:
    policy = linear_mutex(tmp_path, "ActorCriticClimbMutex", [0.5] * 6)
    obstacles: list[int | None] = [None, TILT, JUMP, LEAP]
    assert selected(policy, observe(obstacles, info=0.3)) == [0, 1, 3, 4]
    assert selected(policy, observe(obstacles, info=-0.3)) == [0, 1, 5, 4]


def test_the_policy_that_jumps_down_may_be_named_apart(tmp_path: Path) -> None:
    """It is appended as the last sub-policy, with a velocity of its own."""
    paths = linear_runs(tmp_path, [0.5] * 6)
    settings = {"cmd_vel_mapping": {3: 1.0}, "jump_down_vel": 0.4}
    apart = build_mutex_of(
        SMALL, "ActorCriticClimbMutex", paths[:5], jump_down_policy_path=str(paths[5]), env_action_scale=0.5, **settings
    )
    together = build_mutex_of(SMALL, "ActorCriticClimbMutex", paths, env_action_scale=0.5, **settings)
    obs = torch.cat([observe([JUMP], info=0.3), observe([JUMP], info=-0.3)])
    assert selected(apart, obs) == [3, 5] and apart.sub_policy_paths == [str(path) for path in paths]
    # Policy 5 answers 6 + command + last action; the command is 0.4 m/s in its scale 2 + 5.
    expected = 6.0 + 7.0 * 0.4 + torch.tensor([1.0, 2.0, 3.0])
    torch.testing.assert_close(apart.act_inference(obs)[1], expected)
    torch.testing.assert_close(apart.act_inference(obs), together.act_inference(obs))


def test_actions_come_in_the_environments_scale(tmp_path: Path) -> None:
    # World 0: policy 0 in scale 0.5 sees last action [1 2 3]: 1 + 0.5 + [1 2 3], unscaled.
    # World 1: policy 1 in scale 0.25 sees it doubled, [2 4 6]: 2 + 0.5 + [2 4 6] = [4.5 6.5 8.5], and half of that.
    policy = linear_mutex(tmp_path, "ActorCriticFieldMutex", [0.5, 0.25, 0.5, 0.5, 0.5])
    obs = observe([WALK, TILT])
    before = obs.clone()
    expected = torch.tensor([[2.5, 3.5, 4.5], [2.25, 3.25, 4.25]])
    torch.testing.assert_close(policy.act_inference(obs), expected)
    recovered = policy.recover_last_action(obs, policy.get_policy_selection(obs))
    assert recovered[:, 13:16].tolist() == [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]
    torch.testing.assert_close(policy.act(obs), expected)
    torch.testing.assert_close(policy.action_mean, expected)
    assert torch.equal(obs, before)


def test_scales_may_differ_between_joints(tmp_path: Path) -> None:
    paths = linear_runs(tmp_path, [0.5] * 5)
    write_run(
        paths[0],
        linear_policy(0, SMALL),
        "ActorCritic",
        LINEAR,
        layout=SMALL,
        critic_layout=SMALL,
        action_scale=[0.5, 0.25, 1.0],
    )
    policy = build_mutex_of(SMALL, "ActorCriticFieldMutex", paths, env_action_scale=[0.5, 0.5, 0.5])
    # Seen: [1 4 1.5]; own action 1.5 + that = [2.5 5.5 3]; times [1 0.5 2].
    torch.testing.assert_close(policy.act_inference(observe([WALK])), torch.tensor([[2.5, 2.75, 6.0]]))


def test_velocity_commands_are_overridden_in_the_scale_of_the_sub_policy(tmp_path: Path) -> None:
    policy = linear_mutex(tmp_path, "ActorCriticFieldMutex", [0.5] * 5, cmd_vel_mapping={"1": 0.8, 3: 1.5})
    obs = observe([WALK, TILT, JUMP])
    before = obs.clone()
    commands = policy.override_cmd_vel(obs, policy.get_policy_selection(obs))[:, 9]
    torch.testing.assert_close(commands, torch.tensor([0.5, 0.8 * 3.0, 1.5 * 5.0]))  # lin_vel scales 2, 3, 4, 5, 6
    torch.testing.assert_close(policy.act_inference(obs)[:, 0], torch.tensor([2.5, 2 + 2.4 + 1, 4 + 7.5 + 1]))
    assert torch.equal(obs, before)


def test_ranges_are_drawn_per_world_and_anew_where_episodes_end(tmp_path: Path) -> None:
    policy = linear_mutex(tmp_path, "ActorCriticFieldMutex", [0.5] * 5, cmd_vel_mapping={1: [0.2, 1.0]})
    obs = observe([TILT] * 50)
    policy.act_inference(obs)
    first = policy.cmd_vel_current[:, 1].clone()
    assert first.unique().numel() > 40 and first.min() >= 0.2 and first.max() <= 1.0
    dones = torch.arange(50) < 10
    policy.reset(dones)
    second = policy.cmd_vel_current[:, 1]
    assert torch.equal(first == second, ~dones)
    assert policy.cmd_vel_current[:, 0].isnan().all()
    torch.manual_seed(3)
    policy.reset()
    third = policy.cmd_vel_current.clone()
    torch.manual_seed(3)
    policy.reset()
    assert torch.equal(third.nan_to_num(), policy.cmd_vel_current.nan_to_num())


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"jump_down_vel": 0.4}, 0.4),
        ({"jump_down_vel": 0.4, "cmd_vel_mapping": {3: 1.0, 5: 2.0}}, 0.4),
        ({"cmd_vel_mapping": {3: 1.0, 5: 2.0}}, 2.0),
        ({"cmd_vel_mapping": {3: 1.0}}, 1.0),
    ],
)
def test_jumping_down_has_its_own_velocity(tmp_path: Path, settings: dict[str, Any], expected: float) -> None:
    policy = linear_mutex(tmp_path, "ActorCriticClimbMutex", [0.5] * 6, **settings)
    obs = observe([JUMP, WALK], info=-1.0)
    # Policy 5: 6 + velocity times its scale 7 + last action 1; walk keeps the command.
    torch.testing.assert_close(policy.act_inference(obs)[:, 0], torch.tensor([6 + 7 * expected + 1, 2.5]))


def test_smoothing_averages_the_selections_of_the_last_steps(tmp_path: Path) -> None:
    policy = linear_mutex(tmp_path, "ActorCriticFieldMutex", [0.5] * 5, action_smoothing_buffer_len=2)
    walk, tilt = observe([WALK, WALK]), observe([TILT, WALK])
    first = policy.act_inference(walk)[:, 0].tolist()
    assert first == [2.5, 2.5]  # a fresh window holds the present selection alone
    assert policy.act_inference(tilt)[:, 0].tolist() == [3.0, 2.5]  # half of policy 1 (3.5), half of policy 0 (2.5)
    assert policy.act_inference(tilt)[:, 0].tolist() == [3.5, 2.5]
    policy.reset(torch.tensor([True, False]))
    assert policy.act_inference(observe([WALK, TILT]))[:, 0].tolist() == [2.5, 3.0]


def test_a_new_number_of_worlds_starts_afresh(tmp_path: Path) -> None:
    policy = linear_mutex(tmp_path, "ActorCriticFieldMutex", [0.5] * 5, action_smoothing_buffer_len=3)
    policy.act_inference(observe([TILT] * 4))
    assert policy.act_inference(observe([WALK] * 2))[:, 0].tolist() == [2.5, 2.5]


RECURRENT_CASES = [Case("ActorCritic"), *[Case("ActorCriticRecurrent", RNN)] * 3, Case("ActorCriticRecurrent", RNN)]


def memories_kept(policy: Any) -> list[list[bool]]:
    """Per recurrent sub-policy (1 to 4) and world: is there anything left in its memory?"""
    return [
        [bool((module.memory_a.hidden_states.hidden[:, world] != 0).any()) for world in range(3)]
        for module in list(policy.submodules)[1:]
    ]


@pytest.mark.parametrize(
    ("mode", "kept"),
    [
        # Worlds: walk, tilt, leap.
        ("all", [[False, True, False], [False, False, False], [False, False, False], [False, False, True]]),
        (True, [[False, True, False], [False, False, False], [False, False, False], [False, False, True]]),
        ("when_skill", [[True, True, False], [True, False, False], [True, False, False], [True, False, True]]),
        (False, [[True, True, True]] * 4),
    ],
)
def test_every_way_to_reset_sub_policies_that_were_not_selected(
    tmp_path: Path, mode: str | bool, kept: list[list[bool]]
) -> None:
    policy = mutex(tmp_path, "ActorCriticFieldMutex", RECURRENT_CASES, reset_non_selected=mode)
    assert policy.is_recurrent
    policy.act_inference(observe([WALK, TILT, LEAP], layout=LAYOUT))
    assert memories_kept(policy) == kept
    policy.reset(torch.tensor([True, True, False]))
    assert all(not any(row[:2]) for row in memories_kept(policy))


def test_all_keeps_what_is_within_the_smoothing_window(tmp_path: Path) -> None:
    policy = mutex(tmp_path, "ActorCriticFieldMutex", RECURRENT_CASES, action_smoothing_buffer_len=2)
    policy.act_inference(observe([TILT, WALK, WALK], layout=LAYOUT))
    policy.act_inference(observe([WALK, WALK, WALK], layout=LAYOUT))
    assert memories_kept(policy)[0] == [True, False, False]
    policy.act_inference(observe([WALK, WALK, WALK], layout=LAYOUT))
    assert memories_kept(policy)[0] == [False, False, False]


def test_a_sub_policy_may_read_a_part_of_the_segments_in_its_own_order(tmp_path: Path) -> None:
    swapped = ObsLayout({"engaging_block": (8,), "proprioception": (16,)})
    larger = ObsLayout({"base_pose": (6,), "proprioception": (16,), "engaging_block": (8,), "friction": (1,)})
    for name, layout in (("swapped", swapped), ("part", ObsLayout({"proprioception": (16,)}))):
        paths = linear_runs(tmp_path / name, [0.5] * 5, layout)
        policy = build_mutex_of(larger, "ActorCriticFieldMutex", paths)
        assert policy.act_inference(observe([WALK, TILT], layout=larger))[:, 0].tolist() == [2.5, 3.5]


def test_statistics_of_a_run_are_applied_to_what_its_policy_sees(tmp_path: Path) -> None:
    paths = linear_runs(tmp_path, [0.5] * 5)
    normalizer = EmpiricalNormalization(SMALL.size)
    normalizer._mean[9], normalizer._var[13] = 2.0, 4.0
    write_run(
        paths[1],
        linear_policy(1, SMALL),
        "ActorCritic",
        LINEAR,
        layout=SMALL,
        critic_layout=SMALL,
        action_scale=0.25,
        extra={"obs_normalizer_state_dict": normalizer.state_dict()},
    )
    policy = build_mutex_of(SMALL, "ActorCriticFieldMutex", paths, cmd_vel_mapping={1: 3.0})
    # Command 3 m/s times lin_vel 2 = 6, minus the mean 2, over 1.01; last action 1 doubled, over 2.01; all halved.
    expected = 0.5 * (2 + 4 / 1.01 + 2 / 2.01)
    assert float(policy.act_inference(observe([TILT]))[0, 0]) == pytest.approx(expected, rel=1e-5)
    assert int(policy.sub_normalizers[1].count) == 0


def test_sub_policies_of_different_classes_act_together(tmp_path: Path) -> None:
    cases = [
        Case("ActorCritic"),
        Case("ActorCriticRecurrent", {**RNN, "rnn_type": "gru"}),
        Case("ActorCriticRecurrent", RNN),
        Case("ActorCritic", {"mu_activation": "tanh"}),
        Case("StateAc", {"estimator_obs_components": ["proprioception"], "estimator_target_components": ["velocity"]}),
    ]
    paths = [write_case(tmp_path / f"run_{index}", case) for index, case in enumerate(cases)]
    policy = build_mutex("ActorCriticFieldMutex", paths)
    assert [type(module).__name__ for module in policy.submodules] == [case.class_name for case in cases]
    obs = observe([WALK, TILT, CRAWL, JUMP, LEAP], layout=LAYOUT)
    actions = policy.act_inference(obs)
    policy.reset()
    alone = [module.act_inference(obs)[index] for index, module in enumerate(policy.submodules)]
    torch.testing.assert_close(actions, torch.stack(alone))


def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    paths = linear_runs(tmp_path, [0.5] * 6)
    for settings, words in (
        ({"reset_non_selected": "sometimes"}, "when_skill"),
        ({"action_smoothing_buffer_len": 0}, "at least 1"),
        ({"cmd_vel_mapping": {"9": 1.0}}, "0 to 4"),
        ({"cmd_vel_mapping": {"walk": 1.0}}, "0 to 4"),
        ({"cmd_vel_mapping": {1: (0.1, 0.2, 0.3)}}, "range"),
        ({"env_action_scale": 0.5, "no_such_argument": 1}, "no_such_argument"),
    ):
        with pytest.raises((UserError, TypeError), match=words):
            build_mutex_of(SMALL, "ActorCriticFieldMutex", paths[:5], **settings)
    with pytest.raises(UserError, match="5 obstacles apart, but there are 6"):
        build_mutex_of(SMALL, "ActorCriticFieldMutex", paths)
    with pytest.raises(UserError, match="jump down"):
        build_mutex_of(SMALL, "ActorCriticClimbMutex", paths[:4])
    with pytest.raises(UserError, match="needs sub_policy_paths"):
        build_mutex_of(SMALL, "ActorCriticFieldMutex", [])


def test_obstacles_without_a_sub_policy_are_walked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    policy = linear_mutex(tmp_path, "ActorCriticFieldMutex", [0.5] * 2)
    assert "from 2 on" in caplog.text
    assert selected(policy, observe([WALK, TILT, CRAWL, LEAP])) == [0, 1, 0, 0]


def test_the_parts_of_proprioception_say_where_command_and_last_action_are(tmp_path: Path) -> None:
    """Actions first and the commands last, which is not where they are by default."""
    parts = [["actions", [3]], ["joints", [10]], ["commands", [3]]]
    policy = linear_mutex(tmp_path, "ActorCriticFieldMutex", [0.5] * 5, cmd_vel_mapping={3: 2.0})
    moved = build_mutex_of(
        SMALL,
        "ActorCriticFieldMutex",
        [tmp_path / f"run_{index}" for index in range(5)],
        cmd_vel_mapping={3: 2.0},
        env_action_scale=0.25,
        proprioception_parts=parts,
    )
    obs = torch.zeros(1, SMALL.size)
    obs[:, :3] = torch.tensor([1.0, 2.0, 3.0])
    obs[:, 16 + 1 + JUMP] = 1.0
    selection = moved.get_policy_selection(obs)
    # The environment's scale is half of the sub-policy's, so that its actions are half as large there.
    assert moved.recover_last_action(obs, selection)[0, :4].tolist() == [0.5, 1.0, 1.5, 0.0]
    # 2 m/s in the scale 2 + 3 of the fourth sub-policy.
    written = moved.override_cmd_vel(obs, selection)
    assert written[0, 13] == 10.0 and torch.equal(written[:, :13], obs[:, :13])
    assert policy.override_cmd_vel(obs, selection)[0, 9] == 10.0


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([["commands", [3]], ["actions", [3]]], "does not fit its shape"),
        ([["joints", [10]], ["commands", [3]], ["action", [3]]], "unknown observation segment 'actions'"),
        ([["joints", [9]], ["commands", [3]], ["actions", [4]]], "does not fit its shape"),
    ],
)
def test_parts_that_do_not_fit_are_refused(tmp_path: Path, parts: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        linear_mutex(tmp_path, "ActorCriticFieldMutex", [0.5] * 5, proprioception_parts=parts)
