"""What is measured, shown live below the controls."""

# pyright: reportMissingImports=false
# (viser comes with the extra 'web')

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
from viser import uplot

from legged_gym_ext.viewing.web.shown import Shown

_PIXEL = 4
"""Width of a pixel of the depth image on the page, pixels."""


def bars(values: Mapping[str, float], limit: float) -> str:
    """Values as horizontal bars in HTML, green to the right and red to the left; ``limit`` fills the width."""
    rows = []
    for name, value in values.items():
        width = 50.0 * min(abs(value) / limit, 1.0)
        side, color = ("50%", "#4a4") if value >= 0.0 else (f"{50.0 - width:.1f}%", "#c44")
        bar = f'<div style="position:absolute;left:{side};width:{width:.1f}%;height:100%;background:{color}"></div>'
        rows.append(
            f'<div style="display:flex;font-size:11px;line-height:14px"><div style="width:48%">{escape(name)}</div>'
            f'<div style="width:34%;position:relative;background:#8883">{bar}</div>'
            f'<div style="width:18%;text-align:right">{value:+.2f}</div></div>'
        )
    return "".join(rows)


def plain(text: str) -> str:
    """Return a text without the characters that Markdown or HTML would take for their own."""
    return "".join(letter if letter.isalnum() or letter in " .,:/-_%()" else " " for letter in text)


def number(handle: Any) -> float:
    """Return the value of a slider or a number field, within its limits whatever a browser has sent."""
    low, high = float(handle.min), float(handle.max)
    value = float(handle.value)
    return min(max(value, low), high) if math.isfinite(value) else low


class Measurements:
    """State, curves, depth image, rewards and torques of the first lane."""

    def __init__(self, gui: Any, session: Shown) -> None:
        self._session = session
        empty = (np.zeros(2), np.zeros(2), np.zeros(2))
        with gui.add_folder("Robot in lane 1"):
            self.state = gui.add_markdown("")
            self.curve = gui.add_uplot(
                empty,
                (
                    uplot.Series(label="s"),
                    uplot.Series(label="commanded, m/s", stroke="#888"),
                    uplot.Series(label="forward, m/s", stroke="#36c"),
                ),
                aspect=2.0,
            )
            self.depth = gui.add_image(np.zeros((48, 64, 3), np.uint8), label="depth", format="png", visible=False)
        with gui.add_folder("Rewards, per second", expand_by_default=False):
            self.rewards = gui.add_html("")
        with gui.add_folder("Torques over their limits", expand_by_default=False):
            self.torques = gui.add_html("")

    def update(self) -> None:
        """Show what is measured now."""
        session = self._session
        known = [f"**{plain(text)}**" for text in (session.skill(0), session.obstacle(0)) if text]
        self.state.content = ", ".join([*known, f"{session.time:.2f} s, {session.title(0)}"])
        time, asked, found = session.tracking(0)
        if len(time) > 1:
            self.curve.data = (time - time[-1], asked[:, 0].copy(), found[:, 0].copy())
        self.rewards.content = bars(session.rewards(0), 2.0)
        self.torques.content = bars(session.torque_shares(0), 1.0)
        image = session.depth_image(0)
        self.depth.visible = image is not None
        if image is not None:
            gray = np.repeat((255.0 * (1.0 - image.clamp(0.0, 1.0))).numpy().astype(np.uint8)[..., None], 3, axis=2)
            self.depth.image = np.repeat(np.repeat(gray, _PIXEL, axis=0), _PIXEL, axis=1)
