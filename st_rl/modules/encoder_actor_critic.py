"""Policies that read some segments of the observation through encoders.

Each encoded segment is replaced, at its place, by the latent vector of its encoder; actor and critic (or their
memories) read the observation that results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from st_rl.modules.actor_critic import ActorCritic
from st_rl.modules.actor_critic_recurrent import ActorCriticRecurrent
from st_rl.modules.amp_discriminator import AmpActorCriticRecurrent
from st_rl.modules.conv2d import Conv2dHeadModel
from st_rl.modules.mlp import MlpModel
from st_rl.modules.policy_cfg import EncoderCfg, EncoderMotionPriorRecurrentCfg, EncoderRecurrentCfg
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.obs_layout import ObsLayout, Segments, Shape, as_layout, get_obs_slice, layouts_of

_Policy = ActorCritic if TYPE_CHECKING else object

ObsSlice = tuple[slice, Shape]
Names = str | Sequence[str]
Kwargs = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class EncoderActorCriticMixin(_Policy):
    """Embeds segments of the actor's, and optionally of the critic's, observation by encoders."""

    def __init__(
        self,
        num_actor_obs: int,
        num_critic_obs: int,
        num_actions: int,
        *,
        obs_segments: Segments | None = None,
        critic_obs_segments: Segments | None = None,
        encoder_component_names: Names = (),
        encoder_class_name: Names = "MlpModel",
        encoder_kwargs: Kwargs | None = None,
        encoder_output_size: int | None = None,
        critic_encoder_component_names: Names | None = None,
        critic_encoder_class_name: Names | None = None,
        critic_encoder_kwargs: Kwargs | None = None,
        critic_encoder_output_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Class names and keyword arguments are one for all encoders, or a list in the order of the components.

        ``encoder_output_size`` is the width of every latent; without it an encoder's last hidden width.
        ``critic_encoder_component_names`` are encoded by encoders of the critic's own, whose other arguments default to
        the actor's; ``"shared"`` lets the critic use the actor's encoders for the same segments, trained by both.
        """
        if obs_segments is None or not encoder_component_names:
            raise UserError(f"{type(self).__name__} needs obs_segments and encoder_component_names")
        layout, critic_layout = layouts_of(obs_segments, critic_obs_segments, num_actor_obs == num_critic_obs)
        self.obs_segments, self.critic_obs_segments = layout, critic_layout
        self.encoder_component_names = _as_list(encoder_component_names)
        self.critic_shares_encoders = critic_encoder_component_names == "shared"
        critic_names = encoder_component_names if self.critic_shares_encoders else critic_encoder_component_names
        self.critic_encoder_component_names = _as_list(critic_names or ())
        self.prepare_obs_slices()
        names, slices = self.encoder_component_names, self.encoder_obs_slices
        encoders = self.build_encoders(names, encoder_class_name, slices, encoder_kwargs, encoder_output_size)
        critic_encoders = encoders
        if not self.critic_shares_encoders:
            critic_encoders = self.build_encoders(
                self.critic_encoder_component_names,
                encoder_class_name if critic_encoder_class_name is None else critic_encoder_class_name,
                self.critic_encoder_obs_slices,
                encoder_kwargs if critic_encoder_kwargs is None else critic_encoder_kwargs,
                encoder_output_size if critic_encoder_output_size is None else critic_encoder_output_size,
            )
        super().__init__(
            num_actor_obs + _growth(layout, encoders),
            num_critic_obs + (0 if critic_layout is None else _growth(critic_layout, critic_encoders)),
            num_actions,
            **kwargs,
        )
        self._set_inputs(num_actor_obs, num_critic_obs, layout, critic_layout)
        self.encoders = encoders
        if not self.critic_shares_encoders:
            self.own_critic_encoders = critic_encoders

    @property
    def critic_encoders(self) -> nn.ModuleDict:
        """Encoders of the critic by segment name; those of the actor if they are shared."""
        return self.encoders if self.critic_shares_encoders else self.own_critic_encoders

    def prepare_obs_slices(self) -> None:
        """Find the columns and shapes of the encoded segments, and the order in which they lie in the observation."""
        actor, critic = self.obs_segments, self.critic_obs_segments
        if actor is None or (critic is None and self.critic_encoder_component_names):
            raise UserError("encoders need the layout of the observation: pass obs_segments and critic_obs_segments")
        self.encoder_obs_slices = [get_obs_slice(actor, name) for name in self.encoder_component_names]
        self.latents_order = _order(self.encoder_obs_slices)
        self.critic_encoder_obs_slices: list[ObsSlice] = []
        if critic is not None:
            names = self.critic_encoder_component_names
            self.critic_encoder_obs_slices = [get_obs_slice(critic, name) for name in names]
            if self.critic_shares_encoders and actor.sublayout(names) != critic.sublayout(names):
                difference = actor.sublayout(names).difference(critic.sublayout(names), "the actor", "the critic")
                raise UserError(f"the critic cannot share the actor's encoders: {difference}")
        self.critic_latents_order = _order(self.critic_encoder_obs_slices)

    def build_encoders(
        self,
        component_names: Sequence[str],
        class_name: Names,
        obs_slices: Sequence[ObsSlice],
        kwargs: Kwargs | None,
        encoder_output_size: int | None,
    ) -> nn.ModuleDict:
        """One encoder per segment, by its name."""
        number = len(component_names)
        if not number:
            return nn.ModuleDict()
        class_names = [class_name] * number if isinstance(class_name, str) else list(class_name)
        settings = [kwargs or {}] * number if kwargs is None or isinstance(kwargs, Mapping) else list(kwargs)
        if len(class_names) != number or len(settings) != number:
            raise UserError(
                f"{number} encoders need one class name and one set of arguments for all, or {number} of each; "
                f"there are {len(class_names)} class names and {len(settings)} sets of arguments"
            )
        encoders = nn.ModuleDict()
        for name, class_, (_, shape), arguments in zip(component_names, class_names, obs_slices, settings, strict=True):
            arguments = dict(arguments)
            if encoder_output_size is not None:
                arguments["output_size"] = encoder_output_size
            encoders[name] = _make_encoder(class_, shape, arguments)
        return encoders

    def embed_encoders_latent(
        self,
        observations: Tensor,
        obs_slices: Sequence[ObsSlice],
        encoders: nn.ModuleDict | Sequence[nn.Module],
        latents_order: Sequence[int],
    ) -> Tensor:
        """A new observation ``(..., D')`` with each slice of ``observations (..., D)`` replaced by its latent.

        ``latents_order`` lists the encoders by the place of their slices.
        """
        modules = list(encoders.values()) if isinstance(encoders, nn.ModuleDict) else list(encoders)
        pieces: list[Tensor] = []
        kept_from = 0
        for index in latents_order:
            columns, _ = obs_slices[index]
            pieces += [observations[..., kept_from : columns.start], modules[index](observations[..., columns])]
            kept_from = columns.stop
        pieces.append(observations[..., kept_from:])
        return torch.cat(pieces, dim=-1)

    def get_encoder_latent(self, observations: Tensor, obs_component: str, critic: bool = False) -> Tensor:
        """Latent ``(..., L)`` of one segment of ``observations (..., D)``, the critic's observation if ``critic``."""
        names = self.critic_encoder_component_names if critic else self.encoder_component_names
        if obs_component not in names:
            raise UnknownNameError("encoded segment", obs_component, list(names))
        slices = self.critic_encoder_obs_slices if critic else self.encoder_obs_slices
        encoders = self.critic_encoders if critic else self.encoders
        return encoders[obs_component](observations[..., slices[names.index(obs_component)][0]])

    def act(self, observations: Tensor, masks: Tensor | None = None, hidden_states: Any = None) -> Tensor:
        """Sampled actions ``(..., A)``, as the policy class behind it does from the embedded observation."""
        return super().act(self._embed_actor(observations), masks=masks, hidden_states=hidden_states)

    def act_inference(self, observations: Tensor) -> Tensor:
        """Mean actions ``(N, A)`` from the embedded observation."""
        return super().act_inference(self._embed_actor(observations))

    def evaluate(self, critic_observations: Tensor, masks: Tensor | None = None, hidden_states: Any = None) -> Tensor:
        """Values ``(..., 1)``; the critic's observation is embedded if the critic has encoders."""
        if self.critic_encoder_component_names:
            critic_observations = self.embed_encoders_latent(
                critic_observations, self.critic_encoder_obs_slices, self.critic_encoders, self.critic_latents_order
            )
        return super().evaluate(critic_observations, masks=masks, hidden_states=hidden_states)

    def input_layouts(self, obs_segments: Segments, critic_obs_segments: Segments) -> dict[str, ObsLayout]:
        """As in ``ActorCritic``, of the embedded observations; and each MLP encoder's own segment."""
        actor, critic = as_layout(obs_segments), as_layout(critic_obs_segments)
        layouts = super().input_layouts(
            _embedded_layout(actor, self.encoders), _embedded_layout(critic, self.critic_encoders)
        )
        for prefix, encoders, layout in (
            ("encoders", self.encoders, actor),
            ("own_critic_encoders", nn.ModuleDict() if self.critic_shares_encoders else self.critic_encoders, critic),
        ):
            for name in (name for name, encoder in encoders.items() if isinstance(encoder, MlpModel)):
                if name in layout:
                    layouts[f"{prefix}.{name}.model.0.weight"] = layout.sublayout(name)
        return layouts

    def _embed_actor(self, observations: Tensor) -> Tensor:
        return self.embed_encoders_latent(observations, self.encoder_obs_slices, self.encoders, self.latents_order)


