"""PPO with adversarial motion priors (Peng et al. 2021, "AMP", arXiv 2104.02180).

A discriminator learns to tell transitions of a reference motion from those of the policy; how well the
policy deceives it is a style reward that is mixed with the task's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from st_rl.algorithms import distributed
from st_rl.algorithms.ppo import PPO, PPOCfg
from st_rl.algorithms.tppo import TPPO, TPPOCfg
from st_rl.modules.amp_discriminator import AMPDiscriminator, AmpMixin
from st_rl.modules.normalizer import EmpiricalNormalization
from st_rl.storage.amp_rollout_storage import AmpRolloutStorage
from st_rl.storage.replay_buffer import ReplayBuffer
from st_rl.storage.rollout_storage import Batch
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Checked, Count, NonNegative, Rate

_Algorithm = PPO if TYPE_CHECKING else object


@dataclass(frozen=True)
class AmpCfg(Checked):
    """Numbers of the adversarial part; those of the rewards are arguments of the policy's discriminator."""

    discriminator_loss_coef: NonNegative = 0.5
    gradient_penalty_coef: NonNegative = 1.0
    """On top of the discriminator's own ``discriminator_grad_pen``."""
    discriminator_learning_rate: Rate = 1e-3
    """Learning rate of the discriminator's own Adam, which the policy's schedule leaves alone."""
    replay_buffer_size: Count = 50_000
    """Transitions of the policy's past that the discriminator keeps learning from."""
    discriminator_batch: Count = 1024
    """Transitions of the reference, and as many of the policy, that the discriminator learns from in a gradient step;
    no more than there are in a mini-batch. It needs fewer than the policy to learn as fast."""
    normalize_motion: bool = True
    """Normalize motions by running statistics; the same ones for policy and reference."""


@dataclass(frozen=True)
class APPOCfg(AmpCfg, PPOCfg):
    """Numbers of PPO and of the adversarial part."""


@dataclass(frozen=True)
class ATPPOCfg(AmpCfg, TPPOCfg):
    """Numbers of PPO with a teacher and of the adversarial part."""


