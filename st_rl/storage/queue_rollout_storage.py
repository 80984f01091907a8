"""Rollouts that are kept over several updates."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch

from st_rl.storage.hidden import map_states
from st_rl.storage.rollout_storage import Batch, RolloutStorage, Transition
from st_rl.utils.attributes import set_attributes


class QueueRolloutStorage(RolloutStorage):
    """A storage that never overflows: it grows up to a limit, then overwrites its oldest step.

    Mini-batches are made of the steps that are there. Hidden states are kept for every step for which they were
    saved, since any of them may become the oldest one.
    """

    def __init__(
        self,
        num_envs: int,
        num_transitions_per_env: int,
        num_obs: int,
        num_critic_obs: int | None,
        num_actions: int,
        device: torch.device | str = "cpu",
        extra_fields: Mapping[str, tuple[int, ...]] | None = None,
        max_transitions_per_env: int | None = None,
    ) -> None:
        """As ``RolloutStorage``, with room for ``num_transitions_per_env`` steps at first.

        ``max_transitions_per_env`` is the limit of growth; ``None`` never grows.
        """
        sizes = (num_envs, num_transitions_per_env, num_obs, num_critic_obs, num_actions)
        super().__init__(*sizes, device=device, extra_fields=extra_fields)
        self.max_transitions_per_env = max(num_transitions_per_env, max_transitions_per_env or 0)
        self.num_stored = 0
        """Steps that are there."""
        self._states: list[Any] = [None] * num_transitions_per_env
        self._next_states: Any = None

    @property
    def overwrites(self) -> bool:
        """Whether the next step will overwrite the oldest one."""
        return self.num_stored == self.max_transitions_per_env

    def save_hidden_states(self, states: Any) -> None:
        """Keep a copy of the states before the step that is added next."""
        self._make_room()
        self._next_states = map_states(torch.clone, states)

    def add_transition(self, transition: Transition) -> None:
        """Copy one step into the buffers, in the place of the oldest where they are full."""
        self._make_room()
        self._states[self.step] = self._next_states
        self._next_states = None
        super().add_transition(transition)
        self.num_stored = max(self.num_stored, self.step)

    def _make_room(self) -> None:
        """Let ``step`` be a row that can be written."""
        if self.step < self.num_transitions_per_env:
            return
        if self.num_transitions_per_env == self.max_transitions_per_env:
            self.step = 0
            return
        rows = min(2 * self.num_transitions_per_env, self.max_transitions_per_env)
        more = rows - self.num_transitions_per_env
        self._map_buffers(lambda old: torch.cat((old, old.new_zeros(more, *old.shape[1:]))))
        self._states += [None] * more
        self.num_transitions_per_env = rows

    def _map_buffers(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Replace every buffer ``(T, N, ...)`` by what ``function`` makes of it."""
        shared = self.critic_obs is self.obs
        buffers = {name: value for name, value in vars(self).items() if isinstance(value, torch.Tensor)}
        if shared:
            del buffers["critic_obs"]
        set_attributes(self, {name: function(buffer) for name, buffer in buffers.items()})
        if shared:
            self.critic_obs = self.obs
        self.extras = {name: function(buffer) for name, buffer in self.extras.items()}

    def untie_buffer_loop(self) -> None:
        """Put the steps into the order of time, the oldest in row 0; to be done before sequences are read."""
        if self.num_stored < self.num_transitions_per_env or self.step == self.num_transitions_per_env:
            return
        oldest = self.step
        self._map_buffers(lambda buffer: buffer.roll(-oldest, dims=0))
        self._states = self._states[oldest:] + self._states[:oldest]
        self.step = self.num_transitions_per_env

    def stored(self) -> RolloutStorage:
        """The steps that are there in the order of time, as a storage whose buffers are views of these."""
        self.untie_buffer_loop()
        view = copy.copy(self)
        view._map_buffers(lambda buffer: buffer[: self.num_stored])
        view.num_transitions_per_env = view.step = self.num_stored
        view.hidden_states = self._states[0]
        return view

    def mini_batches(self, num_mini_batches: int) -> list[Batch]:
        """As ``RolloutStorage``, from the steps that are there."""
        return RolloutStorage.mini_batches(self.stored(), num_mini_batches)

    def recurrent_mini_batches(self, num_mini_batches: int) -> list[Batch]:
        """As ``RolloutStorage``, from the steps that are there; without saved states sequences start from zeros."""
        return RolloutStorage.recurrent_mini_batches(self.stored(), num_mini_batches)

    def clear(self) -> None:
        """Forget every step; the room that was gained stays."""
        super().clear()
        self.num_stored = 0
        self._states = [None] * self.num_transitions_per_env


class ActionLabelRollout(QueueRolloutStorage):
    """Adds the extra field ``action_labels (T, N, A)``: what a teacher would have done."""

    def __init__(
        self,
        num_envs: int,
        num_transitions_per_env: int,
        num_obs: int,
        num_critic_obs: int | None,
        num_actions: int,
        device: torch.device | str = "cpu",
        extra_fields: Mapping[str, tuple[int, ...]] | None = None,
        max_transitions_per_env: int | None = None,
    ) -> None:
        """As ``QueueRolloutStorage``; transitions bring ``action_labels (N, A)`` among their extras."""
        super().__init__(
            num_envs,
            num_transitions_per_env,
            num_obs,
            num_critic_obs,
            num_actions,
            device=device,
            extra_fields={**(extra_fields or {}), "action_labels": (num_actions,)},
            max_transitions_per_env=max_transitions_per_env,
        )

    @property
    def action_labels(self) -> torch.Tensor:
        """(T, N, A)"""
        return self.extras["action_labels"]