class EncoderActorCritic(EncoderActorCriticMixin, ActorCritic):
    """Feed-forward policy with encoders."""

    cfg_class = EncoderCfg


class EncoderActorCriticRecurrent(EncoderActorCriticMixin, ActorCriticRecurrent):
    """Recurrent policy whose memories read the embedded observations."""

    cfg_class = EncoderRecurrentCfg


class EncoderAmpActorCriticRecurrent(EncoderActorCriticMixin, AmpActorCriticRecurrent):
    """Recurrent policy with encoders and a discriminator."""

    cfg_class = EncoderMotionPriorRecurrentCfg


def _make_encoder(class_name: str, shape: Shape, arguments: dict[str, Any]) -> nn.Module:
    if class_name == "MlpModel":
        size = 1
        for dim in shape:
            size *= dim
        return MlpModel(size, **arguments)
    if class_name == "Conv2dHeadModel":
        return Conv2dHeadModel(shape, **arguments)
    raise UnknownNameError("encoder class", class_name, ["Conv2dHeadModel", "MlpModel"])


def _embedded_layout(layout: ObsLayout, encoders: nn.ModuleDict) -> ObsLayout:
    """The layout of the embedded observation: a latent keeps the name of its segment."""
    return ObsLayout(
        (name, (encoders[name].output_size,) if name in encoders else shape) for name, shape in layout.items()
    )


def _growth(layout: ObsLayout, encoders: nn.ModuleDict) -> int:
    return _embedded_layout(layout, encoders).size - layout.size


def _order(obs_slices: Sequence[ObsSlice]) -> list[int]:
    return sorted(range(len(obs_slices)), key=lambda index: obs_slices[index][0].start)


def _as_list(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
