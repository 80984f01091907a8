"""The parts of proprioception: what is in which column, and how each part is scaled, noisy and late."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch

from legged_gym_ext.envs.cfg import NoiseCfg, NormalizationCfg, ObsScalesCfg, ObsTermCfg, ProprioceptionCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.mdp import observations
from legged_gym_ext.mdp.proprioception import PROPRIOCEPTION, measured_columns, proprioception
from legged_gym_ext.runs.command_line import parse_task
from legged_gym_ext.runs.config_io import task_from_config, to_dict
from legged_gym_ext.sensors.latency import LatencyCfg
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UnknownNameError, UserError


@dataclass
class Options:
    """Options of a script."""

    task: str = ""


NO_NOISE = NoiseCfg(0.0, 0.0, 0.0, 0.0, 0.0)


def make(segment: ProprioceptionCfg, **changes: object) -> LeggedEnv:
    cfg = get_task("go1_walk").env
    sim = replace(cfg.sim, num_threads=1)
    settings = {"num_envs": 4, "sim": sim, "observations": {"proprioception": segment}, "noise": NO_NOISE, **changes}
    return LeggedEnv(replace(cfg, **settings), seed=3)  # type: ignore[arg-type]


def test_the_columns_are_those_that_policies_were_trained_with() -> None:
    starts = {name: PROPRIOCEPTION.slice_of(name).start for name in PROPRIOCEPTION}
    assert starts == {
        "base_lin_vel": 0,
        "base_ang_vel": 3,
        "projected_gravity": 6,
        "commands": 9,
        "dof_pos": 12,
        "dof_vel": 24,
        "actions": 36,
    }
    assert PROPRIOCEPTION.size == 48


def test_every_part_is_in_its_place() -> None:
    state = make(ProprioceptionCfg()).state
    state.commands[:] = torch.tensor([0.1, 0.2, 0.3])
    state.actions[:] = 0.7
    state.dof_pos = state.default_dof_pos.expand(4, -1).clone()
    state.dof_pos[0, 3] += 0.5
    seen = PROPRIOCEPTION.split(proprioception(state))
    assert seen["commands"][2].tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert seen["dof_pos"][0].tolist() == pytest.approx([0.0] * 3 + [0.5] + [0.0] * 8)
    assert seen["actions"][1].tolist() == pytest.approx([0.7] * 12)
    assert torch.equal(seen["base_lin_vel"], state.base_lin_vel)
    assert torch.equal(seen["base_ang_vel"], state.base_ang_vel)
    assert torch.equal(seen["projected_gravity"], state.projected_gravity)
    assert torch.equal(seen["dof_vel"], state.dof_vel)


def test_each_part_has_its_scale_and_commands_that_of_the_velocity_they_ask_for() -> None:
    scales = ObsScalesCfg(lin_vel=2.0, ang_vel=3.0, gravity=5.0, dof_pos=7.0, dof_vel=11.0)
    env = make(ProprioceptionCfg(), normalization=NormalizationCfg(obs_scales=scales, clip_observations=1e9))
    expected = [2.0] * 3 + [3.0] * 3 + [5.0] * 3 + [2.0, 2.0, 3.0] + [7.0] * 12 + [11.0] * 12 + [1.0] * 12
    seen, _ = env.get_observations()
    torch.testing.assert_close(seen, proprioception(env.state) * torch.tensor(expected))


def test_what_is_measured_is_noisy_and_what_is_known_is_not() -> None:
    noise = NoiseCfg(lin_vel=0.1, ang_vel=0.2, gravity=0.3, dof_pos=0.4, dof_vel=0.5)
    scales = ObsScalesCfg(1.0, 1.0, 1.0, 1.0, 1.0)
    env = make(ProprioceptionCfg(), num_envs=400, noise=noise, normalization=NormalizationCfg(obs_scales=scales))
    off = (env.get_observations()[0] - proprioception(env.state)).abs().amax(dim=0)
    widest = {name: float(part.max()) for name, part in PROPRIOCEPTION.split(off).items()}
    assert widest["commands"] == widest["actions"] == 0.0
    for name, width in (("base_lin_vel", 0.1), ("base_ang_vel", 0.2), ("projected_gravity", 0.3), ("dof_pos", 0.4)):
        assert 0.98 * width < widest[name] <= width + 1e-6
    assert 0.49 < widest["dof_vel"] <= 0.5 + 1e-6


def test_a_segment_can_be_some_of_the_parts_in_any_order() -> None:
    env = make(ProprioceptionCfg(("actions", "base_ang_vel", "commands")))
    assert env.obs_segments["proprioception"] == (18,)
    env.step(torch.full((4, 12), 0.5))
    seen, _ = env.get_observations()
    assert seen[:, :12].eq(0.5).all()
    torch.testing.assert_close(seen[:, 12:15], 0.25 * env.state.base_ang_vel)
    assert measured_columns(("actions", "base_ang_vel", "commands")).tolist() == [False] * 12 + [True] * 3 + [False] * 3


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        (("base_lin_vel", "smell"), UnknownNameError, "unknown part of proprioception 'smell'; choose one of: base_"),
        ((), UserError, "at least one part"),
        (("commands", "commands"), UserError, "each at most once"),
    ],
)
def test_impossible_parts_are_refused(parts: tuple[str, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(ProprioceptionCfg(parts))


def test_any_segment_can_be_late() -> None:
    cfg = get_task("go1_walk").env
    terms = {
        "pose": ObsTermCfg(observations.base_pose, late=True),
        "contacts": ObsTermCfg(observations.foot_contacts),
        "actions": ProprioceptionCfg(("actions",)),
    }
    latency = LatencyCfg(proprioception=(0.02, 0.02), action=(0.0, 0.0))
    sim = replace(cfg.sim, num_threads=1)
    env = LeggedEnv(replace(cfg, num_envs=2, sim=sim, observations=terms, events={}, latency=latency))
    for _ in range(3):
        before = observations.base_pose(env.state).clone()
        seen = env.obs_segments.split(env.step(torch.full((2, 12), 0.1))[0])
        torch.testing.assert_close(seen["pose"], before)  # one control step ago
        assert torch.equal(seen["contacts"], observations.foot_contacts(env.state))
        assert seen["actions"].eq(0.1).all()


def test_options_without_effect_are_gone() -> None:
    for option in ("scale", "noise"):
        with pytest.raises(UserError, match=f"unknown field 'env.observations.proprioception.{option}'"):
            parse_task(Options, ["go1_walk", f"--env.observations.proprioception.{option}", "2"])
    _, task = parse_task(Options, ["go1_walk", "--env.observations.proprioception.parts", "dof_pos", "actions"])
    assert task.env.observations["proprioception"] == ProprioceptionCfg(("dof_pos", "actions"))


def test_a_run_that_stored_them_still_loads() -> None:
    task = get_task("go1_walk")
    stored = to_dict(task)
    for group in ("observations", "critic_observations"):
        stored["env"][group]["proprioception"] = {
            "func": "legged_gym_ext.mdp.observations:proprioception",
            "scale": 1.0,
            "noise": 0.0,
            "params": {},
        }
    del stored["env"]["tracking_score"]
    assert task_from_config(task, stored, "run") == task


def test_the_tracking_score_is_a_term_of_the_task() -> None:
    _, task = parse_task(Options, ["go1_walk", "--env.tracking-score.params.sigma", "0.5"])
    assert task.env.tracking_score is not None and task.env.tracking_score.params == {"sigma": 0.5}
    env = make(ProprioceptionCfg(), tracking_score=task.env.tracking_score)
    env.step(torch.zeros(4, 12))
    # A reset would have cleared it.
    assert env.episode_length_buf.tolist() == [1] * 4
    error = (env.state.commands[:, :2] - env.state.base_lin_vel[:, :2]).square().sum(dim=1)
    torch.testing.assert_close(env.state.tracking_score, torch.exp(-error / 0.5) / env.max_episode_length)
