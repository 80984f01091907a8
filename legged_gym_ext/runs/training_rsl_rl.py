"""Training a task with the runner of the public rsl-rl-lib, through the bridge ``envs/rsl_rl.py``."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.runs.config_io import to_dict
from legged_gym_ext.runs.folders import run_config
from legged_gym_ext.runs.policies import policy_arguments
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg, TrainCfg
from legged_gym_ext.tasks.registry import get_task
from st_rl.runners.checkpoint import write_json
from st_rl.runners.code_state import versions
from st_rl.utils.attributes import field_values
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
_MODELS = {"ActorCritic": "rsl_rl.models:MLPModel", "ActorCriticRecurrent": "rsl_rl.models:RNNModel"}
"""Policy classes, and the models of the library that are the same."""
_MEMORY_FIELDS = {
    "rnn_type": "rnn_type",
    "rnn_hidden_size": "rnn_hidden_dim",
    "rnn_num_layers": "rnn_num_layers",
}
"""Arguments of recurrent policies, and what the library calls them; their defaults are the same."""


def has_rsl_rl() -> bool:
    """Return whether rsl-rl-lib, which is an extra of this suite, is installed."""
    return importlib.util.find_spec("rsl_rl") is not None


def require_rsl_rl() -> None:
    """Raise ``UserError`` where rsl-rl-lib is not installed."""
    if not has_rsl_rl():
        raise UserError("--runner rsl_rl needs rsl-rl-lib; install it with: pip install 'legged-gym-ext[rsl-rl]'")


def as_rsl_rl_trains(task: TaskCfg) -> tuple[TaskCfg, str]:
    """``task`` as the library's runner trains it, and a sentence on what it leaves out; empty where that is nothing.

    Settings of the registered task that the library lacks are set to what it does without them.

    Raises:
        UserError: something else than in the registered task was asked for that the library cannot do.
    """
    train, registered = task.train, get_task(task.name).train
    choices = {
        "policy.class_name": (train.policy.class_name, tuple(_MODELS)),
        "algorithm_class": (train.algorithm_class, ("PPO",)),
        "runner_class": (train.runner_class, ("OnPolicyRunner",)),
    }
    for name, (asked, known) in choices.items():
        if asked not in known:
            raise UserError(f"--runner rsl_rl cannot train with --train.{name} {asked}, only with {' or '.join(known)}")
    plain, left_out = type(train.algorithm)(), {}
    defaults, known = field_values(plain), field_values(registered.algorithm)
    for name, value in field_values(train.algorithm).items():
        if name in (*_ALGORITHM_FIELDS, "normalize_obs") or value == defaults[name]:
            continue
        if value != known.get(name):
            raise UserError(
                f"--runner rsl_rl has nothing like --train.algorithm.{name.replace('_', '-')}; leave it out"
            )
        left_out[name] = defaults[name]
    inputs = {
        "dataset": (train.dataset, registered.dataset),
        "motions": (train.motions, registered.motions),
        "load": (train.load, registered.load),
    }
    for name, (asked, usual) in inputs.items():
        if asked != usual:
            raise UserError(f"--runner rsl_rl has nothing like --train.{name}; leave it out")
    names = ", ".join(left_out)
    said = f"--runner rsl_rl has nothing like {names} of {task.name} and trains without" if left_out else ""
    return replace(task, train=replace(train, algorithm=replace(train.algorithm, **left_out))), said


def rsl_rl_config(train: TrainCfg, obs_groups: dict[str, list[str]]) -> dict[str, Any]:
    """The library's configuration with the numbers of ``train``."""
    policy, algorithm = to_dict(train.policy), field_values(train.algorithm)
    model = {
        "class_name": _MODELS[train.policy.class_name],
        "activation": policy["activation"],
        "obs_normalization": train.algorithm.normalize_obs,
    } | {theirs: policy[ours] for ours, theirs in _MEMORY_FIELDS.items() if ours in policy}
    noise = {"class_name": "rsl_rl.modules:GaussianDistribution", "init_std": policy["init_noise_std"]}
    return {
        "num_steps_per_env": train.num_steps_per_env,
        "save_interval": train.save_interval,
        "obs_groups": obs_groups,
        "logger": "tensorboard",
        "actor": model | {"hidden_dims": list(policy["actor_hidden_dims"]), "distribution_cfg": noise},
        "critic": model | {"hidden_dims": list(policy["critic_hidden_dims"])},
        "algorithm": {"class_name": "rsl_rl.algorithms:PPO"} | {name: algorithm[name] for name in _ALGORITHM_FIELDS},
    }


def train_with_rsl_rl(task: TaskCfg, folder: Path, where: Where) -> None:
    """Train ``task``, as ``as_rsl_rl_trains`` returned it, to its ``max_iterations``, checkpoints in ``folder``.

    They are the library's own, and every loader of this suite reads them.
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
            "policy": policy_arguments(task, env),
            "algorithm": {"class_name": task.train.algorithm_class, **field_values(task.train.algorithm)},
            "num_actions": env.num_actions,
            "num_steps_per_env": task.train.num_steps_per_env,
            "num_envs": env.num_envs,
            "seed": task.train.seed,
            "obs_segments": env.obs_segments.to_json(),
            "critic_obs_segments": env.critic_obs_segments.to_json(),
            "versions": versions(),
        }
        write_json(folder / "config.json", run_config(task, where.backend) | more)
        runner = OnPolicyRunner(bridge, config, str(folder), where.device)
        runner.learn(task.train.max_iterations, init_at_random_ep_len=True)
    finally:
        env.close()
