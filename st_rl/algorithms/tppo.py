"""PPO with a teacher, down to pure imitation (DAgger: Ross et al. 2011, arXiv 1011.0686).

The teacher labels every step with what it would do. Some episodes it drives itself, fewer and fewer of
them; in the others the student meets the states that its own mistakes lead to, and learns the labels there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import nn

from st_rl.algorithms import losses
from st_rl.algorithms.distillation import get_distance, teacher_probability
from st_rl.algorithms.ppo import PPO, PPOCfg
from st_rl.algorithms.teacher import Teacher, teacher_from_config, teacher_from_run
from st_rl.modules.encoder_actor_critic import EncoderActorCriticMixin
from st_rl.storage.rollout_storage import Batch
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.padding import unpad_trajectories
from st_rl.utils.ranges import NonNegative, Positive, Share


@dataclass(frozen=True)
class TPPOCfg(PPOCfg):
    """Numbers of PPO and of the distillation. With ``using_ppo`` the schedule ``adaptive`` counts both."""

    using_ppo: bool = True
    """``False``: imitation alone, at a fixed learning rate; rewards play no part."""
    teacher_run: str | None = None
    """Run folder of the teacher."""
    teacher_policy: Mapping[str, Any] | None = None
    """Instead: ``class_name`` and arguments of a teacher made of run folders, such as a mutex."""
    teacher_source: str = "critic"
    """Observation that the teacher reads first: ``critic`` or ``actor``."""
    teacher_act_prob: Share = 1.0
    """Probability that the teacher drives one of the first episodes."""
    teacher_schedule: str = "exp"
    """How that probability falls: ``linear``, ``exp`` or ``tanh``."""
    teacher_decay_updates: Positive = 100.0
    """Updates until it has fallen to 0, 37 % or 24 %, by the schedule."""
    distillation_loss_coef: NonNegative = 1.0
    distill_target: str = "real"
    """Distance of the student's mean actions to the labels: ``real``, ``l1``, ``mse_sum`` or ``tanh``."""
    distill_latent_components: Mapping[str, str] = field(default_factory=dict)
    """Encoded segment of the student -> encoded segment of the teacher whose latent it should have."""
    distill_latent_target: str = "real"
    latent_distillation_loss_coef: NonNegative = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        get_distance(self.distill_target)
        get_distance(self.distill_latent_target)
        teacher_probability(self.teacher_schedule, 0, self.teacher_decay_updates)
        if self.teacher_source not in ("actor", "critic"):
            raise UnknownNameError("teacher source", self.teacher_source, ["actor", "critic"])


@dataclass
class StoredTransition:
    """One step of every world as a data set has it; N worlds, A actions."""

    obs: torch.Tensor
    """(N, num_obs)"""
    actions: torch.Tensor
    """(N, A), those taken; a demonstration where nothing else labels the step."""
    rewards: torch.Tensor
    """(N,)"""
    dones: torch.Tensor
    """(N,) bool"""
    action_labels: torch.Tensor | None = None
    """(N, A), what a teacher would have done, where the data set knows it."""
    critic_obs: torch.Tensor | None = None
    """(N, num_critic_obs), or ``None`` where the critic sees ``obs``."""


