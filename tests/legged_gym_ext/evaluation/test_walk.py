"""The figures of an evaluation, on hand-worked episodes and on a real environment."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation import walk
from legged_gym_ext.evaluation.statistics import wilson_interval
from legged_gym_ext.evaluation.walk import WalkFigures, evaluate_walk, evaluation_cfg, run_episodes
from legged_gym_ext.mdp.commands import VelocityCommandCfg
from legged_gym_ext.sim.interface import SceneCfg
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.viewing.window import KeyboardCommand


class Still:
    """Asks for the default pose."""

    def __init__(self, env: object) -> None:
        self.resets = 0

    def __call__(self, observations: Tensor) -> Tensor:
        return torch.zeros(len(observations), 12)

    def reset(self, dones: Tensor | None = None) -> None:
        self.resets += 1


class ScriptedEnv:
    """Four worlds whose episodes end after 2 (failure), 3 (time), 1 (failure) and 3 (time) steps."""

    num_envs, max_episode_length, device = 4, 3, torch.device("cpu")
    ends, failures = torch.tensor([2, 3, 1, 3]), torch.tensor([True, False, True, False])

    class metrics:
        names = ("value",)

    def reset(self) -> tuple[Tensor, dict[str, object]]:
        self.time = torch.zeros(4)
        return torch.zeros(4, 2), {}

    def step(self, actions: Tensor) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        self.time = self.time + 1
        self.metric_values = self.time[:, None].clone()
        dones = self.time == self.ends
        self.time = torch.where(dones, 0.0, self.time)
        return torch.zeros(4, 2), torch.zeros(4), dones, {"time_outs": dones & ~self.failures}


def as_env(env: ScriptedEnv) -> LeggedEnv:
    return env  # type: ignore[return-value]


def test_only_the_first_episode_of_each_world_counts() -> None:
    # Values 1, 2 | 1, 2, 3 | 1 | 1, 2, 3: sum 16 over 9 steps, two failures.
    assert run_episodes(as_env(ScriptedEnv()), Still(None), 4).tolist() == [16.0, 2.0, 9.0]
    # The first two worlds alone: 3 + 6 over 5 steps, one failure.
    assert run_episodes(as_env(ScriptedEnv()), Still(None), 2).tolist() == [9.0, 1.0, 5.0]


def test_published_figures_by_hand() -> None:
    figures = WalkFigures(10, 1, 100, lin_vel_mse=0.04, yaw_rate_mse=0.09, planar_speed=0.5, power_over_weight=0.3)
    result = figures.to_json()
    assert result["fall_rate"] == 0.1
    assert result["tracking_rmse_lin"] == pytest.approx(0.2)
    assert result["tracking_rmse_yaw"] == pytest.approx(0.3)
    assert result["cost_of_transport"] == pytest.approx(0.6)


def test_wilson_interval_by_hand() -> None:
    # Newcombe (1998), table I: 81 of 263 and 0 of 20.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson_interval(20, 20) == pytest.approx((0.8389, 1.0), abs=1e-4)


def test_the_evaluation_is_the_same_however_a_policy_was_trained() -> None:
    trained = get_task("go1_walk").env
    assert trained.episode_length_s < 20.0 and evaluation_cfg(trained).episode_length_s == 20.0
    assert trained.commands.resampling_time_s < 10.0 and trained.events["push"].interval_s != (6.0, 10.0)
    cfg = evaluation_cfg(trained)
    assert (cfg.commands.resampling_time_s, cfg.commands.standing_fraction) == (10.0, 0.0)
    ground, harder = cfg.scene.height_field, trained.scene.height_field
    assert ground is not None and harder is not None
    assert ground.roughness == (0.0, 0.06) and ground == replace(harder, roughness=ground.roughness) != harder
    assert evaluation_cfg(replace(trained, scene=SceneCfg())).scene.height_field is None
    assert cfg.events["push"] == replace(trained.events["push"], interval_s=(6.0, 10.0))
    # Levels are drawn before robots are placed on them.
    assert next(iter(cfg.events)) == "evaluation_levels" and not cfg.curriculum
    without = replace(trained, events={name: term for name, term in trained.events.items() if name != "push"})
    assert "push" not in evaluation_cfg(without).events


def test_the_same_seed_gives_the_same_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    task = get_task("go1_walk")
    monkeypatch.setattr(walk, "EPISODE_S", 0.4)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, other = (evaluate_walk(task, Still, episodes=3, seed=seed) for seed in (1, 1, 2))
    assert first == second != other
    assert first.steps == 60 and first.falls == 0
    assert torch.equal(before, torch.get_rng_state())


def test_keys_change_the_command_within_its_ranges() -> None:
    command = KeyboardCommand(VelocityCommandCfg(lin_vel_x=(-0.5, 0.25)))
    for key in (265, 265, 265, 263, 1):
        command.press(key)
    assert command.value == pytest.approx((0.25, 0.0, 0.2))
    command.press(257)
    assert command.value == (0.0, 0.0, 0.0)
