"""Policies with a recurrent memory before the actor and before the critic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from st_rl.modules.actor_critic import ActorCritic
from st_rl.modules.policy_cfg import RecurrentCfg
from st_rl.modules.utils import as_done_mask
from st_rl.utils.errors import UnknownNameError
from st_rl.utils.namedarraytuple import NamedArrayTuple, namedarraytuple
from st_rl.utils.obs_layout import ObsLayout, Segments, as_layout
from st_rl.utils.padding import unpad_rows, unpad_trajectories

ActorCriticHiddenState = namedarraytuple("ActorCriticHiddenState", ["actor", "critic"], __name__)
LstmHiddenState = namedarraytuple("LstmHiddenState", ["hidden", "cell"], __name__)

_SHORT_SHARE = 1 / 16  # below this share of short trajectories, running them apart costs more than their padding

HiddenState = Tensor | NamedArrayTuple
"""GRU: ``(layers, N, H)``; LSTM: ``LstmHiddenState`` of two such tensors."""


class Memory(nn.Module):
    """An LSTM or GRU that remembers its state from step to step.

    Without ``masks`` it advances N worlds by one step and keeps the new state in ``hidden_states`` (``None`` until the
    first step, which starts from zeros). With ``masks`` it runs whole padded trajectories and keeps nothing.
    """

    def __init__(self, input_size: int, type: str = "lstm", num_layers: int = 1, hidden_size: int = 256) -> None:
        super().__init__()
        classes: dict[str, Any] = {"lstm": nn.LSTM, "gru": nn.GRU}
        if type.lower() not in classes:
            raise UnknownNameError("rnn_type", type, list(classes))
        self.is_lstm = type.lower() == "lstm"
        self.rnn = classes[type.lower()](input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        self.hidden_states: HiddenState | None = None
        self._initialize()

    def forward(
        self, input: Tensor, masks: Tensor | None = None, hidden_states: HiddenState | None = None, unpad: bool = True
    ) -> Tensor:
        """One step, ``(N, D) -> (N, H)``, or a batch of trajectories.

        A batch is ``input (T, M, D)``, bool ``masks (T, M)`` and ``hidden_states`` of the trajectories' first steps,
        ``(layers, M, H)`` (zeros if ``None``). It returns ``(T, N, H)``, or padded ``(T, M, H)`` without ``unpad``. A
        single step starts from ``hidden_states`` where they are given, else from the remembered state.
        """
        if masks is not None:
            if unpad:
                return self._run_unpadded(input, masks, hidden_states)
            return self.rnn(input, _as_rnn_state(hidden_states))[0]
        state = self.hidden_states if hidden_states is None else hidden_states
        output, new_state = self.rnn(input.unsqueeze(0), _as_rnn_state(state))
        self.hidden_states = LstmHiddenState(*new_state) if self.is_lstm else new_state
        return output.squeeze(0)

    def advance(self, input: Tensor, state: HiddenState, step: Tensor | None = None) -> HiddenState:
        """The state after ``input (N, D)``; where ``step (N,)`` is false the memory keeps ``state (layers, N, H)``.

        Nothing is remembered: a memory that steps at another rate than the worlds is held by whoever knows when.
        """
        _, new = self.rnn(input.unsqueeze(0), _as_rnn_state(state))
        new = LstmHiddenState(*new) if self.is_lstm else new
        if step is None:
            return new
        where = step.view(1, -1, 1)
        return map_states(lambda after, before: torch.where(where, after, before), new, state)

    def reset(self, dones: Tensor | None = None) -> None:
        """Zero the state of the worlds in ``dones (N,)``; forget the state of all, and their number, without it."""
        if dones is None or self.hidden_states is None:
            self.hidden_states = None
            return
        keep = ~as_done_mask(dones).view(1, -1, 1)
        # A new tensor, never written in place: the old one may be stored with the rollout. `where`, since a state that
        # is not finite has to become zero too.
        self.hidden_states = map_state(self.hidden_states, lambda state: torch.where(keep, state, 0.0))

    def zero_state(self, batch_size: int) -> HiddenState:
        """The state that a first step starts from, ``(layers, batch_size, H)``."""
        weight = self.rnn.weight_hh_l0
        zeros = weight.new_zeros(self.rnn.num_layers, batch_size, self.rnn.hidden_size)
        return LstmHiddenState(zeros, zeros.clone()) if self.is_lstm else zeros

    def flat_state(self) -> list[Tensor]:
        """The tensors of ``hidden_states`` in a list: one for a GRU, hidden and cell for an LSTM."""
        state = self.hidden_states
        return [] if state is None else list(state) if isinstance(state, NamedArrayTuple) else [state]

    def set_flat_state(self, tensors: Sequence[Tensor]) -> None:
        """The inverse of ``flat_state``."""
        self.hidden_states = LstmHiddenState(*tensors) if self.is_lstm else tensors[0]

    def state_names(self) -> list[str]:
        """What the tensors of ``flat_state`` are."""
        return ["hidden", "cell"] if self.is_lstm else ["hidden"]

    def _run_unpadded(self, input: Tensor, masks: Tensor, hidden_states: HiddenState | None) -> Tensor:
        """Trajectories ``(T, M, D)`` to ``(T, N, H)``; those of at most half the length are run apart, half as long.

        An episode that ends within a rollout leaves at least one such piece, so this halves the work on padding.
        """
        num_steps, num_trajectories = masks.shape
        half = num_steps // 2
        is_long = masks[half]
        num_short = num_trajectories - int(is_long.sum())
        if num_short < _SHORT_SHARE * num_trajectories or half == 0:
            return unpad_trajectories(self.rnn(input, _as_rnn_state(hidden_states))[0], masks)
        parts, num_rows = [], 0
        first = torch.zeros(num_trajectories, dtype=torch.long, device=input.device)
        stride = torch.zeros_like(first)
        for ids, length in ((is_long.nonzero().squeeze(1), num_steps), ((~is_long).nonzero().squeeze(1), half)):
            if not ids.shape[0]:
                continue
            state = None if hidden_states is None else map_state(hidden_states, lambda s, ids=ids: s[:, ids])
            output, _ = self.rnn(input[:length, ids], _as_rnn_state(state))
            parts.append(output.flatten(0, 1))
            first[ids] = num_rows + torch.arange(ids.shape[0], device=ids.device)
            stride[ids] = ids.shape[0]
            num_rows += parts[-1].shape[0]
        return unpad_rows(torch.cat(parts), masks, first, stride)

    def _initialize(self) -> None:
        """Orthogonal weights, zero biases, and forget gates that start open.

        A forget bias of 1 keeps memories long enough for their use to be discovered (Jozefowicz et al. 2015, section
        2.2). Recurrent weights are orthogonal gate by gate, which keeps gradients through time in scale.
        """
        hidden = self.rnn.hidden_size
        for name, parameter in self.rnn.named_parameters():
            if name.startswith("weight"):
                for gate in parameter.data.split(hidden):
                    nn.init.orthogonal_(gate)
            else:
                nn.init.zeros_(parameter)
                if self.is_lstm and name.startswith("bias_ih"):
                    parameter.data[hidden : 2 * hidden] = 1.0

    def __getstate__(self) -> dict[str, Any]:
        state = self.hidden_states
        return {**self.__dict__, "hidden_states": None if state is None else map_state(state, Tensor.detach)}


class ActorCriticRecurrent(ActorCritic):
    """Policy and value function that each read the output of a memory of their own."""

    cfg_class = RecurrentCfg

    is_recurrent = True

    def __init__(
        self,
        num_actor_obs: int,
        num_critic_obs: int,
        num_actions: int,
        *,
        actor_hidden_dims: Sequence[int] | int | None = (256, 256, 256),
        critic_hidden_dims: Sequence[int] | int | None = (256, 256, 256),
        activation: str | type[nn.Module] = "elu",
        rnn_type: str = "lstm",
        rnn_hidden_size: int = 256,
        rnn_num_layers: int = 1,
        init_noise_std: float | Sequence[float] = 1.0,
        obs_segments: Segments | None = None,
        critic_obs_segments: Segments | None = None,
        **kwargs: Any,
    ) -> None:
        """``rnn_type`` is ``"lstm"`` or ``"gru"``; further arguments go to ``ActorCritic``."""
        super().__init__(
            rnn_hidden_size,
            rnn_hidden_size,
            num_actions,
            actor_hidden_dims=actor_hidden_dims,
            critic_hidden_dims=critic_hidden_dims,
            activation=activation,
            init_noise_std=init_noise_std,
            **kwargs,
        )
        self._set_inputs(num_actor_obs, num_critic_obs, obs_segments, critic_obs_segments)
        self.rnn_args: dict[str, Any] = {
            "type": rnn_type,
            "num_layers": rnn_num_layers,
            "hidden_size": rnn_hidden_size,
        }
        self.memory_a = Memory(num_actor_obs, **self.rnn_args)
        self.memory_c = Memory(num_critic_obs, **self.rnn_args)
        # Output of memory_a in the last act, unpadded (..., H), for estimators that read it.
        self.actor_features: Tensor | None = None

    def reset(self, dones: Tensor | None = None) -> None:
        """Zero the memories of the worlds in ``dones (N,)``, or of all. Call it whenever episodes end."""
        super().reset(dones)
        self.memory_a.reset(dones)
        self.memory_c.reset(dones)

    def act(self, observations: Tensor, masks: Tensor | None = None, hidden_states: Any = None) -> Tensor:
        """One step ``(N, D) -> (N, A)``, or padded trajectories ``(T, M, D) -> (T, N, A)`` with ``masks (T, M)``.

        ``hidden_states``: what ``get_hidden_states().actor`` was at the trajectories' first steps.
        """
        features = self.actor_features = self.memory_a(observations, masks, hidden_states)
        return super().act(features)

    def act_inference(self, observations: Tensor) -> Tensor:
        """Mean actions ``(N, A)``; advances the actor's memory by one step."""
        features = self.actor_features = self.memory_a(observations)
        return super().act_inference(features)

    def evaluate(self, critic_observations: Tensor, masks: Tensor | None = None, hidden_states: Any = None) -> Tensor:
        """Values ``(N, 1)``, or ``(T, N, 1)`` of padded trajectories; shapes as for ``act``."""
        return super().evaluate(self.memory_c(critic_observations, masks, hidden_states))

    def get_hidden_states(self) -> NamedArrayTuple:
        """``ActorCriticHiddenState`` of what the memories hold now; members are ``None`` before the first step."""
        return ActorCriticHiddenState(self._actor_states(), self.memory_c.hidden_states)

    def set_hidden_states(self, states: NamedArrayTuple) -> None:
        """Restore what ``get_hidden_states`` returned."""
        actor, critic = states
        self._set_actor_states(actor)
        self.memory_c.hidden_states = critic

    def zero_hidden_states(self, batch_size: int) -> NamedArrayTuple:
        """What ``get_hidden_states`` returns for ``batch_size`` worlds that have just been reset."""
        return ActorCriticHiddenState(self._zero_actor_states(batch_size), self.memory_c.zero_state(batch_size))

    def input_layouts(self, obs_segments: Segments, critic_obs_segments: Segments) -> dict[str, ObsLayout]:
        """As in ``ActorCritic``: here the first layers are those of the memories."""
        return {
            "memory_a.rnn.weight_ih_l0": as_layout(obs_segments),
            "memory_c.rnn.weight_ih_l0": as_layout(critic_obs_segments),
        }

    def actor_memories(self) -> list[nn.Module]:
        """The memories that ``act_inference`` advances, in a fixed order."""
        return [self.memory_a]

    # Classes that add a memory to the actor extend these three; ``states`` is what ``act`` takes as hidden_states.

    def _actor_states(self) -> Any:
        return self.memory_a.hidden_states

    def _set_actor_states(self, states: Any) -> None:
        self.memory_a.hidden_states = states

    def _zero_actor_states(self, batch_size: int) -> Any:
        return self.memory_a.zero_state(batch_size)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "actor_features": None}


def _as_rnn_state(state: HiddenState | None) -> Any:
    """What ``torch.nn`` takes: a tensor, a plain tuple, or ``None``; memory laid out as cuDNN wants it."""
    if state is None:
        return None
    if isinstance(state, NamedArrayTuple):
        hidden, cell = state
        return hidden.contiguous(), cell.contiguous()
    return state.contiguous()


def map_states(function: Any, state: HiddenState, other: HiddenState) -> HiddenState:
    """``function`` of every tensor of ``state`` and the one at the same place in ``other``."""
    if isinstance(state, NamedArrayTuple) and isinstance(other, NamedArrayTuple):
        return state.map(function, other)
    return function(state, other)


def map_state(state: HiddenState, function: Any) -> HiddenState:
    """``function`` of every tensor of ``state``."""
    return state.map(function) if isinstance(state, NamedArrayTuple) else function(state)
