"""Policies that see as typed configurations (see ``policy_cfg``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from st_rl.modules.policy_cfg import AdaptorCfg, ConvKwargs, EstimatorCfg, PolicyCfg, RecurrentCfg, Width


@dataclass(frozen=True)
class VisualCfg(PolicyCfg):
    """A policy that reads an image through convolutions, and acts without noise."""

    visual_component_name: str = "forward_depth"
    """Segment with the image."""
    visual_kwargs: ConvKwargs = field(default_factory=ConvKwargs)
    """Layers that read the image."""
    visual_latent_size: Width = 256
    """Numbers that the image becomes."""

    def arguments(self) -> dict[str, Any]:
        """As ``PolicyCfg.arguments``."""
        return super().arguments() | {
            "visual_component_name": self.visual_component_name,
            "visual_kwargs": self.visual_kwargs.arguments(),
            "visual_latent_size": self.visual_latent_size,
        }


@dataclass(frozen=True)
class VisualRecurrentCfg(VisualCfg, RecurrentCfg):
    """A policy with memory that reads an image, and acts without noise."""


@dataclass(frozen=True)
class VisualPrivilegeCfg(AdaptorCfg, EstimatorCfg):
    """A student that sees through a memory of images, with an adaptor and a state estimator."""

    visual_component_name: str = "forward_depth"
    """Segment with the image."""
    visual_age_name: str = "image_age"
    """Segment with the age of the image, which tells when a new one has arrived."""
    visual_kwargs: ConvKwargs = field(default_factory=ConvKwargs)
    """Layers that read the image."""
    visual_latent_size: Width = 96
    """Numbers that the image becomes."""
    memory_components: tuple[str, ...] = ()
    """Segments that the memory reads with every image."""
    memory_type: Literal["lstm", "gru"] = "gru"
    """Kind of the memory."""
    memory_hidden_size: Width = 128
    """Units of the memory."""

    def arguments(self) -> dict[str, Any]:
        """As ``PolicyCfg.arguments``."""
        return super().arguments() | {
            "visual_component_name": self.visual_component_name,
            "visual_age_name": self.visual_age_name,
            "visual_kwargs": self.visual_kwargs.arguments(),
            "visual_latent_size": self.visual_latent_size,
            "memory_components": list(self.memory_components),
            "memory_type": self.memory_type,
            "memory_hidden_size": self.memory_hidden_size,
        }
