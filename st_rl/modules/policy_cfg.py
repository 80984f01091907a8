"""Policies as typed configurations: which class, and the arguments of its constructor.

Every policy class names its configuration in ``cfg_class``. ``arguments()`` turns a configuration into what the
constructor takes beside sizes and layouts, which is also what ``config.json`` of a run holds under ``policy``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Bounds, Checked, NonNegative, Positive, Share, Whole

EncoderClass = Literal["MlpModel", "Conv2dHeadModel"]
SHARED = "shared"
Width = Annotated[int, Bounds(ge=1, le=16384)]
"""Units of a layer of a network."""
Widths = tuple[Width, ...]
"""Units of the hidden layers of a network."""
Layers = Annotated[int, Bounds(ge=1, le=64)]
KernelSizes = tuple[Annotated[int, Bounds(ge=1, le=1024)], ...]


@dataclass(frozen=True)
class PolicyCfg(Checked):
    """Two networks of fully connected layers: what every policy has."""

    class_name: str = "ActorCritic"
    """Name of the policy class; the other options under ``policy`` depend on it."""
    actor_hidden_dims: Widths = (256, 128, 64)
    """Units in each hidden layer of the actor."""
    critic_hidden_dims: Widths = (256, 128, 64)
    """Units in each hidden layer of the critic."""
    activation: str = "elu"
    """Activation between the layers of actor and critic."""
    init_noise_std: Positive = 1.0
    """Standard deviation of the actions before training."""
    mu_activation: str | None = None
    """Activation of the mean action: ``tanh`` bounds it to -1..1; none leaves it free."""

    def arguments(self) -> dict[str, Any]:
        """Return the class name and the constructor's arguments as JSON values."""
        arguments: dict[str, Any] = {
            "class_name": self.class_name,
            "actor_hidden_dims": list(self.actor_hidden_dims),
            "critic_hidden_dims": list(self.critic_hidden_dims),
            "activation": self.activation,
            "init_noise_std": self.init_noise_std,
        }
        return arguments if self.mu_activation is None else arguments | {"mu_activation": self.mu_activation}


@dataclass(frozen=True)
class RecurrentCfg(PolicyCfg):
    """A policy with memory."""

    rnn_type: Literal["lstm", "gru"] = "lstm"
    """Kind of the memories of actor and critic."""
    rnn_hidden_size: Width = 256
    """Units of each layer of a memory."""
    rnn_num_layers: Layers = 1
    """Layers of a memory."""

    def arguments(self) -> dict[str, Any]:
        """As ``PolicyCfg.arguments``."""
        return super().arguments() | {
            "rnn_type": self.rnn_type,
            "rnn_hidden_size": self.rnn_hidden_size,
            "rnn_num_layers": self.rnn_num_layers,
        }


# ---------------------------------------------------------------- networks inside policies


@dataclass(frozen=True)
class MlpKwargs(Checked):
    """A network of fully connected layers."""

    hidden_sizes: Widths = (128, 64)
    """Units in each hidden layer."""
    nonlinearity: str = "ReLU"
    """Activation, by its name in torch."""

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``MlpModel`` beside its sizes."""
        return {"hidden_sizes": list(self.hidden_sizes), "nonlinearity": self.nonlinearity}


@dataclass(frozen=True)
class ConvKwargs(MlpKwargs):
    """Convolutions, and fully connected layers behind them."""

    hidden_sizes: Widths = (128,)
    """Units in each hidden layer behind the convolutions."""
    channels: Widths = (16, 32)
    """Channels of each convolution."""
    kernel_sizes: KernelSizes = (5, 3)
    """Pixels along the side of each kernel."""
    strides: KernelSizes = (2, 2)
    """Pixels between two places of each kernel."""
    paddings: tuple[Annotated[int, Bounds(ge=0, le=1024)], ...] | None = None
    """Pixels added around the input of each convolution; none without."""
    use_maxpool: bool = False
    """Whether strides are taken by the maximum over pixels instead of by convolutions."""
    normlayer: str | None = None
    """Normalization behind each convolution, by its name in torch."""

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``Conv2dHeadModel`` beside its sizes."""
        return super().arguments() | {
            "channels": list(self.channels),
            "kernel_sizes": list(self.kernel_sizes),
            "strides": list(self.strides),
            "paddings": None if self.paddings is None else list(self.paddings),
            "use_maxpool": self.use_maxpool,
            "normlayer": self.normlayer,
        }


