"""The blindfold test: what each condition shows, and what comes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation.blindfold import CONDITIONS, Blindfolded, blindfold_report, blindfold_rows
from legged_gym_ext.evaluation.report import table
from legged_gym_ext.evaluation.shipped import shipped_tables
from legged_gym_ext.evaluation.tracks import TrackOptions
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout

LAYOUT = ObsLayout({"onboard": (2,), "forward_depth": (1, 1, 2), "image_age": (1,)})


class Worlds:
    """As much of an environment as the wrapper asks for."""

    def __init__(self, num_envs: int, layout: ObsLayout = LAYOUT) -> None:
        self.num_envs, self.obs_segments, self.device = num_envs, layout, torch.device("cpu")


class Witness:
    """A policy that says what it was shown."""

    def __init__(self) -> None:
        self.forgot: list[list[bool]] = []

    def __call__(self, observations: Tensor) -> Tensor:
        return observations

    def reset(self, dones: Tensor | None = None) -> None:
        if dones is not None:
            self.forgot.append(dones.tolist())


def observation(*pixels: float) -> Tensor:
    """Worlds whose images have one value each; the other columns are 9."""
    obs = torch.full((len(pixels), LAYOUT.size), 9.0)
    obs[:, 2:4] = torch.tensor(pixels)[:, None]
    return obs


def shown(condition: str) -> list[list[float]]:
    """The images of two worlds in three steps; the episode of the second ends after the second step."""
    worlds: Any = Worlds(2)
    policy = Blindfolded(Witness(), worlds, condition)
    policy.reset()
    result = []
    for step, pixels in enumerate(((0.1, 0.2), (0.3, 0.2), (0.3, 0.4))):
        seen = policy(observation(*pixels))
        assert bool((seen[:, [0, 1, 4]] == 9.0).all())
        result.append([round(value, 3) for value in seen[:, 2].tolist()])
        policy.reset(torch.tensor([False, step == 1]))
    return result


def test_what_each_condition_shows() -> None:
    as_it_is = [[0.1, 0.2], [0.3, 0.2], [0.3, 0.4]]
    assert shown("seen") == shown("no_memory") == as_it_is
    assert shown("far") == [[0.5, 0.5]] * 3
    assert shown("frozen") == [[0.1, 0.2], [0.1, 0.2], [0.1, 0.4]]
    assert shown("shuffled") == [[0.2, 0.1], [0.2, 0.3], [0.4, 0.3]]


def test_without_memory_the_policy_forgets_with_every_new_image() -> None:
    worlds: Any = Worlds(2)
    witness = Witness()
    policy = Blindfolded(witness, worlds, "no_memory")
    for pixels in ((0.1, 0.2), (0.1, 0.3), (0.1, 0.3)):
        policy(observation(*pixels))
    assert witness.forgot == [[True, True], [False, True], [False, False]]


def test_a_policy_that_sees_nothing_cannot_be_blindfolded() -> None:
    blind: Any = Worlds(2, ObsLayout({"onboard": (2,)}))
    with pytest.raises(UserError, match="observes 'forward_depth'"):
        Blindfolded(Witness(), blind, "far")
    lonely: Any = Worlds(1)
    with pytest.raises(UserError, match="two worlds"):
        Blindfolded(Witness(), lonely, "shuffled")


class Still:
    """A policy that stands where it is."""

    def __init__(self, env: LeggedEnv) -> None:
        self.env = env

    def __call__(self, observations: Tensor) -> Tensor:
        return torch.zeros(self.env.num_envs, 12)

    def reset(self, dones: Tensor | None = None) -> None:
        pass


def test_every_condition_is_reported_by_obstacle(tmp_path: Any) -> None:
    task = get_task("go1_vision")
    task = replace(task, env=replace(task.env, episode_length_s=0.2))
    report = blindfold_report(
        task, Still, episodes=4, seed=1, options=TrackOptions(("jump", "crawl")), where=Where(num_threads=1)
    )
    assert all(report[name]["success_rate"] == 0.0 for name in CONDITIONS)
    assert set(report["seen"]["per_block"]) == {"jump", "crawl"}
    # The tracks are the same under every condition.
    counts = [[report[name]["per_block"][block]["episodes"] for block in ("jump", "crawl")] for name in CONDITIONS]
    assert counts == [counts[0]] * 5 and sum(counts[0]) == 4
    assert blindfold_rows(report)[0] == ("images", "success", "jump", "crawl")
    whole = {"task": "go1_vision", "seed": 1, "backend": "mujoco"} | report
    assert "no memory" in table(whole)
    (tmp_path / "go1_vision").mkdir()
    (tmp_path / "go1_vision" / "blindfold.json").write_text(json.dumps(whole))
    assert "| `go1_vision` | shuffled | 0% | jump 0%, crawl 0% |" in shipped_tables(tmp_path)["blindfold"]
