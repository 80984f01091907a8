"""Pictures of every type of block with a robot before it, from easy to hard: contact sheets for the documentation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from legged_gym_ext.robots.registry import get_robot
from legged_gym_ext.sim.interface import CameraCfg, SceneCfg, SimCfg, Simulator
from legged_gym_ext.sim.registry import make_simulator
from legged_gym_ext.terrain.blocks import BLOCKS
from legged_gym_ext.terrain.tracks import TrackCfg, Tracks, build_tracks, num_boxes, num_random
from legged_gym_ext.viewing.overlay import write_text
from st_rl.utils.errors import UserError

DIFFICULTIES = (0.0, 0.5, 1.0)
PICTURED = tuple(name for name, block in BLOCKS.items() if block.num_boxes or block.floor != "through")
"""Types of block that can be seen."""
_DISTANCE = 0.6
"""Distance from the base to the obstacle, m."""
_CAMERA = CameraCfg(width=320, height=240, distance=2.6, azimuth=62.0, elevation=-17.0, lookat_offset=(0.7, 0.0, 0.05))
_FROM_BEHIND = replace(_CAMERA, azimuth=28.0, elevation=-24.0)
_FROM_BEFORE = replace(_CAMERA, azimuth=122.0, elevation=-15.0)
_CAMERAS = {"tilt": _FROM_BEHIND, "rubble": _FROM_BEHIND, "down": _FROM_BEFORE, "stairs_down": _FROM_BEFORE}


def block_track(name: str) -> tuple[TrackCfg, Tracks]:
    """Return tracks of a single block called ``name``, one for each of ``DIFFICULTIES``, and their configuration."""
    cfg = TrackCfg(blocks=(name,), num_blocks=1, width=(1.8, 1.8))
    count = len(DIFFICULTIES)
    noise = torch.rand(1, num_random(cfg), generator=torch.Generator().manual_seed(3)).repeat(count, 1)
    noise[:, 3:5] = 0.5  # depth and length in the middle of their ranges
    kinds = torch.zeros(count, 1, dtype=torch.long)
    return cfg, build_tracks(cfg, kinds, torch.tensor(DIFFICULTIES)[:, None], noise)


def block_scene(name: str, robot: str) -> tuple[Simulator, Tracks]:
    """Return a simulator with a world for each of ``DIFFICULTIES``, in which a robot stands before the block."""
    cfg, tracks = block_track(name)
    facts, count = get_robot(robot), len(DIFFICULTIES)
    sim = make_simulator("mujoco", facts, count, sim=SimCfg(num_threads=1), scene=SceneCfg(num_boxes=num_boxes(cfg)))
    everyone = torch.ones(count, dtype=torch.bool)
    sim.set_boxes(everyone, tracks.boxes, torch.ones(tracks.boxes.shape[:2], dtype=torch.bool))
    root = torch.zeros(count, 13)
    root[:, 0] = tracks.start[:, 0] - _DISTANCE
    root[:, 2], root[:, 6] = tracks.floor_height[:, 0] + facts.base_height, 1.0
    pose = torch.tensor(facts.default_dof_pos).expand(count, -1)
    sim.reset(everyone, root, pose, torch.zeros_like(pose))
    return sim, tracks


def contact_sheet(name: str, robot: str = "go1") -> np.ndarray:
    """Return an image (height, width, 3) uint8: the block at each of ``DIFFICULTIES`` and its parameter, side by side.

    Raises:
        UserError: where there is no OpenGL.
    """
    sim, tracks = block_scene(name, robot)
    try:
        pictures = []
        for world, parameter in enumerate(tracks.parameter[:, 0].tolist()):
            unit = "deg" if name == "slope" else "m"
            shown = f"{name.replace('_', ' ')} {parameter:.2f} {unit}"
            pictures.append(write_text(sim.render(world, _CAMERAS.get(name, _CAMERA)), [shown]))
        return np.concatenate(pictures, axis=1)
    finally:
        sim.close()


def write_png(path: Path, image: np.ndarray) -> None:
    """Write ``image (height, width, 3)`` uint8 to ``path`` and make its folder.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, format="PNG")
    except OSError as error:
        raise UserError(f"cannot write '{path}' ({error.strerror or error}); choose another folder") from error
