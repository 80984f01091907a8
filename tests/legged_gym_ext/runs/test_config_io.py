"""Configurations survive JSON, and wrong ones are refused by name."""

import json
from dataclasses import replace
from typing import Any

import pytest

from legged_gym_ext.runs.config_io import leaves, task_from_config, to_dict, with_changes
from legged_gym_ext.tasks.registry import get_task, task_names
from st_rl.utils.errors import UserError


def through_json(task: Any) -> Any:
    return json.loads(json.dumps(to_dict(task), allow_nan=False))


@pytest.mark.parametrize("name", task_names())
def test_every_task_survives_json(name: str) -> None:
    task = get_task(name)
    assert task_from_config(task, through_json(task), "run") == task


def test_changed_values_survive_json_with_their_types() -> None:
    task = get_task("go1_walk")
    changes = {
        "env": {"num_envs": 7, "commands": {"lin_vel_x": [0, 1]}, "events": {"push": {"params": {"lin_vel": [-2, 2]}}}},
        "train": {"algorithm": {"clip_min_std": 0.1}, "policy": {"actor_hidden_dims": [8]}},
    }
    changed = with_changes(task, changes)
    assert changed.env.num_envs == 7
    assert changed.env.commands.lin_vel_x == (0.0, 1.0) and isinstance(changed.env.commands.lin_vel_x[0], float)
    assert changed.env.events["push"].params == {"lin_vel": (-2.0, 2.0)}
    assert changed.env.events["push"].func is task.env.events["push"].func
    assert changed.train.policy.actor_hidden_dims == (8,)
    assert task_from_config(task, through_json(changed), "run") == changed


def test_a_term_that_the_run_lacked_is_dropped() -> None:
    task = get_task("go1_walk")
    stored = through_json(task)
    del stored["env"]["rewards"]["torque"]
    expected = {name: term for name, term in task.env.rewards.items() if name != "torque"}
    assert task_from_config(task, stored, "run").env == replace(task.env, rewards=expected)


def test_functions_are_known_by_the_names_that_older_runs_have_stored() -> None:
    task = get_task("go1_jump")
    config = json.dumps({"env": to_dict(task.env), "train": to_dict(task.train)})
    config = config.replace("mdp.events:randomize_dynamics", "mdp.events:randomise_dynamics")
    older = config.replace("legged_gym_ext.mdp.track_terms:", "legged_gym_ext.mdp.tracks:")
    assert older.count("randomise_dynamics") == 1 and older.count("mdp.tracks:") > 1
    assert task_from_config(task, json.loads(older), "old") == task


def test_a_height_field_can_be_absent() -> None:
    task = get_task("go1_walk")
    flat = replace(task, env=replace(task.env, scene=replace(task.env.scene, height_field=None)))
    assert task_from_config(task, through_json(flat), "run") == flat
    assert task_from_config(flat, through_json(task), "run") == task


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"env": {"num_env": 3}}, "did you mean env.num_envs"),
        ({"env": {"num_envs": 3.5}}, "'env.num_envs' must be of type int, not 3.5"),
        ({"env": {"num_envs": True}}, "must be of type int"),
        ({"env": {"commands": {"lin_vel_x": [1.0]}}}, "'env.commands.lin_vel_x' must be of type tuple"),
        ({"env": {"events": {"push": {"mode": "never"}}}}, "'env.events.push.mode' must be of type Literal"),
        ({"env": {"events": {"push": {"params": {"force": 1}}}}}, "unknown field 'env.events.push.params.force'"),
        ({"env": {"rewards": {"torque": {"func": "os:remove"}}}}, "another version wrote it"),
        ({"env": {"rewards": 3}}, "'env.rewards' must be an object"),
    ],
)
def test_wrong_entries_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        with_changes(get_task("go1_walk"), changes)


def test_every_value_but_functions_is_a_leaf() -> None:
    task = get_task("go1_walk")
    names = [leaf.name for leaf in leaves(task.env)]
    assert len(names) == len(set(names))
    assert "sim.dt" in names and "rewards.torque.weight" in names and "scene.height_field.num_levels" in names
    assert "events.push.params.yaw_rate" in names  # left at the function's default by the task
    assert not [name for name in names if name.endswith("func")]
