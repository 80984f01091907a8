"""Imitation of a teacher by a student that sees, from a ring of what happened (DAgger: Ross et al. 2011, arXiv
1011.0686).

The teacher labels every step, and drives some episodes, fewer and fewer. Steps are kept long after they were made, each
image once and in bytes, and learned from in rows of images: the memory of the student runs along a row, from what it
held when the row was recorded (Kapturowski et al. 2019, R2D2, section 2.3).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import nn

from st_rl.algorithms import distributed, losses
from st_rl.algorithms.distillation import get_distance
from st_rl.algorithms.estimator import EstimatorAlgoMixin, EstimatorTPPOCfg
from st_rl.algorithms.kernels import fast_kernels
from st_rl.algorithms.ppo import PPOCfg
from st_rl.algorithms.teacher import teacher_from_run
from st_rl.algorithms.tppo import TPPO, StoredTransition
from st_rl.modules.actor_critic_mutex import ActorCriticMutex
from st_rl.modules.state_adaptor import PrivilegeEstimatorMixin
from st_rl.modules.state_estimator import EstimatorMixin
from st_rl.modules.visual_memory import VisualMemoryMixin
from st_rl.storage.image_replay import ImageReplay, Sequences
from st_rl.utils.errors import UserError
from st_rl.utils.memory import require_memory
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.ranges import Count, Interval, NonNegative, Share, Whole
from st_rl.utils.transfer import TransferReport, load_misaligned_state_dict

_TARGETS = "targets"


@dataclass(frozen=True)
class DAggerCfg(EstimatorTPPOCfg):
    """Numbers of the imitation. What PPO has besides plays no part: there are neither values nor epochs."""

    using_ppo: bool = False
    schedule: str = "fixed"
    start_run: str | None = None
    """Run folder whose actor the student's starts from, as far as their columns match; by default the teacher's, and
    that of a mutex's first skill."""
    start_from_teacher: bool = True
    """Whether it starts from another actor at all."""
    teacher_segments: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Segments of that actor which the student has in parts: segment -> part -> columns, in their order."""
    action_noise: NonNegative = 0.2
    """Deviation of the noise on what the teacher does where it drives, so that it has something to mend."""
    replay_steps: Count = 1_000_000
    """Steps in the ring, of all worlds of this process together."""
    images_per_step: Share = 0.25
    """Room for images: 0.2 is a camera of 10 Hz, and episodes that begin bring more."""
    image_range: Interval = (-0.5, 0.5)
    """Values of the darkest and of the brightest pixel, which bytes are to cover."""
    num_gradient_steps: Count = 8
    """In an update."""
    num_sequences: Count = 128
    """Rows of images in a gradient step."""
    sequence_length: Count = 10
    """Images in a row."""
    warm_up_images: Whole = 2
    """The first so many of them warm the memory and teach nothing."""
    steps_per_image: Count = 2
    """Steps that are learned from while an image is in effect, drawn from all of them."""

    @property
    def min_transitions(self) -> int:
        """One: there are no mini-batches of the rollout, and no advantages."""
        return 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.using_ppo or self.normalize_obs or self.distill_latent_components:
            raise UserError(
                "DAgger learns by imitation, of actions and segments as they are observed; leave using_ppo, "
                "normalize_obs and distill_latent_components out, or take TPPO"
            )
        if not 0 <= self.warm_up_images < self.sequence_length:
            raise UserError("warm_up_images must be fewer than the sequence_length")


class DAgger(EstimatorAlgoMixin, TPPO):
    """Imitation by replay, for policies with a ``VisualMemoryMixin``."""

    cfg_class: ClassVar[type[PPOCfg]] = DAggerCfg
    storage: ImageReplay  # type: ignore[assignment]

    def __init__(self, actor_critic: nn.Module, **kwargs: Any) -> None:
        """``UserError`` where the policy does not see, or cannot start from what the configuration says."""
        if not isinstance(actor_critic, VisualMemoryMixin):
            raise UserError(
                f"DAgger learns from rows of images and needs a policy such as VisualPrivilegeStateAc, not "
                f"{type(actor_critic).__name__}; TPPO with using_ppo=False teaches every class"
            )
        super().__init__(actor_critic, **kwargs)
        policy = self.actor_critic
        self._others: ObsLayout = policy.others_layout()
        self._target_layout = self._find_targets()
        self.start_report: TransferReport | None = self._start() if self.cfg.start_from_teacher else None
        """What was taken over from another actor."""

    def _find_targets(self) -> ObsLayout:
        """The segments that the policy estimates."""
        policy, names = self.actor_critic, []
        if isinstance(policy, EstimatorMixin):
            names += policy.estimator_target_components
        if isinstance(policy, PrivilegeEstimatorMixin):
            names += policy.adaptor_target_components
        known = {**self._others, **(policy.critic_obs_segments or {})}
        return ObsLayout((name, known[name]) for name in dict.fromkeys(names))

    def _start(self) -> TransferReport | None:
        """Take over an actor's weights: of a mutex, those of its first skill; where it normalizes, none."""
        cfg, teacher = self.cfg, self.teacher
        if cfg.start_run is not None:
            teacher = teacher_from_run(cfg.start_run, self.actor_critic, cfg.teacher_source)
        if teacher is None:
            return None
        if not teacher.conversion.is_identity():
            raise UserError(
                "the student cannot start from an actor that was trained with other scales of actions or observations; "
                "set train.algorithm.start_from_teacher to false, or train with the scales of that run"
            )
        actor, layout, normalizer = teacher.policy, teacher.layout, teacher.normalizer
        if isinstance(actor, ActorCriticMutex):
            actor, layout, normalizer = actor.submodules[0], actor.sub_layouts[0], actor.sub_normalizers[0]
        if not isinstance(normalizer, nn.Identity):
            return None
        state = {name: value for name, value in actor.state_dict().items() if not name.startswith("critic.")}
        return load_misaligned_state_dict(self.actor_critic, state, in_parts(layout, cfg.teacher_segments))

    # -- rollout -----------------------------------------------------------------------------------

    def _require_transitions(self, num_envs: int, num_steps: int) -> None:
        """A rollout may be of any size: what is learned from is drawn from the ring."""

    def _build_storage(
        self, num_envs: int, num_transitions_per_env: int, num_obs: int, num_critic_obs: int | None, num_actions: int
    ) -> Any:
        cfg, policy = self.cfg, self.actor_critic
        num_steps = max(cfg.replay_steps // num_envs, num_transitions_per_env, 2)
        image = policy.seen_layout.size_of(policy.visual_component_name)
        fields = {
            "obs": (self._others.size, torch.float16),
            _TARGETS: (self._target_layout.size, torch.float16),
            "labels": (num_actions, torch.float32),
        }
        num_images = max(2, round(num_steps * cfg.images_per_step))
        numbers = sum(size * dtype.itemsize for size, dtype in fields.values())
        require_memory(
            num_envs * (num_steps * numbers + num_images * image),
            self.device,
            f"a ring of {num_envs * num_steps} steps",
            "replay_steps",
        )
        return ImageReplay(
            num_envs,
            num_steps,
            num_images,
            image,
            fields,
            len(policy.memory_v.state_names()[:-1]) * policy.remembered_size,
            cfg.image_range,
            self.device,
        )

    def _act(self, obs: torch.Tensor, critic_obs: torch.Tensor | None) -> torch.Tensor:
        """Actions taken (N, A): the student's mean, or what the teacher does, with noise, where it drives."""
        if self.teacher is None:
            raise UserError("DAgger has no teacher to label its actions; name one by teacher_run or teacher_policy")
        actions = self._see(obs, critic_obs)
        labels = self.teacher.act(self.teacher.observe(obs, critic_obs))
        self._pending["labels"] = labels
        noisy = labels + self.cfg.action_noise * torch.randn_like(labels)
        return torch.where(self.driven.unsqueeze(-1), noisy, actions)

    def _see(self, obs: torch.Tensor, critic_obs: torch.Tensor | None) -> torch.Tensor:
        """Let the student act, (N, A), and note what the ring keeps of this step but the labels."""
        policy = self.actor_critic
        memory = policy.memory_v
        state = memory.hidden_states
        if state is None:
            state = memory.zero_state(len(obs))
        held, seen = state
        flat = held if isinstance(held, torch.Tensor) else torch.cat(list(held), dim=-1)
        new = memory.is_new(policy.seen_layout.select(obs, policy.visual_age_name), state)
        actions = policy.act(obs)
        self._pending = {
            "obs": policy.without_image(obs),
            _TARGETS: self._targets_of(obs, critic_obs),
            "images": policy.seen_layout.select(obs, policy.visual_component_name),
            "new": new,
            "first": seen[0, :, 0] == 0.0,
            "states": flat[-1],
        }
        return actions

    def _targets_of(self, obs: torch.Tensor, critic_obs: torch.Tensor | None) -> torch.Tensor:
        """True values (N, K) of what the policy estimates."""
        policy = self.actor_critic
        critic: ObsLayout | None = policy.critic_obs_segments
        columns = []
        for name in self._target_layout:
            if critic is not None and critic_obs is not None and name in critic:
                columns.append(critic.select(critic_obs, name))
            else:
                columns.append(policy.seen_layout.select(obs, name))
        return torch.cat(columns, dim=-1) if columns else obs[:, :0]

    @torch.inference_mode()
    def process_env_step(self, rewards: torch.Tensor, dones: torch.Tensor, infos: dict[str, Any]) -> None:
        """Put the step into the ring; and draw who drives the episodes that begin."""
        step = self._pending
        self._pending = {}
        fields = {name: step[name] for name in self.storage.fields}
        self.storage.add(fields, step["images"], step["new"], step["first"], step["states"])
        self.actor_critic.reset(dones)
        if self.teacher is not None:
            self.teacher.reset(dones)
        fresh = torch.rand(len(dones), device=self.device) < self.teacher_probability
        self.driven = torch.where(dones, fresh, self.driven)

    @torch.inference_mode()
    def collect_transition_from_dataset(
        self, transition: StoredTransition, infos: dict[str, Any] | None = None
    ) -> None:
        """As TPPO: the student reads the observation, so that its memory follows; nothing is done in an environment."""
        obs, critic_obs, labels = transition.obs, transition.critic_obs, transition.action_labels
        self._see(obs, critic_obs)
        if labels is None and self.teacher is not None:
            labels = self.teacher.act(self.teacher.observe(obs, critic_obs))
        self._pending["labels"] = transition.actions if labels is None else labels
        self.process_env_step(transition.rewards, transition.dones, infos or {})

    def compute_returns(self, last_obs: torch.Tensor, last_critic_obs: torch.Tensor | None = None) -> None:
        """Rewards play no part."""

    # -- learning ----------------------------------------------------------------------------------

    def update(self) -> dict[str, float]:
        """Learn from rows of the ring; returns the means of the loss terms, and ``replay_steps``, what the ring holds.

        Without a whole row in the ring nothing is learned yet.
        """
        cfg, totals = self.cfg, {}
        report = {"teacher_probability": self.teacher_probability, "replay_steps": float(len(self.storage))}
        self._cool_down()
        if bool(self.storage.ready(cfg.sequence_length)):
            # On a CPU torch's own kernels are several times as fast for the shapes of an image encoder.
            with fast_kernels(self.device) if self.device.type == "cuda" else contextlib.nullcontext():
                for _ in range(cfg.num_gradient_steps):
                    rows = self.storage.sample(cfg.num_sequences, cfg.sequence_length, cfg.steps_per_image)
                    for name, value in self.learn_from(rows).items():
                        totals[name] = totals[name] + value if name in totals else value
        self.num_updates += 1
        if totals:
            values = (distributed.mean(torch.stack(list(totals.values()))) / cfg.num_gradient_steps).tolist()
            report |= dict(zip(totals, values, strict=True))
        return report | {"learning_rate": self.learning_rate.item()}

    def learn_from(self, rows: Sequences) -> dict[str, torch.Tensor]:
        """One gradient step; returns its loss terms, detached."""
        terms = self.sequence_losses(rows)
        self._gradient_step(terms)
        return {name: value.detach() for name, value in terms.items()}

    def sequence_losses(self, rows: Sequences) -> dict[str, torch.Tensor]:
        """Distance of the actions to their labels, and the errors of the estimates; each image is encoded once."""
        policy, warm = self.actor_critic, self.cfg.warm_up_images
        beside = self._others.select(rows.arrivals["obs"], list(policy.memory_components))
        memory = policy.memory_of(rows.state)
        if warm:
            with torch.no_grad():
                memory = policy.remember(policy.encode(rows.images[:warm]), beside[:warm], rows.first[:warm], memory)[1]
        remembered, _ = policy.remember(policy.encode(rows.images[warm:]), beside[warm:], rows.first[warm:], memory)
        steps = {name: value[warm:] for name, value in rows.steps.items()}
        count = steps["obs"].shape[2]
        seen = policy.embed(steps["obs"], remembered.unsqueeze(2).expand(-1, -1, count, -1))
        policy.act_with_embedded_latent(seen.flatten(0, 2))
        distance = get_distance(self.cfg.distill_target)
        terms = {"distillation_loss": distance(policy.action_mean, steps["labels"].flatten(0, 2))}
        targets = steps[_TARGETS].flatten(0, 2)
        for network, found in policy.state_predictions().items():
            layout = self._target_layout.sublayout(found.components)
            wanted = self._target_layout.select(targets, list(found.components))
            terms[f"{network}_loss"] = losses.segments_loss(
                found.prediction, wanted, layout, found.classes, self.cfg.estimation_floor
            )
        return terms

    # -- state -------------------------------------------------------------------------------------

    def resume_state(self) -> dict[str, Any]:
        """The ring, which only a resumed run needs."""
        return {"replay": self.storage.state_dict()}

    def load_resume_state(self, state: Mapping[str, Any]) -> None:
        """Restore ``resume_state``; ``ValueError`` where the ring has another size."""
        self.storage.load_state_dict(state["replay"])


def in_parts(layout: ObsLayout, parts: Mapping[str, Mapping[str, int]]) -> ObsLayout:
    """``layout`` with some segments replaced by their ``parts``; ``UserError`` where these have other sizes."""
    segments: list[tuple[str, Any]] = []
    for name, shape in layout.items():
        if name not in parts:
            segments.append((name, shape))
            continue
        if sum(parts[name].values()) != layout.size_of(name):
            raise UserError(
                f"the parts of the teacher's segment '{name}' have {sum(parts[name].values())} columns together and "
                f"the segment {layout.size_of(name)}; mend teacher_segments"
            )
        segments += parts[name].items()
    return ObsLayout(segments)
