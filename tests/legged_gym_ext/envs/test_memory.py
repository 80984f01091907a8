"""What does not fit is refused before a world of it is made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.envs.memory import world_bytes
from legged_gym_ext.sensors.depth_camera import DepthCameraCfg
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.memory import NotEnoughMemory


def test_boxes_and_images_count() -> None:
    walk, jump = get_task("go1_walk").env, get_task("go1_jump").env
    # Three blocks have four floors and no boxes of their own.
    assert world_bytes(jump) - world_bytes(walk) == 4_000
    camera = DepthCameraCfg(height=10, width=20, rate=10.0, latency=(0.0, 0.25))
    # Images of up to 0.25 s ago are kept at 10 Hz, four, and four are on their way; 4 bytes a pixel.
    assert world_bytes(replace(walk, camera=camera)) - world_bytes(walk) == 8 * 10 * 20 * 4


def test_more_worlds_than_memory_are_refused_at_once() -> None:
    cfg = replace(get_task("go1_field").env, num_envs=10**9, camera=DepthCameraCfg())
    with pytest.raises(NotEnoughMemory, match=r"^1000000000 worlds need about .* lower num_envs .* the camera$"):
        LeggedEnv(cfg)
