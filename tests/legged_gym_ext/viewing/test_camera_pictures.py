"""Pictures of what a camera sees."""

from __future__ import annotations

import numpy as np

from legged_gym_ext.viewing.camera_pictures import DISTANCES, approach, camera_sheet


def test_an_obstacle_comes_nearer_and_fills_more_of_the_image() -> None:
    cfg, depth = approach("jump")
    assert depth.shape == (len(DISTANCES), cfg.height, cfg.width)
    # The face of the step is straight ahead in the middle row, as far as the robot is from it less where the camera is.
    ahead = depth[:, cfg.height // 2, cfg.width // 2]
    assert ahead.tolist() == sorted(ahead.tolist(), reverse=True)
    sheet = camera_sheet("jump")
    assert sheet.shape == (2 * (24 * 7 + 2), len(DISTANCES) * (32 * 7 + 2), 3) and sheet.dtype == np.uint8
    # The lower row is noisy.
    upper, lower = np.split(sheet, 2, axis=0)
    assert 0.01 < float((upper != lower).mean()) < 1.0
