"""The environment that is timed is a working one, and the bare engine beside it does the same physics."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from isaacgym.benchmark.__main__ import main
from isaacgym.benchmark.measure import BareEngine, measure
from isaacgym.benchmark.walkers import Walkers, WalkersCfg

A1 = Path(__file__).parents[2] / "resources" / "robots" / "a1" / "a1.urdf"
CFG = WalkersCfg(num_threads=1)


def test_walkers_that_are_told_to_stand_stand() -> None:
    torch.manual_seed(0)
    env = Walkers(A1, 3, CFG)
    # They start in a random pose and on the move.
    for _ in range(150):
        _, _, ended = env.step(torch.zeros(3, env.num_actions))
        assert not ended.any()
    assert env.root_states[:, 2].min() > 0.22
    weights = env.contacts[:, :, 2].sum(1)
    assert weights == pytest.approx(9.81 * env.sim.live.masses().sum(1).float(), rel=0.1)
    env.close()


def test_the_bare_engine_and_the_loop_make_the_same_steps() -> None:
    env = Walkers(A1, 4, CFG)
    bare = BareEngine(env)
    bare.start()
    # Near the present positions, so that no joint reaches its limit of speed, which the bare engine does not know.
    action = (env.dof_pos - env.stance) / env.cfg.action_scale + 0.2
    for _ in range(3):
        env.step(action)
        bare.step(env.stance + env.cfg.action_scale * action)
    # The loop's efforts are rounded to single precision.
    assert bare.qpos == pytest.approx(env.sim.live.physics.qpos.numpy(), abs=1e-6)
    env.close()


def test_the_figures_are_plausible(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(A1), "--worlds", "8", "--rounds", "2", "--steps", "3", "--threads", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert 0.0 < figures["isaacgym_over_physics"] < 2.0 and figures["isaacgym_over_physics_cpu"] > 0.0
    assert figures["isaacgym_physics_steps_per_second"] > 0.0 and figures["isaacgym_steps_per_second"] > 0.0
    assert figures["worlds"] == 8


def test_wrong_calls_get_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["nowhere.urdf"], [str(A1), "--worlds", "0"], [str(A1), "--threads", "-1"]):
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 2
    assert "there is no file 'nowhere.urdf'" in capsys.readouterr().err
    with pytest.raises(ValueError, match="says nothing about the joints FL_hip_joint"):
        measure(A1, worlds=1, rounds=1, steps=1, cfg=WalkersCfg(stance={"thigh": 0.8, "calf": -1.6}))
