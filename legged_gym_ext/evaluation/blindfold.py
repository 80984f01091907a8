"""Does a policy use what it sees? The same episodes with images that tell it nothing, or with no memory of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation.tracks import TrackOptions, run_protocol, track_report
from legged_gym_ext.evaluation.walk import MakePolicy, Policy
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.utils.errors import UnknownNameError, UserError

IMAGE = "forward_depth"
"""Segment that is tampered with."""
FAR = 0.5
"""What a pixel reads that sees nothing."""
OBSTACLES = ("jump", "leap", "crawl", "tilt")
"""Obstacles that cannot be passed blindly; the ones of the protocol unless told otherwise."""

_Tamper = Callable[[Tensor, Tensor], Tensor]
"""From the images (N, P) and the first ones of their episodes (N, P) to what is shown (N, P)."""

CONDITIONS: dict[str, _Tamper] = {
    "seen": lambda images, first: images,
    "far": lambda images, first: torch.full_like(images, FAR),
    "frozen": lambda images, first: first,
    "shuffled": lambda images, first: images.roll(len(images) // 2, dims=0),
    "no_memory": lambda images, first: images,
}
"""As it is; all far; the first image of the episode throughout; those of another world; and as it is, with the policy's
memory cleared at every new image."""


class Blindfolded:
    """A policy whose images are tampered with, in an environment of N worlds."""

    def __init__(self, policy: Policy, env: LeggedEnv, condition: str) -> None:
        """Raise ``UserError`` where there are no images, ``UnknownNameError`` for an unknown condition."""
        if condition not in CONDITIONS:
            raise UnknownNameError("condition of a blindfold test", condition, list(CONDITIONS))
        if IMAGE not in env.obs_segments:
            raise UserError(f"the protocol 'blindfold' needs a task whose policy observes '{IMAGE}'; this one does not")
        if condition == "shuffled" and env.num_envs < 2:
            raise UserError("images of another world need two worlds; evaluate at least two episodes")
        self._policy, self._tamper, self._forgets = policy, CONDITIONS[condition], condition == "no_memory"
        self._columns = env.obs_segments.slice_of(IMAGE)
        self._fresh = torch.ones(env.num_envs, dtype=torch.bool, device=env.device)
        self._first = torch.zeros(env.num_envs, env.obs_segments.size_of(IMAGE), device=env.device)
        self._last = self._first

    def __call__(self, observations: Tensor) -> Tensor:
        """Return the actions (N, A) for ``observations (N, num_obs)``, of which only the images are changed."""
        images = observations[:, self._columns]
        self._first = torch.where(self._fresh[:, None], images, self._first)
        if self._forgets:
            self._policy.reset(self._fresh | (images != self._last).any(dim=1))
        self._last, self._fresh = images, torch.zeros_like(self._fresh)
        shown = observations.clone()
        shown[:, self._columns] = self._tamper(images, self._first)
        return self._policy(shown)

    def reset(self, dones: Tensor | None = None) -> None:
        """Forget the worlds in ``dones (N,)``, or all."""
        self._policy.reset(dones)
        self._fresh = torch.ones_like(self._fresh) if dones is None else self._fresh | dones.bool()


def blindfold_report(
    task: TaskCfg,
    make_policy: MakePolicy,
    *,
    episodes: int,
    seed: int,
    options: TrackOptions | None = None,
    where: Where = Where(),
) -> dict[str, Any]:
    """The figures of the protocol: for each of ``CONDITIONS`` the success over ``episodes`` and by obstacle.

    Every episode has one obstacle, of ``options.blocks`` (by default ``OBSTACLES``) at ``options.difficulty``; tracks
    and robots are the same under every condition. ``success_rate`` is that of ``seen``.
    """
    given = options or TrackOptions()
    options = replace(given, blocks=given.blocks or OBSTACLES, num_blocks=1)
    result: dict[str, Any] = {"protocol": "blindfold", "episodes": episodes, "difficulty": options.difficulty}
    for condition in CONDITIONS:
        track, done = run_protocol(
            task,
            lambda env, condition=condition: Blindfolded(make_policy(env), env, condition),
            "course",
            episodes=episodes,
            seed=seed,
            options=options,
            where=where,
        )
        figures = track_report("course", track, done)
        result[condition] = {name: figures[name] for name in ("success_rate", "success_ci", "per_block")}
    return result | {"success_rate": result["seen"]["success_rate"], "success_ci": result["seen"]["success_ci"]}


def blindfold_rows(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Rows of a table: a condition, its success, and that at each obstacle; the first row is the head."""
    obstacles = list(report["seen"]["per_block"])
    rows: list[tuple[str, ...]] = [("images", "success", *obstacles)]
    for condition in CONDITIONS:
        figures = report[condition]
        shares = [figures["per_block"][name]["success_rate"] for name in obstacles]
        rows.append((condition.replace("_", " "), *(f"{value:.0%}" for value in (figures["success_rate"], *shares))))
    return rows
