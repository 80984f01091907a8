"""Configuration of a task: an environment and how it is learned."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from legged_gym_ext.envs.cfg import EnvCfg
from st_rl.algorithms import PPOCfg, get_algorithm_class
from st_rl.modules import PolicyCfg, get_policy_class
from st_rl.utils.attributes import field_values
from st_rl.utils.ranges import Checked, Count, NonNegative, RangeError, Seed, Whole


@dataclass(frozen=True)
class DatasetCfg(Checked):
    """Trajectories that ``TwoStageRunner`` learns from before it acts; ``legged-collect`` writes them."""

    folder: str = ""
    iterations: Whole = 100
    """Iterations of the first stage."""
    keep_latest_n_trajs: Whole = 0
    """Use only that many of the newest trajectories; 0 uses all."""
    random_start_frame: bool = False
    """Begin each trajectory at a random step."""
    wait_seconds: NonNegative = 300.0
    """How long to wait for the first trajectory."""


@dataclass(frozen=True)
class LoadCfg(Checked):
    """How a new run takes over the weights of another one (``--load-run``)."""

    match_segments: bool = False
    """Accept other observation layouts: input columns are matched by the names of their segments."""
    manipulators: tuple[str, ...] = ()
    """Changes to the checkpoint, by their names in ``st_rl.runners.manipulators``."""


LOCOMOTION_PPO = PPOCfg(entropy_coef=0.005, desired_kl=0.02, num_learning_epochs=4)
"""What walk and the skills are learned with, if they do not say otherwise."""


@dataclass(frozen=True)
class TrainCfg(Checked):
    """How a task is learned."""

    max_iterations: Count
    policy: PolicyCfg = field(default_factory=PolicyCfg)
    """An instance of the ``cfg_class`` of the policy class, which it names; ``with_policy`` makes one of another."""
    algorithm: PPOCfg = field(default_factory=PPOCfg)
    """An instance of the ``cfg_class`` of the algorithm."""
    algorithm_class: str = "PPO"
    runner_class: str = "OnPolicyRunner"
    dataset: DatasetCfg = field(default_factory=DatasetCfg)
    motions: tuple[str, ...] = ()
    """Files of reference motions for ``AmpPolicyRunner``."""
    load: LoadCfg = field(default_factory=LoadCfg)
    num_steps_per_env: Count = 24
    save_interval: Count = 50
    seed: Seed = 1


@dataclass(frozen=True)
class TaskCfg(Checked):
    """A registered task."""

    name: str
    env: EnvCfg
    train: TrainCfg

    def __post_init__(self) -> None:
        super().__post_init__()
        needed = self.train.algorithm.min_transitions
        transitions = self.env.num_envs * self.train.num_steps_per_env
        if transitions < needed:
            raise RangeError(
                "train.num_steps_per_env",
                f"times env.num_envs makes {transitions} transitions for an update, which must be at least {needed} "
                f"(train.algorithm.num_mini_batches is {self.train.algorithm.num_mini_batches})",
            )


def with_algorithm(train: TrainCfg, name: str) -> TrainCfg:
    """``train`` with the algorithm class of that name, and its numbers: those that both classes have are kept."""
    cfg_class = get_algorithm_class(name).cfg_class
    if type(train.algorithm) is not cfg_class:
        known = {item.name for item in fields(cfg_class)}
        kept = {key: value for key, value in field_values(train.algorithm).items() if key in known}
        train = replace(train, algorithm=cfg_class(**kept))
    return replace(train, algorithm_class=name)


def with_policy(train: TrainCfg, class_name: str) -> TrainCfg:
    """``train`` with the policy class of that name, and its arguments: those that both classes have are kept."""
    cfg_class = get_policy_class(class_name).cfg_class
    policy = train.policy
    if type(policy) is not cfg_class:
        known = {item.name for item in fields(cfg_class)}
        policy = cfg_class(**{key: value for key, value in field_values(policy).items() if key in known})
    return replace(train, policy=replace(policy, class_name=class_name))
