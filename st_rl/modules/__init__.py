"""Networks and policies; ``POLICY_CLASSES`` names the ones that a configuration can ask for."""

from st_rl.modules.actor_critic import Actor, ActorCritic, Critic, StatePrediction
from st_rl.modules.actor_critic_climb_mutex import ActorCriticClimbMutex
from st_rl.modules.actor_critic_field_mutex import ActorCriticFieldMutex
from st_rl.modules.actor_critic_mutex import ActorCriticMutex
from st_rl.modules.actor_critic_recurrent import (
    ActorCriticHiddenState,
    ActorCriticRecurrent,
    LstmHiddenState,
    Memory,
)
from st_rl.modules.all_mixer import EncoderStateAc, EncoderStateAcRecurrent
from st_rl.modules.amp_discriminator import AmpActorCritic, AmpActorCriticRecurrent, AMPDiscriminator, AmpMixin
from st_rl.modules.conv2d import Conv2dHeadModel, Conv2dModel
from st_rl.modules.deterministic_policy import DeterministicPolicyMixin
from st_rl.modules.encoder_actor_critic import (
    EncoderActorCritic,
    EncoderActorCriticMixin,
    EncoderActorCriticRecurrent,
    EncoderAmpActorCriticRecurrent,
)
from st_rl.modules.mlp import MlpModel
from st_rl.modules.mutex_cfg import ClimbMutexCfg, FieldMutexCfg, MutexCfg
from st_rl.modules.normalizer import EmpiricalNormalization, Normalize, Normalizer, RunningMeanStd
from st_rl.modules.policy_cfg import (
    AdaptorCfg,
    ConvKwargs,
    DiscriminatorKwargs,
    EncoderCfg,
    EncoderEstimatorCfg,
    EncoderEstimatorRecurrentCfg,
    EncoderKwargs,
    EncoderMotionPriorRecurrentCfg,
    EncoderRecurrentCfg,
    EstimatorCfg,
    EstimatorRecurrentCfg,
    MlpKwargs,
    MotionPriorCfg,
    MotionPriorRecurrentCfg,
    PolicyCfg,
    PrivilegeCfg,
    RecurrentCfg,
)
from st_rl.modules.registry import POLICY_CLASSES, get_policy_class
from st_rl.modules.state_adaptor import AdaptorActorHiddenState, PrivilegeEstimatorMixin, PrivilegeStateAcRecurrent
from st_rl.modules.state_estimator import (
    EstimatorActorHiddenState,
    EstimatorMixin,
    StateAc,
    StateAcRecurrent,
)
from st_rl.modules.utils import conv2d_output_shape, get_activation_Cls
from st_rl.modules.visual_actor_critic import (
    VisualActorCriticMixin,
    VisualDeterministicAC,
    VisualDeterministicRecurrent,
)
from st_rl.modules.visual_cfg import VisualCfg, VisualPrivilegeCfg, VisualRecurrentCfg
from st_rl.modules.visual_memory import ImageMemory, VisualMemoryMixin, VisualPrivilegeStateAc

for _policy_class in (
    ActorCritic,
    ActorCriticClimbMutex,
    ActorCriticFieldMutex,
    ActorCriticMutex,
    ActorCriticRecurrent,
    AmpActorCritic,
    AmpActorCriticRecurrent,
    EncoderActorCritic,
    EncoderActorCriticRecurrent,
    EncoderAmpActorCriticRecurrent,
    EncoderStateAc,
    EncoderStateAcRecurrent,
    PrivilegeStateAcRecurrent,
    StateAc,
    StateAcRecurrent,
    VisualDeterministicAC,
    VisualDeterministicRecurrent,
    VisualPrivilegeStateAc,
):
    POLICY_CLASSES.register(_policy_class.__name__, _policy_class)

__all__ = [
    "POLICY_CLASSES",
    "AMPDiscriminator",
    "Actor",
    "ActorCritic",
    "ActorCriticClimbMutex",
    "ActorCriticFieldMutex",
    "ActorCriticHiddenState",
    "ActorCriticMutex",
    "ActorCriticRecurrent",
    "AdaptorActorHiddenState",
    "AdaptorCfg",
    "AmpActorCritic",
    "AmpActorCriticRecurrent",
    "AmpMixin",
    "ClimbMutexCfg",
    "Conv2dHeadModel",
    "Conv2dModel",
    "ConvKwargs",
    "Critic",
    "DeterministicPolicyMixin",
    "DiscriminatorKwargs",
    "EmpiricalNormalization",
    "EncoderActorCritic",
    "EncoderActorCriticMixin",
    "EncoderActorCriticRecurrent",
    "EncoderAmpActorCriticRecurrent",
    "EncoderCfg",
    "EncoderEstimatorCfg",
    "EncoderEstimatorRecurrentCfg",
    "EncoderKwargs",
    "EncoderMotionPriorRecurrentCfg",
    "EncoderRecurrentCfg",
    "EncoderStateAc",
    "EncoderStateAcRecurrent",
    "EstimatorActorHiddenState",
    "EstimatorCfg",
    "EstimatorMixin",
    "EstimatorRecurrentCfg",
    "FieldMutexCfg",
    "ImageMemory",
    "LstmHiddenState",
    "Memory",
    "MlpKwargs",
    "MlpModel",
    "MotionPriorCfg",
    "MotionPriorRecurrentCfg",
    "MutexCfg",
    "Normalize",
    "Normalizer",
    "PolicyCfg",
    "PrivilegeCfg",
    "PrivilegeEstimatorMixin",
    "PrivilegeStateAcRecurrent",
    "RecurrentCfg",
    "RunningMeanStd",
    "StateAc",
    "StateAcRecurrent",
    "StatePrediction",
    "VisualActorCriticMixin",
    "VisualCfg",
    "VisualDeterministicAC",
    "VisualDeterministicRecurrent",
    "VisualMemoryMixin",
    "VisualPrivilegeCfg",
    "VisualPrivilegeStateAc",
    "VisualRecurrentCfg",
    "conv2d_output_shape",
    "get_activation_Cls",
    "get_policy_class",
]
