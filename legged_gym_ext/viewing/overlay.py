"""Text in images, and what is written into videos of robots on tracks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation.walk import Policy
from legged_gym_ext.runs.folders import RunPolicy
from legged_gym_ext.terrain import queries
from st_rl.modules import ActorCriticFieldMutex

Caption = Callable[[], Sequence[str]]
"""Returns the lines of text for the present image."""

_TEXT_SHARE = 1 / 24
"""Height of the text over that of the image."""
_MIN_SIZE = 11
"""Pixels; smaller text cannot be read."""


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font that comes with Pillow, ``size`` pixels high."""
    return ImageFont.load_default(size)


def write_text(image: np.ndarray, lines: Sequence[str], size: int | None = None) -> np.ndarray:
    """Return a copy of ``image (height, width, 3)`` uint8 with white ``lines`` on a darkened field at the upper left.

    Args:
        size: height of the text in pixels; by default it grows with the image. What does not fit is cut.
    """
    if not lines:
        return image.copy()
    size = size or max(_MIN_SIZE, round(image.shape[0] * _TEXT_SHARE))
    margin, text = size // 3, "\n".join(lines)
    result = image.copy()
    _, _, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox(
        (margin, margin), text, font=_font(size)
    )
    result[: int(bottom) + margin, : int(right) + margin] //= 3
    picture = Image.fromarray(result)
    ImageDraw.Draw(picture).multiline_text((margin, margin), text, fill="white", font=_font(size))
    return np.array(picture)


def active_skill(policy: Policy, skills: Sequence[str], world: int = 0) -> str:
    """Return the skill that a mutex with these ``skills`` chose last in ``world``; empty for other policies."""
    mutex = policy.policy if isinstance(policy, RunPolicy) else None
    if not skills or not isinstance(mutex, ActorCriticFieldMutex) or mutex.action_smoothing_buffer is None:
        return ""
    return skills[int(mutex.action_smoothing_buffer[-1, world].argmax())]


def obstacle_text(env: LeggedEnv, world: int = 0) -> str:
    """Return number, type and parameter of the obstacle ahead in ``world``; empty where there is none."""
    track = env.state.track
    if track is None:
        return ""
    index, engaged = queries.engaged_block(track.tracks, env.state.base_pos[:, 0])
    if not bool(engaged[world]):
        return ""
    at = int(index[world])
    name = track.cfg.blocks[int(track.tracks.kind[world, at])]
    unit = "deg" if name == "slope" else "m"
    value = f" {float(track.tracks.parameter[world, at]):.2f} {unit}" if name != "flat" else ""
    return f"{at + 1}/{track.cfg.num_blocks} {name.replace('_', ' ')}{value}"


def track_caption(env: LeggedEnv, policy: Policy, skills: Sequence[str] = (), world: int = 0) -> Caption:
    """Return the caption of a video on a track: the active skill of a mutex, and the obstacle ahead."""

    def lines() -> list[str]:
        skill = active_skill(policy, skills, world)
        found = [f"skill: {skill}" if skill else "", obstacle_text(env, world)]
        return [line for line in found if line]

    return lines


def step_text(env: LeggedEnv, policy: Policy, skills: Sequence[str] = (), world: int = 0) -> Callable[[], str]:
    """Return what returns the text that a recorded episode keeps of a step: lines as in the caption of a video."""
    caption = track_caption(env, policy, skills, world)
    return lambda: "\n".join(caption())


Inset = Callable[[], np.ndarray]
"""Returns a picture (height, width, 3) uint8 for the corner of the present image."""

_INSET_SHARE = 0.28
"""Width of the picture in the corner over that of the image."""


def depth_inset(env: LeggedEnv, world: int = 0) -> Inset | None:
    """Return what the depth camera of ``world`` has delivered as a picture, near white and far black.

    ``None`` where the robot has no camera.
    """
    camera = env.state.camera
    if camera is None:
        return None

    def picture() -> np.ndarray:
        gray = (0.5 - camera.delivered()[world, 0]).clamp(0.0, 1.0).mul(255.0).round()
        return gray.to(torch.uint8).cpu().numpy()[..., None].repeat(3, axis=-1)

    return picture


def put_in_corner(image: np.ndarray, inset: np.ndarray) -> np.ndarray:
    """Return a copy of ``image (height, width, 3)`` uint8 with ``inset``, framed, at the upper right.

    Its pixels become whole squares, as many image pixels wide as fit into a share of the image.
    """
    result = image.copy()
    scale = max(1, round(image.shape[1] * _INSET_SHARE / inset.shape[1]))
    large = inset.repeat(scale, axis=0).repeat(scale, axis=1)
    framed = np.pad(large, ((2, 2), (2, 2), (0, 0)), constant_values=255)
    margin = max(2, image.shape[0] // 60)
    place = result[margin:, : image.shape[1] - margin]
    height, width = min(framed.shape[0], place.shape[0]), min(framed.shape[1], place.shape[1])
    place[:height, place.shape[1] - width :] = framed[:height, :width]
    return result
