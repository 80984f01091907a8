"""The camera goes around what hides the robot, and comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from legged_gym_ext.sim.interface import CameraCfg
from legged_gym_ext.viewing.sight import Cameraman, blocked, camera_offsets

CAMERA = CameraCfg(distance=2.0, azimuth=90.0, elevation=-10.0, lookat_offset=(0.0, 0.0, 0.0))
TRUNK = torch.tensor([0.0, 0.0, 0.3])


def wall(y: float, half_x: float = 0.6) -> torch.Tensor:
    """(1, 10) a wall one meter high across the view of a camera that looks along +y."""
    return torch.tensor([[0.0, y, 0.5, 0.0, 0.0, 0.0, 1.0, half_x, 0.05, 0.5]])


def test_a_camera_stands_where_it_looks_from() -> None:
    # Looking along +y and 30 degrees down from 2 m: 2 cos 30 behind, 2 sin 30 above.
    offset = camera_offsets(2.0, torch.tensor([90.0]), torch.tensor([-30.0]))
    torch.testing.assert_close(offset, torch.tensor([[0.0, -(3.0**0.5), 1.0]]), atol=1e-6, rtol=0.0)


@pytest.mark.parametrize(("y", "hidden"), [(-1.0, True), (1.0, False), (-3.0, False)])
def test_only_what_lies_between_blocks(y: float, hidden: bool) -> None:
    start = torch.tensor([[0.0, -2.0, 0.3]])
    assert blocked(start, TRUNK[None], wall(y)).tolist() == [hidden]


def test_turned_boxes_and_boxes_without_size_are_told_apart() -> None:
    box = wall(-1.0, half_x=0.6)
    # A quarter turn about z: the thin wall now stands along the view, beside it.
    box[0, 3:7] = torch.tensor([0.0, 0.0, 2.0**-0.5, 2.0**-0.5])
    start = torch.tensor([[0.3, -2.0, 0.3]])
    end = torch.tensor([[0.3, 0.0, 0.3]])
    assert blocked(start, end, box).tolist() == [False]
    box[0, 0] = 0.3
    assert blocked(start, end, box).tolist() == [True]
    box[0, 9] = 0.0
    assert blocked(start, end, box).tolist() == [False]


def test_a_free_view_is_left_as_it_is() -> None:
    assert Cameraman(CAMERA).view(TRUNK, torch.zeros(0, 10)) == CAMERA
    assert Cameraman(CAMERA).view(TRUNK, wall(1.0)) == CAMERA


def test_the_camera_leaves_a_wall_behind_and_returns_slowly() -> None:
    cameraman = Cameraman(CAMERA)
    around = cameraman.view(TRUNK, wall(-1.0))
    assert around != CAMERA and around.distance == CAMERA.distance
    offset = camera_offsets(2.0, torch.tensor([around.azimuth]), torch.tensor([around.elevation]))
    assert not bool(blocked(TRUNK + offset, TRUNK[None], wall(-1.0)))
    back = [cameraman.view(TRUNK, wall(5.0)) for _ in range(80)]
    away = [abs(view.azimuth - 90.0) + abs(view.elevation + 10.0) for view in back]
    assert away == sorted(away, reverse=True) and away[0] > 0.5 * away[-1] and away[-1] < 0.1


def test_a_steady_camera_stays() -> None:
    assert Cameraman(replace(CAMERA, azimuth=80.0), steady=True).view(TRUNK, wall(-1.0)).azimuth == 80.0
