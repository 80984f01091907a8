"""The shipped policies and how good they are, as Markdown tables: what stands in the README."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from legged_gym_ext.evaluation.blindfold import blindfold_rows
from legged_gym_ext.evaluation.report import read_report
from legged_gym_ext.evaluation.tracks import TEST_RANGES

logger = logging.getLogger(__name__)

_TABLES = {
    "rpl": "| policy | obstacle | success (95 %) | mean power | peak torque | deepest in an obstacle |\n"
    + "|---" * 6
    + "|",
    "walk": "| policy | falls (95 %) | planar velocity error | yaw rate error | cost of transport |\n"
    + "|---" * 5
    + "|",
    "gaits": "| policy | time in its gait | phase error | falls (95 %) | cost of transport at 0.4 to 1.6 m/s |\n"
    + "|---" * 5
    + "|",
    "course": "| policy | blocks passed | tracks finished (95 %) | share of the track covered |\n" + "|---" * 4 + "|",
    "blindfold": "| policy | images | success | at each obstacle |\n" + "|---" * 4 + "|",
}
"""Head of the table of each protocol."""
BLINDFOLD = "blindfold.json"
"""Evaluation by the protocol ``blindfold`` in the folder of a policy that sees, beside its ``evaluation.json``."""

TEST_RANGES_TOO = "rpl.json"
"""Evaluation by the protocol ``rpl`` in the folder of a policy that is judged by another one."""
SEEN_BLOCKS = ("jump", "leap", "crawl", "tilt", "down")
"""The obstacles of that evaluation where a policy sees."""


def shipped_tables(root: Path) -> dict[str, str]:
    """Protocol -> Markdown table of the evaluated policies below ``root``, in the order of their names."""
    rows: dict[str, list[str]] = {protocol: [] for protocol in _TABLES}
    for path in sorted(root.glob(f"*/{BLINDFOLD}")):
        report = read_report(path)
        try:
            cells = [(*row[:2], _at_obstacles(row[2:], report)) for row in blindfold_rows(report)[1:]]
        except (KeyError, TypeError, ValueError, AttributeError):
            logger.warning("'%s' is left out: it is no blindfold test as legged-evaluate writes it", path)
            continue
        rows["blindfold"] += ["| " + " | ".join((f"`{path.parent.name}`", *row)) + " |" for row in cells]
    for path in sorted([*root.glob("*/evaluation.json"), *root.glob(f"*/{TEST_RANGES_TOO}")]):
        report = read_report(path)
        protocol = report.get("protocol", "walk")
        try:
            cells = _CELLS[protocol](report)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            logger.warning("'%s' is left out: it is no evaluation as legged-evaluate writes it", path)
            continue
        rows[protocol] += ["| " + " | ".join((f"`{path.parent.name}`", *row)) + " |" for row in cells]
    return {protocol: "\n".join((_TABLES[protocol], *lines)) for protocol, lines in rows.items() if lines}


def headline(report: Mapping[str, Any]) -> str:
    """Return the figure by which a policy is judged, such as ``99.5% success (rpl)``; empty without an evaluation."""
    protocol = report.get("protocol", "walk")
    try:
        if protocol == "gaits":
            return f"{report['gait_share']:.1%} {report['reference_gait']} (gaits)" if "gait_share" in report else ""
        if protocol == "walk" and "fall_rate" in report:
            return f"{report['fall_rate']:.1%} falls (walk)"
        return f"{report['success_rate']:.1%} success ({protocol})" if "success_rate" in report else ""
    except (TypeError, ValueError):
        return "(evaluation.json is damaged)"


def _at_obstacles(shares: tuple[str, ...], report: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {share}" for name, share in zip(report["seen"]["per_block"], shares, strict=True))


def _share(value: float, bounds: list[float]) -> str:
    return f"{value:.1%} ({bounds[0]:.1%} to {bounds[1]:.1%})"


def _walk_cells(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            _share(report["fall_rate"], report["fall_rate_interval"]),
            f"{report['tracking_rmse_lin']:.3f} m/s",
            f"{report['tracking_rmse_yaw']:.3f} rad/s",
            f"{report['cost_of_transport']:.2f}",
        )
    ]


def _gait_cells(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    costs = ", ".join(f"{row['cost_of_transport']:.2f}" for row in report["at_speed"])
    return [
        (
            f"{report['gait_share']:.1%} {report['reference_gait']}",
            f"{report['phase_error']:.3f} strides",
            _share(report["fall_rate"], report["fall_rate_interval"]),
            costs,
        )
    ]


def _obstacle_cells(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    solidity = report.get("solidity")
    rest = (
        f"{report['mean_power']:.0f} W",
        f"{report['peak_torque']:.1f} N m",
        "not measured" if solidity is None else f"{1000 * solidity['worst_penetration']:.0f} mm",
    )
    rows = []
    for name, block in report["per_block"].items():
        low, high = TEST_RANGES.get(name, (0.0, 0.0))
        where = f"{name} {abs(low):.2f} to {abs(high):.2f} m" if name in TEST_RANGES else name
        rows.append((where, _share(block["success_rate"], block["success_ci"]), *rest))
    return rows


def _course_cells(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            f"{report['blocks_passed_rate']:.1%}",
            _share(report["finish_rate"], report["success_ci"]),
            f"{report['mean_x_displacement']:.1%}",
        )
    ]


_CELLS: dict[str, Callable[[Mapping[str, Any]], list[tuple[str, ...]]]] = {
    "rpl": _obstacle_cells,
    "walk": _walk_cells,
    "gaits": _gait_cells,
    "course": _course_cells,
}
"""Protocol -> what makes the rows of its table from a report."""
