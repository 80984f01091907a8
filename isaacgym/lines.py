"""Line drawings for the viewer: axes, boxes and spheres of wires.

A geometry is a number of segments; the viewer draws them until ``gym.clear_lines`` is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from isaacgym.api.vectors import Transform, Vec3
from isaacgym.engine.frames import rotate

if TYPE_CHECKING:
    from isaacgym.gym import Gym

Floats = NDArray[np.float32]
Color = Sequence[float] | None

RED, GREEN, BLUE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


class LineGeometry:
    """Segments with their colors."""

    def __init__(self, segments: Any, colors: Any, pose: Transform | None = None) -> None:
        """``segments`` are (n, 2, 3) m, ``colors`` (n, 3) or (3,) rgb within 0 and 1; ``pose`` moves the segments."""
        points = np.asarray(segments, dtype=np.float32).reshape(-1, 3)
        self._points = points if pose is None else _moved(points, pose)
        self._colors = np.broadcast_to(np.asarray(colors, dtype=np.float32), (len(points) // 2, 3)).copy()

    def num_lines(self) -> int:
        """Return how many segments there are."""
        return len(self._colors)

    def vertices(self) -> Floats:
        """Return (2 * lines, 3) m, start and end of one segment after another."""
        return self._points

    def colors(self) -> Floats:
        """Return (lines, 3) rgb."""
        return self._colors

    def instance_verts(self, pose: Transform | None = None) -> Floats:
        """Return the vertices, moved by a pose."""
        return self._points if pose is None else _moved(self._points, pose)


def _moved(points: Floats, pose: Transform) -> Floats:
    return (rotate(pose.r.values(), points) + np.array(pose.p.values())).astype(np.float32)


class AxesGeometry(LineGeometry):
    """Three axes of a length in m: x red, y green, z blue."""

    def __init__(self, scale: float = 1.0, pose: Transform | None = None) -> None:
        ends = scale * np.eye(3)
        super().__init__(np.stack([np.zeros((3, 3)), ends], axis=1), (RED, GREEN, BLUE), pose)


class WireframeBoxGeometry(LineGeometry):
    """The twelve edges of a box around the origin with sides in m."""

    def __init__(
        self,
        xdim: float = 1.0,
        ydim: float = 1.0,
        zdim: float = 1.0,
        pose: Transform | None = None,
        color: Color = None,
    ) -> None:
        half = np.array([xdim, ydim, zdim]) / 2
        super().__init__(_box_edges(-half, half), RED if color is None else color, pose)


class WireframeBBoxGeometry(LineGeometry):
    """The twelve edges of the box between two corners, ``bbox`` (2, 3) m or two ``Vec3``."""

    def __init__(self, bbox: Any, pose: Transform | None = None, color: Color = None) -> None:
        low, high = (np.array(tuple(corner), dtype=np.float64) for corner in bbox)
        super().__init__(_box_edges(low, high), RED if color is None else color, pose)


def _box_edges(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the edges (12, 2, 3): pairs of corners that differ in one coordinate."""
    corners = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    edges = [(a, b) for a in corners for b in corners if (b - a).sum() == 1 and (b >= a).all()]
    return low + np.array(edges) * (high - low)


class WireframeSphereGeometry(LineGeometry):
    """Circles of latitude and of longitude on a sphere around the origin with a radius in m.

    ``color`` is that of the meridians, ``color2`` that of the parallels, by default the same.
    """

    def __init__(
        self,
        radius: float = 1.0,
        num_lats: int = 8,
        num_lons: int = 8,
        pose: Transform | None = None,
        color: Color = None,
        color2: Color = None,
    ) -> None:
        if num_lats < 2 or num_lons < 3:
            raise ValueError("a sphere of wires needs at least 2 latitudes and 3 longitudes")
        latitude = np.pi * np.arange(num_lats + 1) / num_lats
        longitude = 2 * np.pi * np.arange(num_lons + 1) / num_lons
        points = radius * np.stack(
            [
                np.outer(np.sin(latitude), np.cos(longitude)),
                np.outer(np.sin(latitude), np.sin(longitude)),
                np.outer(np.cos(latitude), np.ones(num_lons + 1)),
            ],
            axis=-1,
        )
        meridians = np.stack([points[:-1, :-1], points[1:, :-1]], axis=-2).reshape(-1, 2, 3)
        parallels = np.stack([points[1:-1, :-1], points[1:-1, 1:]], axis=-2).reshape(-1, 2, 3)
        first = RED if color is None else tuple(color)
        second = first if color2 is None else tuple(color2)
        colors = np.concatenate((np.tile(first, (len(meridians), 1)), np.tile(second, (len(parallels), 1))))
        super().__init__(np.concatenate((meridians, parallels)), colors, pose)


def draw_lines(geom: LineGeometry, gym: Gym, viewer: Any, env: Any, pose: Transform | None) -> None:
    """Draw a geometry at a pose in the frame of an environment (of the world, where ``env`` is None)."""
    gym.add_lines(viewer, env, geom.num_lines(), geom.instance_verts(pose), geom.colors())


def draw_line(p1: Vec3, p2: Vec3, color: Vec3, gym: Gym, viewer: Any, env: Any) -> None:
    """Draw a segment between two points in the frame of an environment (of the world, where ``env`` is None)."""
    ends = np.array([tuple(p1), tuple(p2)], dtype=np.float32)
    gym.add_lines(viewer, env, 1, ends, np.array([tuple(color)], dtype=np.float32))
