"""Configuration of a task: an environment and how it is learned."""

from __future__ import annotations

from dataclasses import dataclass, field

from legged_gym_ext.envs.cfg import EnvCfg
from st_rl.algorithms.ppo import PPOCfg


@dataclass(frozen=True)
class PolicyCfg:
    """The policy class by its name in ``st_rl.modules`` and its constructor arguments."""

    class_name: str = "ActorCritic"
    actor_hidden_dims: tuple[int, ...] = (256, 128, 64)
    critic_hidden_dims: tuple[int, ...] = (256, 128, 64)
    activation: str = "elu"
    init_noise_std: float = 1.0


@dataclass(frozen=True)
class TrainCfg:
    """How a task is learned."""

    max_iterations: int
    policy: PolicyCfg = field(default_factory=PolicyCfg)
    algorithm: PPOCfg = field(default_factory=PPOCfg)
    algorithm_class: str = "PPO"
    num_steps_per_env: int = 24
    save_interval: int = 50
    seed: int = 1


@dataclass(frozen=True)
class TaskCfg:
    """A registered task."""

    name: str
    env: EnvCfg
    train: TrainCfg
