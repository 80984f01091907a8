"""Steps replayed as graphs do what steps do, wherever terms put their tensors."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import Any

import pytest
import torch
from tape import Tape, TapedLaunches
from torch import Tensor

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.envs.graphed import Carried, GraphedEnv
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UserError
from st_rl.utils.recording import CudaRecording

needs_warp = pytest.mark.skipif(importlib.util.find_spec("mujoco_warp") is None, reason="MuJoCo Warp is missing")
WORLDS = 4


def as_on_a_gpu(env: LeggedEnv) -> None:
    """No shortcuts of the CPU: what is skipped in one step would be missing in all replays of it."""
    env.state.skip_empty = False
    vars(env.sim)["_on_cpu"] = False
    vars(env.sim)["_launches"] = TapedLaunches(vars(env.sim)["_launches"])
    if env.state.track is not None:
        env.state.track.skip_empty = False


def pair(name: str, **changes: Any) -> tuple[LeggedEnv, GraphedEnv]:
    """The same environment, as it is and replayed; episodes are short so that many end."""
    cfg: EnvCfg = replace(get_task(name).env, num_envs=WORLDS, episode_length_s=0.2, **changes)
    plain = LeggedEnv(cfg, Where("warp"), seed=1)
    graphed = GraphedEnv(cfg, Where("warp"), seed=1, recording=Tape)
    for env in (plain, graphed):
        as_on_a_gpu(env)
        env.episode_length_buf = torch.arange(WORLDS)  # they end at different times
    return plain, graphed


def assert_same_steps(plain: LeggedEnv, graphed: LeggedEnv, steps: int) -> None:
    generator = torch.Generator().manual_seed(0)
    ended = 0
    for step in range(steps):
        actions = torch.randn(WORLDS, 12, generator=generator)
        answers = [env.step(actions) for env in (plain, graphed)]
        for left, right in zip(*(flat(answer) for answer in answers), strict=True):
            torch.testing.assert_close(left, right, rtol=0, atol=0, msg=lambda text, step=step: f"step {step}: {text}")
        ended += int(answers[0][2].sum())
    assert ended >= WORLDS  # resets were a part of it


def flat(answer: tuple[Tensor, Tensor, Tensor, dict[str, Any]]) -> list[Tensor]:
    obs, rewards, dones, infos = answer
    return [obs, rewards, dones, infos["time_outs"], infos["observations"]["critic"], *infos["log"].values()]


@needs_warp
@pytest.mark.parametrize("name", ["go1_walk", "go1_field"])
def test_replayed_steps_are_steps(name: str) -> None:
    plain, graphed = pair(name)
    assert_same_steps(plain, graphed, 25)
    # A reset and a restored state replace tensors; replays must find the new contents.
    saved = plain.state_dict()
    for env in (plain, graphed):
        env.reset()
    assert_same_steps(plain, graphed, 12)
    for env in (plain, graphed):
        env.load_state_dict(saved)
    assert_same_steps(plain, graphed, 12)
    plain.close()
    graphed.close()


@needs_warp
def test_what_a_step_returned_stays_as_it_was() -> None:
    _, env = pair("go1_walk")
    actions = torch.zeros(WORLDS, 12)
    for _ in range(6):
        before = [tensor.clone() for tensor in flat(env.step(actions))]
        observed, _ = env.get_observations()
        kept = observed.clone()
        answer = env.step(actions)
        held = flat(answer)
        copies = [tensor.clone() for tensor in held]
        env.step(actions)
        assert torch.equal(observed, kept) and len(before) == len(held)
        assert all(torch.equal(tensor, copy) for tensor, copy in zip(held, copies, strict=True))


class Swapping:
    """Carries tensors over in every awkward way: exchanged, replaced, in a list, in place, expanded."""

    def __init__(self) -> None:
        self.new, self.old = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0])
        self.listed = [torch.tensor([1.0])]
        self.total = torch.zeros(2)
        self.wide = torch.ones(1).expand(3)

    def step(self) -> None:
        self.old, self.new = self.new, self.new * 2 + self.old
        self.listed[0] = self.listed[0] + 1.0
        self.total.add_(self.new)
        self.wide = self.wide + self.listed[0]

    def values(self) -> list[Tensor]:
        return [value.clone() for value in (self.new, self.old, self.listed[0], self.total, self.wide)]


# Only objects of the suite are looked into.
Swapping.__module__ = "legged_gym_ext.envs.swapping"


def test_tensors_that_change_places_are_found_again() -> None:
    plain, taped = Swapping(), Swapping()
    carried, tape = Carried(taped), Tape(torch.Generator())

    def step_and_settle() -> None:
        taped.step()
        carried.settle()

    tape.record(step_and_settle)
    plain.step()
    for _ in range(5):
        assert all(torch.equal(a, b) for a, b in zip(plain.values(), taped.values(), strict=True))
        tape.replay()
        plain.step()


def test_a_tensor_that_grows_or_a_count_in_python_is_refused() -> None:
    holder = Swapping()
    carried = Carried(holder)
    holder.total = torch.zeros(3)
    with pytest.raises(UserError, match="total"):
        carried.settle()
    holder = Swapping()
    vars(holder)["count"] = 0
    carried = Carried(holder)
    carried.check()
    vars(holder)["count"] = 1
    with pytest.raises(UserError, match="count"):
        carried.check()


@needs_warp
def test_on_the_cpu_no_graph_can_be_made() -> None:
    cfg = replace(get_task("go1_walk").env, num_envs=1)
    with pytest.raises(UserError, match="GPU"):
        GraphedEnv(cfg, Where("warp"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_replayed_steps_on_a_gpu_walk_on() -> None:
    cfg = replace(get_task("go1_walk").env, num_envs=64, episode_length_s=0.4)
    env = GraphedEnv(cfg, Where("warp", "cuda"), seed=1, recording=CudaRecording)
    actions, ended = torch.zeros(64, 12, device=env.device), 0
    for _ in range(60):
        obs, rewards, dones, _ = env.step(actions)
        assert obs.isfinite().all() and rewards.isfinite().all()
        ended += int(dones.sum())
    assert ended >= 64 and (env.episode_length_buf < 25).all()
    env.close()
