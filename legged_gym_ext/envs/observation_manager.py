"""From the terms of a configuration to one flat observation. N worlds, no loop over worlds anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from legged_gym_ext.envs.cfg import NormalizationCfg, ObservationCfg, ProprioceptionCfg
from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.mdp.proprioception import (
    NoiseCfg,
    check_parts,
    measured_columns,
    part_noise,
    part_scales,
    proprioception,
)
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout


@dataclass(frozen=True)
class Segment:
    """How one segment of ``size`` columns is made."""

    key: str
    """Equal for segments with equal values before scale, noise and latency."""
    value: Callable[[EnvState], Tensor]
    """(N, *shape), SI units."""
    scale: Tensor
    """(size,)"""
    noise: Tensor
    """(size,) half widths, SI units."""
    late: Tensor
    """(size,) bool."""


def segment_of(cfg: ObservationCfg, env: EnvState, normalization: NormalizationCfg, noise: NoiseCfg) -> Segment:
    """What ``cfg`` describes; ``UnknownNameError`` for an unknown part."""
    if isinstance(cfg, ProprioceptionCfg):
        check_parts(cfg.parts)
        return Segment(
            key=f"proprioception {cfg.parts}",
            value=partial(proprioception, parts=cfg.parts),
            scale=part_scales(cfg.parts, normalization.obs_scales),
            noise=part_noise(cfg.parts, noise),
            late=measured_columns(cfg.parts),
        )
    size = cfg.func(env, **cfg.params)[0].numel()
    return Segment(
        key=f"{id(cfg.func)} {cfg.params}",
        value=partial(_value, cfg.func, cfg.params),
        scale=torch.full((size,), float(cfg.scale)),
        noise=torch.full((size,), float(cfg.noise)),
        late=torch.full((size,), cfg.late),
    )


def _value(func: Callable[..., Tensor], params: Mapping[str, Any], env: EnvState) -> Tensor:
    return func(env, **params)


class ObservationManager:
    """One flat observation (N, size) from named segments, in the order of the configuration."""

    def __init__(
        self,
        env: EnvState,
        terms: Mapping[str, ObservationCfg],
        normalization: NormalizationCfg,
        noise: NoiseCfg | None,
    ) -> None:
        """``noise`` is ``None`` for observations without noise (the critic's)."""
        if not terms:
            raise UserError("a task needs at least one observation segment; add one to its configuration")
        self._env = env
        segments = [segment_of(term, env, normalization, noise or NoiseCfg()) for term in terms.values()]
        shapes = [segment.value(env).shape[1:] for segment in segments]
        frame = ObsLayout((name, tuple(shape)) for name, shape in zip(terms, shapes, strict=True))
        depths = {name: term.history for name, term in terms.items()}
        self.layout = ObsLayout((name, (depths[name] * shape[0], *shape[1:])) for name, shape in frame.items())
        self._columns = [(name, frame.slice_of(name)) for name in frame]
        self.history = {
            name: torch.zeros(env.num_envs, depth, frame.size_of(name), device=env.device)
            for name, depth in depths.items()
            if depth > 1
        }
        """Segments that hold several steps -> (N, steps, size) as they were observed, the newest first."""
        self._sources = [(segment.key, segment.value) for segment in segments]
        self._clip = normalization.clip_observations
        self._scale = torch.cat([segment.scale for segment in segments]).to(env.device)
        widths = [segment.noise for segment in segments]
        # What comes after the last noisy segment, such as an image, draws no random numbers.
        while widths and (noise is None or not bool(widths[-1].any())):
            widths.pop()
        columns = sum(len(width) for width in widths)
        self._noise_width = torch.cat(widths).to(env.device) * self._scale[:columns] if columns else None
        late = torch.cat([segment.late for segment in segments])
        self.late_columns = late.nonzero().squeeze(1).to(env.device)
        """Columns that latency delays, int64."""

    def compute(self, known: dict[str, Tensor] | None = None, late: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """The observation (N, size): noise on the SI values, then scaled, clipped, and stacked on the last ones.

        Args:
            known: what other managers computed in this step, by segment key; it is used and added to.
            late: makes of the values of now in ``late_columns`` what has arrived by now; ``None`` is without latency.
        """
        env, known = self._env, {} if known is None else known
        for key, value in self._sources:
            if key not in known:
                known[key] = value(env).reshape(env.num_envs, -1)
        parts = [known[key] for key, _ in self._sources]
        if late is not None:
            now = torch.cat(parts, dim=1)
            parts = [now.index_copy(1, self.late_columns, late(now.index_select(1, self.late_columns)))]
        obs = parts[0] * self._scale if len(parts) == 1 else torch.cat(parts, dim=1).mul_(self._scale)
        if self._noise_width is not None:
            columns = len(self._noise_width)
            obs[:, :columns].addcmul_(env.rand(columns, low=-1.0, high=1.0), self._noise_width)
        obs = obs.clamp_(-self._clip, self._clip)
        if not self.history:
            return obs
        # A world that was reset has seen nothing else than it sees now.
        fresh = (env.steps_lived == 0)[:, None, None]
        self.history = {
            name: torch.where(fresh, new, torch.cat((new, self.history[name][:, :-1]), dim=1))
            for name, new in self._frames(obs).items()
        }
        return self._stacked(obs, self.history)

    def final(self) -> Tensor:
        """What ``compute`` would return now without noise and latency, (N, size); nothing is remembered of it."""
        env = self._env
        values = [value(env).reshape(env.num_envs, -1) for _, value in self._sources]
        obs = torch.cat(values, dim=1).mul_(self._scale).clamp_(-self._clip, self._clip)
        frames = self._frames(obs)
        return self._stacked(obs, {n: torch.cat((new, self.history[n][:, :-1]), dim=1) for n, new in frames.items()})

    def _frames(self, obs: Tensor) -> dict[str, Tensor]:
        """The segments of ``obs (N, columns)`` that hold several steps, (N, 1, size) each."""
        return {name: obs[:, None, columns] for name, columns in self._columns if name in self.history}

    def _stacked(self, obs: Tensor, history: Mapping[str, Tensor]) -> Tensor:
        """``obs (N, columns)`` with several steps, ``history``, in place of one where a segment holds them."""
        parts = [history[name].flatten(1) if name in history else obs[:, columns] for name, columns in self._columns]
        return torch.cat(parts, dim=1)

    def load_history(self, history: Mapping[str, Tensor]) -> None:
        """Restore what ``history`` was; ``UserError`` where other segments hold several steps, or other numbers."""
        if {name: value.shape for name, value in history.items()} != {n: v.shape for n, v in self.history.items()}:
            raise UserError("the saved environment has other stacked observations than this one; start a new run")
        self.history = {name: value.clone() for name, value in history.items()}
