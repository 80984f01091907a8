"""Files of reference motions: those that are shipped, how they are made, found and refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from legged_gym_ext.cli.make_motions import main
from legged_gym_ext.evaluation.gait_phases import strides_of
from legged_gym_ext.motions.gaits import GAITS, MIXTURE, SPEEDS, YAW_RATES
from legged_gym_ext.motions.generator import GaitMotion
from legged_gym_ext.robots.a1 import A1
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.robots.kinematics import foot_positions
from legged_gym_ext.runs.motions import MOTIONS, gait_frames, gait_motions, motion_files, write_motions
from legged_gym_ext.runs.training import RUNNER_ARGUMENTS
from legged_gym_ext.tasks.registry import get_task
from st_rl.datasets.dog_motion_file import COLUMNS
from st_rl.datasets.motion_file import load_motion
from st_rl.utils.errors import UserError
from st_rl.utils.rotations import quat_rotate


def test_the_shipped_motions_are_those_that_the_command_makes(tmp_path: Path) -> None:
    for robot in (GO1, A1):
        names = {path.name for path in (MOTIONS / robot.name).glob("*.json")}
        assert len(names) == len(GAITS) * len(SPEEDS) * len(YAW_RATES)
        for path in write_motions(tmp_path, robot, speeds=(0.8,), yaw_rates=(0.4,)):
            made, shipped = load_motion(path), load_motion(MOTIONS / robot.name / path.name)
            assert made.frame_duration == pytest.approx(shipped.frame_duration)
            assert torch.allclose(made.frames, shipped.frames, atol=2e-5)


@pytest.mark.parametrize("gait", list(GAITS))
@pytest.mark.parametrize("robot", [GO1, A1], ids=lambda robot: robot.name)
def test_the_classifier_names_the_gait_of_every_shipped_motion(robot, gait: str) -> None:
    for path in motion_files([f"{robot.name}/{gait}_*_w+0.0.json"]):
        motion = load_motion(path)
        part = {name: motion.frames[:, motion.fields.slice_of(name)] for name in motion.fields}
        feet = quat_rotate(part["root_rot"][:, None].expand(-1, 4, -1), part["foot_pos_b"].unflatten(1, (4, 3)))
        height = feet[..., 2] + part["root_pos_w"][:, 2:]
        # Two frames more than a stride; five strides one after the other.
        stands = (height < robot.foot_radius + 1e-3).numpy()[:-3]
        strides = strides_of(np.tile(stands, (5, 1)), motion.frame_duration)
        assert len(strides) >= 3 and {stride.gait for stride in strides} == {gait}, path.name


def test_the_feet_in_a_file_are_those_of_its_joints_and_its_velocities_their_differences() -> None:
    motion = load_motion(MOTIONS / "go1" / "trot_v1.2_w+0.4.json")
    part = {name: motion.frames[:, motion.fields.slice_of(name)] for name in motion.fields}
    assert torch.allclose(foot_positions(GO1, part["dof_pos"]).flatten(1), part["foot_pos_b"], atol=3e-5)
    for position, velocity in (("dof_pos", "dof_vel"), ("foot_pos_b", "foot_vel_b")):
        moved = (part[position][2:] - part[position][:-2]) / (2.0 * motion.frame_duration)
        error = (moved - part[velocity][1:-1]).abs()
        # Frames are a hundredth of a second apart, and the curves bend at touch-downs.
        assert error.median() < 0.02 * part[velocity].abs().max() and error.max() < 0.2 * part[velocity].abs().max()


def test_a_transition_may_begin_at_any_phase() -> None:
    frames, duration = gait_frames(GaitMotion(GO1, GAITS["trot"], 0.8))
    span = (len(frames) - 1) * duration
    assert span >= GAITS["trot"].period(0.8) + 0.02 - 1e-9 and frames.shape[1] == COLUMNS.size


def test_motions_are_found_by_path_folder_and_pattern(tmp_path: Path) -> None:
    own = write_motions(tmp_path, GO1, gaits=["pace"], speeds=(0.5,))
    assert motion_files([str(own[0])]) == own[:1]
    assert motion_files([str(tmp_path / "go1")]) == sorted(own)
    assert motion_files([str(tmp_path / "go1" / "pace_*"), str(own[0])]) == sorted(own)
    assert motion_files(["go1/trot_v0.8_w+0.0"]) == [MOTIONS / "go1" / "trot_v0.8_w+0.0.json"]
    with pytest.raises(UserError, match="no motions 'go1/gallop_"):
        motion_files(["go1/gallop_*"])


def test_a_gait_names_its_own_motions_and_the_mixture_those_of_each_speed() -> None:
    assert len(motion_files(gait_motions("a1", "bound"))) == len(SPEEDS) * len(YAW_RATES)
    chosen = motion_files(gait_motions("go1", MIXTURE))
    assert len(chosen) == len(SPEEDS) * len(YAW_RATES)
    assert {path.name[:9] for path in chosen} >= {"pace_v0.4", "trot_v1.0", "bound_v1."}
    assert not [path for path in chosen if path.name.startswith("pace_v1")]
    assert gait_motions("go1", "") == []


def test_a_task_learns_from_its_gait_unless_motions_are_named() -> None:
    task = get_task("go1_gaits")
    arguments = RUNNER_ARGUMENTS["AmpPolicyRunner"]
    assert all(path.name.startswith("trot") for path in arguments(task)["motions"])
    named = replace(task, train=replace(task.train, motions=("a1/pace_v0.4_w+0.0",)))
    assert [path.name for path in arguments(named)["motions"]] == ["pace_v0.4_w+0.0.json"]


def test_the_command_writes_what_is_asked_for_and_refuses_what_no_leg_can_do(tmp_path: Path) -> None:
    options = ["--robots", "a1", "--gaits", "trot", "--yaw-rates", "0.0", "--root", str(tmp_path)]
    assert main([*options, "--speeds", "0.5", "0.7"]) == 0
    written = sorted(path.name for path in (tmp_path / "a1").iterdir())
    assert written == ["trot_v0.5_w+0.0.json", "trot_v0.7_w+0.0.json"]
    assert len(json.loads((tmp_path / "a1" / written[0]).read_text())["Frames"][0]) == 61
    with pytest.raises(UserError, match="a1 cannot trot at 3 m/s"):
        main([*options, "--speeds", "3"])
    with pytest.raises(UserError, match="gallop"):
        main([*options, "--gaits", "gallop"])
    with pytest.raises(UserError, match="must be finite"):
        main([*options, "--speeds", "nan"])
