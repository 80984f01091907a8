"""Every observation term says between which bounds its numbers lie, and keeps to them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from legged_gym_ext.cli.collect import parse_compression
from legged_gym_ext.envs.cfg import ObsTermCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.envs.settings import segment_ranges
from legged_gym_ext.mdp import observations
from legged_gym_ext.mdp.term_ranges import is_declared
from legged_gym_ext.sensors.depth_camera import DepthCameraCfg
from legged_gym_ext.tasks.registry import get_task, task_names
from legged_gym_ext.viewing.disturbances import DisturbanceOptions, shown_cfg
from st_rl.storage.rollout_files import Compression
from st_rl.utils.errors import UserError


def seeing_field() -> LeggedEnv:
    cfg = get_task("go1_field").env
    seen = cfg.observations | {
        "forward_depth": ObsTermCfg(observations.forward_depth),
        "foot_contacts": ObsTermCfg(observations.foot_contacts),
    }
    cfg = shown_cfg(replace(cfg, num_envs=4, observations=seen, camera=DepthCameraCfg()), DisturbanceOptions())
    return LeggedEnv(cfg, seed=2)


@pytest.mark.parametrize("name", task_names())
def test_every_term_of_every_task_states_its_range(name: str) -> None:
    env = get_task(name).env
    for term in (*env.observations.values(), *env.critic_observations.values()):
        assert not isinstance(term, ObsTermCfg) or is_declared(term.func), term


def test_segments_stay_within_their_ranges() -> None:
    env = seeing_field()
    ranges = segment_ranges(env.cfg)
    assert ranges["forward_depth"] == (-0.5, 0.5) and ranges["foot_contacts"] == (0.0, 1.0)
    assert ranges["height_measurements"] == (-3.0, 3.0)  # 1 m, times the scale of the term
    clip = env.cfg.normalization.clip_observations
    assert ranges["proprioception"] == (-clip, clip)
    for _ in range(30):
        obs, _, _, _ = env.step(torch.randn(4, 12))
        for name, values in env.obs_segments.split(obs).items():
            low, high = ranges[name]
            assert low - 1e-5 <= float(values.min()) and float(values.max()) <= high + 1e-5, name
    env.close()


def test_compression_takes_its_range_from_the_segment(capsys: pytest.CaptureFixture[str]) -> None:
    ranges = {"forward_depth": (-0.5, 0.5), "base_pose": (-100.0, 100.0)}
    found = parse_compression(("forward_depth:uint8", "base_pose"), ranges)
    assert found == {"forward_depth": Compression("uint8", -0.5, 0.5), "base_pose": Compression()}
    assert capsys.readouterr().out == ""
    assert parse_compression(("forward_depth:0:3",), ranges)["forward_depth"].high == 3.0
    assert "lies between -0.5 and 0.5; what is outside 0 to 3 will be clipped" in capsys.readouterr().out
    for entry, words in (
        ("base_pose:uint8", "states no range"),
        ("x", "unknown observation segment"),
        ("base_pose:a", "no compression"),
    ):
        with pytest.raises(UserError, match=words):
            parse_compression((entry,), ranges)


def test_what_is_clipped_is_counted() -> None:
    compression = Compression("uint8", 0.0, 3.0)
    values = torch.tensor([-0.5, -0.2, -0.001, 0.0, 0.5, 3.001, 3.1])
    assert int(compression.outside(values)) == 3  # rounding alone is no clipping
    assert int(Compression().outside(values)) == 0
    assert math.isclose(float(compression.decode(compression.encode(values))[0]), 0.0)
