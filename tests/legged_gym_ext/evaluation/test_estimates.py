"""Estimates of the base velocity: their errors by hand, read in physical units, and zeroed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from toy_runs import train_toy_run

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation import walk
from legged_gym_ext.evaluation.estimates import EstimateErrors
from legged_gym_ext.evaluation.walk import HARD_DYNAMICS, evaluate_walk, walk_report, with_hard_dynamics
from legged_gym_ext.runs.folders import RunPolicy, make_env
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UnknownNameError, UserError

ONE = Where(num_threads=1)


def test_errors_by_hand() -> None:
    errors = EstimateErrors(torch.device("cpu"))
    assert errors.figures() is None
    true = torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [9.0, 9.0, 9.0]])
    estimate = torch.tensor([[0.7, 0.4, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    errors.add(estimate, true, torch.tensor([True, True, False]))
    found = errors.figures()
    # Squared lengths 0.09 + 0.16 and 0 over two worlds; the truth varies by 1 + 1 about its mean.
    assert found is not None and found.rmse == pytest.approx(0.125**0.5)
    assert found.r2 == pytest.approx(1.0 - 0.25 / 2.0)


class Knowing:
    """Stands, and reports the true velocity plus an error, or zero once it was told to."""

    def __init__(self, env: LeggedEnv, error: float) -> None:
        self.env, self.error, self.zeroed = env, error, False

    def __call__(self, observations: Tensor) -> Tensor:
        return torch.zeros(len(observations), 12)

    def reset(self, dones: Tensor | None = None) -> None:
        pass

    def estimated_velocity(self) -> Tensor | None:
        true = self.env.state.base_lin_vel
        return torch.zeros_like(true) if self.zeroed else true + self.error

    def zero_estimates(self) -> None:
        self.zeroed = True


def test_an_evaluation_compares_estimates_with_the_velocity_at_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "EPISODE_S", 0.4)
    task = get_task("go1_walk")
    report = walk_report(task, lambda env: Knowing(env, 0.1), ("zero_estimate",), episodes=2, seed=1, where=ONE)
    assert report["estimate_rmse_lin"] == pytest.approx(0.1 * 3**0.5, rel=1e-4)
    zeroed = report["conditions"]["zero_estimate"]
    # Robots that stand still after a start with up to 0.3 m/s per axis.
    assert 0.0 < zeroed["estimate_rmse_lin"] < 0.5 and zeroed["estimate_r2"] <= 0.0
    assert zeroed["tracking_rmse_lin"] == report["tracking_rmse_lin"]  # what it does depends on no estimate


def test_hard_dynamics_are_those_of_the_evaluation_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "EPISODE_S", 0.1)
    drawn: list[tuple[Tensor, Tensor, Tensor]] = []

    class Looks(Knowing):
        def __call__(self, observations: Tensor) -> Tensor:
            now = self.env.sim.dynamics
            assert now.friction is not None and now.added_mass is not None and now.motor_strength is not None
            drawn.append((now.friction.clone(), now.added_mass.clone(), now.motor_strength.clone()))
            return super().__call__(observations)

    task = get_task("go1_walk")
    evaluate_walk(task, lambda env: Looks(env, 0.0), episodes=8, seed=1, where=ONE, hard_dynamics=True)
    friction, mass, strength = drawn[-1]
    assert bool(((friction >= 0.2) & (friction <= 1.2)).all()) and friction.min() < 0.5
    assert mass.tolist() == [5.0] * 8
    assert bool(((strength >= 0.8) & (strength <= 0.9)).all())
    evaluate_walk(task, lambda env: Looks(env, 0.0), episodes=8, seed=1, where=ONE)
    assert drawn[-1][1].max() <= 1.5
    without = replace(task.env, events={n: t for n, t in task.env.events.items() if n != "dynamics"})
    assert with_hard_dynamics(without).events["hard_dynamics"].params == HARD_DYNAMICS


def test_conditions_that_do_not_fit_are_refused() -> None:
    task = get_task("go1_walk")
    with pytest.raises(UnknownNameError, match="unknown condition of the protocol 'walk' 'storm'"):
        walk_report(task, lambda env: Knowing(env, 0.0), ("storm",), episodes=1, seed=1)


@pytest.mark.parametrize("normalize", [False, True])
def test_a_run_reports_its_estimate_in_physical_units(normalize: bool, tmp_path: Path) -> None:
    folder = train_toy_run(tmp_path, "go1_onboard", *(["--train.algorithm.normalize-obs"] if normalize else []))
    env = make_env(get_task("go1_onboard").env, ONE, num_envs=4, seed=2)
    policy = RunPolicy(folder, env)
    policy(env.get_observations()[0])
    estimate = policy.estimated_velocity()
    prediction = policy.policy.state_predictions()["estimator"].prediction
    assert estimate is not None and estimate.shape == (4, 3)
    if normalize:
        statistics = torch.load(folder / "model_1.pt", weights_only=True)["critic_obs_normalizer_state_dict"]
        columns = env.critic_obs_segments.slice_of("base_lin_vel")
        scale, shift = statistics["_var"].sqrt()[columns] + 0.01, statistics["_mean"][columns]
        prediction = prediction * scale + shift
    # The segment is the velocity in m/s times obs_scales.lin_vel, which is 2.
    torch.testing.assert_close(estimate, (prediction / 2.0).float(), atol=1e-5, rtol=1e-5)
    policy.reset()
    policy.zero_estimates()
    policy(env.get_observations()[0])
    zero = policy.policy.state_predictions()["estimator"].prediction
    assert torch.equal(zero, torch.zeros(4, 3))
    env.close()


def test_a_policy_without_estimates_says_so(tmp_path: Path) -> None:
    folder = train_toy_run(tmp_path, "go1_walk")
    env = make_env(get_task("go1_walk").env, ONE, num_envs=1)
    policy = RunPolicy(folder, env)
    policy(env.get_observations()[0])
    assert policy.estimated_velocity() is None
    with pytest.raises(UserError, match="the class ActorCritic estimates nothing"):
        policy.zero_estimates()
    env.close()