class TPPO(PPO):
    """PPO whose policy, the student, also learns to do what a teacher would."""

    cfg_class: ClassVar[type[PPOCfg]] = TPPOCfg
    replayable: ClassVar[bool] = False
    cfg: Any
    """A ``TPPOCfg``."""

    def __init__(
        self,
        actor_critic: nn.Module,
        *,
        teacher: Any = None,
        teacher_normalizer: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        """``teacher``: a policy, with the normalizer of its observation, instead of what the configuration names.

        Without any teacher only data sets can be learned from.
        """
        super().__init__(actor_critic, **kwargs)
        self._labels: dict[str, torch.Tensor] = {}
        self.teacher = self._build_teacher(teacher, teacher_normalizer)
        self._check_latents()
        self.driven = torch.zeros(0, dtype=torch.bool, device=self.device)
        """(N,) bool, whether the teacher drives the current episode."""

    def _build_teacher(self, policy: Any, normalizer: nn.Module | None) -> Teacher | None:
        cfg, student = self.cfg, self.actor_critic
        if policy is not None:
            return Teacher(policy, student, normalizer, cfg.teacher_source).to(self.device)
        if cfg.teacher_policy is not None:
            return teacher_from_config(cfg.teacher_policy, student, cfg.teacher_source).to(self.device)
        if cfg.teacher_run is not None:
            return teacher_from_run(cfg.teacher_run, student, cfg.teacher_source).to(self.device)
        return None

    def _check_latents(self) -> None:
        components = self.cfg.distill_latent_components
        if not components:
            return
        if self.teacher is None:
            raise UserError("latent distillation needs a teacher; name one by teacher_run or drop the components")
        for own, theirs in components.items():
            sizes = (_latent_size(self.actor_critic, own), _latent_size(self.teacher.policy, theirs))
            if sizes[0] != sizes[1]:
                raise UserError(
                    f"the latent of '{own}' has {sizes[0]} numbers and the teacher's of '{theirs}' {sizes[1]}; "
                    "give the student's encoder the same encoder_output_size"
                )

    def _loss_coefs(self) -> dict[str, float]:
        cfg = self.cfg
        own = super()._loss_coefs() if cfg.using_ppo else {"entropy": 0.0}
        return own | {
            "distillation_loss": cfg.distillation_loss_coef,
            "latent_distillation_loss": cfg.latent_distillation_loss_coef,
        }

    # -- rollout -----------------------------------------------------------------------------------

    def init_storage(
        self, num_envs: int, num_transitions_per_env: int, num_obs: int, num_critic_obs: int | None, num_actions: int
    ) -> None:
        """As PPO; and draw who drives the first episodes."""
        super().init_storage(num_envs, num_transitions_per_env, num_obs, num_critic_obs, num_actions)
        self.driven = torch.rand(num_envs, device=self.device) < self.teacher_probability

    def _storage_fields(self) -> dict[str, tuple[int, ...]]:
        components = self.cfg.distill_latent_components
        latents = {f"latent/{own}": (_latent_size(self.actor_critic, own),) for own in components}
        labels = {"action_labels": (self.actor_critic.num_actions,), "driven": ()}
        return super()._storage_fields() | labels | latents

    @property
    def teacher_probability(self) -> float:
        """Probability that the teacher drives an episode which begins now."""
        cfg = self.cfg
        return teacher_probability(
            cfg.teacher_schedule, self.num_updates, cfg.teacher_decay_updates, cfg.teacher_act_prob
        )

    def _act(self, obs: torch.Tensor, critic_obs: torch.Tensor | None) -> torch.Tensor:
        """Actions taken (N, A).

        The storage keeps the student's own samples even where the teacher drives: its surrogate learns nothing
        there, and likelihoods of the teacher's actions, which may be far off, would overflow in the ratio.
        """
        sampled = super()._act(obs, critic_obs)
        if self.teacher is None:
            raise UserError(
                f"{type(self).__name__} has no teacher to label its actions; name one by teacher_run or teacher_policy"
            )
        labels = self._ask_teacher(self.teacher, obs, critic_obs)
        self._labels |= {"action_labels": labels, "driven": self.driven.float()}
        return torch.where(self.driven.unsqueeze(-1), labels, sampled)

    def _ask_teacher(self, teacher: Teacher, obs: torch.Tensor, critic_obs: torch.Tensor | None) -> torch.Tensor:
        """The teacher's actions (N, A); keeps its latents for the storage."""
        seen = teacher.observe(obs, critic_obs)
        components = self.cfg.distill_latent_components
        self._labels = {f"latent/{own}": teacher.latent(seen, theirs) for own, theirs in components.items()}
        return teacher.act(seen)

    @torch.inference_mode()
    def process_env_step(self, rewards: torch.Tensor, dones: torch.Tensor, infos: dict[str, Any]) -> None:
        """As PPO; and draw who drives the episodes that begin."""
        super().process_env_step(rewards, dones, infos)
        self._labels = {}
        if self.teacher is not None:
            self.teacher.reset(dones)
        fresh = torch.rand(len(dones), device=self.device) < self.teacher_probability
        self.driven = torch.where(dones, fresh, self.driven)

    def _extra_fields(self, infos: dict[str, Any]) -> dict[str, torch.Tensor]:
        return super()._extra_fields(infos) | self._labels

    @torch.inference_mode()
    def collect_transition_from_dataset(
        self, transition: StoredTransition, infos: dict[str, Any] | None = None
    ) -> None:
        """Record a stored step instead of one in the environment; ``infos`` as from the environment.

        The student reads the observation, so that its memory and values follow. The labels are the stored ones,
        else the teacher's; without a teacher the stored actions are taken for a demonstration.
        """
        obs, critic_obs, labels = transition.obs, transition.critic_obs, transition.action_labels
        super()._act(obs, critic_obs)
        self._labels = {}
        if self.teacher is not None and (labels is None or self.cfg.distill_latent_components):
            asked = self._ask_teacher(self.teacher, obs, critic_obs)
            labels = asked if labels is None else labels
        labels = transition.actions if labels is None else labels
        self._labels |= {"action_labels": labels, "driven": torch.ones_like(self.driven, dtype=torch.float32)}
        self.process_env_step(transition.rewards, transition.dones, infos or {})

    # -- learning ----------------------------------------------------------------------------------

    def update(self) -> dict[str, float]:
        """As PPO; and ``teacher_probability``, that of the rollout's last episodes."""
        probability = self.teacher_probability
        report = super().update()
        return report | {"teacher_probability": probability}

    def compute_losses(self, batch: Batch) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """PPO's terms (unless imitation is all), the distance to the labels, and that of the latents."""
        if self.cfg.using_ppo:
            # Actions that the student did not choose say nothing about its own; their values do, about states.
            own = 1.0 - batch.extras["driven"]
            terms, statistics = super().compute_losses(replace(batch, advantages=batch.advantages * own))
        else:
            terms, statistics = self._imitate(batch)
        distance = get_distance(self.cfg.distill_target)
        terms["distillation_loss"] = distance(self.actor_critic.action_mean, batch.extras["action_labels"])
        if self.cfg.distill_latent_components:
            terms["latent_distillation_loss"] = self._latent_loss(batch)
        return terms, statistics

    def _imitate(self, batch: Batch) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """Let the policy act on the batch; its entropy, only to be logged, and the KL since the rollout."""
        policy = self.actor_critic
        if batch.masks is None:
            policy.act(batch.obs)
        else:
            policy.act(batch.obs, masks=batch.masks, hidden_states=batch.hidden_states.actor)
        with torch.no_grad():
            kl = losses.gaussian_kl(batch.old_mean, batch.old_std, policy.action_mean, policy.action_std).mean()
        return {"entropy": -policy.entropy.mean()}, {"kl": kl}

    def _latent_loss(self, batch: Batch) -> torch.Tensor:
        """Mean distance, over the components, of the student's latents to the teacher's; a scalar."""
        distance = get_distance(self.cfg.distill_latent_target)
        terms = []
        for own in self.cfg.distill_latent_components:
            latent = self.actor_critic.get_encoder_latent(batch.obs, own)
            if batch.masks is not None:
                latent = unpad_trajectories(latent, batch.masks)
            terms.append(distance(latent, batch.extras[f"latent/{own}"]))
        return torch.stack(terms).mean()

    def _adapt_learning_rate(self, kl: torch.Tensor) -> None:
        if self.cfg.using_ppo:
            super()._adapt_learning_rate(kl)

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """As PPO; and who drives, and what the teacher's memories hold.

        The teacher itself stays in its run folder.
        """
        memory = [] if self.teacher is None else self.teacher.memory_state()
        progress = {"driven": self.driven.clone(), "memory": memory}
        return super().state_dict() | {"teacher_state_dict": progress}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned; raises as PPO where it does not fit."""
        super().load_state_dict(state)
        progress = state["teacher_state_dict"]
        if progress["driven"].shape == self.driven.shape:
            # With another number of worlds their episodes are others, and the drivers just drawn stand.
            self.driven = progress["driven"].to(self.device)
            if self.teacher is not None:
                self.teacher.load_memory_state(progress["memory"])


def _latent_size(policy: Any, component: str) -> int:
    """Numbers in the latent of a segment that ``policy`` encodes; ``UnknownNameError`` where it encodes no such."""
    encoders = policy.encoders if isinstance(policy, EncoderActorCriticMixin) else nn.ModuleDict()
    if component not in encoders:
        raise UnknownNameError("encoded segment", component, sorted(encoders))
    size: Any = encoders[component].output_size
    return size
