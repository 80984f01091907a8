"""Small policies of every class, for tests that hold for all of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from st_rl.modules import ActorCritic, get_policy_class
from st_rl.utils.obs_layout import ObsLayout

NUM_ACTIONS = 3

LAYOUT = ObsLayout(
    {"proprioception": (16,), "velocity": (2,), "friction": (1,), "engaging_block": (8,), "forward_depth": (1, 8, 6)}
)
CRITIC_LAYOUT = ObsLayout({"friction": (1,), "forward_depth": (1, 8, 6), "proprioception": (16,)})

NETWORKS: dict[str, Any] = {"actor_hidden_dims": [16, 8], "critic_hidden_dims": [16, 8], "activation": "elu"}
RNN: dict[str, Any] = {"rnn_type": "lstm", "rnn_hidden_size": 12, "rnn_num_layers": 1}
CONV: dict[str, Any] = {"channels": [4], "kernel_sizes": [3], "strides": [2], "hidden_sizes": [8]}
ENCODER: dict[str, Any] = {
    "encoder_component_names": ["forward_depth", "friction"],
    "encoder_class_name": ["Conv2dHeadModel", "MlpModel"],
    "encoder_kwargs": [CONV, {"hidden_sizes": [5]}],
    "encoder_output_size": 4,
}
ESTIMATOR: dict[str, Any] = {
    "estimator_obs_components": ["proprioception"],
    "estimator_target_components": ["velocity"],
    "estimator_kwargs": {"hidden_sizes": [8], "nonlinearity": "ELU"},
    "replace_state_prob": 1.0,
}
ADAPTOR: dict[str, Any] = {
    "adaptor_obs_components": ["proprioception", "engaging_block"],
    "adaptor_target_components": ["friction"],
    "adaptor_kwargs": {"hidden_sizes": [8], "nonlinearity": "ELU"},
    "privilege_replace_state_prob": 1.0,
}
AMP: dict[str, Any] = {"amp_discriminator": {"input_dim": 6, "style_reward_coef": 2.0, "hidden_dims": [8]}}
VISUAL: dict[str, Any] = {"visual_kwargs": CONV, "visual_latent_size": 5}
STUDENT: dict[str, Any] = {
    **VISUAL,
    "visual_age_name": "friction",
    "memory_components": ["proprioception"],
    "memory_hidden_size": 7,
    "estimator_obs_components": ["proprioception", "forward_depth"],
    "estimator_target_components": ["velocity"],
    "replace_state_prob": 1.0,
    "adaptor_obs_components": ["forward_depth"],
    "adaptor_target_components": ["engaging_block"],
    "adaptor_classes": {"engaging_block": (1, 6)},
    "privilege_replace_state_prob": 1.0,
}


@dataclass(frozen=True)
class Case:
    """A policy class with arguments."""

    class_name: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    label: str = ""

    def build(self, **changes: Any) -> ActorCritic:
        """The policy, from the present state of torch's generator."""
        arguments = {**NETWORKS, "obs_segments": LAYOUT, "critic_obs_segments": CRITIC_LAYOUT, **self.kwargs, **changes}
        return get_policy_class(self.class_name)(LAYOUT.size, CRITIC_LAYOUT.size, NUM_ACTIONS, **arguments)

    def __str__(self) -> str:
        return self.class_name + self.label


GRU = {**RNN, "rnn_type": "gru", "rnn_num_layers": 2}
FEED_FORWARD = [
    Case("ActorCritic"),
    Case("ActorCritic", {"mu_activation": "tanh"}, "-tanh"),
    Case("AmpActorCritic", AMP),
    Case("EncoderActorCritic", ENCODER),
    Case("EncoderActorCritic", {**ENCODER, "critic_encoder_component_names": "shared"}, "-shared"),
    Case("EncoderActorCritic", {**ENCODER, "critic_encoder_component_names": ["forward_depth", "friction"]}, "-own"),
    Case("StateAc", ESTIMATOR),
    Case("EncoderStateAc", {**ENCODER, **ESTIMATOR}),
    Case("VisualDeterministicAC", VISUAL),
]
RECURRENT = [
    Case("ActorCriticRecurrent", RNN),
    Case("ActorCriticRecurrent", GRU, "-gru"),
    Case("AmpActorCriticRecurrent", {**RNN, **AMP}),
    Case("EncoderActorCriticRecurrent", {**RNN, **ENCODER, "critic_encoder_component_names": "shared"}),
    Case("EncoderAmpActorCriticRecurrent", {**RNN, **ENCODER, **AMP}),
    Case("StateAcRecurrent", {**RNN, **ESTIMATOR}),
    Case("StateAcRecurrent", {**RNN, **ESTIMATOR, "use_actor_rnn": True, "replace_state_prob": 0.0}, "-actor_rnn"),
    Case("EncoderStateAcRecurrent", {**GRU, **ENCODER, **ESTIMATOR}),
    Case("PrivilegeStateAcRecurrent", {**RNN, **ESTIMATOR, **ADAPTOR}),
    Case("VisualDeterministicRecurrent", {**RNN, **VISUAL}),
    Case("VisualPrivilegeStateAc", STUDENT),
    Case("VisualPrivilegeStateAc", {**STUDENT, "memory_type": "lstm"}, "-lstm"),
]
SINGLE = FEED_FORWARD + RECURRENT
"""Every policy that is not made of run folders."""


def write_run(
    folder: Path,
    policy: ActorCritic,
    class_name: str,
    kwargs: dict[str, Any],
    *,
    layout: ObsLayout = LAYOUT,
    critic_layout: ObsLayout = CRITIC_LAYOUT,
    action_scale: float | list[float] = 0.5,
    lin_vel: float = 2.0,
    iteration: int = 100,
    extra: dict[str, Any] | None = None,
) -> Path:
    """A run folder of ``policy``, as a runner leaves it; ``extra`` goes into the checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "policy": {"class_name": class_name, **kwargs},
        "control": {"action_scale": action_scale},
        "normalization": {"obs_scales": {"lin_vel": lin_vel}},
        "obs_segments": layout.to_json(),
        "critic_obs_segments": critic_layout.to_json(),
    }
    (folder / "config.json").write_text(json.dumps(config))
    torch.save({"model_state_dict": policy.state_dict(), **(extra or {})}, folder / f"model_{iteration}.pt")
    return folder


def write_case(folder: Path, case: Case, **settings: Any) -> Path:
    """A run folder of a freshly built case."""
    return write_run(folder, case.build(), case.class_name, {**NETWORKS, **case.kwargs}, **settings)


def mutex(tmp_path: Path, class_name: str, cases: list[Case], **kwargs: Any) -> Any:
    """A mutex policy over freshly written runs of ``cases``."""
    paths = [write_case(tmp_path / f"run_{index}", case) for index, case in enumerate(cases)]
    return build_mutex(class_name, paths, **kwargs)


def build_mutex(class_name: str, paths: list[Path], **kwargs: Any) -> Any:
    """A mutex policy over run folders."""
    arguments = {"obs_segments": LAYOUT, "critic_obs_segments": CRITIC_LAYOUT, "critic_hidden_dims": [16, 8], **kwargs}
    make: Callable[..., Any] = get_policy_class(class_name)
    return make(LAYOUT.size, CRITIC_LAYOUT.size, NUM_ACTIONS, "ActorCritic", paths, **arguments)
