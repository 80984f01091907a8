"""Pictures of results as SVG text, which needs no library and goes into a web page as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from st_rl.utils.errors import UserError

WIDTH, HEIGHT = 560, 300
"""Pixels."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 34, 46
_COLORS = ("#2563a8", "#c2572a", "#3a8a4d", "#7a4fa3", "#8a7a2a", "#b03060")
_STYLE = 'font-family="sans-serif" font-size="11" fill="#333"'


def success_plot(report: Mapping[str, Any]) -> str:
    """Bars of success with their 95 % intervals: by level of difficulty, by obstacle, or by the parameter of the one.

    Raises:
        UserError: the report has neither.
    """
    if "levels" in report:
        rows = [(f"{figures['difficulty'][0]:.1f}", figures) for figures in report["levels"]]
    else:
        rows = list(report.get("per_block", {}).items())
        if len(rows) == 1 and "parts" in rows[0][1]:
            rows = [(_range(figures["parameter"]), figures) for figures in rows[0][1]["parts"]]
    rows = [(name, figures) for name, figures in rows if figures["episodes"]]
    if not rows:
        raise UserError(f"the protocol '{report.get('protocol')}' has no success by obstacle to be drawn")
    title = f"{report['task']}, {report['protocol']}: success, {report['episodes']} episodes"
    low_high = [tuple(figures["success_ci"]) for _, figures in rows]
    return bars([name for name, _ in rows], [figures["success_rate"] for _, figures in rows], low_high, title)


def _range(parameter: Sequence[float]) -> str:
    return " to ".join(f"{round(end, 3):g}" for end in parameter)


def bars(names: Sequence[str], values: Sequence[float], intervals: Sequence[tuple[float, ...]], title: str) -> str:
    """A bar in [0, 1] for every name, with the interval ``(low, high)`` around its top."""
    frame = _Frame((0.0, float(len(names))), (0.0, 1.0))
    parts = frame.axes(title, [], [0.0, 0.25, 0.5, 0.75, 1.0], lambda value: f"{value:.0%}")
    for index, (name, value, (low, high)) in enumerate(zip(names, values, intervals, strict=True)):
        left, right, middle = frame.x(index + 0.15), frame.x(index + 0.85), frame.x(index + 0.5)
        top, bottom = frame.y(value), frame.y(0.0)
        parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" '
            f'fill="{_COLORS[0]}" fill-opacity="0.75"/>'
        )
        parts.append(f'<path d="M{middle:.1f} {frame.y(low):.1f}V{frame.y(high):.1f}" stroke="#222"/>')
        for row, word in enumerate(name.split("_")):
            y = HEIGHT - _BOTTOM + 15 + 12 * row
            parts.append(f'<text x="{middle:.1f}" y="{y}" text-anchor="middle" {_STYLE}>{escape(word)}</text>')
    return _svg(parts)


def curves(series: Mapping[str, Sequence[tuple[float, float]]], title: str, x_label: str = "iteration") -> str:
    """A line for every name through its points ``(x, y)``; values that are not finite are left out."""
    finite = {
        name: [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)] for name, points in series.items()
    }
    xs = [x for points in finite.values() for x, _ in points] or [0.0, 1.0]
    ys = [y for points in finite.values() for _, y in points] or [0.0, 1.0]
    frame = _Frame(_padded(min(xs), max(xs)), _padded(min(ys), max(ys)))
    parts = frame.axes(title, _ticks(*frame.x_range), _ticks(*frame.y_range), lambda value: f"{value:g}")
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle" {_STYLE}>{escape(x_label)}</text>')
    for index, (name, points) in enumerate(finite.items()):
        color = _COLORS[index % len(_COLORS)]
        path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        if len(finite) > 1:
            at = _TOP + 14 * (index + 1)
            parts.append(f'<text x="{_LEFT + 8}" y="{at}" {_STYLE} style="fill:{color}">{escape(name)}</text>')
    return _svg(parts)


class _Frame:
    """Where values are drawn."""

    def __init__(self, x_range: tuple[float, float], y_range: tuple[float, float]) -> None:
        self.x_range, self.y_range = x_range, y_range

    def x(self, value: float) -> float:
        low, high = self.x_range
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (value - low) / (high - low)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (value - low) / (high - low)

    def axes(self, title: str, x_ticks: Sequence[float], y_ticks: Sequence[float], form: Any) -> list[str]:
        parts = [f'<text x="{_LEFT}" y="18" {_STYLE} font-weight="bold">{escape(title)}</text>']
        for value in y_ticks:
            y = self.y(value)
            parts.append(f'<path d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="#ddd"/>')
            parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" {_STYLE}>{form(value)}</text>')
        for value in x_ticks:
            parts.append(
                f'<text x="{self.x(value):.1f}" y="{HEIGHT - _BOTTOM + 15}" text-anchor="middle" {_STYLE}>'
                f"{form(value)}</text>"
            )
        return parts


def _padded(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(low: float, high: float) -> list[float]:
    """About five round values in the range."""
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 6)
    first = math.ceil(low / step)
    return [round(index * step, 10) for index in range(first, math.floor(high / step) + 1)]


def _svg(parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )
