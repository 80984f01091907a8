"""Statistics of a rollout, gathered on the device and read once per iteration."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import torch


class MeanAccumulator:
    """Weighted means of named 0-d tensors over many steps, one small tensor operation per step and set of names."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._sums: dict[tuple[str, ...], torch.Tensor] = {}
        self._weights: dict[tuple[str, ...], torch.Tensor] = {}

    def add(self, values: Mapping[str, Any], weight: torch.Tensor) -> None:
        """Add values with a weight (0-d, float); with weight zero their values do not matter, NaN included."""
        if not values:
            return
        names = tuple(values)
        row = torch.stack([torch.as_tensor(v, dtype=torch.float32, device=self.device) for v in values.values()])
        row = torch.where(weight > 0, row * weight, torch.zeros_like(row))
        if names in self._sums:
            self._sums[names] += row
            self._weights[names] += weight
        else:
            self._sums[names], self._weights[names] = row, weight.clone()

    def read(self) -> dict[str, float]:
        """The means, without those whose weights add up to nothing; forgets everything."""
        means: dict[str, float] = {}
        for names, sums in self._sums.items():
            weight = self._weights[names]
            row = torch.cat((sums / weight, weight.view(1))).tolist()
            if row[-1] > 0:
                means.update(zip(names, row[:-1], strict=True))
        self._sums, self._weights = {}, {}
        return means


class RolloutMetrics:
    """Returns and lengths of episodes, and whatever the environment reports in ``infos`` (see ``VecEnv``)."""

    window = 100
    """Mean return and length are over at least this many of the latest episodes, where there were as many."""

    def __init__(self, num_envs: int, device: torch.device | str) -> None:
        self.device = torch.device(device)
        self.returns = torch.zeros(num_envs, device=self.device)
        """(N,) rewards of the running episodes so far."""
        self.lengths = torch.zeros(num_envs, device=self.device)
        self._sums = torch.zeros(4, device=self.device)  # return, length and number of episodes; reward of all steps
        self._steps = 0
        self._recent: deque[tuple[float, float, float]] = deque()
        self._episode = MeanAccumulator(self.device)
        self._log = MeanAccumulator(self.device)
        self._one = torch.ones((), device=self.device)

    @torch.inference_mode()
    def add(self, rewards: torch.Tensor, dones: torch.Tensor, infos: Mapping[str, Any]) -> None:
        """Take in one step: rewards (N,), dones (N,) bool, infos of the environment."""
        self.returns = self.returns + rewards
        self.lengths = self.lengths + 1
        ended = dones.to(self.returns.dtype)
        count = ended.sum()
        self._sums += torch.stack((self.returns @ ended, self.lengths @ ended, count, rewards.sum()))
        self.returns = self.returns * (1.0 - ended)
        self.lengths = self.lengths * (1.0 - ended)
        self._episode.add(infos.get("episode", {}), count)
        self._log.add(infos.get("log", {}), self._one)
        self._steps += 1

    def read(self) -> dict[str, float]:
        """Metrics since the last call, by their names in the logs.

        ``mean_reward`` (return of an episode) and ``mean_episode_length`` (steps) are left out until
        an episode has ended.
        """
        episode_return, length, count, reward = self._sums.tolist()
        self._recent.append((episode_return, length, count))
        # Forget iterations from the left as long as enough episodes remain.
        while len(self._recent) > 1 and sum(r[2] for r in self._recent) - self._recent[0][2] >= self.window:
            self._recent.popleft()
        metrics = {"mean_step_reward": reward / max(1, self._steps * len(self.returns))}
        episodes = sum(r[2] for r in self._recent)
        if episodes:
            metrics["mean_reward"] = sum(r[0] for r in self._recent) / episodes
            metrics["mean_episode_length"] = sum(r[1] for r in self._recent) / episodes
        self._sums = torch.zeros_like(self._sums)
        self._steps = 0
        for prefix, means in (("Episode", self._episode.read()), ("Log", self._log.read())):
            metrics |= {f"{prefix}/{name}": value for name, value in with_derived(means).items()}
        return metrics

    def state_dict(self) -> dict[str, Any]:
        """State between two iterations (after ``read``)."""
        recent = [list(entry) for entry in self._recent]
        return {"returns": self.returns.clone(), "lengths": self.lengths.clone(), "recent": recent}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned."""
        self.returns = state["returns"].to(self.device)
        self.lengths = state["lengths"].to(self.device)
        self._recent = deque((a, b, c) for a, b, c in state["recent"])


def with_derived(means: dict[str, float]) -> dict[str, float]:
    """Adds what follows from other means: the root ``x_rmsd`` of every mean squared error ``x_mse``, and the
    ``cost_of_transport`` (energy per weight and distance, no unit) from ``power_over_weight`` and ``planar_speed``.
    """
    more = {f"{name[:-4]}_rmsd": max(0.0, value) ** 0.5 for name, value in means.items() if name.endswith("_mse")}
    if means.get("planar_speed", 0.0) > 0.0 and "power_over_weight" in means:
        more["cost_of_transport"] = means["power_over_weight"] / means["planar_speed"]
    return means | more
