"""Text in images, and what is written into videos of robots on tracks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
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
