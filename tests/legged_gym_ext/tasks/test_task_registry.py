"""Tasks are pairs of a robot and a task, whatever the names of either look like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.robots.registry import ROBOTS, get_robot, register_robot, robot_names
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.registry import get_task, register_task, task_names, unregister_task
from legged_gym_ext.tasks.walk import walk
from st_rl.utils.errors import UnknownNameError, UserError


@pytest.fixture
def mini_dog() -> Iterator[None]:
    """A second Go1 with a name of two words."""
    register_robot(replace(GO1, name="mini_dog"))
    yield
    ROBOTS.unregister("mini_dog")


def slow(robot: str, length: float = 2.0) -> TaskCfg:
    """A walk with short episodes."""
    base = walk(robot)
    return replace(base, env=replace(base.env, episode_length_s=length))


def test_a_robot_of_two_words_has_every_task(mini_dog: None) -> None:
    assert "mini_dog" in robot_names() and get_robot("mini_dog").name == "mini_dog"
    assert {"mini_dog_walk", "mini_dog_jump"} <= set(task_names())
    task = get_task("mini_dog_walk")
    assert (task.name, task.env.robot) == ("mini_dog_walk", "mini_dog")


def test_a_task_is_registered_for_every_robot(mini_dog: None) -> None:
    register_task("slow", slow)
    try:
        assert {"go1_slow", "a1_slow", "mini_dog_slow"} <= set(task_names())
        assert get_task("mini_dog_slow").env.robot == "mini_dog"
        assert get_task("a1_slow").name == "a1_slow" and get_task("a1_slow").env.episode_length_s == 2.0
        with pytest.raises(UserError, match="there is a task 'slow' already"):
            register_task("slow", slow)
    finally:
        unregister_task("slow")
    assert "go1_slow" not in task_names()


def test_a_task_is_registered_for_one_robot_by_its_full_name(mini_dog: None) -> None:
    register_task("mini_dog_slow", slow)
    register_task("slower", partial(slow, length=3.0), robot="go1")
    try:
        assert get_task("mini_dog_slow").env.robot == "mini_dog"
        assert get_task("go1_slower").env.episode_length_s == 3.0
        assert not {"go1_slow", "a1_slower"} & set(task_names())
        for again in (partial(register_task, "slow", slow), partial(register_task, "slower", slow)):
            with pytest.raises(UserError, match=r"there is a task '.*_slow.*' already"):
                again()
    finally:
        unregister_task("mini_dog_slow")
        unregister_task("go1_slower")


@pytest.mark.parametrize("name", ["walk", "go1_walk", "a1_jump"])
def test_a_task_of_the_suite_cannot_be_replaced(name: str) -> None:
    with pytest.raises(UserError, match=f"there is a task '{name}' already"):
        register_task(name, slow)


def test_a_task_for_a_robot_that_does_not_exist_says_so() -> None:
    register_task("slow", slow, robot="spot")
    try:
        with pytest.raises(UnknownNameError, match="unknown robot 'spot'"):
            get_task("spot_slow")
    finally:
        unregister_task("spot_slow")


def test_a_factory_must_make_a_task_for_the_robot_it_was_given() -> None:
    register_task("stubborn", lambda robot: walk("go1"))
    register_task("empty", lambda robot: None)  # type: ignore[arg-type,return-value]
    try:
        assert get_task("go1_stubborn").name == "go1_stubborn"
        with pytest.raises(UserError, match="must return a TaskCfg for 'a1', and made a task for 'go1'"):
            get_task("a1_stubborn")
        with pytest.raises(UserError, match="and made a NoneType"):
            get_task("a1_empty")
    finally:
        unregister_task("stubborn")
        unregister_task("empty")


def test_a_name_that_can_be_read_in_two_ways_is_refused(mini_dog: None) -> None:
    register_robot(replace(GO1, name="mini"))
    register_task("dog_walk", slow)
    try:
        with pytest.raises(UserError, match="is a task of the robots mini_dog and mini"):
            get_task("mini_dog_walk")
    finally:
        ROBOTS.unregister("mini")
        unregister_task("dog_walk")


def test_a_robot_is_registered_once() -> None:
    with pytest.raises(UserError, match="there is a robot 'go1' already"):
        register_robot(GO1)
