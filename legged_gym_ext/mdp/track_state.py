"""``TrackState``: the tracks of all worlds, how hard they are, and where on them the robots are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legged_gym_ext.kernels.available import compiled_kernels
from legged_gym_ext.sim.interface import Simulator
from legged_gym_ext.terrain import queries
from legged_gym_ext.terrain.blocks import BLOCKS, NUM_OBSTACLE_IDS
from legged_gym_ext.terrain.tracks import TrackCfg, Tracks, build_tracks, draw_kinds, num_random, slots_per_block
from st_rl.utils.attributes import copies, field_values, restore_copies
from st_rl.utils.rotations import quat_rotate, turn_planar

if TYPE_CHECKING:
    from legged_gym_ext.mdp.track_kernels import CompiledTracks

_LEAVE = 0.3
"""An obstacle is at hand until the base is this far beyond it, m."""
_PROGRESS = 0.1
"""A robot that gets on goes this far, m."""
_REACH_BEHIND = 0.5
"""How far behind the base a body or a point of the height scan may be, m."""
_FLOORS = 3
"""Floors among the near boxes, which come first."""
_POINTS_PER_BODY = 10
"""Sample points of a body that are tested against obstacles, about this many at most."""


class TrackState:
    """Tracks of N worlds with M blocks and K boxes, of T types; see ``Tracks``. Owned and updated by ``EnvState``."""

    def __init__(self, cfg: TrackCfg, sim: Simulator, generator: torch.Generator) -> None:
        self.cfg, self.num_envs, self.device, self.generator = cfg, sim.num_envs, sim.device, generator
        self._sim = sim
        self.skip_empty = self.device.type == "cpu"
        """Whether to use compiled kernels, and to look at masks and leave out what no world needs; on the CPU alone."""
        n, device = self.num_envs, self.device
        self.levels = torch.zeros(n, len(cfg.blocks), dtype=torch.long, device=device)
        """(N, T) level of difficulty of each type of block."""
        self.solid_probability = torch.zeros(n, device=device)
        """(N,) probability that the obstacles of the next episode are solid."""
        self.max_x = torch.zeros(n, device=device)
        """(N,) m, how far along the track the base has been in this episode."""
        self.mark = torch.zeros(n, device=device)
        """(N,) m, where along the track the base last was ahead of the mark before by ``_PROGRESS``."""
        self.idle_steps = torch.zeros(n, device=device)
        """(N,) control steps since then."""
        self.worst_penetration = torch.zeros(n, device=device)
        """(N,) m, how deep a body has been in a soft obstacle in this episode."""
        self._slots = slots_per_block(cfg)
        slots = range(self._slots)
        leaning = [slot < BLOCKS["slope"].num_boxes and "slope" in cfg.blocks for slot in slots]
        self._turned = [False] * _FLOORS + leaning * 2 + [False] * 2 * cfg.side_walls
        """Which of the near boxes can be turned."""
        yielding = max(block.num_boxes * block.soft for block in cfg.types())
        softened = [_FLOORS + block * self._slots + slot for block in range(2) for slot in slots[:yielding]]
        self._softened = torch.tensor(softened, dtype=torch.long, device=device)
        """Which of the near boxes can be soft; what can be soft stands upright."""
        self.has_obstacles = yielding > 0 and cfg.soft_obstacles
        """Whether there are boxes that can be soft."""
        self._make_points(sim)
        self.tracks = self._fresh(torch.zeros(n, cfg.num_blocks, device=device), self._noise(n))
        self._kernels = self._compile(yielding)

    def _make_points(self, sim: Simulator) -> None:
        """Sample points of every body in its own frame, (P, 3), and the body that each is on, (P,)."""
        points, bodies = [], []
        for body, samples in enumerate(sim.robot.body_points):
            chosen = samples[:: max(1, round(len(samples) / _POINTS_PER_BODY))]
            points += chosen
            bodies += [body] * len(chosen)
        self._points = torch.tensor(points, device=self.device)
        self._point_bodies = torch.tensor(bodies, device=self.device)

    def _compile(self, yielding: int) -> CompiledTracks | None:
        """Compiled kernels, on a CPU and where there is a compiler; ``yielding`` slots of a block can be soft."""
        if self.device.type != "cpu" or not compiled_kernels():
            return None
        from legged_gym_ext.mdp.track_kernels import CompiledTracks

        where = (self.tracks, self._sim, self._points, self._point_bodies)
        return CompiledTracks(*where, slots=self._slots, yielding=yielding)

    @property
    def _compiled(self) -> CompiledTracks | None:
        return self._kernels if self.skip_empty else None

    # ---------------------------------------------------------------- making tracks

    def _noise(self, count: int) -> Tensor:
        return torch.rand(count, num_random(self.cfg), generator=self.generator, device=self.device)

    def _fresh(self, difficulty: Tensor, noise: Tensor) -> Tracks:
        kinds = draw_kinds(self.cfg, self.num_envs, self.generator, self.device)
        return build_tracks(self.cfg, kinds, difficulty, noise)

    def rebuild(self, mask: Tensor, *, num_levels: int, uniform: bool) -> None:
        """New tracks for the worlds in ``mask (N,)``, their boxes placed in the simulator.

        Args:
            num_levels: a block of level l has a difficulty drawn from [l, l + 1] / num_levels.
            uniform: draw difficulties from [0, 1] whatever the levels.
        """
        # On a GPU, where the host must not look at the mask, all worlds draw and what is not masked is not written.
        rows = mask.nonzero().squeeze(1) if self.skip_empty else None
        of_rows = slice(None) if rows is None else rows
        levels, solid_probability = self.levels[of_rows], self.solid_probability[of_rows]
        device, generator, count = self.device, self.generator, len(levels)
        kinds = draw_kinds(self.cfg, count, generator, device)
        within = torch.rand(kinds.shape, generator=generator, device=device)
        noise = self._noise(count)
        solid = torch.rand(count, generator=generator, device=device) < solid_probability
        if not self.cfg.soft_obstacles:
            solid = torch.ones_like(solid)
        difficulty = within if uniform else (levels.gather(1, kinds) + within) / num_levels
        self.tracks.write(mask if rows is None else rows, build_tracks(self.cfg, kinds, difficulty, noise))
        if rows is not None:
            solid = torch.zeros_like(mask).index_copy_(0, rows, solid)
        self._sim.set_boxes(mask, self.tracks.boxes, solid[:, None] | ~self.tracks.obstacle)
        self.max_x = torch.where(mask, 0.0, self.max_x)
        self.mark = torch.where(mask, -_REACH_BEHIND, self.mark)
        self.idle_steps = torch.where(mask, 0.0, self.idle_steps)
        self.worst_penetration = torch.where(mask, 0.0, self.worst_penetration)

    # ---------------------------------------------------------------- where the robots are

    def update(self, base_pos: Tensor) -> None:
        """Take in where the bases are, ``base_pos (N, 3)`` m."""
        x = base_pos[:, 0]
        self._base_pos, self._x = base_pos, x
        if self._compiled is None:
            self.index, self.engaged = queries.engaged_block(self.tracks, x, _LEAVE)
            """(N,) the obstacle at hand and (N,) bool whether there is one."""
        else:
            self._compiled.locate(_LEAVE, _REACH_BEHIND)
            self.index, self.engaged = self._compiled.index, self._compiled.engaged
        self._near: tuple[Tensor, Tensor, Tensor] | None = None
        self._penetration: Tensor | None = None
        self._body_points: Tensor | None = None

    def advance(self) -> None:
        """Remember how far the robots came, when, and how deep they were in obstacles; once per control step."""
        self.max_x = torch.maximum(self.max_x, self._x)
        ahead = self._x > self.mark + _PROGRESS
        self.mark = torch.where(ahead, self._x, self.mark)
        self.idle_steps = torch.where(ahead, 0.0, self.idle_steps + 1.0)
        if self.has_obstacles and not self._all_solid():
            self.worst_penetration = torch.maximum(self.worst_penetration, self.penetration().amax(dim=1))

    @property
    def passed(self) -> Tensor:
        """(N,) long, obstacles passed in this episode."""
        return queries.num_passed(self.tracks, self.max_x)

    def near_boxes(self) -> tuple[Tensor, Tensor, Tensor]:
        """The boxes around the robots: two obstacles, the floors before, between and behind them, and side walls.

        As long as obstacles begin 2.2 m after the last but one ended, nothing else is within ``_REACH_BEHIND`` behind
        and 1.7 m before a base.

        Returns:
            boxes (N, k, 10), whether one passes under them and whether they are soft obstacles, (N, k) bool.
        """
        if self._near is None:
            blocks, slots = self.cfg.num_blocks, self._slots
            first, _ = queries.engaged_block(self.tracks, self._x, leave=_REACH_BEHIND)
            around = torch.stack((first, first + 1), dim=1).clamp_max(blocks - 1)
            floors = (first[:, None] + torch.arange(_FLOORS, device=self.device)).clamp_max(blocks)
            offset = torch.arange(slots, device=self.device)
            obstacles = (blocks + 1 + around[..., None] * slots + offset).flatten(1)
            last = torch.arange(self.tracks.boxes.shape[1], device=self.device)[blocks + 1 + blocks * slots :]
            columns = torch.cat((floors, obstacles, last.expand(self.num_envs, -1)), dim=1)
            boxes = self.tracks.boxes.gather(1, columns[..., None].expand(-1, -1, 10))
            self._near = boxes, self.tracks.overhang.gather(1, columns), self._soft().gather(1, columns)
        return self._near

    def _soft(self) -> Tensor:
        """(N, K) bool: obstacles that do not collide."""
        return self.tracks.obstacle & ~self._sim.solid

    def floor_level(self) -> Tensor:
        """(N,) m: the lower of the floors before and behind the place of the base."""
        if self._compiled is not None:
            return self._compiled.floor
        return queries.floor_level(self.tracks, self._x)

    def engaging(self, reach: float) -> Tensor:
        """(N, 8): distance to the obstacle at hand, its kind and its sizes; see ``track_terms.engaging_block``."""
        if self._compiled is not None:
            return self._compiled.engaging(reach)
        tracks, at = self.tracks, self.index[:, None]
        ahead = tracks.start.gather(1, at).squeeze(1) - self._x
        engaged = self.engaged & (ahead < reach)
        obstacle_id = tracks.obstacle_id.gather(1, at).squeeze(1) * engaged
        one_hot = (obstacle_id[:, None] == torch.arange(NUM_OBSTACLE_IDS, device=self.device)).float()
        info = tracks.info.gather(1, at[..., None].expand(-1, -1, 2)).squeeze(1) * engaged[:, None]
        distance = torch.where(engaged, ahead.clamp(-1.5, reach), reach)
        return torch.cat((distance[:, None], one_hot, info.clamp(-1.0, 1.0)), dim=1)

    def height_scan(self, yaw: Tensor, grid: Tensor, offset: float) -> Tensor:
        """(N, P) m: height of the base above the track around it, minus ``offset``, clipped to [-1, 1].

        Args:
            yaw: (N,) rad, the robots' headings.
            grid: (2, P) m, the points in the heading frames, not more than ``_REACH_BEHIND`` behind the base.
            offset: m.
        """
        if self._compiled is not None:
            return self._compiled.height_scan(yaw, grid, offset)
        points = turn_planar(grid[0:1], grid[1:2], yaw) + self._base_pos[:, None, 0:2]
        return (self._base_pos[:, 2:3] - offset - self.height_at(points)).clamp(-1.0, 1.0)

    def height_at(self, xy: Tensor) -> Tensor:
        """Height (N, P) m of the track under ``xy (N, P, 2)`` near the robot; overhanging bars do not count."""
        boxes, overhang, _ = self.near_boxes()
        return queries.height_at(boxes, xy, overhang, turned=self._turned)

    def body_points(self) -> Tensor:
        """Where the sample points of the bodies are, (N, P, 3) m."""
        if self._body_points is None and self._compiled is not None:
            self._body_points = self._compiled.body_points()
        if self._body_points is None:
            states = self._sim.body_states[:, self._point_bodies]
            turned = quat_rotate(states[..., 3:7], self._points.expand(self.num_envs, -1, -1))
            self._body_points = states[..., 0:3] + turned
        return self._body_points

    def penetration(self) -> Tensor:
        """(N, P) m: how deep the sample points of the bodies are in soft obstacles; (N, 1) where none is soft."""
        if self._penetration is None:
            self._penetration = self._find_penetration()
        return self._penetration

    def _find_penetration(self) -> Tensor:
        if self._all_solid():
            return torch.zeros(self.num_envs, 1, device=self.device)
        if self._compiled is not None:
            return self._compiled.penetration()
        boxes, _, soft = (tensor.index_select(1, self._softened) for tensor in self.near_boxes())
        return queries.penetration(boxes, self.body_points(), which=soft, turned=False)

    def _all_solid(self) -> bool:
        """Whether no obstacle is soft, as far as the host knows without waiting for the device."""
        return self.skip_empty and not bool(self._soft().any())

    # ---------------------------------------------------------------- persistence

    def state_dict(self) -> dict[str, Tensor]:
        """The tensors that carry over from step to step."""
        own = copies(self, _CARRIED)
        return own | {f"tracks.{name}": value.clone() for name, value in field_values(self.tracks).items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore ``state_dict``; shapes must match."""
        since = {"mark": torch.zeros_like(self.mark), "idle_steps": torch.zeros_like(self.idle_steps)}
        state = since | {_RENAMED.get(name, name): value for name, value in state.items()}
        restore_copies(self, _CARRIED, state)
        for name, value in field_values(self.tracks).items():
            value.copy_(state[f"tracks.{name}"])


_CARRIED = ("levels", "solid_probability", "max_x", "mark", "idle_steps", "worst_penetration")
_RENAMED = {"hardness": "solid_probability", "tracks.level": "tracks.floor_height"}
"""What older checkpoints call by another name."""
