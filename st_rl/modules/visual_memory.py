"""Policies that see through a memory which steps when a new image arrives.

A camera is several times slower than the policy. Its image is encoded, and remembered, once: when it arrives. What the
memory holds stands in the image's place in the observation of everything behind it, at every step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from st_rl.modules.actor_critic import ActorCritic
from st_rl.modules.actor_critic_recurrent import (
    ActorCriticHiddenState,
    HiddenState,
    LstmHiddenState,
    Memory,
    map_state,
    map_states,
)
from st_rl.modules.conv2d import Conv2dHeadModel
from st_rl.modules.deterministic_policy import DeterministicPolicyMixin
from st_rl.modules.state_adaptor import PrivilegeEstimatorMixin
from st_rl.modules.state_estimator import EstimatorMixin, as_names
from st_rl.modules.utils import MissingDefinitionError
from st_rl.modules.visual_cfg import VisualPrivilegeCfg
from st_rl.utils.namedarraytuple import NamedArrayTuple, namedarraytuple
from st_rl.utils.obs_layout import ObsLayout, Segments, as_layout, layouts_of
from st_rl.utils.padding import unpad_trajectories

_Policy = ActorCritic if TYPE_CHECKING else object

ImageMemoryState = namedarraytuple("ImageMemoryState", ["memory", "seen"], __name__)
"""What a memory of images holds ``(layers, N, H)``, and ``seen (1, N, 1)``, the age of the image in effect plus one, or
zero before the first image of an episode."""

VISUAL_KWARGS: dict[str, Any] = {
    "channels": [16, 32, 64],
    "kernel_sizes": [5, 3, 3],
    "strides": [2, 2, 2],
    "paddings": [2, 1, 1],
    "hidden_sizes": [128],
}
"""Arguments of an encoder that takes 0.6 million multiplications for an image of 24 x 32 pixels."""

_YOUNGER = 1e-4
"""An image is a new one if it is younger than the one before by more than this."""


class ImageMemory(Memory):
    """A memory that knows by an image's age whether it has seen it."""

    def is_new(self, age: Tensor, states: Any = None) -> Tensor:
        """(N,) bool: which images of ``age (N, 1)`` have just arrived; by the remembered state unless one is given."""
        state = self.hidden_states if states is None else states
        if state is None:
            return torch.ones(age.shape[0], dtype=torch.bool, device=age.device)
        _, seen = state
        before = seen[0, :, 0]
        return (before == 0.0) | (age[:, 0] < before - 1.0 - _YOUNGER)

    def zero_state(self, batch_size: int) -> Any:
        """The state of ``batch_size`` worlds that have not seen anything yet."""
        weight = self.rnn.weight_hh_l0
        return ImageMemoryState(super().zero_state(batch_size), weight.new_zeros(1, batch_size, 1))

    def flat_state(self) -> list[Tensor]:
        """The tensors of ``hidden_states`` in a list, ``seen`` last."""
        state = self.hidden_states
        return list(state.leaves()) if isinstance(state, NamedArrayTuple) else []

    def set_flat_state(self, tensors: Sequence[Tensor]) -> None:
        """The inverse of ``flat_state``."""
        *memory, seen = tensors
        held = LstmHiddenState(*memory) if self.is_lstm else memory[0]
        self.hidden_states = ImageMemoryState(held, seen)

    def state_names(self) -> list[str]:
        """What the tensors of ``flat_state`` are."""
        return [*super().state_names(), "seen"]


