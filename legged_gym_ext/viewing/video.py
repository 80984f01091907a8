"""Videos of a policy at work, H.264 in an MP4 file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation.tracks import TrackOptions, track_evaluation_cfg
from legged_gym_ext.evaluation.walk import Policy, evaluation_cfg
from legged_gym_ext.sim.interface import CameraCfg
from legged_gym_ext.viewing.animated import AnimatedPicture
from legged_gym_ext.viewing.overlay import Caption, depth_inset, put_in_corner, write_text
from legged_gym_ext.viewing.sight import Cameraman
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Checked, Share

Command = tuple[float, float, float]
"""Forward and lateral velocity, m/s, and yaw rate, rad/s, base frame."""


TRACK_CAMERA = CameraCfg(distance=2.4, azimuth=55.0, elevation=-20.0, lookat_offset=(0.25, 0.0, -0.05))
"""Follows a robot on a track, from behind and a little from the side."""


@dataclass(frozen=True)
class TrackVideoCfg(Checked):
    """The track of a video."""

    difficulty: Share = 0.5
    """0 is the easiest and 1 the hardest obstacle of each type."""
    blocks: tuple[str, ...] = ()
    """Types of obstacle, one after the other; empty lets the task draw them."""


def video_cfg(cfg: EnvCfg, command: Command | None = None, track: TrackVideoCfg | None = None) -> EnvCfg:
    """Return ``cfg`` as it is filmed: as evaluated, with ``command`` the whole time or a new one every four seconds.

    On a track the commands are the task's; ``command`` sets the forward velocity alone.
    """
    if cfg.track is not None:
        return _track_video_cfg(cfg, command, track or TrackVideoCfg())
    cfg = evaluation_cfg(cfg)
    if command is None:
        return replace(cfg, commands=replace(cfg.commands, resampling_time_s=4.0))
    vx, vy, yaw = command
    fixed = replace(cfg.commands, lin_vel_x=(vx, vx), lin_vel_y=(vy, vy), ang_vel_yaw=(yaw, yaw))
    return replace(cfg, commands=fixed)


def _track_video_cfg(cfg: EnvCfg, command: Command | None, track: TrackVideoCfg) -> EnvCfg:
    assert cfg.track is not None
    count = len(track.blocks) or cfg.track.num_blocks
    filmed = track_evaluation_cfg(cfg, "course", TrackOptions(track.blocks, count, track.difficulty))
    assert filmed.track is not None
    order = "given" if track.blocks else "shuffled"
    # The longest track takes about three seconds an obstacle.
    length = max(cfg.episode_length_s, 4.0 * count)
    filmed = replace(filmed, metrics={}, track=replace(filmed.track, order=order), episode_length_s=length)
    if command is None:
        return filmed
    return replace(filmed, commands=replace(filmed.commands, lin_vel_x=(command[0], command[0])))


@torch.inference_mode()
def film(
    env: LeggedEnv,
    policy: Policy,
    steps: int,
    camera: CameraCfg,
    world: int = 0,
    caption: Caption | None = None,
    every: int = 1,
    steady: bool = False,
) -> Iterator[np.ndarray]:
    """Yield images (height, width, 3), uint8 RGB, of a new episode of one world, for at most ``steps`` control steps.

    On a track the film ends with the episode. What a depth camera has delivered is shown in the upper right corner.

    Args:
        caption: returns the text of an image; called for each.
        every: number of control steps between two images.
        steady: keep the camera's angle, even where an obstacle hides the robot.
    """
    cameraman = Cameraman(camera, steady=steady)
    obs, _ = env.reset()
    policy.reset()
    inset = depth_inset(env, world)
    for step in range(steps):
        obs, _, dones, _ = env.step(policy(obs))
        if env.state.track is not None and bool(dones[world]):
            return
        policy.reset(dones)
        if step % every == 0:
            image = env.sim.render(world, cameraman.view(env.sim.root_states[world, :3], env.sim.boxes[world]))
            image = image if inset is None else put_in_corner(image, inset())
            yield image if caption is None else write_text(image, caption())


def side_by_side(films: Sequence[Iterable[np.ndarray]]) -> Iterator[np.ndarray]:
    """Yield images (height, sum of widths, 3) with one of each of ``films``, until the first of them ends.

    Raises:
        UserError: their images are not of one height.
    """
    for images in zip(*films, strict=False):
        if len({image.shape[0] for image in images}) > 1:
            raise UserError("films side by side need images of one height")
        yield np.concatenate(images, axis=1)


def stills(
    env: LeggedEnv,
    policy: Policy,
    *,
    seconds: float,
    camera: CameraCfg,
    caption: Caption | None = None,
    steady: bool = False,
    columns: int = 4,
    rows: int = 2,
) -> np.ndarray:
    """Return one image (rows * height, columns * width, 3), uint8 RGB: moments of the first world's episode in rows.

    They are equally far apart. The last ones stay black if the episode has fewer tenths of a second than the image has
    places.
    """
    steps = max(1, round(seconds / env.state.control_dt))
    frames = list(film(env, policy, steps, camera, caption=caption, every=5, steady=steady))
    chosen = np.linspace(0, len(frames) - 1, min(columns * rows, len(frames))).round().astype(int)
    sheet = np.zeros((rows, columns, camera.height, camera.width, 3), dtype=np.uint8)
    for place, index in enumerate(chosen):
        sheet[place // columns, place % columns] = frames[index]
    return sheet.swapaxes(1, 2).reshape(rows * camera.height, columns * camera.width, 3)


def record(
    env: LeggedEnv,
    policy: Policy,
    path: Path,
    *,
    seconds: float,
    camera: CameraCfg | None = None,
    caption: Caption | None = None,
    steady: bool = False,
    gif: Path | None = None,
) -> int:
    """Film at most ``seconds`` of the first world into ``path`` in real time, and return the number of frames.

    Args:
        steady: keep the camera's angle, even where an obstacle hides the robot.
        gif: an animated picture to make of the same film.
    """
    on_track = env.state.track is not None
    rate, every = round(1.0 / env.state.control_dt), 2 if on_track else 1  # drawing many boxes takes its time
    camera = camera or (TRACK_CAMERA if on_track else CameraCfg())
    frames = film(env, policy, max(1, round(seconds * rate)), camera, caption=caption, every=every, steady=steady)
    if gif is None:
        return write_video(path, frames, rate // every)
    with AnimatedPicture(gif, rate // every) as picture:
        return write_video(path, picture.passing(frames), rate // every)


def write_video(path: Path, frames: Iterable[np.ndarray], rate: int) -> int:
    """Write images (height, width, 3), uint8 RGB, as H.264 at ``rate`` frames per second, and return their number.

    Width and height must be even. ``path`` appears only when the film is complete.

    Raises:
        UserError: the file cannot be written, or the size is odd.
    """
    import av

    temporary = path.with_name(f".{os.getpid()}_{path.name}")
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(temporary), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=Fraction(rate), options={"crf": "23", "preset": "veryfast"})
            stream.pix_fmt = "yuv420p"
            for image in frames:
                if image.shape[0] % 2 or image.shape[1] % 2:
                    raise UserError(f"a video needs an even size, not {image.shape[1]} x {image.shape[0]}")
                if count == 0:
                    stream.height, stream.width = image.shape[0], image.shape[1]
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
                count += 1
            if count:
                container.mux(stream.encode())
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"cannot write '{path}' ({error.strerror or error}); choose another folder") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return count
