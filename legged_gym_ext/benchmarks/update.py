"""Times one PPO update here against one of rsl-rl-lib, side by side in one process.

Both learn from the same batch, with the same weights, network, epochs, mini-batches and threads; the runs
alternate, so that whatever else the machine does hits both.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch
from torch import nn

from st_rl.algorithms import PPO
from st_rl.modules import ActorCritic, ActorCriticRecurrent

HIDDEN = [256, 128, 64]
SHARED = {
    "num_learning_epochs": 5,
    "num_mini_batches": 4,
    "clip_param": 0.2,
    "gamma": 0.99,
    "lam": 0.95,
    "entropy_coef": 0.01,
    "learning_rate": 1e-3,
    "max_grad_norm": 1.0,
    "schedule": "adaptive",
    "desired_kl": 0.01,
}


def make_ours(num_envs: int, num_steps: int, num_obs: int, num_actions: int, recurrent: bool) -> PPO:
    """This library's PPO with an empty storage."""
    networks: dict[str, Any] = {"actor_hidden_dims": HIDDEN, "critic_hidden_dims": HIDDEN, "activation": "elu"}
    if recurrent:
        policy: nn.Module = ActorCriticRecurrent(num_obs, num_obs, num_actions, rnn_hidden_size=256, **networks)
    else:
        policy = ActorCritic(num_obs, num_obs, num_actions, **networks)
    algorithm = PPO(policy, **SHARED)
    algorithm.init_storage(num_envs, num_steps, num_obs, None, num_actions)
    return algorithm


def make_theirs(num_envs: int, num_steps: int, num_obs: int, num_actions: int, recurrent: bool) -> Any:
    """rsl-rl-lib's PPO with an empty storage."""
    from rsl_rl.algorithms import PPO as TheirPPO
    from rsl_rl.models import MLPModel, RNNModel
    from rsl_rl.storage import RolloutStorage as TheirStorage
    from tensordict import TensorDict

    obs = TensorDict({"policy": torch.zeros(num_envs, num_obs)}, batch_size=[num_envs])
    groups = {"actor": ["policy"], "critic": ["policy"]}
    more: dict[str, Any] = {"hidden_dims": HIDDEN, "activation": "elu"}
    if recurrent:
        more |= {"rnn_type": "lstm", "rnn_hidden_dim": 256, "rnn_num_layers": 1}
    make = RNNModel if recurrent else MLPModel
    noise = {"class_name": "GaussianDistribution", "init_std": 1.0, "std_type": "log"}
    actor = make(obs, groups, "actor", num_actions, distribution_cfg=noise, **more)
    critic = make(obs, groups, "critic", 1, **more)
    storage = TheirStorage("rl", num_envs, num_steps, obs, [num_actions])
    return TheirPPO(actor, critic, storage, **SHARED)


def _copy_weights(ours: PPO, theirs: Any) -> None:
    """Give their networks the weights of ours, layer by layer."""
    policy = ours.actor_critic
    for own, other in ((policy.actor, theirs.actor.mlp), (policy.critic, theirs.critic.mlp)):
        linear = [[m for m in net.modules() if isinstance(m, nn.Linear)] for net in (own, other)]
        for source, target in zip(*linear, strict=True):
            target.load_state_dict(source.state_dict())
    if policy.is_recurrent:
        theirs.actor.rnn.rnn.load_state_dict(policy.memory_a.rnn.state_dict())
        theirs.critic.rnn.rnn.load_state_dict(policy.memory_c.rnn.state_dict())


def _fill(ours: PPO, theirs: Any, num_obs: int) -> Any:
    """The same rollout in both storages; returns the hidden states at its start."""
    from tensordict import TensorDict

    storage, num_envs = ours.storage, ours.storage.num_envs
    for _ in range(storage.num_transitions_per_env):
        obs, rewards = torch.randn(num_envs, num_obs), torch.randn(num_envs)
        dones = torch.rand(num_envs) < 0.01
        ours.act(obs)
        ours.process_env_step(rewards, dones, {})
        with torch.no_grad():
            packed = TensorDict({"policy": obs}, batch_size=[num_envs])
            theirs.act(packed)
            theirs.process_env_step(packed, rewards, dones.float(), {})
    obs = torch.randn(num_envs, num_obs)
    hidden_states = storage.hidden_states
    ours.compute_returns(obs)
    other = theirs.storage
    for target, source in (
        (other.actions, storage.actions),
        (other.values, storage.values.unsqueeze(-1)),
        (other.actions_log_prob, storage.log_prob.unsqueeze(-1)),
        (other.returns, storage.returns.unsqueeze(-1)),
        (other.advantages, storage.advantages.unsqueeze(-1)),
        (other.distribution_params[0], storage.mean),
        (other.distribution_params[1], storage.std),
    ):
        target.copy_(source)
    return hidden_states


def update_vs_rsl_rl(
    num_envs: int = 1024,
    num_steps: int = 24,
    num_obs: int = 48,
    num_actions: int = 12,
    recurrent: bool = False,
    repetitions: int = 7,
    threads: int | None = None,
) -> dict[str, float]:
    """Time of one PPO update here over rsl-rl-lib's, on the same batch of ``num_steps * num_envs`` transitions.

    Returns:
        ``ratio`` (median over alternated pairs), ``ours_ms`` and ``rsl_rl_ms`` (medians), ``threads``.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            sizes = (num_envs, num_steps, num_obs, num_actions, recurrent)
            ours, theirs = make_ours(*sizes), make_theirs(*sizes)
            _copy_weights(ours, theirs)
            hidden_states = _fill(ours, theirs, num_obs)
            times: tuple[list[float], list[float]] = ([], [])
            for repetition in range(repetitions + 1):
                for algorithm, seconds in zip((ours, theirs), times, strict=True):
                    begin = time.perf_counter()
                    algorithm.update()
                    # The first update of each only warms up.
                    seconds += [time.perf_counter() - begin] if repetition else []
                ours.storage.step, ours.storage.hidden_states = num_steps, hidden_states
    finally:
        torch.set_num_threads(before)
    return {
        "ratio": statistics.median(a / b for a, b in zip(*times, strict=True)),
        "ours_ms": 1e3 * statistics.median(times[0]),
        "rsl_rl_ms": 1e3 * statistics.median(times[1]),
        "threads": float(threads or before),
    }
