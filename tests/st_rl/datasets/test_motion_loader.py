"""Reference motions at any time."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from st_rl.datasets import AMPLoader, Motion, load_motion, save_motion
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout

FIELDS = ObsLayout({"root_pos": (1,), "root_rot": (4,), "dof_pos": (2,)})


def about_z(angle: float) -> list[float]:
    return [0.0, 0.0, math.sin(angle / 2), math.cos(angle / 2)]


def motion(name: str = "turn", frames: int = 5, frame_duration: float = 0.1, weight: float = 1.0) -> Motion:
    """Per frame: 1 m ahead, a quarter turn about z, joints at (frame, -frame)."""
    rows = [[float(i), *about_z(i * math.pi / 2), float(i), -float(i)] for i in range(frames)]
    return Motion(name, torch.tensor(rows), frame_duration, FIELDS, weight)


def at(loader: AMPLoader, time: float) -> torch.Tensor:
    return loader.frames_at(torch.tensor([0]), torch.tensor([time]))[0]


@pytest.mark.parametrize("frame", range(5))
def test_at_a_frame_the_motion_is_that_frame(frame: int) -> None:
    recorded = motion()
    torch.testing.assert_close(at(AMPLoader([recorded], 0.02), 0.1 * frame), recorded.frames[frame], atol=1e-5, rtol=0)


def test_between_frames_positions_are_linear_and_rotations_turn_evenly() -> None:
    found = at(AMPLoader([motion()], 0.02), 0.125)
    expected = torch.tensor([1.25, *about_z(1.25 * math.pi / 2), 1.25, -1.25])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("time", "frame"), [(-1.0, 0), (99.0, 4)])
def test_outside_the_motion_it_stays_at_its_ends(time: float, frame: int) -> None:
    torch.testing.assert_close(at(AMPLoader([motion()], 0.02), time), motion().frames[frame], atol=1e-5, rtol=0)


def test_motions_of_different_lengths_and_rates_are_told_apart() -> None:
    loader = AMPLoader([motion(), motion("slow", frames=3, frame_duration=1.0)], 0.02)
    found = loader.frames_at(torch.tensor([1, 0, 1]), torch.tensor([0.5, 0.35, 2.0]))
    torch.testing.assert_close(found[:, 0], torch.tensor([0.5, 3.5, 2.0]), atol=1e-5, rtol=0)


def test_the_two_states_of_a_transition_are_a_control_step_apart() -> None:
    loader = AMPLoader([motion()], 0.02, fields=["dof_pos", "root_pos"], seed=3)
    states, next_states = loader.sample(500)
    assert loader.observation_dim == 3 and states.shape == (500, 3)
    torch.testing.assert_close(next_states - states, torch.tensor([0.2, -0.2, 0.2]).expand(500, 3), atol=1e-5, rtol=0)
    assert states[:, 0].min() >= 0.0 and next_states[:, 0].max() <= 4.0 + 1e-5
    # Uniform over the 3.8 frames in which a transition can begin.
    assert abs(float(states[:, 0].mean()) - 1.9) < 0.2


def test_motions_are_drawn_by_their_weights() -> None:
    loader = AMPLoader([motion("a", weight=1.0), motion("b", weight=3.0)], 0.02)
    assert abs(float(loader.sample_motions(4000).float().mean()) - 0.75) < 0.03


def test_the_seed_decides_the_draws() -> None:
    first, second, other = (AMPLoader([motion()], 0.02, seed=seed).sample(20)[0] for seed in (1, 1, 2))
    assert torch.equal(first, second) and not torch.equal(first, other)


def test_preloaded_transitions_come_from_a_fixed_set() -> None:
    loader = AMPLoader([motion()], 0.02, num_preload_transitions=4)
    states, _ = loader.sample(200)
    assert len(states[:, 0].unique()) == 4


def test_the_generator_yields_mini_batches() -> None:
    batches = list(AMPLoader([motion()], 0.02).feed_forward_generator(3, 7))
    assert [tuple(s.shape) for s, _ in batches] == [(7, 7)] * 3


def test_a_file_holds_what_was_saved(tmp_path: Path) -> None:
    save_motion(tmp_path / "turn.json", motion(weight=2.0))
    found = load_motion(tmp_path / "turn.json")
    assert (found.name, found.frame_duration, found.weight, found.fields) == ("turn", 0.1, 2.0, FIELDS)
    torch.testing.assert_close(found.frames, motion().frames)
    assert AMPLoader([tmp_path / "turn.json"], 0.02).names == ["turn"]


ROW = [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
GOOD: dict[str, Any] = {"frame_duration": 0.1, "fields": FIELDS.to_json(), "frames": [ROW, ROW]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "no JSON object"),
        ({k: v for k, v in GOOD.items() if k != "frames"}, "lacks 'frames'"),
        (GOOD | {"frame_duration": 0}, "frame_duration"),
        (GOOD | {"frame_duration": True}, "frame_duration"),
        (GOOD | {"weight": "1"}, "weight"),
        (GOOD | {"frames": [ROW]}, "at least 2 rows"),
        (GOOD | {"frames": [ROW, ROW[:-1]]}, "rows of 7 numbers"),
        (GOOD | {"frames": "x"}, "rows of 7 numbers"),
        (GOOD | {"frames": [ROW, [float("nan"), *ROW[1:]]]}, "not finite"),
        (GOOD | {"frames": [ROW, [0.0] * 7]}, "unit length"),
        (GOOD | {"fields": [["root_rot", [3]]], "frames": [[0.0] * 3] * 2}, "4 columns"),
        (GOOD | {"fields": 3}, "observation layout"),
    ],
)
def test_a_bad_motion_is_refused_in_one_sentence(tmp_path: Path, data: Any, message: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(data))
    with pytest.raises(UserError, match=message):
        load_motion(path)


def test_unreadable_and_missing_files_are_user_errors(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        load_motion(tmp_path / "bad.json")
    with pytest.raises(UserError, match="no motion"):
        load_motion(tmp_path / "none.json")


def test_motions_that_do_not_go_together_are_refused() -> None:
    other = Motion("other", torch.zeros(3, 1), 0.1, ObsLayout({"root_pos": (1,)}))
    with pytest.raises(UserError, match="same fields"):
        AMPLoader([motion(), other], 0.02)
    with pytest.raises(UserError, match="at least one"):
        AMPLoader([], 0.02)
    with pytest.raises(UserError, match="shorter than a step"):
        AMPLoader([motion()], 1.0)
