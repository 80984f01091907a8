"""Networks and policies; ``POLICY_CLASSES`` names the ones that a configuration can ask for."""

from st_rl.modules.actor_critic import Actor, ActorCritic, Critic
from st_rl.modules.actor_critic_recurrent import (
    ActorCriticHiddenState,
    ActorCriticRecurrent,
    LstmHiddenState,
    Memory,
)
from st_rl.modules.mlp import MlpModel
from st_rl.modules.normalizer import EmpiricalNormalization, Normalize, Normalizer, RunningMeanStd
from st_rl.modules.registry import POLICY_CLASSES, get_policy_class
from st_rl.modules.utils import conv2d_output_shape, get_activation_Cls

POLICY_CLASSES.update(
    {
        "ActorCritic": ActorCritic,
        "ActorCriticRecurrent": ActorCriticRecurrent,
    }
)

__all__ = [
    "POLICY_CLASSES",
    "Actor",
    "ActorCritic",
    "ActorCriticHiddenState",
    "ActorCriticRecurrent",
    "Critic",
    "EmpiricalNormalization",
    "LstmHiddenState",
    "Memory",
    "MlpModel",
    "Normalize",
    "Normalizer",
    "RunningMeanStd",
    "conv2d_output_shape",
    "get_activation_Cls",
    "get_policy_class",
]
