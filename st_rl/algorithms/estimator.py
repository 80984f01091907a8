"""PPO whose policy also learns, by supervision, to estimate a part of the state.

The policies are those with a state estimator, a privilege adaptor or both (``EstimatorMixin``,
``PrivilegeEstimatorMixin``). Their estimates are cut off from the surrogate's gradient, so the terms
added here are all that these networks learn from (concurrent training of policy and estimator,
Ji et al. 2022, arXiv 2202.05481, section III).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from st_rl.algorithms import losses
from st_rl.algorithms.ppo import PPO, PPOCfg
from st_rl.algorithms.tppo import TPPO, TPPOCfg
from st_rl.modules.actor_critic import StatePrediction
from st_rl.modules.state_adaptor import PrivilegeEstimatorMixin
from st_rl.modules.state_estimator import EstimatorMixin
from st_rl.storage.rollout_storage import Batch
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.padding import unpad_trajectories
from st_rl.utils.ranges import Checked, NonNegative, Positive

_Algorithm = PPO if TYPE_CHECKING else object

TARGET_SOURCES = ("actor", "critic")


@dataclass(frozen=True)
class EstimatorCfg(Checked):
    """Numbers of the supervised losses.

    Each is the mean, over the estimated numbers, of the squared error; and the mean, over the one-hots of the target
    whose classes the policy estimates, of the cross-entropy in nats.
    """

    estimator_loss_coef: NonNegative = 1.0
    """Weight of the state estimator's loss."""
    adaptor_loss_coef: NonNegative = 1.0
    """Weight of the privilege adaptor's loss."""
    target_source: str = "critic"
    """Observation whose segments are the targets: ``critic`` (free of sensor noise) or ``actor``.

    A segment that the critic does not observe is taken from the actor's observation. With
    ``normalize_obs`` the targets are normalized as the observation is that they come from.
    """
    estimation_floor: Positive | None = None
    """Divide squared errors by the variance of their target in the batch plus this, so that what varies much does not
    hide what varies little: 1 is what a constant achieves. ``None`` leaves them as they are."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target_source not in TARGET_SOURCES:
            raise UnknownNameError("target source", self.target_source, list(TARGET_SOURCES))


@dataclass(frozen=True)
class EstimatorPPOCfg(EstimatorCfg, PPOCfg):
    """Numbers of PPO and of the supervised losses."""


@dataclass(frozen=True)
class EstimatorTPPOCfg(EstimatorCfg, TPPOCfg):
    """Numbers of PPO with a teacher and of the supervised losses."""


class EstimatorAlgoMixin(_Algorithm):
    """Adds ``estimator_loss`` and ``adaptor_loss`` to an algorithm, for the networks that its policy has."""

    cfg: Any
    """A configuration that derives from ``EstimatorCfg``."""

    def __init__(self, actor_critic: nn.Module, **kwargs: Any) -> None:
        """``UserError`` where the policy estimates nothing."""
        if not isinstance(actor_critic, EstimatorMixin | PrivilegeEstimatorMixin):
            raise UserError(
                f"{type(self).__name__} needs a policy with a state estimator or an adaptor, such as StateAc; "
                f"{type(actor_critic).__name__} has neither"
            )
        super().__init__(actor_critic, **kwargs)

    def _loss_coefs(self) -> dict[str, float]:
        return super()._loss_coefs() | {
            "estimator_loss": self.cfg.estimator_loss_coef,
            "adaptor_loss": self.cfg.adaptor_loss_coef,
        }

    def compute_losses(self, batch: Batch) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """The algorithm's own terms and statistics, and a term ``<network>_loss`` per supervised network."""
        terms, statistics = super().compute_losses(batch)
        # The algorithm has just let the policy act on this batch.
        for network, found in self.actor_critic.state_predictions().items():
            target = self.estimation_target(batch, found.components)
            terms[f"{network}_loss"] = self.estimation_loss(found, target)
        return terms, statistics

    def estimation_loss(self, found: StatePrediction, target: torch.Tensor) -> torch.Tensor:
        """The loss of what one network predicted, for ``target (..., K)``; a scalar."""
        return losses.estimation_loss(found.prediction, target, found.classes, self.cfg.estimation_floor)

    def estimation_target(self, batch: Batch, components: tuple[str, ...]) -> torch.Tensor:
        """True values of the segments ``components``, side by side: ``(B, K)``, or ``(T, n, K)`` if recurrent."""
        policy = self.actor_critic
        actor: ObsLayout = policy.obs_segments
        critic: ObsLayout | None = policy.critic_obs_segments
        columns = []
        for name in components:
            if critic is not None and name in critic and (self.cfg.target_source == "critic" or name not in actor):
                columns.append(critic.select(batch.critic_obs, name))
            else:
                columns.append(actor.select(batch.obs, name))
        target = torch.cat(columns, dim=-1)
        return target if batch.masks is None else unpad_trajectories(target, batch.masks)


class EstimatorPPO(EstimatorAlgoMixin, PPO):
    """PPO with the supervised losses of the policy's estimators."""

    cfg_class: ClassVar[type[PPOCfg]] = EstimatorPPOCfg


class EstimatorTPPO(EstimatorAlgoMixin, TPPO):
    """PPO with a teacher and the supervised losses of the policy's estimators."""

    cfg_class: ClassVar[type[PPOCfg]] = EstimatorTPPOCfg
