"""Film a trained policy; works without a display."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from legged_gym_ext.mdp.commands import Speed
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import WhereOptions, parse_options, run_script
from legged_gym_ext.runs.mutex import mutex_skills
from legged_gym_ext.runs.outputs import require_own_picture
from legged_gym_ext.runs.policy_options import PolicyOptions
from legged_gym_ext.sim.interface import Azimuth, CameraCfg, Distance, Elevation
from legged_gym_ext.viewing.block_pictures import write_png
from legged_gym_ext.viewing.disturbances import DisturbanceOptions, shown_cfg
from legged_gym_ext.viewing.overlay import track_caption
from legged_gym_ext.viewing.video import TRACK_CAMERA, TrackVideoCfg, record, stills, video_cfg
from st_rl.utils.files import require_suffix
from st_rl.utils.ranges import Duration, Pixels, Seed, Share


@dataclass
class RecordOptions(WhereOptions, DisturbanceOptions, PolicyOptions):
    """Film a trained policy; works without a display."""

    out: Path | None = None
    """File to write; by default video.mp4 in the run folder, or logs/videos/NAME/video.mp4 for a shipped policy. One
    that ends with .png gets stills instead."""
    gif: Path | None = None
    """File to write the film to as an animated picture too, 320 pixels wide."""
    seconds: Duration | None = None
    """Length of the film at most, s; by default 12, and on a track as long as the robot needs."""
    command: tuple[Speed, Speed, Speed] | None = None
    """Command the whole time: forward and lateral velocity, m/s, and yaw rate, rad/s. By default it changes."""
    difficulty: Share = 0.5
    """Difficulty of the obstacles, from 0, the easiest of each type, to 1, the hardest."""
    blocks: tuple[str, ...] = ()
    """Types of the obstacles, one after the other; by default the task draws them."""
    camera_width: Pixels = 640
    """Width of the film in pixels; it must be even."""
    camera_height: Pixels = 480
    """Height of the film in pixels; it must be even."""
    camera_distance: Distance | None = None
    """Distance of the camera from the trunk, m."""
    camera_azimuth: Azimuth | None = None
    """Direction in which the camera looks, degrees: 0 along +x, which is along tracks, and 90 along +y."""
    camera_elevation: Elevation | None = None
    """Angle of the camera's view to the horizontal, degrees; negative looks down."""
    steady: bool = False
    """Keep the angle of the camera; by default it goes around obstacles that hide the robot."""
    shadows: bool = False
    """Draw shadows, which without a graphics card takes many times as long."""
    seed: Seed = 1


def camera_of(options: RecordOptions, track: bool) -> CameraCfg:
    """Return the camera with what the options set; ``track`` says whether it follows a robot on a track."""
    sizes = {"width": options.camera_width, "height": options.camera_height}
    given = {
        "distance": options.camera_distance,
        "azimuth": options.camera_azimuth,
        "elevation": options.camera_elevation,
    }
    changes = sizes | {name: value for name, value in given.items() if value is not None}
    return replace(TRACK_CAMERA if track else CameraCfg(), **changes, shadows=options.shadows)


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options = parse_options(RecordOptions, argv)
    if options.out is not None:
        require_suffix(options.out, (".mp4", ".png"), "--out")
    if options.gif is not None:
        require_suffix(options.gif, (".gif",), "--gif")
        require_own_picture(options.gif)
    task = options.base_task()
    checkpoint = options.find_policy(task)
    path = options.out
    if path is None:
        path = runs.output_folder(checkpoint, "videos") / "video.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
    require_own_picture(path)
    on_track = task.env.track is not None
    cfg = video_cfg(task.env, options.command, TrackVideoCfg(options.difficulty, options.blocks))
    cfg = shown_cfg(cfg, options)
    env = runs.make_env(cfg, options.where(), num_envs=1, seed=options.seed)
    try:
        torch.manual_seed(options.seed)
        policy = runs.RunPolicy(checkpoint, env, sample=options.sample_actions)
        seconds = options.seconds or (cfg.episode_length_s if on_track else 12.0)
        camera = camera_of(options, on_track)
        caption = track_caption(env, policy, mutex_skills(checkpoint)) if on_track else None
        how: dict[str, Any] = {"seconds": seconds, "camera": camera, "caption": caption, "steady": options.steady}
        if path.suffix == ".png":
            write_png(path, stills(env, policy, **how))
            print(path)
        else:
            frames = record(env, policy, path, gif=options.gif, **how)
            print(f"{frames} frames: {path}")
    finally:
        env.close()
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