class VisualMemoryMixin(_Policy):
    """Replaces the image segment, at its place, by what a memory of the images holds.

    The classes behind it, estimators and actor, observe that memory under the image's name. They are feed-forward:
    time is in the memory alone, which steps at the rate of the camera.
    """

    is_recurrent = True

    def __init__(
        self,
        num_actor_obs: int,
        num_critic_obs: int,
        num_actions: int,
        *,
        obs_segments: Segments | None = None,
        critic_obs_segments: Segments | None = None,
        visual_component_name: str = "forward_depth",
        visual_age_name: str = "image_age",
        visual_kwargs: Mapping[str, Any] | None = None,
        visual_latent_size: int = 96,
        memory_components: str | Sequence[str] = (),
        memory_type: str = "gru",
        memory_hidden_size: int = 128,
        **kwargs: Any,
    ) -> None:
        """The memory reads the latent and, at the moment an image arrives, the segments ``memory_components``.

        ``visual_age_name`` is the segment, one number, that falls when a new image arrives. ``visual_kwargs``:
        arguments of ``Conv2dHeadModel`` but for the image shape and the output size.
        """
        if obs_segments is None:
            raise MissingDefinitionError(f"{type(self).__name__} needs obs_segments with '{visual_component_name}'")
        layout, critic_layout = layouts_of(obs_segments, critic_obs_segments, num_actor_obs == num_critic_obs)
        image_shape, age_shape = layout[visual_component_name], layout[visual_age_name]
        if age_shape != (1,):
            raise MissingDefinitionError(f"'{visual_age_name}' must be one number, the image's age, not {age_shape}")
        self.visual_component_name, self.visual_age_name = visual_component_name, visual_age_name
        self.memory_components = as_names(memory_components)
        self.remembered_size = memory_hidden_size
        self.skip_empty = True
        """On a CPU, encode the new images alone, for which the host must know which they are."""
        embedded = self._embedded_layout(layout)
        super().__init__(
            embedded.size,
            num_critic_obs,
            num_actions,
            obs_segments=embedded,
            critic_obs_segments=critic_layout,
            **kwargs,
        )
        self.seen_layout: ObsLayout = layout
        """Layout of the observation with the image."""
        self.embedded_layout: ObsLayout = embedded
        """Layout of the observation with the memory in the image's place."""
        self._set_inputs(num_actor_obs, num_critic_obs, layout, critic_layout)
        self.visual_encoder = Conv2dHeadModel(
            image_shape, output_size=visual_latent_size, **(visual_kwargs or VISUAL_KWARGS)
        )
        beside = layout.sublayout(self.memory_components).size
        self.memory_v = ImageMemory(visual_latent_size + beside, memory_type, 1, memory_hidden_size)

    # ---------------------------------------------------------------- seeing

    def encode(self, images: Tensor) -> Tensor:
        """Latents ``(..., latent)`` of images ``(..., C, H, W)`` or flattened."""
        return self.visual_encoder(images)

    def memory_of(self, flat: Tensor) -> HiddenState:
        """The memory's state from its numbers ``flat (B, H)``; of an LSTM hidden and cell, side by side."""
        if not self.memory_v.is_lstm:
            return flat.unsqueeze(0)
        return LstmHiddenState(*(part.contiguous() for part in flat.unsqueeze(0).chunk(2, dim=-1)))

    def remember(
        self, latents: Tensor, components: Tensor, first: Tensor, memory: HiddenState
    ) -> tuple[Tensor, HiddenState]:
        """What the memory holds after each of K images in a row, ``(K, B, H)``, and its last state.

        Args:
            latents: (K, B, latent), of images each of which arrived as a new one.
            components: (K, B, C), what was observed of ``memory_components`` as they arrived.
            first: (K, B) bool, images that are the first ones of an episode.
            memory: (layers, B, H), before the first of them.
        """
        inputs = torch.cat((latents, components), dim=-1)
        held = []
        for step in range(len(inputs)):
            keep = ~first[step].view(1, -1, 1)
            memory = map_state(memory, lambda state, keep=keep: torch.where(keep, state, 0.0))
            memory = self.memory_v.advance(inputs[step], memory)
            held.append(_output(memory))
        return torch.stack(held), memory

    def embed(self, others: Tensor, remembered: Tensor) -> Tensor:
        """The observation with the memory in the image's place, ``(..., embedded size)``.

        ``others (..., D - C H W)`` is the observation without the image, ``remembered (..., H)`` what the memory holds.
        """
        start = self.seen_layout.slice_of(self.visual_component_name).start
        return torch.cat((others[..., :start], remembered, others[..., start:]), dim=-1)

    def without_image(self, observations: Tensor) -> Tensor:
        """The columns ``(..., D - C H W)`` of ``observations (..., D)`` beside the image."""
        columns = self.seen_layout.slice_of(self.visual_component_name)
        return torch.cat((observations[..., : columns.start], observations[..., columns.stop :]), dim=-1)

    def others_layout(self) -> ObsLayout:
        """Layout of what ``without_image`` returns."""
        return self.seen_layout.sublayout([name for name in self.seen_layout if name != self.visual_component_name])

    def embed_images(self, observations: Tensor, masks: Tensor | None = None, hidden_states: Any = None) -> Tensor:
        """What the classes behind observe, ``(N, embedded size)``; the memory moves on where an image is new.

        With ``masks (T, M)`` it is ``(T, N, embedded size)`` of padded trajectories ``(T, M, D)`` that began with
        ``hidden_states``; each image is encoded once.
        """
        if masks is not None:
            return unpad_trajectories(self._embed_trajectories(observations, hidden_states), masks)
        state = self.memory_v.hidden_states if hidden_states is None else hidden_states
        if state is None:
            state = self.memory_v.zero_state(len(observations))
        age = self.seen_layout.select(observations, self.visual_age_name)
        new = self.memory_v.is_new(age, state)
        memory, _ = state
        if self.skip_empty and observations.device.type == "cpu" and not _is_traced():
            memory = self._step_rows(observations, memory, new.nonzero().squeeze(1))
        else:
            memory = self.memory_v.advance(self._memory_input(observations), memory, new)
        self.memory_v.hidden_states = ImageMemoryState(memory, age.detach()[None] + 1.0)
        return self.embed(self.without_image(observations), _output(memory))

    def _memory_input(self, observations: Tensor) -> Tensor:
        layout = self.seen_layout
        latents = self.encode(layout.select(observations, self.visual_component_name))
        return torch.cat((latents, layout.select(observations, list(self.memory_components))), dim=-1)

    def _step_rows(self, observations: Tensor, memory: HiddenState, rows: Tensor) -> HiddenState:
        """``memory`` one image further in the worlds ``rows (n,)``: four of five worlds have none to encode."""
        if not len(rows):
            return memory
        before = map_state(memory, lambda state: state[:, rows])
        after = self.memory_v.advance(self._memory_input(observations[rows]), before)
        return map_states(lambda old, new: old.index_copy(1, rows, new), memory, after)

    def _embed_trajectories(self, observations: Tensor, hidden_states: Any) -> Tensor:
        """As ``embed_images``, padded: (T, M, D) -> (T, M, embedded size)."""
        state = self.memory_v.zero_state(observations.shape[1]) if hidden_states is None else hidden_states
        memory, seen = state
        ages = self.seen_layout.select(observations, self.visual_age_name)
        previous = torch.cat((seen - 1.0, ages[:-1]))
        new = (ages < previous - _YOUNGER).squeeze(-1)
        new[0] |= seen[0, :, 0] == 0.0
        inputs = self._memory_input(observations[new])
        inputs = torch.cat((inputs.new_zeros(1, self.memory_v.rnn.input_size), inputs))
        places = new.flatten().cumsum(0).view_as(new)
        held = []
        for step in range(len(observations)):
            # Where no image is new the memory does not look at its input.
            memory = self.memory_v.advance(inputs[places[step]], memory, new[step])
            held.append(_output(memory))
        return self.embed(self.without_image(observations), torch.stack(held))

    # ---------------------------------------------------------------- policy

    def act(self, observations: Tensor, masks: Tensor | None = None, hidden_states: Any = None) -> Tensor:
        """Actions ``(N, A)``, or ``(T, N, A)`` of padded trajectories ``(T, M, D)`` with ``masks (T, M)``."""
        return self.act_with_embedded_latent(self.embed_images(observations, masks, hidden_states))

    def act_with_embedded_latent(self, observations: Tensor) -> Tensor:
        """Like ``act`` for what ``embed_images`` or ``embed`` returned."""
        return super().act(observations)

    def act_inference(self, observations: Tensor) -> Tensor:
        """Mean actions ``(N, A)``; the memory moves on."""
        return super().act_inference(self.embed_images(observations))

    def evaluate(self, critic_observations: Tensor, masks: Tensor | None = None, hidden_states: Any = None) -> Tensor:
        """Values ``(N, 1)``, or ``(T, N, 1)`` of padded trajectories; the critic has no memory."""
        if masks is not None:
            critic_observations = unpad_trajectories(critic_observations, masks)
        return super().evaluate(critic_observations)

    def reset(self, dones: Tensor | None = None) -> None:
        """Forget what the worlds in ``dones (N,)``, or all, have seen."""
        super().reset(dones)
        self.memory_v.reset(dones)

    def input_layouts(self, obs_segments: Segments, critic_obs_segments: Segments) -> dict[str, ObsLayout]:
        """As in ``ActorCritic``, of the observation with the memory in the image's place."""
        return super().input_layouts(self._embedded_layout(as_layout(obs_segments)), critic_obs_segments)

    def actor_memories(self) -> list[nn.Module]:
        """The memories that ``act_inference`` advances, in a fixed order."""
        return [*super().actor_memories(), self.memory_v]

    def get_hidden_states(self) -> NamedArrayTuple:
        """``ActorCriticHiddenState`` whose actor is an ``ImageMemoryState``, or ``None`` before the first step."""
        return ActorCriticHiddenState(self.memory_v.hidden_states, None)

    def set_hidden_states(self, states: NamedArrayTuple) -> None:
        """Restore what ``get_hidden_states`` returned."""
        self.memory_v.hidden_states, _ = states

    def zero_hidden_states(self, batch_size: int) -> NamedArrayTuple:
        """What ``get_hidden_states`` returns for ``batch_size`` worlds that have just been reset."""
        return ActorCriticHiddenState(self.memory_v.zero_state(batch_size), None)

    def _embedded_layout(self, layout: ObsLayout) -> ObsLayout:
        size = (self.remembered_size,)
        return ObsLayout((name, size if name == self.visual_component_name else layout[name]) for name in layout)


class VisualPrivilegeStateAc(
    DeterministicPolicyMixin, VisualMemoryMixin, PrivilegeEstimatorMixin, EstimatorMixin, ActorCritic
):
    """A student that sees: image encoder, memory at the camera's rate, adaptor, state estimator, actor.

    Its actions have no noise: it learns by imitation.
    """

    cfg_class = VisualPrivilegeCfg

    def act_with_embedded_latent(self, observations: Tensor) -> Tensor:
        """Mean actions for what ``embed_images`` or ``embed`` returned."""
        super().act_with_embedded_latent(observations)
        return self.action_mean


def _output(memory: HiddenState) -> Tensor:
    """What is read of a memory's state: the last layer's hidden part, ``(N, H)``."""
    if isinstance(memory, NamedArrayTuple):
        hidden, _ = memory
        return hidden[-1]
    return memory[-1]


def _is_traced() -> bool:
    """Whether an exporter is looking, to which every step has to look the same."""
    return torch._C._get_tracing_state() is not None or torch.compiler.is_compiling()