class APPOAlgoMixin(_Algorithm):
    """Adds the discriminator's losses and the style reward to an algorithm.

    The environment describes motion in ``infos``, M numbers per transition, worlds as rows:
    ``infos["observations"]["ref_obs"] (N, M)``, what the robot did with this step (before a reset), and
    ``infos["ref_motion"] (N, M)``, transitions of the reference.
    """

    replayable: ClassVar[bool] = False
    cfg: Any
    """A configuration that derives from ``AmpCfg``."""
    storage: AmpRolloutStorage

    def __init__(self, actor_critic: nn.Module, **kwargs: Any) -> None:
        """``UserError`` where the policy has no discriminator."""
        if not isinstance(actor_critic, AmpMixin):
            raise UserError(
                f"{type(self).__name__} needs a policy with a discriminator, such as AmpActorCritic; "
                f"{type(actor_critic).__name__} has none"
            )
        super().__init__(actor_critic, **kwargs)
        size = self.discriminator.input_dim
        self.replay_buffer = ReplayBuffer(self.cfg.replay_buffer_size, size, device=self.device)
        self.motion_normalizer: nn.Module = nn.Identity()
        if self.cfg.normalize_motion:
            self.motion_normalizer = EmpiricalNormalization(size, until=self.cfg.normalize_until).to(self.device)
        self._motion: dict[str, torch.Tensor] = {}

    @property
    def discriminator(self) -> AMPDiscriminator:
        """The policy's discriminator."""
        return self.actor_critic.discriminator

    def _build_optimizer(self) -> torch.optim.Optimizer:
        """The algorithm's own, with the discriminator in a group whose learning rate stays."""
        optimizer = super()._build_optimizer()
        own = list(self.discriminator.parameters())
        ids = {id(parameter) for parameter in own}
        first = optimizer.param_groups[0]
        first["params"] = [parameter for parameter in first["params"] if id(parameter) not in ids]
        rate = torch.tensor(self.cfg.discriminator_learning_rate, device=self.device)
        optimizer.add_param_group({"params": own, "lr": rate})
        return optimizer

    def _loss_coefs(self) -> dict[str, float]:
        return super()._loss_coefs() | {
            "discriminator_loss": self.cfg.discriminator_loss_coef,
            "gradient_penalty": self.cfg.gradient_penalty_coef,
        }

    def _build_storage(
        self, num_envs: int, num_transitions_per_env: int, num_obs: int, num_critic_obs: int | None, num_actions: int
    ) -> AmpRolloutStorage:
        return AmpRolloutStorage(
            num_envs,
            num_transitions_per_env,
            num_obs,
            num_critic_obs,
            num_actions,
            motion_size=self.discriminator.input_dim,
            device=self.device,
            extra_fields=self._storage_fields(),
        )

    # -- rollout -----------------------------------------------------------------------------------

    @torch.inference_mode()
    def process_env_step(self, rewards: torch.Tensor, dones: torch.Tensor, infos: dict[str, Any]) -> None:
        """As PPO, with the mixed reward in place of the task's ``rewards (N,)``."""
        ref_obs, ref_motion = self._read_motion(infos, len(rewards))
        mixed, style = self.discriminator.predict_style_reward(self.motion_normalizer(ref_obs), rewards)
        self._motion = {"ref_obs": ref_obs, "ref_motion": ref_motion, "task_reward": rewards, "style_reward": style}
        super().process_env_step(mixed, dones, infos)
        self._motion = {}

    def _read_motion(self, infos: dict[str, Any], num_envs: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The two motions of ``infos``, both ``(N, M)``; ``UserError`` where one lacks or has another shape."""
        motions = infos.get("observations", {}).get("ref_obs"), infos.get("ref_motion")
        expected = (num_envs, self.discriminator.input_dim)
        for name, motion in zip(('infos["observations"]["ref_obs"]', 'infos["ref_motion"]'), motions, strict=True):
            if motion is None:
                raise UserError(f"{type(self).__name__} learns from {name}; choose an environment that provides it")
            if tuple(motion.shape) != expected:
                raise UserError(
                    f"{name} has shape {tuple(motion.shape)} and the discriminator reads {expected}; set its input_dim "
                    "to the numbers that describe one transition"
                )
        return motions  # type: ignore[return-value]

    def _extra_fields(self, infos: dict[str, Any]) -> dict[str, torch.Tensor]:
        return super()._extra_fields(infos) | self._motion

    # -- learning ----------------------------------------------------------------------------------

    def update(self) -> dict[str, float]:
        """As the algorithm behind; and the rollout's mean task, style and mixed reward."""
        storage = self.storage
        self.replay_buffer.insert(storage.ref_obs.flatten(0, 1))
        rewards = torch.stack((storage.task_reward.mean(), storage.style_reward.mean()))
        report = super().update()
        task, style = distributed.mean(rewards).tolist()
        share = self.discriminator.task_reward_lerp
        mixed = share * task + (1.0 - share) * style
        return report | {"task_reward": task, "style_reward": style, "mixed_reward": mixed}

    def compute_losses(self, batch: Batch) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """The algorithm's own terms and statistics, and the discriminator's."""
        terms, statistics = super().compute_losses(batch)
        expert = self._some(batch.extras["ref_motion"].flatten(0, -2))
        own_terms, scores = self.discriminator_losses(expert, self.replay_buffer.sample(len(expert)))
        return terms | own_terms, statistics | scores

    def _some(self, expert: torch.Tensor) -> torch.Tensor:
        """``discriminator_batch`` of the rows of ``expert (B, M)``, drawn with replacement, or all of fewer."""
        count = self.cfg.discriminator_batch
        if len(expert) <= count:
            return expert
        return expert[torch.randint(len(expert), (count,), device=expert.device)]

    def discriminator_losses(
        self, expert: torch.Tensor, policy: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """Least-squares loss and gradient penalty at motions ``(B, M)``, which are normalized here; mean scores.

        ``E (D(expert) - 1)^2 + E (D(policy) + 1)^2`` and the penalty at the expert's samples (Peng et al.
        2021, equations 6 and 8).
        """
        expert, policy = self.motion_normalizer(expert), self.motion_normalizer(policy)
        expert_score, policy_score = self.discriminator(torch.cat((expert, policy))).split((len(expert), len(policy)))
        loss = (expert_score - 1.0).square().mean() + (policy_score + 1.0).square().mean()
        terms = {"discriminator_loss": loss, "gradient_penalty": self.discriminator.compute_grad_pen(expert)}
        with torch.no_grad():
            told_apart = torch.cat((expert_score > 0.0, policy_score < 0.0)).float().mean()
        scores = {"expert_score": expert_score.mean(), "policy_score": policy_score.mean()}
        return terms, scores | {"discriminator_accuracy": told_apart}

    def _update_normalizers(self) -> None:
        """Also those of motion, from as many transitions of the policy as of the reference."""
        super()._update_normalizers()
        if isinstance(self.motion_normalizer, EmpiricalNormalization):
            motions = torch.cat((self.storage.ref_obs, self.storage.ref_motion)).flatten(0, 1)
            self.motion_normalizer.update(distributed.gather_rows(motions))

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """As the algorithm behind; and the statistics of motion and the policy's past transitions."""
        return super().state_dict() | {
            "motion_normalizer_state_dict": self.motion_normalizer.state_dict(),
            "replay_buffer_state_dict": self.replay_buffer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned; raises as the algorithm behind where it does not fit."""
        super().load_state_dict(state)
        self.motion_normalizer.load_state_dict(state["motion_normalizer_state_dict"])
        self.replay_buffer.load_state_dict(state["replay_buffer_state_dict"])


class APPO(APPOAlgoMixin, PPO):
    """PPO with adversarial motion priors."""

    cfg_class: ClassVar[type[PPOCfg]] = APPOCfg
    storage: AmpRolloutStorage


class ATPPO(APPOAlgoMixin, TPPO):
    """PPO with a teacher and adversarial motion priors."""

    cfg_class: ClassVar[type[PPOCfg]] = ATPPOCfg
    storage: AmpRolloutStorage