@dataclass(frozen=True)
class EncoderKwargs(Checked):
    """An encoder of either class; the one that is built takes what it knows."""

    mlp: MlpKwargs = field(default_factory=MlpKwargs)
    """Layers of an ``MlpModel``."""
    conv: ConvKwargs = field(default_factory=ConvKwargs)
    """Layers of a ``Conv2dHeadModel``."""

    def arguments(self, class_name: str) -> dict[str, Any]:
        """Return the arguments of the encoder class beside its sizes."""
        return (self.conv if class_name == "Conv2dHeadModel" else self.mlp).arguments()


# ---------------------------------------------------------------- families of policies


@dataclass(frozen=True)
class EncoderCfg(PolicyCfg):
    """A policy that reads some segments through encoders."""

    encoder_component_names: tuple[str, ...] = ()
    """Segments of the actor's observation that are encoded."""
    encoder_class_name: tuple[EncoderClass, ...] = ("MlpModel",)
    """Class of the encoders: one for all, or one for each encoded segment."""
    encoder_kwargs: EncoderKwargs = field(default_factory=EncoderKwargs)
    """Layers of the encoders."""
    own_encoder_kwargs: dict[str, EncoderKwargs] = field(default_factory=dict)
    """Layers of the encoders of single segments, where they are not those of all."""
    encoder_output_size: Width | None = None
    """Numbers that each encoder gives; by default as many as its last hidden layer has units."""
    critic_encoder_component_names: tuple[str, ...] = ()
    """Segments that the critic encodes by encoders of its own; ``shared`` alone lets it use the actor's."""
    critic_encoder_class_name: tuple[EncoderClass, ...] = ()
    """Class of the critic's encoders; by default the actor's for the same segment."""
    critic_encoder_output_size: Width | None = None
    """Numbers that each of the critic's encoders gives; by default as the actor's."""

    def arguments(self) -> dict[str, Any]:
        """As ``PolicyCfg.arguments``; ``UserError`` where classes and segments do not go together."""
        classes = _one_each(self.encoder_class_name, self.encoder_component_names, "encoder_class_name")
        arguments = super().arguments() | {
            "encoder_component_names": list(classes),
            "encoder_class_name": list(classes.values()),
            "encoder_kwargs": self._kwargs_of(classes),
            "encoder_output_size": self.encoder_output_size,
        }
        names = self.critic_encoder_component_names
        if names == (SHARED,):
            return arguments | {"critic_encoder_component_names": SHARED}
        if not names:
            return arguments
        own = self.critic_encoder_class_name or tuple(classes.get(name, "MlpModel") for name in names)
        critic = _one_each(own, names, "critic_encoder_class_name")
        return arguments | {
            "critic_encoder_component_names": list(critic),
            "critic_encoder_class_name": list(critic.values()),
            "critic_encoder_kwargs": self._kwargs_of(critic),
            "critic_encoder_output_size": self.critic_encoder_output_size,
        }

    def _kwargs_of(self, classes: dict[str, str]) -> list[dict[str, Any]]:
        return [
            self.own_encoder_kwargs.get(name, self.encoder_kwargs).arguments(each) for name, each in classes.items()
        ]


@dataclass(frozen=True)
class EncoderRecurrentCfg(EncoderCfg, RecurrentCfg):
    """A policy with memory that reads some segments through encoders."""


@dataclass(frozen=True)
class EstimatorCfg(PolicyCfg):
    """A policy that estimates some segments from others."""

    estimator_obs_components: tuple[str, ...] = ()
    """Segments that the estimator reads."""
    estimator_target_components: tuple[str, ...] = ()
    """Segments that it estimates."""
    estimator_kwargs: MlpKwargs = field(default_factory=MlpKwargs)
    """Layers of the estimator."""
    use_actor_rnn: bool = False
    """Whether the estimator reads the actor's memory instead of having one of its own."""
    replace_state_prob: Share = 0.0
    """Probability per world and step that the actor sees the estimate in place of the segments."""
    estimator_classes: dict[str, tuple[Whole, Whole]] = field(default_factory=dict)
    """First column and last plus one of a one-hot in an estimated segment: it is told apart and not regressed."""
    estimator_gradient: bool = False
    """Whether what the actor learns from teaches the estimator too."""

    def arguments(self) -> dict[str, Any]:
        """As ``PolicyCfg.arguments``."""
        return super().arguments() | {
            "estimator_obs_components": list(self.estimator_obs_components),
            "estimator_target_components": list(self.estimator_target_components),
            "estimator_kwargs": self.estimator_kwargs.arguments(),
            "use_actor_rnn": self.use_actor_rnn,
            "replace_state_prob": self.replace_state_prob,
            "estimator_classes": {name: list(columns) for name, columns in self.estimator_classes.items()},
            "estimator_gradient": self.estimator_gradient,
        }


