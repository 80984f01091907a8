"""Training a task with the runner of the public rsl-rl-lib, through the bridge ``envs/rsl_rl.py``."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.runs.folders import run_config
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg, TrainCfg
from st_rl.runners.checkpoint import write_json
from st_rl.runners.code_state import versions
from st_rl.utils.errors import UserError

_ALGORITHM_FIELDS = (
    "num_learning_epochs",
    "num_mini_batches",
    "clip_param",
    "gamma",
    "lam",
    "value_loss_coef",
    "entropy_coef",
    "learning_rate",
    "max_grad_norm",
    "use_clipped_value_loss",
    "schedule",
    "desired_kl",
)
"""Settings of PPO that the library has under the same names; it has no cool-down."""


def has_rsl_rl() -> bool:
    """Return whether rsl-rl-lib, which is an extra of this suite, is installed."""
    return importlib.util.find_spec("rsl_rl") is not None


def require_rsl_rl() -> None:
    """Raise ``UserError`` where rsl-rl-lib is not installed."""
    if not has_rsl_rl():
        raise UserError("--runner rsl_rl needs rsl-rl-lib; install it with: pip install 'legged-gym-ext[rsl-rl]'")


def rsl_rl_config(train: TrainCfg, obs_groups: dict[str, list[str]]) -> dict[str, Any]:
    """The library's configuration with the numbers of ``train``."""
    policy, algorithm = train.policy, vars(train.algorithm)
    normalize = train.algorithm.normalize_obs
    return {
        "num_steps_per_env": train.num_steps_per_env,
        "save_interval": train.save_interval,
        "obs_groups": obs_groups,
        "logger": "tensorboard",
        "actor": {
            "class_name": "rsl_rl.models:MLPModel",
            "hidden_dims": list(policy.actor_hidden_dims),
            "activation": policy.activation,
            "obs_normalization": normalize,
            "distribution_cfg": {
                "class_name": "rsl_rl.modules:GaussianDistribution",
                "init_std": policy.init_noise_std,
            },
        },
        "critic": {
            "class_name": "rsl_rl.models:MLPModel",
            "hidden_dims": list(policy.critic_hidden_dims),
            "activation": policy.activation,
            "obs_normalization": normalize,
        },
        "algorithm": {"class_name": "rsl_rl.algorithms:PPO"} | {name: algorithm[name] for name in _ALGORITHM_FIELDS},
    }


class RslRlPolicy:
    """The trained actor of the library as a policy on flat observations."""

    def __init__(self, actor: Any, env: LeggedEnv) -> None:
        from legged_gym_ext.envs.rsl_rl import RslRlEnv

        self._actor, self._bridge = actor, RslRlEnv(env)

    @torch.inference_mode()
    def __call__(self, observations: Tensor) -> Tensor:
        """Actions (N, A) for ``observations (N, num_obs)``."""
        return self._actor(self._bridge.actor_groups(observations)).clone()

    def reset(self, dones: Tensor | None = None) -> None:
        """Forget the memory of the worlds in ``dones (N,)``, or of all."""
        self._actor.reset(dones)


def train_with_rsl_rl(task: TaskCfg, folder: Path, where: Where) -> Any:
    """Train ``task`` to its ``max_iterations`` with the library's runner, checkpoints in ``folder``.

    Returns:
        The trained actor, for ``RslRlPolicy``.
    """
    # Imported here: the library is needed for this runner alone, and takes a second to load.
    from rsl_rl.runners import OnPolicyRunner

    from legged_gym_ext.envs.rsl_rl import RslRlEnv

    torch.manual_seed(task.train.seed)
    env = LeggedEnv(task.env, where, seed=task.train.seed)
    try:
        bridge = RslRlEnv(env)
        config = rsl_rl_config(task.train, bridge.obs_groups)
        more = {
            "runner": "rsl_rl",
            "seed": task.train.seed,
            "obs_segments": env.obs_segments.to_json(),
            "critic_obs_segments": env.critic_obs_segments.to_json(),
            "versions": versions(),
        }
        write_json(folder / "config.json", run_config(task, where.backend) | more)
        runner = OnPolicyRunner(bridge, config, str(folder), where.device)
        runner.learn(task.train.max_iterations, init_at_random_ep_len=True)
        return runner.get_inference_policy(device=where.device)
    finally:
        env.close()
