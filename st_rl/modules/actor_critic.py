"""Gaussian policies with a value function: the interface that every policy class shares."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from st_rl.modules.policy_cfg import PolicyCfg
from st_rl.modules.utils import activation_class, as_sizes, orthogonal_
from st_rl.utils.errors import UserError
from st_rl.utils.gaussian import DiagonalGaussian
from st_rl.utils.layers import run_layers
from st_rl.utils.obs_layout import ObsLayout, Segments, as_layout
from st_rl.utils.policy_interface import Settings

_MIN_STD = 1e-6


class StatePrediction(NamedTuple):
    """What a network of the policy predicted in the last act, for its supervised loss."""

    prediction: Tensor
    """``(..., size of the components together)``, unpadded."""
    components: tuple[str, ...]
    """Segments of the observation that are the targets, in the order of the columns."""
    classes: tuple[slice, ...] = ()
    """Columns that are probabilities of classes, of a target that is a one-hot."""


class Actor(nn.Module):
    """Observation -> Gaussian over actions, with a standard deviation per action that no observation changes."""

    def __init__(
        self,
        obs_dim: int,
        act_dim: int,
        hidden_dims: Sequence[int] | int | None = (64, 64),
        activation: str | type[nn.Module] = "tanh",
        init_noise_std: float | Sequence[float] = 1.0,
        mu_activation: str | type[nn.Module] | None = None,
    ) -> None:
        """``mu_activation`` ("tanh") bounds the mean; ``init_noise_std`` is one positive number or one per action."""
        super().__init__()
        self.fc, width = _hidden_layers(obs_dim, hidden_dims, activation)
        self.mean = nn.Linear(width, act_dim)
        self.mu_activation = None if mu_activation is None else activation_class(mu_activation)()
        self.log_std = nn.Parameter(_log_std(init_noise_std, act_dim))
        orthogonal_(self, last_gain=0.01)

    def action_mean(self, obs: Tensor) -> Tensor:
        """Mean action ``(..., act_dim)`` at ``obs (..., obs_dim)``."""
        mean = run_layers([*self.fc, self.mean], obs)
        return mean if self.mu_activation is None else self.mu_activation(mean)

    def forward(self, obs: Tensor) -> Normal:
        """``torch.distributions.Normal`` over ``(..., act_dim)`` at ``obs (..., obs_dim)``."""
        return Normal(self.action_mean(obs), self.log_std.exp(), validate_args=False)


class Critic(nn.Module):
    """Observation -> state value V(s)."""

    def __init__(
        self,
        obs_dim: int,
        hidden_dims: Sequence[int] | int | None = (64, 64),
        activation: str | type[nn.Module] = "tanh",
    ) -> None:
        super().__init__()
        self.fc, width = _hidden_layers(obs_dim, hidden_dims, activation)
        self.fc.append(nn.Linear(width, 1))
        orthogonal_(self, last_gain=1.0)

    def forward(self, obs: Tensor) -> Tensor:
        """Values ``(..., 1)`` at ``obs (..., obs_dim)``."""
        return run_layers(self.fc, obs)


class ActorCritic(nn.Module):
    """Feed-forward policy and value function.

    ``act`` and its kin remember the distribution of their last call; ``get_actions_log_prob``, ``action_mean``,
    ``action_std`` and ``entropy`` are about that distribution. Leading dimensions are ``(N,)`` or ``(T, N)``.
    """

    cfg_class: ClassVar[type[PolicyCfg]] = PolicyCfg
    """The configuration of the constructor's arguments."""
    is_recurrent = False
    env_settings: Settings | None = None
    """What the numbers of the environment mean that it is trained in; teachers with other numbers are converted."""

    def __init__(
        self,
        num_actor_obs: int,
        num_critic_obs: int,
        num_actions: int,
        *,
        actor_hidden_dims: Sequence[int] | int | None = (256, 256, 256),
        critic_hidden_dims: Sequence[int] | int | None = (256, 256, 256),
        activation: str | type[nn.Module] = "elu",
        init_noise_std: float | Sequence[float] = 1.0,
        mu_activation: str | type[nn.Module] | None = None,
        obs_segments: Segments | None = None,
        critic_obs_segments: Segments | None = None,
    ) -> None:
        """Layouts are optional here; where they are given, their sizes must be the numbers of observations."""
        super().__init__()
        self._set_inputs(num_actor_obs, num_critic_obs, obs_segments, critic_obs_segments)
        self.num_actions = num_actions
        self.actor = Actor(num_actor_obs, num_actions, actor_hidden_dims, activation, init_noise_std, mu_activation)
        self.critic = Critic(num_critic_obs, critic_hidden_dims, activation)
        self._distribution: DiagonalGaussian | None = None

    # -- acting ------------------------------------------------------------------------------------------------

    def act(self, observations: Tensor, masks: Tensor | None = None, hidden_states: Any = None) -> Tensor:
        """Sampled actions ``(..., A)`` without gradient; a feed-forward policy ignores the recurrent arguments."""
        self._distribution = DiagonalGaussian(self.actor.action_mean(observations), self.actor.log_std)
        return self._distribution.sample()

    def act_inference(self, observations: Tensor) -> Tensor:
        """Mean actions ``(N, A)``."""
        return self.actor.action_mean(observations)

    def act_with_log_prob(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """Sampled actions ``(N, A)`` and their log-probabilities ``(N,)``."""
        actions = self.act(observations)
        return actions, self.get_actions_log_prob(actions)

    def evaluate(self, critic_observations: Tensor, masks: Tensor | None = None, hidden_states: Any = None) -> Tensor:
        """Values ``(..., 1)`` of ``critic_observations (..., num_critic_obs)``."""
        return self.critic(critic_observations)

    def forward(self, observations: Tensor, critic_observations: Tensor | None = None) -> tuple[Normal, Tensor]:
        """``(distribution over (N, A), values (N, 1))``; the critic reads ``observations`` when it has no own."""
        self.act(observations)
        values = self.evaluate(self._critic_input(observations, critic_observations))
        return Normal(self.action_mean, self.action_std, validate_args=False), values

    def evaluate_actions(
        self,
        observations: Tensor,
        actions: Tensor,
        critic_observations: Tensor | None = None,
        masks: Tensor | None = None,
        hidden_states: Any = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """``(log_probs (N,), entropy (N,), values (N, 1))`` of given ``actions (N, A)``.

        For recurrent batches ``masks (T, M)`` and ``hidden_states``, with members ``actor`` and ``critic``, belong to
        the padded observations; the results are ``(T, N)`` and ``(T, N, 1)``.
        """
        states_a, states_c = (None, None) if hidden_states is None else hidden_states
        self.act(observations, masks=masks, hidden_states=states_a)
        critic_input = self._critic_input(observations, critic_observations)
        values = self.evaluate(critic_input, masks=masks, hidden_states=states_c)
        return self.get_actions_log_prob(actions), self.entropy, values

    def reset(self, dones: Tensor | None = None) -> None:
        """Forget what recurrent parts remember of the worlds in ``dones (N,)``, or of all; nothing to do here."""

    # -- the distribution of the last act ----------------------------------------------------------------------

    @property
    def distribution(self) -> DiagonalGaussian:
        """Distribution of the last ``act``; ``RuntimeError`` before the first."""
        if self._distribution is None:
            raise RuntimeError("there is no action distribution yet; call act() first")
        return self._distribution

    @property
    def action_mean(self) -> Tensor:
        """Mean of the last ``act``, ``(..., A)``."""
        return self.distribution.mean

    @property
    def action_std(self) -> Tensor:
        """Standard deviation of the last ``act``, ``(..., A)``."""
        return self.distribution.stddev

    @property
    def entropy(self) -> Tensor:
        """Entropy of the last ``act`` in nats, ``(...)``, summed over the actions."""
        return self.distribution.entropy_sum()

    def get_actions_log_prob(self, actions: Tensor) -> Tensor:
        """Joint log-probabilities ``(...)`` of ``actions (..., A)`` under the distribution of the last ``act``."""
        return self.distribution.log_prob_sum(actions)

    @property
    def std(self) -> Tensor:
        """Current standard deviation of each action ``(A,)``, always positive."""
        return self.actor.log_std.exp()

    @torch.no_grad()
    def clip_std(self, min: float | Tensor | None = None, max: float | Tensor | None = None) -> None:
        """Clip the learned standard deviation to ``[min, max]``, each a number or ``(A,)``."""
        log_std = self.actor.log_std
        if min is not None:
            log_std.clamp_(min=torch.as_tensor(min, dtype=log_std.dtype, device=log_std.device).clamp(_MIN_STD).log())
        if max is not None:
            log_std.clamp_(max=torch.as_tensor(max, dtype=log_std.dtype, device=log_std.device).clamp(_MIN_STD).log())

    # -- what other parts of the library need to know ----------------------------------------------------------

    def get_hidden_states(self) -> Any:
        """What the memories of a recurrent policy hold; ``None`` without memories."""
        return None

    def state_predictions(self) -> dict[str, StatePrediction]:
        """What the policy's supervised networks predicted in the last act, by network; nothing without any."""
        return {}

    def actor_memories(self) -> list[nn.Module]:
        """The memories that ``act_inference`` advances, in a fixed order."""
        return []

    # -- acting as a pure function, for exported files ---------------------------------------------------------

    def step_states(self, batch_size: int) -> dict[str, Tensor]:
        """What ``pure_step`` starts an episode with: zeros by name, worlds in the second dimension."""
        states: dict[str, Tensor] = {}
        memories: list[Any] = self.actor_memories()
        for index, memory in enumerate(memories):
            zero = memory.zero_state(batch_size)
            names = [f"{name}_{index}" for name in memory.state_names()]
            states |= zip(names, [zero] if isinstance(zero, Tensor) else zero.leaves(), strict=True)
        return states

    def pure_step(self, observations: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Mean actions ``(N, A)`` and new states, from ``observations (N, D)`` and the values of ``step_states``."""
        remaining = list(states)
        memories: list[Any] = self.actor_memories()
        for memory in memories:
            number = len(memory.state_names())
            memory.set_flat_state(remaining[:number])
            remaining = remaining[number:]
        actions = self.act_inference(observations)
        return actions, [state for memory in memories for state in memory.flat_state()]

    def begin_as_exported(self, batch_size: int) -> None:
        """Let ``act_inference`` begin an episode in which it does what ``pure_step`` does from ``step_states``."""
        self.reset()

    def example_observations(self, num_steps: int, batch_size: int, generator: torch.Generator) -> Tensor:
        """Random ``(num_steps, batch_size, D)`` that reach every part of the policy."""
        return torch.randn(num_steps, batch_size, self.num_actor_obs, generator=generator)

    def input_layouts(self, obs_segments: Segments, critic_obs_segments: Segments) -> dict[str, ObsLayout]:
        """Layout of the input columns of each first layer, by the name of its weight, under the given layouts."""
        actor_first = "actor.fc.0.weight" if len(self.actor.fc) else "actor.mean.weight"
        return {actor_first: as_layout(obs_segments), "critic.fc.0.weight": as_layout(critic_obs_segments)}

    def _set_inputs(
        self,
        num_actor_obs: int,
        num_critic_obs: int,
        obs_segments: Segments | None,
        critic_obs_segments: Segments | None,
    ) -> None:
        """Remember what the policy reads from outside; classes that transform it first call this again."""
        self.num_actor_obs = num_actor_obs
        self.num_critic_obs = num_critic_obs
        self.obs_segments = _layout_of_size(obs_segments, num_actor_obs, "num_actor_obs")
        # A critic that reads as many columns as the actor, and says no more, reads the actor's observation.
        if critic_obs_segments is None and num_critic_obs == num_actor_obs:
            critic_obs_segments = self.obs_segments
        self.critic_obs_segments = _layout_of_size(critic_obs_segments, num_critic_obs, "num_critic_obs")

    def _critic_input(self, observations: Tensor, critic_observations: Tensor | None) -> Tensor:
        if critic_observations is not None:
            return critic_observations
        if observations.shape[-1] != self.num_critic_obs:
            raise UserError(
                f"this critic reads {self.num_critic_obs} observations and the actor {observations.shape[-1]}; "
                "pass the critic's observation as well"
            )
        return observations

    def __getstate__(self) -> dict[str, Any]:
        # Results of the last call carry the autograd graph, which can be neither copied nor pickled.
        return {**self.__dict__, "_distribution": None}


def _hidden_layers(
    obs_dim: int, hidden_dims: Sequence[int] | int | None, activation: str | type[nn.Module]
) -> tuple[nn.Sequential, int]:
    """Linear layers, each followed by the activation, and the width of their output."""
    make_activation = activation_class(activation)
    widths = [obs_dim, *as_sizes(hidden_dims)]
    layers: list[nn.Module] = []
    for fan_in, fan_out in itertools.pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), make_activation()]
    return nn.Sequential(*layers), widths[-1]


def _log_std(init_noise_std: float | Sequence[float], num_actions: int) -> Tensor:
    values = [init_noise_std] * num_actions if isinstance(init_noise_std, int | float) else list(init_noise_std)
    if len(values) != num_actions or not all(math.isfinite(value) and value > 0.0 for value in values):
        raise UserError(f"init_noise_std must be one positive number or {num_actions} of them, not {init_noise_std}")
    return torch.tensor(values, dtype=torch.float32).log()


def _layout_of_size(segments: Segments | None, size: int, argument: str) -> ObsLayout | None:
    if segments is None:
        return None
    layout = as_layout(segments)
    if layout.size != size:
        raise UserError(f"{argument} is {size}, but the observation segments {layout!r} have {layout.size} columns")
    return layout