@dataclass(frozen=True)
class EstimatorRecurrentCfg(EstimatorCfg, RecurrentCfg):
    """A policy with memory that estimates some segments from others."""


@dataclass(frozen=True)
class EncoderEstimatorCfg(EstimatorCfg, EncoderCfg):
    """A policy with encoders and a state estimator."""


@dataclass(frozen=True)
class EncoderEstimatorRecurrentCfg(EstimatorCfg, EncoderRecurrentCfg):
    """A policy with memory, encoders and a state estimator."""


@dataclass(frozen=True)
class AdaptorCfg(PolicyCfg):
    """A policy with an adaptor that estimates privileged segments."""

    adaptor_obs_components: tuple[str, ...] = ()
    """Segments that the adaptor reads."""
    adaptor_target_components: tuple[str, ...] = ()
    """Privileged segments that it estimates."""
    adaptor_kwargs: MlpKwargs = field(default_factory=MlpKwargs)
    """Layers of the adaptor."""
    privilege_replace_state_prob: Share = 0.0
    """Probability per world and step that the actor sees the adaptor's estimate in place of the segments."""
    adaptor_classes: dict[str, tuple[Whole, Whole]] = field(default_factory=dict)
    """First column and last plus one of a one-hot in an estimated segment: it is told apart and not regressed."""
    adaptor_gradient: bool = False
    """Whether what the actor learns from teaches the adaptor too."""

    def arguments(self) -> dict[str, Any]:
        """As ``PolicyCfg.arguments``."""
        return super().arguments() | {
            "adaptor_obs_components": list(self.adaptor_obs_components),
            "adaptor_target_components": list(self.adaptor_target_components),
            "adaptor_kwargs": self.adaptor_kwargs.arguments(),
            "privilege_replace_state_prob": self.privilege_replace_state_prob,
            "adaptor_classes": {name: list(columns) for name, columns in self.adaptor_classes.items()},
            "adaptor_gradient": self.adaptor_gradient,
        }


@dataclass(frozen=True)
class PrivilegeCfg(AdaptorCfg, EstimatorRecurrentCfg):
    """A policy with memory, a state estimator, and an adaptor that estimates privileged segments."""


@dataclass(frozen=True)
class DiscriminatorKwargs(Checked):
    """The network that tells the policy's motions from those of the reference."""

    input_dim: Width | None = None
    """Numbers of a transition; by default what the environment reports."""
    style_reward_coef: NonNegative = 2.0
    """Size of the style reward."""
    hidden_dims: Widths = (256, 128)
    """Units in each hidden layer."""
    task_reward_lerp: Share = 0.5
    """Share of the task's reward in the sum; the rest is style."""
    discriminator_grad_pen: NonNegative = 5.0
    """Weight of the gradient penalty."""


@dataclass(frozen=True)
class MotionPriorCfg(PolicyCfg):
    """A policy with a discriminator for adversarial motion priors."""

    amp_discriminator: DiscriminatorKwargs = field(default_factory=DiscriminatorKwargs)
    """The discriminator."""

    def arguments(self) -> dict[str, Any]:
        """As ``PolicyCfg.arguments``; without ``input_dim`` where it is left to the environment."""
        kwargs = asdict(self.amp_discriminator) | {"hidden_dims": list(self.amp_discriminator.hidden_dims)}
        if kwargs["input_dim"] is None:
            del kwargs["input_dim"]
        return super().arguments() | {"amp_discriminator": kwargs}


@dataclass(frozen=True)
class MotionPriorRecurrentCfg(MotionPriorCfg, RecurrentCfg):
    """A policy with memory and a discriminator."""


@dataclass(frozen=True)
class EncoderMotionPriorRecurrentCfg(MotionPriorCfg, EncoderRecurrentCfg):
    """A policy with memory, encoders and a discriminator."""


def _one_each(values: tuple[str, ...], names: tuple[str, ...], option: str) -> dict[str, str]:
    """Name -> its value, of one value for all names or one for each."""
    values = values * len(names) if len(values) == 1 else values
    if len(values) != len(names):
        raise UserError(f"{option} needs one entry, or one for each of {len(names)} segments, not {len(values)}")
    return dict(zip(names, values, strict=True))
