"""Managers: they hold the terms of one kind and turn them into tensors. N worlds, no loop over worlds anywhere."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym_ext.envs.cfg import (
    CurriculumTermCfg,
    EventTermCfg,
    MetricTermCfg,
    RewardTermCfg,
    TerminationTermCfg,
)
from legged_gym_ext.mdp.env_state import EnvState
from st_rl.utils.errors import UserError


class RewardManager:
    """The weighted sum of the reward terms, and how much each contributed."""

    def __init__(self, env: EnvState, terms: dict[str, RewardTermCfg], only_positive: bool) -> None:
        self._env = env
        self._terms = {name: term for name, term in terms.items() if term.weight != 0.0}
        if not self._terms:
            raise UserError("a task needs at least one reward with a weight other than zero; set one in 'rewards'")
        self.names = tuple(self._terms)
        self._weights = torch.tensor([term.weight for term in self._terms.values()], device=env.device)
        self._only_positive = only_positive
        self.rates = torch.zeros(env.num_envs, len(self.names), device=env.device)
        """(N, terms) weighted reward of the last step, per second."""

    def compute(self) -> Tensor:
        """The reward (N,) of this control step."""
        env = self._env
        values = torch.stack([term.func(env, **term.params) for term in self._terms.values()], dim=1)
        self.rates = values.mul_(self._weights)
        total = self.rates.sum(dim=1) * env.control_dt
        return total.clamp_min(0.0) if self._only_positive else total

    def log(self) -> dict[str, Tensor]:
        """Mean over worlds of each weighted term, per second."""
        means = self.rates.mean(dim=0)
        return {f"reward/{name}": value for name, value in zip(self.names, means.unbind(), strict=True)}


class TerminationManager:
    """Which episodes end, and which of them without blame."""

    def __init__(self, env: EnvState, terms: dict[str, TerminationTermCfg]) -> None:
        self._env, self._terms = env, terms
        if not any(term.time_out for term in terms.values()):
            raise UserError("a task needs a termination with time_out=True; add mdp.terminations.time_out")

    def compute(self) -> tuple[Tensor, Tensor]:
        """``failed (N,)`` and ``time_outs (N,)`` bool; a world is in at most one of them."""
        env = self._env
        failed = torch.zeros(env.num_envs, dtype=torch.bool, device=env.device)
        time_outs = torch.zeros_like(failed)
        for term in self._terms.values():
            ended = term.func(env, **term.params)
            if term.time_out:
                time_outs = time_outs | ended
            else:
                failed = failed | ended
        return failed, time_outs & ~failed


class EventManager:
    """Runs the events of each mode; keeps the clocks of the ``interval`` ones."""

    def __init__(self, env: EnvState, terms: dict[str, EventTermCfg]) -> None:
        self._env = env
        self._by_mode: dict[str, list[EventTermCfg]] = {"startup": [], "reset": [], "interval": []}
        for term in terms.values():
            self._by_mode[term.mode].append(term)
        self.clocks = [self._draw(term) for term in self._by_mode["interval"]]
        """Per interval event, (N,) s until it happens."""

    def _draw(self, term: EventTermCfg) -> Tensor:
        return self._env.rand(low=term.interval_s[0], high=term.interval_s[1])

    def run(self, mode: str, mask: Tensor) -> None:
        """Run the ``startup`` or ``reset`` events on the worlds in ``mask (N,)``, in the order of configuration."""
        for term in self._by_mode[mode]:
            term.func(self._env, mask, **term.params)

    def advance(self) -> bool:
        """Run the ``interval`` events that are due; whether any may have been."""
        happened = False
        for index, term in enumerate(self._by_mode["interval"]):
            clock = self.clocks[index] - self._env.control_dt
            due = clock <= 0.0
            if self._env.skip_empty and not bool(due.any()):
                self.clocks[index] = clock
                continue
            self.clocks[index] = torch.where(due, self._draw(term), clock)
            term.func(self._env, due, **term.params)
            happened = True
        return happened


class CurriculumManager:
    """Runs the curriculum terms."""

    def __init__(self, env: EnvState, terms: dict[str, CurriculumTermCfg]) -> None:
        self._env, self._terms = env, terms

    def update(self, mask: Tensor) -> None:
        """Adapt the worlds in ``mask (N,)``, whose episode, begun at its beginning, just ended."""
        for term in self._terms.values():
            term.func(self._env, mask, **term.params)


class MetricManager:
    """Evaluates the metric terms."""

    def __init__(self, env: EnvState, terms: dict[str, MetricTermCfg]) -> None:
        self._env, self._terms = env, terms
        self.names = tuple(terms)

    def compute(self) -> Tensor:
        """(N, terms) values of this step."""
        env = self._env
        if not self._terms:
            return torch.zeros(env.num_envs, 0, device=env.device)
        return torch.stack([term.func(env, **term.params) for term in self._terms.values()], dim=1)
