"""Film a trained policy; works without a display."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.mdp.commands import Speed
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import WhereOptions, parse_options, run_script
from legged_gym_ext.runs.mutex import mutex_skills
from legged_gym_ext.runs.outputs import require_own_picture
from legged_gym_ext.runs.policy_options import PolicyOptions, policy_name
from legged_gym_ext.sim.interface import Azimuth, CameraCfg, Distance, Elevation
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.viewing.animated import AnimatedPicture
from legged_gym_ext.viewing.block_pictures import write_png
from legged_gym_ext.viewing.disturbances import DisturbanceOptions, shown_cfg
from legged_gym_ext.viewing.overlay import track_caption
from legged_gym_ext.viewing.video import (
    TRACK_CAMERA,
    TrackVideoCfg,
    film,
    record,
    side_by_side,
    stills,
    video_cfg,
    write_video,
)
from st_rl.utils.errors import UserError
from st_rl.utils.files import require_suffix
from st_rl.utils.ranges import Duration, Pixels, Seed, Share


@dataclass
class RecordOptions(WhereOptions, DisturbanceOptions, PolicyOptions):
    """Film a trained policy; works without a display."""

    out: Path | None = None
    """File to write; by default video.mp4 in the run folder, or logs/videos/NAME/video.mp4 for a shipped policy. One
    that ends with .png gets stills instead."""
    beside: tuple[str, ...] = ()
    """Policies to film beside the first one, from the left to the right, each in its own task with the same seed and
    commands; their names are written into the film."""
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


def filmed(options: RecordOptions, task: TaskCfg) -> tuple[EnvCfg, CameraCfg, float]:
    """Return the environment of ``task`` as it is filmed, the camera, and the length of the film in s."""
    on_track = task.env.track is not None
    cfg = video_cfg(task.env, options.command, TrackVideoCfg(options.difficulty, options.blocks))
    cfg = shown_cfg(cfg, options)
    return cfg, camera_of(options, on_track), options.seconds or (cfg.episode_length_s if on_track else 12.0)


def out_file(options: RecordOptions, checkpoint: Path) -> Path:
    """Return the file to write, in a folder that exists; ``UserError`` where it is something else's."""
    if options.out is not None:
        require_own_picture(options.out)
        return options.out
    path = runs.output_folder(checkpoint, "videos") / "video.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    require_own_picture(path)
    return path


def record_one(options: RecordOptions) -> None:
    """Film one policy, or draw stills of it."""
    task = options.base_task()
    checkpoint = options.find_policy(task)
    path = out_file(options, checkpoint)
    cfg, camera, seconds = filmed(options, task)
    with runs.environment(cfg, options.where(), num_envs=1, seed=options.seed) as env:
        torch.manual_seed(options.seed)
        policy = runs.RunPolicy(checkpoint, env, sample=options.sample_actions)
        caption = track_caption(env, policy, mutex_skills(checkpoint)) if cfg.track is not None else None
        how: dict[str, Any] = {"seconds": seconds, "camera": camera, "caption": caption, "steady": options.steady}
        if path.suffix == ".png":
            write_png(path, stills(env, policy, **how))
            print(path)
        else:
            frames = record(env, policy, path, gif=options.gif, **how)
            print(f"{frames} frames: {path}")


def record_beside(options: RecordOptions) -> None:
    """Film several policies side by side, until the first of them is done."""
    if options.out is not None and options.out.suffix == ".png":
        raise UserError("stills show one policy; leave --beside out, or let --out end with .mp4")
    with contextlib.ExitStack() as stack:
        films, paths, steps = [], [], 0.02
        for name in (options.policy, *options.beside):
            each = replace(options, policy=name)
            task = each.base_task()
            paths.append(each.find_policy(task))
            cfg, camera, seconds = filmed(each, task)
            env = stack.enter_context(runs.environment(cfg, options.where(), num_envs=1, seed=options.seed))
            torch.manual_seed(options.seed)
            policy = runs.RunPolicy(paths[-1], env, sample=options.sample_actions)
            steps = env.state.control_dt
            label = policy_name(paths[-1])
            how: dict[str, Any] = {"caption": lambda label=label: [label], "every": 2, "steady": options.steady}
            films.append(film(env, policy, round(seconds / steps), camera, **how))
        path, rate, frames = out_file(options, paths[0]), round(0.5 / steps), side_by_side(films)
        if options.gif is None:
            count = write_video(path, frames, rate)
        else:
            with AnimatedPicture(options.gif, rate) as picture:
                count = write_video(path, picture.passing(frames), rate)
        print(f"{count} frames: {path}")


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options = parse_options(RecordOptions, argv)
    if options.out is not None:
        require_suffix(options.out, (".mp4", ".png"), "--out")
    if options.gif is not None:
        require_suffix(options.gif, (".gif",), "--gif")
        require_own_picture(options.gif)
    if options.beside:
        record_beside(options)
    else:
        record_one(options)
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
