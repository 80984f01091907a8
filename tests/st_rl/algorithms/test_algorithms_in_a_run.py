"""Every algorithm beside plain PPO in a runner, by name: it learns, saves, and goes on from its checkpoint exactly."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from toys import ToyEnv
from toys_estimation import HiddenVelocity
from toys_motion import TwoGaits

from st_rl.runners import OnPolicyRunner

pytestmark = pytest.mark.usefixtures("one_thread")

NETWORKS: dict[str, Any] = {"actor_hidden_dims": [8], "critic_hidden_dims": [8]}
STATE_AC = {
    "class_name": "StateAc",
    "estimator_obs_components": ["wheel"],
    "estimator_target_components": ["velocity"],
    "estimator_kwargs": {"hidden_sizes": [8]},
}
AMP = {
    "class_name": "AmpActorCritic",
    "amp_discriminator": {"input_dim": 2, "style_reward_coef": 1.0, "hidden_dims": [8]},
}
CASES: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "APPO": (TwoGaits, AMP),
    "ATPPO": (TwoGaits, AMP),
    "EstimatorPPO": (HiddenVelocity, STATE_AC),
    "EstimatorTPPO": (HiddenVelocity, STATE_AC),
    "TPPO": (HiddenVelocity, {"class_name": "ActorCritic"}),
}


def make_env(cls: type[Any]) -> ToyEnv:
    return cls(8, 1.0) if cls is TwoGaits else cls(8)


def make_runner(cls: type[Any], folder: Path, **settings: Any) -> OnPolicyRunner:
    policy = NETWORKS | settings.pop("policy", {"class_name": "ActorCritic"})
    defaults: dict[str, Any] = {"algorithm": {}, "num_steps_per_env": 7, "stream": io.StringIO()}
    return OnPolicyRunner(make_env(cls), policy=policy, log_dir=folder, **(defaults | settings))


@pytest.mark.parametrize("name", CASES)
def test_it_runs_and_resumes_exactly(name: str, tmp_path: Path) -> None:
    cls, policy = CASES[name]
    algorithm: dict[str, Any] = {"num_learning_epochs": 2, "num_mini_batches": 2, "normalize_obs": True}
    if "TPPO" in name:
        teacher = make_runner(cls, tmp_path / "teacher", algorithm={"normalize_obs": True})
        teacher.learn(1)
        algorithm |= {"teacher_run": str(tmp_path / "teacher"), "teacher_act_prob": 0.5}
    settings: dict[str, Any] = {"policy": policy, "algorithm": algorithm, "algorithm_class": name}
    whole = make_runner(cls, tmp_path / "whole", **settings)
    metrics = whole.learn(3)
    part = make_runner(cls, tmp_path / "part", **settings)
    part.learn(2)
    rest = make_runner(cls, tmp_path / "rest", **settings)
    rest.load(tmp_path / "part", resume=True)
    resumed = rest.learn(1)
    losses = {key: value for key, value in metrics.items() if key.startswith("Loss/")}
    assert losses == {key: value for key, value in resumed.items() if key.startswith("Loss/")}
    weights = rest.alg.actor_critic.state_dict()
    assert all(torch.equal(value, weights[key]) for key, value in whole.alg.actor_critic.state_dict().items())
    expected = {"AP": "style_reward", "AT": "style_reward", "Es": "estimator_loss", "TP": "distillation_loss"}
    assert f"Loss/{expected[name[:2]]}" in losses
