"""Policies with encoders and a state estimator.

The estimator reads, and replaces, segments of the raw observation; the encoders read what results.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from st_rl.modules.actor_critic import ActorCritic
from st_rl.modules.actor_critic_recurrent import ActorCriticRecurrent
from st_rl.modules.encoder_actor_critic import EncoderActorCriticMixin
from st_rl.modules.policy_cfg import EncoderEstimatorCfg, EncoderEstimatorRecurrentCfg
from st_rl.modules.state_estimator import EstimatorMixin
from st_rl.utils.obs_layout import Segments
from st_rl.utils.transfer import TransferReport, load_misaligned_state_dict


class EncoderStateAc(EstimatorMixin, EncoderActorCriticMixin, ActorCritic):
    """Feed-forward policy with encoders and a state estimator."""

    cfg_class = EncoderEstimatorCfg


class EncoderStateAcRecurrent(EstimatorMixin, EncoderActorCriticMixin, ActorCriticRecurrent):
    """Recurrent policy with encoders and a state estimator."""

    cfg_class = EncoderEstimatorRecurrentCfg

    def load_misaligned_state_dict(
        self,
        module: nn.Module | Mapping[str, Any],
        obs_segments: Segments,
        critic_obs_segments: Segments | None = None,
    ) -> TransferReport:
        """Start from ``module``, a policy or its state dict, trained with other observation layouts.

        See ``st_rl.utils.transfer.load_misaligned_state_dict``, which does the same for every policy class.
        """
        return load_misaligned_state_dict(self, module, obs_segments, critic_obs_segments)
