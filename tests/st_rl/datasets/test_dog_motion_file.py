"""Motions in the public format of 61 columns: written, read, drawn from, and refused."""

import json
from pathlib import Path

import pytest
import torch

from st_rl.datasets import AMPLoader
from st_rl.datasets.dog_motion_file import COLUMNS, FIELDS, save_dog_motion
from st_rl.datasets.motion_file import load_motion
from st_rl.utils.errors import UserError


def numbered(count: int = 4) -> torch.Tensor:
    """Frames (F, 61): every column is a hundredth of its number, and the robot is upright."""
    frames = (torch.arange(61.0) / 100.0).repeat(count, 1)
    frames[:, COLUMNS.slice_of("root_rot")] = torch.tensor([0.0, 0.0, 0.0, 1.0])
    return frames + torch.arange(count)[:, None] * torch.cat((torch.ones(1), torch.zeros(60)))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "walk.json"
    save_dog_motion(path, numbered(), 0.02, weight=2.0)
    motion = load_motion(path)
    assert (motion.name, motion.frame_duration, motion.weight) == ("walk", 0.02, 2.0)
    assert motion.fields == FIELDS and COLUMNS.size == 61
    assert torch.allclose(motion.frames[:, :61], numbered(), atol=1e-5)


def test_files_have_the_legs_in_the_published_order(tmp_path: Path) -> None:
    path = tmp_path / "walk.json"
    save_dog_motion(path, numbered(), 0.02)
    row = json.loads(path.read_text())["Frames"][0]
    # Joint angles are columns 7 to 18: those of FL, 7 to 9, stand second, behind those of FR.
    assert row[7:13] == [0.10, 0.11, 0.12, 0.07, 0.08, 0.09]
    # Feet are columns 19 to 30: those of RR, 28 to 30, stand third.
    assert row[25:31] == [0.28, 0.29, 0.30, 0.25, 0.26, 0.27]
    assert row[:7] == [0.0, 0.01, 0.02, 0, 0, 0, 1] and row[31:37] == [0.31, 0.32, 0.33, 0.34, 0.35, 0.36]


def test_files_without_an_order_have_the_published_one_and_others_may_say_theirs(tmp_path: Path) -> None:
    path = tmp_path / "walk.txt"
    frames = numbered().tolist()
    path.write_text(json.dumps({"FrameDuration": 0.02, "Frames": frames}))
    assert load_motion(path).frames[0, 7:10].tolist() == pytest.approx([0.10, 0.11, 0.12])
    path.write_text(json.dumps({"FrameDuration": 0.02, "Frames": frames, "LegOrder": ["FL", "FR", "RL", "RR"]}))
    assert load_motion(path).frames[0, 7:10].tolist() == pytest.approx([0.07, 0.08, 0.09])


def test_gravity_and_height_follow_from_the_root(tmp_path: Path) -> None:
    frames = numbered()
    frames[:, 2] = 0.3
    # Nose down by 90 degrees: gravity points ahead.
    frames[:, COLUMNS.slice_of("root_rot")] = torch.tensor([0.0, 0.5**0.5, 0.0, 0.5**0.5])
    path = tmp_path / "dive.json"
    save_dog_motion(path, frames, 0.02)
    motion = load_motion(path)
    assert motion.frames[0, motion.fields.slice_of("projected_gravity")].tolist() == pytest.approx([1, 0, 0], abs=1e-4)
    assert motion.frames[0, motion.fields.slice_of("base_height")].tolist() == pytest.approx([0.3])


def test_a_loader_draws_the_fields_that_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "walk.json"
    save_dog_motion(path, numbered(), 0.02)
    loader = AMPLoader([path], 0.02, fields=["dof_vel", "base_height"])
    states, later = loader.sample(5)
    assert states.shape == later.shape == (5, 13)
    assert torch.allclose(states[:, :12], numbered()[0, COLUMNS.slice_of("dof_vel")].expand(5, 12), atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Frames": [[0.0] * 60] * 3}, r"rows of 61 numbers, not \[3, 60\]"),
        ({"Frames": [["a"] * 61] * 3}, "rows of 61 numbers"),
        ({"Frames": [[0.0] * 61] * 3}, "unit length"),
        ({"Frames": [[float("nan")] * 61] * 3}, "not finite"),
        ({"FrameDuration": 0.0}, "frame_duration"),
        ({"FrameDuration": None}, "lacks 'FrameDuration'"),
        ({"LegOrder": ["FL", "FL", "RL", "RR"]}, "LegOrder"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_sentence(tmp_path: Path, change: dict, message: str) -> None:
    data = {"FrameDuration": 0.02, "Frames": numbered().tolist()} | change
    path = tmp_path / "broken.json"
    path.write_text(json.dumps({key: value for key, value in data.items() if value is not None}))
    with pytest.raises(UserError, match=message):
        load_motion(path)
