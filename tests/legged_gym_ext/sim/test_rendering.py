"""Pictures: they show the robot, follow it, and say what to install where they cannot be made."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.sim.interface import CameraCfg, SceneCfg, SimCfg, Simulator
from legged_gym_ext.sim.mujoco import gl
from legged_gym_ext.sim.registry import make_simulator
from st_rl.utils.errors import UserError

CAMERA = CameraCfg(width=160, height=120)


def make(num_boxes: int = 0) -> Simulator:
    return make_simulator("mujoco", GO1, 2, sim=SimCfg(num_threads=1), scene=SceneCfg(num_boxes=num_boxes))


def picture(sim: Simulator, camera: CameraCfg = CAMERA) -> np.ndarray:
    return sim.render(0, camera).astype(int)


def move(sim: Simulator, x: float, height: float) -> None:
    root = torch.zeros(2, 13)
    root[:, 0], root[:, 2], root[:, 6] = x, height, 1.0
    joints = torch.tensor(GO1.default_dof_pos).repeat(2, 1)
    sim.reset(torch.ones(2, dtype=torch.bool), root, joints, torch.zeros_like(joints))


@pytest.fixture
def needs_gl() -> None:
    if gl.find_gl_library() is None:
        pytest.skip("no OpenGL library (EGL or OSMesa) is installed")


@pytest.mark.usefixtures("needs_gl")
def test_a_picture_shows_the_robot_in_its_middle() -> None:
    sim = make()
    close = picture(sim)
    assert close.shape == (120, 160, 3)
    # A robot far below the ground, camera looking at the same place: what differs is the robot.
    far = picture(sim, CameraCfg(width=160, height=120, distance=40.0))
    sim.close()
    # Ground alone; the horizon is in the upper corners.
    middle, corner = close[40:80, 50:110], close[-15:, :15]
    assert middle.std() > 25 and middle.std() > 2 * corner.std()
    assert far[50:70, 65:95].std() < middle.std()


@pytest.mark.usefixtures("needs_gl")
def test_the_camera_follows_the_robot() -> None:
    sim = make()
    # In the air nothing but the sky is behind the robot, so pictures taken at two places look the same.
    camera = CameraCfg(width=160, height=120, elevation=0.0)
    move(sim, 0.0, 3.0)
    here = picture(sim, camera)
    move(sim, 12.0, 3.0)
    there = picture(sim, camera)
    sim.close()
    dark = here.sum(axis=2) < 200
    assert dark.sum() > 200
    rows, columns = np.nonzero(dark)
    assert abs(columns.mean() - 80) < 15 and abs(rows.mean() - 60) < 20
    assert np.abs(here - there)[dark].mean() < 8


@pytest.mark.usefixtures("needs_gl")
def test_boxes_are_drawn_and_sizes_may_change() -> None:
    sim = make(num_boxes=1)
    without = picture(sim)
    box = torch.tensor([0.0, 0.5, 0.3, 0.0, 0.0, 0.0, 1.0, 0.3, 0.1, 0.3]).repeat(2, 1, 1)
    sim.set_boxes(torch.ones(2, dtype=torch.bool), box, torch.ones(2, 1, dtype=torch.bool))
    changed = np.abs(picture(sim) - without).sum(axis=2) > 30
    assert changed.sum() > 500
    assert sim.render(1, CameraCfg(width=64, height=48)).shape == (48, 64, 3)
    sim.close()


def test_without_a_library_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gl, "find_gl_library", lambda: None)
    sim = make()
    with pytest.raises(UserError, match=r"install EGL .* or OSMesa"):
        sim.render(0, CAMERA)
    sim.close()


def test_a_library_that_does_not_exist_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    assert gl.find_gl_library.__wrapped__() is None


@pytest.mark.usefixtures("needs_gl")
def test_shadows_are_drawn_where_they_are_asked_for() -> None:
    sim = make()
    without = picture(sim)
    shaded = picture(sim, CameraCfg(width=160, height=120, shadows=True))
    again = picture(sim)
    sim.close()
    # Below the robot the ground is darker by much more than anything else changes.
    assert int(((without - shaded).sum(axis=2) > 40).sum()) > 50
    np.testing.assert_array_equal(without, again)
