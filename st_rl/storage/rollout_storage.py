"""One rollout of every world, and the mini-batches that on-policy algorithms learn from.

T steps of N worlds. Hidden states are kept for the first step only: every sequence that starts later
follows an episode's end, after which recurrent policies start from zero states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from st_rl.storage.hidden import map_states
from st_rl.utils.padding import split_and_pad_trajectories


@dataclass
class Transition:
    """What one step of every world adds to a storage; N worlds, A actions."""

    obs: torch.Tensor
    """(N, num_obs), as the environment gave it (before normalization)."""
    actions: torch.Tensor
    """(N, A)"""
    rewards: torch.Tensor
    """(N,)"""
    dones: torch.Tensor
    """(N,) bool"""
    values: torch.Tensor
    """(N,), the critic's value of the state in which the actions were taken."""
    log_prob: torch.Tensor
    """(N,)"""
    mean: torch.Tensor
    """(N, A), of the policy's distribution."""
    std: torch.Tensor
    """(N, A) or (A,)"""
    critic_obs: torch.Tensor | None = None
    """(N, num_critic_obs), or ``None`` where the critic sees ``obs``."""
    extras: dict[str, torch.Tensor] = field(default_factory=dict)
    """One entry (N, *shape) for each of the storage's extra fields."""


@dataclass
class Batch:
    """A mini-batch. Feed-forward: leading shape ``(B,)``. Recurrent: ``(T, n)`` for n whole worlds.

    In a recurrent batch ``obs`` and ``critic_obs`` alone are padded, to ``(T', K, D)`` for K sequences
    whose valid steps ``masks (T', K)`` names; policies return their outputs unpadded, ``(T, n, ...)``.
    """

    obs: torch.Tensor
    critic_obs: torch.Tensor
    actions: torch.Tensor
    values: torch.Tensor
    returns: torch.Tensor
    advantages: torch.Tensor
    old_log_prob: torch.Tensor
    old_mean: torch.Tensor
    old_std: torch.Tensor
    masks: torch.Tensor | None = None
    hidden_states: Any = None
    """Named tuple ``(actor, critic)`` of states ``(layers, K, H)``, for recurrent batches."""
    extras: dict[str, torch.Tensor] = field(default_factory=dict)


