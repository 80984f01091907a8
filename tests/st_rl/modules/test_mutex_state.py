"""What a mutex policy knows of its worlds can be saved with a run whose teacher it is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from policy_cases import LAYOUT, NUM_ACTIONS, RNN, Case, build_mutex, write_case

from st_rl.algorithms.teacher import Teacher

STUDENT = SimpleNamespace(obs_segments=LAYOUT, critic_obs_segments=None, num_actions=NUM_ACTIONS)


def observations(num_steps: int) -> torch.Tensor:
    """``(num_steps, 6, D)`` with an obstacle drawn for each world and step."""
    obs = torch.randn(num_steps, 6, LAYOUT.size)
    start = LAYOUT.slice_of("engaging_block").start
    obs[..., start + 1 : start + 6] = torch.eye(5)[torch.randint(5, (num_steps, 6))]
    return obs


def test_a_restored_mutex_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    cases = [Case("ActorCritic"), Case("ActorCriticRecurrent", RNN)] * 2 + [Case("ActorCritic")]
    paths = [write_case(tmp_path / f"run_{index}", case) for index, case in enumerate(cases)]
    settings: dict[str, Any] = {
        "cmd_vel_mapping": {1: (0.2, 1.0), 4: 0.7},
        "action_smoothing_buffer_len": 3,
        "reset_non_selected": "when_skill",
    }
    first, second = (
        Teacher(build_mutex("ActorCriticFieldMutex", paths, **settings), STUDENT, source="actor") for _ in range(2)
    )
    before, after = observations(4), observations(4)
    for obs in before:
        first.act(obs)
    first.reset(torch.tensor([True, False, False, True, False, False]))
    states = first.memory_state()
    second.load_memory_state(states)
    answers = []
    for teacher in (first, second):
        torch.manual_seed(0)
        answers.append(torch.stack([teacher.act(obs) for obs in after]))
    assert torch.equal(*answers)
    # The saved states are copies, and without them the actions are others.
    third = Teacher(build_mutex("ActorCriticFieldMutex", paths, **settings), STUDENT, source="actor")
    assert not torch.allclose(third.act(after[0]), answers[0][0])
    third.load_memory_state(states)
    assert torch.equal(third.act(after[0]), answers[0][0])


def test_one_that_has_not_run_has_nothing_to_save(tmp_path: Path) -> None:
    paths = [write_case(tmp_path / f"run_{index}", Case("ActorCritic")) for index in range(5)]
    teacher = Teacher(build_mutex("ActorCriticFieldMutex", paths), STUDENT, source="actor")
    assert teacher.memory_state() == [[]]
    teacher.act(observations(1)[0])
    teacher.load_memory_state([[]])
    assert teacher.policy.world_state() == []
    with pytest.raises(ValueError, match="zip"):
        teacher.load_memory_state([[], []])
