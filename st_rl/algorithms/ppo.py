"""Proximal policy optimization (Schulman et al. 2017) for batched worlds."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import torch
from torch import nn

from st_rl.algorithms import distributed, losses
from st_rl.algorithms.adam import Adam
from st_rl.algorithms.kernels import fast_kernels, only_known_layers
from st_rl.algorithms.ppo_cfg import PPOCfg
from st_rl.algorithms.replay import Learn, ReplayedSteps
from st_rl.modules.normalizer import EmpiricalNormalization
from st_rl.storage.hidden import flatten_states
from st_rl.storage.rollout_storage import Batch, RolloutStorage, Transition
from st_rl.utils.errors import UserError
from st_rl.utils.memory import keep_freed_memory, require_memory
from st_rl.utils.threads import OneThread

__all__ = ["PPO", "PPOCfg"]

_COPIES = 2
"""How often the transitions are in memory: as they were collected, and shuffled."""
_NUMBER = 4
"""Bytes of a 32-bit float."""


class PPO:
    """Collects transitions with ``act`` and ``process_env_step``, learns from them with ``update``.

    Shapes: N worlds, D observed numbers, A actions. All methods of the rollout stay on the device.
    """

    cfg_class: ClassVar[type[PPOCfg]] = PPOCfg
    replayable: ClassVar[bool] = True
    """Whether ``compute_losses`` does the same to tensors at every call, so that a graph can stand for it."""
    cfg: PPOCfg
    storage: RolloutStorage

    def __init__(self, actor_critic: nn.Module, *, device: torch.device | str = "cpu", **cfg: Any) -> None:
        """``cfg`` are the fields of ``cfg_class``; an unknown one is a ``TypeError`` that names it."""
        self.cfg = self.cfg_class(**cfg)
        self.device = torch.device(device)
        self.actor_critic: Any = actor_critic.to(self.device)
        self._narrow = only_known_layers(actor_critic)
        distributed.broadcast_module(actor_critic)
        self.optimizer = self._build_optimizer()
        self.loss_coefs = self._loss_coefs()
        self.obs_normalizer: nn.Module = nn.Identity()
        self.critic_obs_normalizer: nn.Module = self.obs_normalizer
        self.num_updates = 0
        """Updates so far; the time of schedules."""
        self.separate_critic = False
        """Whether the critic sees something else than the actor; known from ``init_storage`` on."""
        # Tensors, since recorded gradient steps read them again and again.
        self._desired_kl = torch.tensor(self.cfg.desired_kl, device=self.device)
        self._entropy_coef = torch.tensor(self.loss_coefs["entropy"], device=self.device)
        self._pending: dict[str, Any] = {}
        self._steps = self._build_steps()

    def _build_steps(self) -> Learn:
        """``_learn``, replayed where that is faster."""
        fixed = self.replayable and not self.actor_critic.is_recurrent and distributed.world_size() == 1
        return ReplayedSteps(self._learn) if fixed and self.device.type == "cuda" else self._learn

    def _fast_kernels(self) -> AbstractContextManager[Any]:
        """The context in which the networks are evaluated."""
        return fast_kernels(self.device, one_thread=self._narrow)

    def _build_optimizer(self) -> torch.optim.Optimizer:
        """Adam whose rate is a tensor, so that adapting it needs no synchronization."""
        rate = torch.tensor(self.cfg.learning_rate, device=self.device)
        parameters = [p for p in self.actor_critic.parameters() if p.requires_grad]
        return Adam(parameters, lr=rate, fused=True, capturable=self.device.type == "cuda")

    def _loss_coefs(self) -> dict[str, float]:
        """Weight of every loss term by its name; a subclass adds its own."""
        cfg = self.cfg
        return {
            "surrogate_loss": cfg.surrogate_loss_coef,
            "value_loss": cfg.value_loss_coef,
            "entropy": cfg.entropy_coef,
        }

    @property
    def learning_rate(self) -> torch.Tensor:
        """The current learning rate, 0-d."""
        return self.optimizer.param_groups[0]["lr"]

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Everything that the optimizer changes."""
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    # -- rollout -----------------------------------------------------------------------------------

    def init_storage(
        self, num_envs: int, num_transitions_per_env: int, num_obs: int, num_critic_obs: int | None, num_actions: int
    ) -> None:
        """Allocate the rollout; ``num_critic_obs`` is ``None`` where the critic sees the actor's observation.

        Raises:
            UserError: more transitions than there is memory for.
        """
        numbers = num_obs + (num_critic_obs or 0) + 3 * num_actions + 6
        require_memory(
            _COPIES * num_envs * num_transitions_per_env * numbers * _NUMBER,
            self.device,
            f"the transitions of {num_transitions_per_env} steps in {num_envs} worlds",
            "the number of worlds (num_envs) or of steps (num_steps_per_env)",
        )
        keep_freed_memory(self.device)
        self.separate_critic = num_critic_obs is not None
        self.storage = self._build_storage(num_envs, num_transitions_per_env, num_obs, num_critic_obs, num_actions)
        self._init_normalizers(num_obs, num_critic_obs)

    def require_transitions(self, num_envs: int, num_steps: int) -> None:
        """Raise ``UserError`` where ``num_steps`` steps of ``num_envs`` worlds are too few for an update."""
        needed, batches = self.cfg.min_transitions, self.cfg.num_mini_batches
        if needed > 1 and self.actor_critic.is_recurrent and num_envs < batches:
            raise UserError(
                f"a recurrent policy learns from whole worlds, and {num_envs} cannot be dealt into {batches} "
                "mini-batches; raise num_envs or lower num_mini_batches"
            )
        if num_envs * num_steps < needed:
            raise UserError(
                f"{num_steps} steps in {num_envs} worlds are {num_envs * num_steps} transitions, and an update needs "
                f"at least {needed}; raise num_envs or num_steps_per_env"
            )

    def _build_storage(
        self, num_envs: int, num_transitions_per_env: int, num_obs: int, num_critic_obs: int | None, num_actions: int
    ) -> RolloutStorage:
        """The storage, with the extra fields of ``_storage_fields``; a subclass may choose another class."""
        sizes = (num_envs, num_transitions_per_env, num_obs, num_critic_obs, num_actions)
        return RolloutStorage(*sizes, device=self.device, extra_fields=self._storage_fields())

    def _storage_fields(self) -> dict[str, tuple[int, ...]]:
        """Shapes, per world and step, of what ``_extra_fields`` stores; a subclass adds its own."""
        return {}

    def _init_normalizers(self, num_obs: int, num_critic_obs: int | None) -> None:
        if not self.cfg.normalize_obs:
            return
        until = self.cfg.normalize_until
        self.obs_normalizer = EmpiricalNormalization(num_obs, until=until).to(self.device)
        self.critic_obs_normalizer = self.obs_normalizer
        if num_critic_obs is not None:
            self.critic_obs_normalizer = EmpiricalNormalization(num_critic_obs, until=until).to(self.device)

    def act(self, obs: torch.Tensor, critic_obs: torch.Tensor | None = None) -> torch.Tensor:
        """Sample actions (N, A) for ``obs (N, D)``; ``critic_obs`` is ``None`` where the critic sees ``obs``."""
        with torch.inference_mode(), self._fast_kernels():
            actions = self._act(obs, critic_obs)
        # A copy made outside is an ordinary tensor, which the environment may keep and change.
        return actions.clone()

    def _act(self, obs: torch.Tensor, critic_obs: torch.Tensor | None) -> torch.Tensor:
        policy = self.actor_critic
        states = policy.get_hidden_states() if policy.is_recurrent else None
        actions = policy.act(self.obs_normalizer(obs))
        values = policy.evaluate(self.critic_obs_normalizer(obs if critic_obs is None else critic_obs))
        if policy.is_recurrent and self.storage.step == 0:
            # Memories that have not run yet have no states; zeros are what they start from.
            self.storage.save_hidden_states(states if flatten_states(states) else policy.zero_hidden_states(len(obs)))
        self._pending = {
            "obs": obs,
            "critic_obs": critic_obs,
            "actions": actions,
            "values": values.squeeze(-1),
            "log_prob": policy.get_actions_log_prob(actions),
            "mean": policy.action_mean,
            "std": policy.action_std,
        }
        return actions

    @torch.inference_mode()
    def process_env_step(self, rewards: torch.Tensor, dones: torch.Tensor, infos: dict[str, Any]) -> None:
        """Record what the environment answered to the last ``act``.

        An episode cut off by its time limit goes on in principle: the value of the state it was cut
        in stands for the rewards that are not seen (Pardo et al. 2018, section 3). Where the environment reports
        that state, ``infos["final_observation"]``, its value is taken, else that of the state one step earlier.
        """
        if "time_outs" in infos:
            final, values = infos.get("final_observation"), self._pending["values"]
            if final is not None:
                values = self._final_values(final).masked_fill(~infos["time_outs"], 0.0)
            rewards = torch.addcmul(rewards, values, infos["time_outs"], value=self.cfg.gamma)
        extras = self._extra_fields(infos)
        with OneThread(self.device):
            self.storage.add_transition(Transition(**self._pending, rewards=rewards, dones=dones, extras=extras))
        self._pending = {}
        self.actor_critic.reset(dones)

    def _final_values(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """Values (N,) of the states at the end of episodes; memories stay where they are."""
        policy = self.actor_critic
        states = policy.get_hidden_states() if policy.is_recurrent else None
        seen = observations.get("critic", observations["actor"])
        values = policy.evaluate(self.critic_obs_normalizer(seen)).squeeze(-1)
        if policy.is_recurrent:
            policy.set_hidden_states(states)
        return values

    def _extra_fields(self, infos: dict[str, Any]) -> dict[str, torch.Tensor]:
        """What a subclass stores beside the transition, by the names of the storage's extra fields."""
        return {}

    @torch.inference_mode()
    def compute_returns(self, last_obs: torch.Tensor, last_critic_obs: torch.Tensor | None = None) -> None:
        """Fill the storage's returns and normalized advantages; the arguments are those of the next ``act``."""
        storage, policy = self.storage, self.actor_critic
        states = policy.get_hidden_states() if policy.is_recurrent else None
        last_values = policy.evaluate(
            self.critic_obs_normalizer(last_obs if last_critic_obs is None else last_critic_obs)
        )
        if policy.is_recurrent:
            # The next act sees the same observation again and must not step the memory twice.
            policy.set_hidden_states(states)
        returns, advantages = losses.generalized_advantage(
            storage.rewards, storage.values, storage.dones, last_values.squeeze(-1), self.cfg.gamma, self.cfg.lam
        )
        storage.returns.copy_(returns)
        storage.advantages.copy_(distributed.standardize(advantages))

    # -- learning ----------------------------------------------------------------------------------

    def update(self) -> dict[str, float]:
        """Learn from the rollout and forget it; returns the mean of every loss term and statistic."""
        cfg, storage = self.cfg, self.storage
        make = storage.recurrent_mini_batches if self.actor_critic.is_recurrent else storage.mini_batches
        batches = self._normalized(make(cfg.num_mini_batches))
        totals: dict[str, torch.Tensor] = {}
        self._cool_down()
        num_steps = cfg.num_learning_epochs * len(batches)
        # Before the first step the policy is the one that acted, and its KL nothing but rounding.
        first_adapting = max(num_steps - (cfg.adapting_epochs or cfg.num_learning_epochs) * len(batches), 1)
        with self._fast_kernels():
            for step in range(num_steps):
                adapt = cfg.schedule == "adaptive" and step >= first_adapting
                for name, value in self._steps(batches[step % len(batches)], adapt).items():
                    totals[name] = totals[name] + value if name in totals else value.clone()
        self._update_normalizers()
        storage.clear()
        self.num_updates += 1
        if cfg.cool_down_std is not None:
            # Only now, so that it does not count as a step of this update.
            self.actor_critic.clip_std(max=cfg.cool_down_std ** (1.0 - self._heat))
        return self._means(totals, num_steps)

    @property
    def _heat(self) -> float:
        """From 1 before the cool-down to 0 after it."""
        updates = self.cfg.cool_down_updates
        return 1.0 if updates is None else losses.cooling(self.num_updates, *updates)

    def _cool_down(self) -> None:
        """Set how far the next update goes and how much it is worth to explore."""
        cfg, heat = self.cfg, self._heat
        if cfg.cool_down_updates is None:
            return
        size = cfg.cool_down_to + heat * (1.0 - cfg.cool_down_to)
        self._desired_kl.fill_(size * cfg.desired_kl)
        self._entropy_coef.fill_(heat * self.loss_coefs["entropy"])
        if cfg.schedule == "fixed":
            self.learning_rate.fill_(size * cfg.learning_rate)

    def _learn(self, batch: Batch, adapt: bool) -> dict[str, torch.Tensor]:
        """One gradient step; returns its loss terms and statistics."""
        terms, statistics = self.compute_losses(batch)
        if adapt:
            self._adapt_learning_rate(statistics["kl"])
        self._gradient_step(terms)
        return {name: value.detach() for name, value in (terms | statistics).items()}

    def _normalized(self, batches: list[Batch]) -> list[Batch]:
        if self.cfg.normalize_obs:
            with torch.no_grad():
                for batch in batches:
                    shared = batch.critic_obs is batch.obs
                    batch.critic_obs = self.critic_obs_normalizer(batch.critic_obs)
                    batch.obs = batch.critic_obs if shared else self.obs_normalizer(batch.obs)
        return batches

    def compute_losses(self, batch: Batch) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """Loss terms (0-d, to be weighted and summed) and statistics (0-d, only logged, ``kl`` among them)."""
        policy, clip = self.actor_critic, self.cfg.clip_param
        if batch.masks is None:
            policy.act(batch.obs)
            values = policy.evaluate(batch.critic_obs)
        else:
            policy.act(batch.obs, masks=batch.masks, hidden_states=batch.hidden_states.actor)
            values = policy.evaluate(batch.critic_obs, masks=batch.masks, hidden_states=batch.hidden_states.critic)
        values = values.squeeze(-1)
        mean, std = policy.action_mean, policy.action_std
        log_prob = policy.get_actions_log_prob(batch.actions)
        entropy = policy.entropy
        with torch.no_grad():
            kl = losses.gaussian_kl(batch.old_mean, batch.old_std, mean, std).mean()
        if self.cfg.use_clipped_value_loss:
            value_loss = losses.clipped_value_loss(values, batch.values, batch.returns, clip)
        else:
            value_loss = losses.value_loss(values, batch.returns)
        terms = {
            "surrogate_loss": losses.surrogate_loss(log_prob, batch.old_log_prob, batch.advantages, clip),
            "value_loss": value_loss,
            "entropy": -entropy.mean(),
        }
        return terms, {"kl": kl}

    @torch.no_grad()
    def _adapt_learning_rate(self, kl: torch.Tensor) -> None:
        cfg, rate = self.cfg, self.learning_rate
        bounds = (cfg.min_learning_rate, cfg.max_learning_rate)
        kl = distributed.mean(kl)
        rate.copy_(losses.adapted_learning_rate(rate, kl, self._desired_kl, bounds, cfg.adapting_factor))

    def _gradient_step(self, terms: dict[str, torch.Tensor]) -> None:
        coefs = self.loss_coefs | {"entropy": self._entropy_coef}
        loss = torch.stack([coefs[name] * value for name, value in terms.items()]).sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        distributed.average_gradients(self.parameters)
        nn.utils.clip_grad_norm_(self.parameters, self.cfg.max_grad_norm, foreach=True)
        self.optimizer.step()
        if self.cfg.clip_min_std is not None:
            self.actor_critic.clip_std(min=self.cfg.clip_min_std)

    def _update_normalizers(self) -> None:
        """Learn the statistics from the whole rollout at once, after the policy has learned from it."""
        if not self.cfg.normalize_obs:
            return
        for normalizer, buffer in self._normalized_buffers():
            normalizer.update(distributed.gather_rows(buffer.flatten(0, 1)))

    def _normalized_buffers(self) -> list[tuple[Any, torch.Tensor]]:
        storage = self.storage
        pairs = [(self.obs_normalizer, storage.obs)]
        if storage.critic_obs is not storage.obs:
            pairs.append((self.critic_obs_normalizer, storage.critic_obs))
        return pairs

    def _means(self, totals: dict[str, torch.Tensor], count: int) -> dict[str, float]:
        """Averages as numbers, read from the device at once; the entropy with its own sign."""
        totals["entropy"] = -totals["entropy"]
        values = (torch.stack(list(totals.values())) / count).tolist()
        return dict(zip(totals, values, strict=True)) | {"learning_rate": self.learning_rate.item()}

    # -- state -------------------------------------------------------------------------------------

    def train_mode(self) -> None:
        """Dropout, sampling and the like as in training."""
        self.actor_critic.train()

    def test_mode(self) -> None:
        """Everything as in evaluation."""
        self.actor_critic.eval()

    def state_dict(self) -> dict[str, Any]:
        """Model, optimizer (with its learning rate), time of schedules and normalizers: tensors and plain values."""
        state: dict[str, Any] = {
            "model_state_dict": self.actor_critic.state_dict(),
            "optimizer_state_dict": self.optimizer.state_dict(),
            "num_updates": self.num_updates,
        }
        if self.cfg.normalize_obs:
            state["obs_normalizer_state_dict"] = self.obs_normalizer.state_dict()
            if self.critic_obs_normalizer is not self.obs_normalizer:
                state["critic_obs_normalizer_state_dict"] = self.critic_obs_normalizer.state_dict()
        return state

    def resume_state(self) -> dict[str, Any]:
        """What a resumed run needs besides ``state_dict``, and is too large to be kept with every policy."""
        return {}

    def load_resume_state(self, state: Mapping[str, Any]) -> None:
        """Restore what ``resume_state`` returned."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned; raises ``KeyError`` or ``RuntimeError`` where it does not fit."""
        self.actor_critic.load_state_dict(state["model_state_dict"])
        # The optimizer would go on working in the very tensors that it is given.
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer_state_dict"]))
        self.num_updates = int(state["num_updates"])
        if self.cfg.schedule == "fixed":
            self.learning_rate.fill_(self.cfg.learning_rate)  # as configured now, not as where it was saved
        for group in self.optimizer.param_groups:
            group["capturable"] = self.device.type == "cuda"  # as here, not as where it was saved
        # A recording is bound to the tensors that have just been replaced.
        self._steps = self._build_steps()
        if self.cfg.normalize_obs:
            self.obs_normalizer.load_state_dict(state["obs_normalizer_state_dict"])
            if self.critic_obs_normalizer is not self.obs_normalizer:
                self.critic_obs_normalizer.load_state_dict(state["critic_obs_normalizer_state_dict"])
