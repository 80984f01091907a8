"""``CompiledTracks``: what every step asks of the tracks, by the compiled kernels, on the CPU."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym_ext.kernels import tracks as kernels
from legged_gym_ext.sim.interface import Simulator
from legged_gym_ext.terrain.tracks import Tracks
from st_rl.utils.pool import shared_pool


class CompiledTracks:
    """Questions to ``tracks`` of N worlds, which is read where it lies, about the robots of ``sim``, as they are now.

    The functions of ``legged_gym_ext.terrain.queries`` answer the same.
    """

    def __init__(
        self, tracks: Tracks, sim: Simulator, points: Tensor, point_bodies: Tensor, *, slots: int, yielding: int
    ) -> None:
        """See ``TrackState`` for the sample points of the bodies.

        Args:
            points: (P, 3) m.
            point_bodies: (P,) long.
            slots: boxes of the obstacle of every block.
            yielding: how many of these can be soft, the first ones.
        """
        self._tracks, self._sim, self._points, self._point_bodies = tracks, sim, points, point_bodies
        self._sizes = (tracks.end.shape[1], slots)
        self._yielding = yielding
        self._pool = shared_pool(sim.cfg.num_threads)
        n = sim.num_envs
        self.index = torch.zeros(n, dtype=torch.long)
        """(N,) the obstacle at hand, as ``locate`` found it."""
        self.engaged = torch.zeros(n, dtype=torch.bool)
        """(N,) whether there is one."""
        self.floor = torch.zeros(n)
        """(N,) m, the lower of the floors before and behind the place of the base."""
        self._near = torch.zeros(n, dtype=torch.long)

    def locate(self, leave: float, reach_behind: float) -> None:
        """Find ``index``, ``engaged`` and ``floor`` of the bases, and what is near.

        Args:
            leave: an obstacle is at hand until the base is so far beyond it, m.
            reach_behind: it is near until the base is so far beyond it, m.
        """
        tracks = self._tracks
        of_tracks = (tracks.start.numpy(), tracks.end.numpy(), tracks.floor_height.numpy())
        found = (self.index.numpy(), self.engaged.numpy(), self._near.numpy(), self.floor.numpy())
        kernels.locate(0, len(self.index), self._root(), *of_tracks, leave, reach_behind, *found)

    def engaging(self, reach: float) -> Tensor:
        """The segment ``engaging_block``, (N, 8)."""
        tracks, out = self._tracks, torch.empty(len(self.index), 8)
        of_tracks = (tracks.start.numpy(), tracks.obstacle_id.numpy(), tracks.info.numpy())
        at_hand = (self.index.numpy(), self.engaged.numpy())
        kernels.engaging(0, len(out), self._root(), *of_tracks, *at_hand, reach, out.numpy())
        return out

    def height_scan(self, yaw: Tensor, grid: Tensor, offset: float) -> Tensor:
        """How far the bases are above the ground around them, less ``offset`` m, in [-1, 1] m, (N, P).

        Args:
            yaw: (N,) rad.
            grid: (2, P) m, the points in the robots' heading frames.
        """
        tracks, out = self._tracks, torch.empty(len(yaw), grid.shape[1])
        points = (yaw.cos().numpy(), yaw.sin().numpy(), grid.numpy(), offset)
        boxes = (tracks.boxes.numpy(), tracks.overhang.numpy(), self._near.numpy(), *self._sizes)
        self._pool.run(kernels.height_scan, len(out), self._root(), *points, *boxes, out.numpy())
        return out

    def body_points(self) -> Tensor:
        """Where the sample points of the bodies are, (N, P, 3) m."""
        out = torch.empty(len(self.index), len(self._points), 3)
        self._pool.run(kernels.body_points, len(out), *self._bodies(), out.numpy())
        return out

    def penetration(self) -> Tensor:
        """How deep the sample points of the bodies are in soft obstacles, (N, P) m."""
        tracks, out = self._tracks, torch.empty(len(self.index), len(self._points))
        boxes = (tracks.boxes.numpy(), tracks.obstacle.numpy(), self._sim.solid.numpy(), self._near.numpy())
        sizes = (*self._sizes, self._yielding)
        self._pool.run(kernels.penetration, len(out), *self._bodies(), *boxes, *sizes, out.numpy())
        return out

    def _root(self) -> kernels.Array:
        return self._sim.root_states.numpy()

    def _bodies(self) -> tuple[kernels.Array, ...]:
        return self._sim.body_states.numpy(), self._points.numpy(), self._point_bodies.numpy()
