"""Configuration of a task: an environment and how it is learned."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from legged_gym_ext.envs.cfg import EnvCfg
from st_rl.algorithms import PPOCfg, get_algorithm_class


@dataclass(frozen=True)
class PolicyCfg:
    """The policy class by its name in ``st_rl.modules`` and its constructor arguments."""

    class_name: str = "ActorCritic"
    actor_hidden_dims: tuple[int, ...] = (256, 128, 64)
    critic_hidden_dims: tuple[int, ...] = (256, 128, 64)
    activation: str = "elu"
    init_noise_std: float = 1.0


@dataclass(frozen=True)
class DatasetCfg:
    """Trajectories that ``TwoStageRunner`` learns from before it acts; ``legged-collect`` writes them."""

    folder: str = ""
    iterations: int = 100
    """Iterations of the first stage."""
    keep_latest_n_trajs: int = 0
    """Use only that many of the newest trajectories; 0 uses all."""
    random_start_frame: bool = False
    """Begin each trajectory at a random step."""
    wait_seconds: float = 300.0
    """How long to wait for the first trajectory."""


@dataclass(frozen=True)
class LoadCfg:
    """How a new run takes over the weights of another one (``--load-run``)."""

    match_segments: bool = False
    """Accept other observation layouts: input columns are matched by the names of their segments."""
    manipulators: tuple[str, ...] = ()
    """Changes to the checkpoint, by their names in ``st_rl.runners.manipulators``."""


LOCOMOTION_PPO = PPOCfg(entropy_coef=0.005, desired_kl=0.02, num_learning_epochs=4)
"""What walk and the skills are learned with, if they do not say otherwise."""


@dataclass(frozen=True)
class TrainCfg:
    """How a task is learned."""

    max_iterations: int
    policy: PolicyCfg = field(default_factory=PolicyCfg)
    algorithm: PPOCfg = field(default_factory=PPOCfg)
    """An instance of the ``cfg_class`` of the algorithm."""
    algorithm_class: str = "PPO"
    runner_class: str = "OnPolicyRunner"
    dataset: DatasetCfg = field(default_factory=DatasetCfg)
    motions: tuple[str, ...] = ()
    """Files of reference motions for ``AmpPolicyRunner``."""
    load: LoadCfg = field(default_factory=LoadCfg)
    num_steps_per_env: int = 24
    save_interval: int = 50
    seed: int = 1


@dataclass(frozen=True)
class TaskCfg:
    """A registered task."""

    name: str
    env: EnvCfg
    train: TrainCfg


def with_algorithm(train: TrainCfg, name: str) -> TrainCfg:
    """``train`` with the algorithm class of that name, and its numbers: those that both classes have are kept."""
    cfg_class = get_algorithm_class(name).cfg_class
    if type(train.algorithm) is not cfg_class:
        known = {item.name for item in fields(cfg_class)}
        kept = {key: value for key, value in vars(train.algorithm).items() if key in known}
        train = replace(train, algorithm=cfg_class(**kept))
    return replace(train, algorithm_class=name)
