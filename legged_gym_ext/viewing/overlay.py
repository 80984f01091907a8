"""Text in images: a bitmap font, and what is written into videos of robots on tracks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation.walk import Policy
from legged_gym_ext.runs.folders import RunPolicy
from legged_gym_ext.terrain import queries
from st_rl.modules import ActorCriticFieldMutex

Caption = Callable[[], Sequence[str]]
"""The lines of text for the present image."""

_ROWS, _COLUMNS = 7, 5
_FONT = {
    "A": "0E11111F111111", "B": "1E11111E11111E", "C": "0E11101010110E", "D": "1E11111111111E",
    "E": "1F10101E10101F", "F": "1F10101E101010", "G": "0E11101711110E", "H": "1111111F111111",
    "I": "0E04040404040E", "J": "0702020202120C", "K": "11121418141211", "L": "1010101010101F",
    "M": "111B1515111111", "N": "11191513111111", "O": "0E11111111110E", "P": "1E11111E101010",
    "Q": "0E11111115120D", "R": "1E11111E141211", "S": "0F10100E01011E", "T": "1F040404040404",
    "U": "1111111111110E", "V": "11111111110A04", "W": "11111115151B11", "X": "11110A040A1111",
    "Y": "11110A04040404", "Z": "1F01020408101F", "0": "0E11131519110E", "1": "040C040404040E",
    "2": "0E11010608101F", "3": "1F02040201110E", "4": "02060A121F0202", "5": "1F101E0101110E",
    "6": "0608101E11110E", "7": "1F010204080808", "8": "0E11110E11110E", "9": "0E11110F01020C",
    ".": "00000000000C0C", ",": "000000000C0408", ":": "000C0C000C0C00", "-": "0000001F000000",
    "+": "0004041F040400", "/": "00010204081000", "%": "18190204081303", "=": "00001F001F0000",
    "(": "02040808080402", ")": "08040202020408", "?": "0E110102040004", " ": "00000000000000",
}  # fmt: skip
"""Per character the rows from the top, one byte in hexadecimal each, the leftmost of five pixels in bit 4."""


@cache
def _glyph(character: str) -> np.ndarray:
    """(7, 5) bool."""
    code = bytes.fromhex(_FONT.get(character.upper(), _FONT["?"]))
    return np.array([[row >> (_COLUMNS - 1 - column) & 1 for column in range(_COLUMNS)] for row in code], dtype=bool)


def text_mask(text: str, scale: int = 1) -> np.ndarray:
    """(7 scale, 6 scale len(text)) bool: the pixels of one line; lower case is drawn as upper case."""
    if not text:
        return np.zeros((_ROWS * scale, 0), dtype=bool)
    glyphs = [np.pad(_glyph(character), ((0, 0), (0, 1))) for character in text]
    return np.concatenate(glyphs, axis=1).repeat(scale, axis=0).repeat(scale, axis=1)


def write_text(image: np.ndarray, lines: Sequence[str], scale: int | None = None) -> np.ndarray:
    """A copy of ``image (height, width, 3)`` uint8 with white ``lines`` on a darkened field in its upper left corner.

    ``scale`` is the size of a pixel of the font; by default the text grows with the image. What does not fit is cut.
    """
    size = scale or max(1, image.shape[0] // 200)
    masks = [text_mask(line, size) for line in lines]
    if not masks:
        return image.copy()
    margin, step = 3 * size, (_ROWS + 3) * size
    result = image.copy()
    height, width = margin + step * len(masks), max(mask.shape[1] for mask in masks) + 2 * margin
    field = result[:height, :width]
    field //= 3
    for index, mask in enumerate(masks):
        place = result[margin + index * step :, margin:][: mask.shape[0], : mask.shape[1]]
        place[mask[: place.shape[0], : place.shape[1]]] = 255
    return result


def active_skill(policy: Policy, skills: Sequence[str], world: int = 0) -> str:
    """The skill that a mutex with these ``skills`` last chose in ``world``; empty for other policies."""
    mutex = policy.policy if isinstance(policy, RunPolicy) else None
    if not skills or not isinstance(mutex, ActorCriticFieldMutex) or mutex.action_smoothing_buffer is None:
        return ""
    return skills[int(mutex.action_smoothing_buffer[-1, world].argmax())]


def obstacle_text(env: LeggedEnv, world: int = 0) -> str:
    """Number, type and parameter of the obstacle at hand in ``world``; empty where there are none (left)."""
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
    """What is written into a video: the active skill of a mutex, and the obstacle at hand."""

    def lines() -> list[str]:
        skill = active_skill(policy, skills, world)
        found = [f"skill: {skill}" if skill else "", obstacle_text(env, world)]
        return [line for line in found if line]

    return lines
