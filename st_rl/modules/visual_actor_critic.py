"""Policies that see: one image segment of the observation goes through a convolutional encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from st_rl.modules.actor_critic import ActorCritic
from st_rl.modules.actor_critic_recurrent import ActorCriticRecurrent
from st_rl.modules.conv2d import Conv2dHeadModel
from st_rl.modules.deterministic_policy import DeterministicPolicyMixin
from st_rl.modules.utils import MissingDefinitionError
from st_rl.modules.visual_cfg import VisualCfg, VisualRecurrentCfg
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout, Segments, as_layout, layouts_of

_Policy = ActorCritic if TYPE_CHECKING else object

_DEFAULT_VISUAL_KWARGS: dict[str, Any] = {"channels": [32, 64], "kernel_sizes": [5, 3], "strides": [2, 2]}


class VisualActorCriticMixin(_Policy):
    """Replaces the image segment, at its place, by a latent vector before actor and critic read the observation.

    A critic whose observation has the image too reads it through the same encoder, which both then train.
    """

    def __init__(
        self,
        num_actor_obs: int,
        num_critic_obs: int,
        num_actions: int,
        *,
        obs_segments: Segments | None = None,
        critic_obs_segments: Segments | None = None,
        visual_component_name: str = "forward_depth",
        visual_kwargs: Mapping[str, Any] | None = None,
        visual_latent_size: int = 256,
        **kwargs: Any,
    ) -> None:
        """``visual_kwargs``: arguments of ``Conv2dHeadModel`` but for the image shape and the output size."""
        if obs_segments is None:
            raise MissingDefinitionError(f"{type(self).__name__} needs obs_segments with '{visual_component_name}'")
        layout, critic_layout = layouts_of(obs_segments, critic_obs_segments, num_actor_obs == num_critic_obs)
        self.visual_component_name = visual_component_name
        self.visual_latent_size = visual_latent_size
        image_shape = layout[visual_component_name]
        self.visual_obs_slice = layout.slice_of(visual_component_name)
        self.critic_visual_obs_slice: slice | None = None
        growth = visual_latent_size - layout.size_of(visual_component_name)
        if critic_layout is not None and visual_component_name in critic_layout:
            if critic_layout[visual_component_name] != image_shape:
                raise UserError(
                    f"'{visual_component_name}' is {list(image_shape)} for the actor and "
                    f"{list(critic_layout[visual_component_name])} for the critic; give both the same image"
                )
            self.critic_visual_obs_slice = critic_layout.slice_of(visual_component_name)
        super().__init__(
            num_actor_obs + growth,
            num_critic_obs + (0 if self.critic_visual_obs_slice is None else growth),
            num_actions,
            **kwargs,
        )
        self._set_inputs(num_actor_obs, num_critic_obs, layout, critic_layout)
        self.visual_encoder = Conv2dHeadModel(
            image_shape, output_size=visual_latent_size, **{**_DEFAULT_VISUAL_KWARGS, **(visual_kwargs or {})}
        )

    def embed_visual_latent(self, observations: Tensor) -> Tensor:
        """A new observation with the image replaced by its latent: ``(..., D)`` -> ``(..., D - C H W + latent)``."""
        return self._embed(observations, self.visual_obs_slice)

    def act(self, observations: Tensor, **kwargs: Any) -> Tensor:
        """Actions ``(..., A)`` from the observation with the latent in the image's place."""
        return self.act_with_embedded_latent(self.embed_visual_latent(observations), **kwargs)

    def act_inference(self, observations: Tensor) -> Tensor:
        """Mean actions ``(N, A)``."""
        return super().act_inference(self.embed_visual_latent(observations))

    def act_with_embedded_latent(self, observations: Tensor, **kwargs: Any) -> Tensor:
        """Like ``act`` for what ``embed_visual_latent`` returned, which is encoded only once that way."""
        return super().act(observations, **kwargs)

    def evaluate(self, critic_observations: Tensor, masks: Tensor | None = None, hidden_states: Any = None) -> Tensor:
        """Values ``(..., 1)``; an image in the critic's observation is encoded first."""
        if self.critic_visual_obs_slice is not None:
            critic_observations = self._embed(critic_observations, self.critic_visual_obs_slice)
        return super().evaluate(critic_observations, masks=masks, hidden_states=hidden_states)

    def input_layouts(self, obs_segments: Segments, critic_obs_segments: Segments) -> dict[str, ObsLayout]:
        """As in ``ActorCritic``, of the observations with the latent in the image's place."""
        return super().input_layouts(
            self._embedded_layout(as_layout(obs_segments)), self._embedded_layout(as_layout(critic_obs_segments))
        )

    def _embedded_layout(self, layout: ObsLayout) -> ObsLayout:
        latent = (self.visual_latent_size,)
        return ObsLayout((name, latent if name == self.visual_component_name else layout[name]) for name in layout)

    def _embed(self, observations: Tensor, columns: slice) -> Tensor:
        latent = self.visual_encoder(observations[..., columns])
        return torch.cat([observations[..., : columns.start], latent, observations[..., columns.stop :]], dim=-1)


class _VisualDeterministicMixin(DeterministicPolicyMixin, VisualActorCriticMixin):
    """Without noise, whichever way the observation comes in."""

    def act_with_embedded_latent(self, observations: Tensor, **kwargs: Any) -> Tensor:
        super().act_with_embedded_latent(observations, **kwargs)
        return self.action_mean


class VisualDeterministicRecurrent(_VisualDeterministicMixin, ActorCriticRecurrent):
    """Recurrent policy with a visual encoder and deterministic actions."""

    cfg_class = VisualRecurrentCfg


class VisualDeterministicAC(_VisualDeterministicMixin, ActorCritic):
    """Feed-forward policy with a visual encoder and deterministic actions."""

    cfg_class = VisualCfg