class RolloutStorage:
    """Buffers ``(T, N, ...)`` that are filled step by step and read as mini-batches."""

    def __init__(
        self,
        num_envs: int,
        num_transitions_per_env: int,
        num_obs: int,
        num_critic_obs: int | None,
        num_actions: int,
        device: torch.device | str = "cpu",
        extra_fields: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        """Allocate the buffers.

        Args:
            num_critic_obs: ``None`` where the critic sees what the actor sees (stored once).
            extra_fields: name -> shape per world and step, of further float32 quantities.
        """
        self.num_envs = num_envs
        self.num_transitions_per_env = num_transitions_per_env
        self.device = torch.device(device)
        self.step = 0
        self.hidden_states: Any = None
        """States ``(layers, N, H)`` before the first step, or ``None`` for feed-forward policies."""
        self.obs = self._buffer(num_obs)
        self.critic_obs = self.obs if num_critic_obs is None else self._buffer(num_critic_obs)
        self.actions = self._buffer(num_actions)
        self.rewards = self._buffer()
        self.dones = torch.zeros(num_transitions_per_env, num_envs, dtype=torch.bool, device=self.device)
        self.values = self._buffer()
        self.log_prob = self._buffer()
        self.mean = self._buffer(num_actions)
        self.std = self._buffer(num_actions)
        self.returns = self._buffer()
        self.advantages = self._buffer()
        self.extras = {name: self._buffer(*shape) for name, shape in (extra_fields or {}).items()}

    def _buffer(self, *shape: int) -> torch.Tensor:
        return torch.zeros(self.num_transitions_per_env, self.num_envs, *shape, device=self.device)

    @property
    def full(self) -> bool:
        """Whether every step has been filled."""
        return self.step == self.num_transitions_per_env

    def save_hidden_states(self, states: Any) -> None:
        """Keep a copy of the policy's hidden states; called before the first step of a rollout."""
        self.hidden_states = map_states(torch.clone, states)

    def add_transition(self, transition: Transition) -> None:
        """Copy one step into the buffers.

        Raises:
            OverflowError: the storage is full; ``clear`` it first.
        """
        if self.full:
            raise OverflowError(f"the storage holds {self.step} steps and is full; call clear() before adding more")
        row = self.step
        self.obs[row].copy_(transition.obs)
        if self.critic_obs is not self.obs:
            if transition.critic_obs is None:
                raise ValueError("this storage keeps critic observations; the transition has none")
            self.critic_obs[row].copy_(transition.critic_obs)
        self.actions[row].copy_(transition.actions)
        self.rewards[row].copy_(transition.rewards)
        self.dones[row].copy_(transition.dones)
        self.values[row].copy_(transition.values)
        self.log_prob[row].copy_(transition.log_prob)
        self.mean[row].copy_(transition.mean)
        self.std[row].copy_(transition.std)
        for name, buffer in self.extras.items():
            buffer[row].copy_(transition.extras[name])
        self.step += 1

    def clear(self) -> None:
        """Forget the rollout; the buffers are overwritten by the next one."""
        self.step = 0
        self.hidden_states = None

    def _learned_fields(self) -> dict[str, torch.Tensor]:
        """The buffers that a batch holds besides the observations, by their names in ``Batch``."""
        return {
            "actions": self.actions,
            "values": self.values,
            "returns": self.returns,
            "advantages": self.advantages,
            "old_log_prob": self.log_prob,
            "old_mean": self.mean,
            "old_std": self.std,
        }

    def mini_batches(self, num_mini_batches: int) -> list[Batch]:
        """Shuffle the transitions and cut them into equal batches of ``T * N // num_mini_batches``.

        One gather for the whole update; the batches are views of it, to be used in every epoch.
        """
        total = self.num_transitions_per_env * self.num_envs
        size = total // num_mini_batches
        if size == 0:
            raise ValueError(f"{total} transitions cannot be cut into {num_mini_batches} mini-batches")
        order = torch.randperm(total, device=self.device)[: size * num_mini_batches]

        def pieces(buffer: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return buffer.flatten(0, 1).index_select(0, order).split(size)

        obs = pieces(self.obs)
        critic_obs = obs if self.critic_obs is self.obs else pieces(self.critic_obs)
        fields = {name: pieces(buffer) for name, buffer in self._learned_fields().items()}
        extras = {name: pieces(buffer) for name, buffer in self.extras.items()}
        return [
            Batch(
                obs=obs[i],
                critic_obs=critic_obs[i],
                **{name: piece[i] for name, piece in fields.items()},
                extras={name: piece[i] for name, piece in extras.items()},
            )
            for i in range(num_mini_batches)
        ]

    def recurrent_mini_batches(self, num_mini_batches: int) -> list[Batch]:
        """Deal the worlds at random into batches of ``N // num_mini_batches`` whole worlds.

        Each batch is cut into sequences at the ends of episodes and padded; see ``Batch``.
        """
        size = self.num_envs // num_mini_batches
        if size == 0:
            raise ValueError(f"{self.num_envs} worlds cannot be dealt into {num_mini_batches} mini-batches")
        order = torch.randperm(self.num_envs, device=self.device)
        return [self._recurrent_batch(order[i * size : (i + 1) * size]) for i in range(num_mini_batches)]

    def _recurrent_batch(self, worlds: torch.Tensor) -> Batch:
        """The batch of the worlds ``(n,)``, in this order."""
        dones = self.dones.index_select(1, worlds)
        obs, masks = split_and_pad_trajectories(self.obs.index_select(1, worlds), dones)
        if self.critic_obs is self.obs:
            critic_obs = obs
        else:
            critic_obs, _ = split_and_pad_trajectories(self.critic_obs.index_select(1, worlds), dones)
        num_sequences = 1 + dones[:-1].sum(0)
        first_sequence = num_sequences.cumsum(0) - num_sequences

        def start_states(state: torch.Tensor) -> torch.Tensor:
            states = state.new_zeros(state.shape[0], masks.shape[1], *state.shape[2:])
            return states.index_copy_(1, first_sequence, state.index_select(1, worlds))

        return Batch(
            obs=obs,
            critic_obs=critic_obs,
            **{name: buffer.index_select(1, worlds) for name, buffer in self._learned_fields().items()},
            masks=masks,
            hidden_states=map_states(start_states, self.hidden_states),
            extras={name: buffer.index_select(1, worlds) for name, buffer in self.extras.items()},
        )
