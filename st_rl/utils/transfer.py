"""Start a policy from another one that was trained with different observation segments.

The columns of every first layer are matched by segment name, so the new policy computes what the old one did from the
segments that both know, and ignores the new segments (zero weight) until it has learned to use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout, Segments, as_layout


@runtime_checkable
class HasInputLayouts(Protocol):
    """What a policy offers to have its first layers re-ordered."""

    obs_segments: ObsLayout | None
    critic_obs_segments: ObsLayout | None

    def input_layouts(self, obs_segments: Segments, critic_obs_segments: Segments) -> dict[str, ObsLayout]:
        """Layout of the input columns of each first layer, by the name of its weight, under the given layouts."""
        ...


@dataclass
class TransferReport:
    """What ``load_misaligned_state_dict`` did, by parameter name."""

    copied: list[str] = field(default_factory=list)
    """Copied as they are."""
    moved: dict[str, list[str]] = field(default_factory=dict)
    """First layers whose columns were matched by name -> the segments that were found in the source."""
    new_segments: dict[str, list[str]] = field(default_factory=dict)
    """First layers -> segments that the source does not have, or has with another shape; their weight is zero."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Parameters (of either side) and source segments that were not used -> why."""

    def __str__(self) -> str:
        moved = "; ".join(
            f"{name}: {', '.join(segments)}"
            + (f" (new: {', '.join(self.new_segments[name])})" if name in self.new_segments else "")
            for name, segments in self.moved.items()
        )
        left = "; ".join(f"{name} ({reason})" for name, reason in self.left_out.items())
        return (
            f"copied {len(self.copied)} parameters; matched by segment: {moved or 'none'}; left out: {left or 'none'}"
        )


def load_misaligned_state_dict(
    policy: nn.Module,
    module: nn.Module | Mapping[str, Any],
    obs_segments: Segments,
    critic_obs_segments: Segments | None = None,
) -> TransferReport:
    """Copy into ``policy`` what fits of ``module``, a policy or its state dict, and report it.

    ``obs_segments`` and ``critic_obs_segments`` (default: the former) are the layouts ``module`` was trained with. A
    parameter that has another shape for another reason than the layout stays as it is. ``UserError`` if nothing fits.
    """
    if not isinstance(policy, HasInputLayouts) or policy.obs_segments is None or policy.critic_obs_segments is None:
        raise UserError("the policy to start needs obs_segments and critic_obs_segments; build it with both")
    layouts = as_layout(obs_segments), as_layout(obs_segments if critic_obs_segments is None else critic_obs_segments)
    source = dict(module.state_dict() if isinstance(module, nn.Module) else module)
    # A state dict does not say how its first layers are laid out; it is taken for one of the policy's own class.
    described: Any = module if isinstance(module, HasInputLayouts) else policy
    source_inputs = described.input_layouts(*layouts)
    target_inputs = policy.input_layouts(policy.obs_segments, policy.critic_obs_segments)

    report = TransferReport()
    target: dict[str, Tensor] = policy.state_dict()
    for name, old in target.items():
        new = source.pop(name, None)
        if not isinstance(new, Tensor):
            report.left_out[name] = "not in the source; stays as it was"
        elif name in target_inputs:
            raw = layouts[1] if name.startswith(("critic.", "memory_c.")) else layouts[0]
            candidates = [layout for layout in (source_inputs.get(name), raw) if layout is not None]
            target[name] = _match_columns(name, new, old, candidates, target_inputs[name], report)
        elif new.shape != old.shape:
            report.left_out[name] = f"is {list(new.shape)} in the source and {list(old.shape)} here; stays as it was"
        else:
            target[name] = new
            report.copied.append(name)
    report.left_out.update(dict.fromkeys(source, "not in this policy"))
    if not report.copied and not report.moved:
        raise UserError("nothing of the given policy fits this one; start from a policy of the same class and widths")
    policy.load_state_dict(target)
    return report


def align_normalizer_state(
    state: Mapping[str, Tensor], obs_segments: Segments, new_obs_segments: Segments
) -> dict[str, Tensor]:
    """State dict of an ``EmpiricalNormalization`` of one layout, made to fit another one.

    The statistics follow their segments; a new segment starts with mean 0, variance 1 and no samples, so that it is
    passed on unchanged at first and learns its statistics from its own data alone.
    """
    source, target = as_layout(obs_segments), as_layout(new_obs_segments)
    width = state["_mean"].shape[-1]
    if width != source.size:
        raise UserError(f"the normalizer has {width} columns, but its layout {source!r} has {source.size}")
    aligned = dict(state)
    for name, initial in (("_mean", 0.0), ("_var", 1.0), ("_weight", 0.0)):
        aligned[name] = torch.full((target.size,), initial, dtype=state[name].dtype, device=state[name].device)
        for segment in target:
            if segment in source and source[segment] == target[segment]:
                aligned[name][target.slice_of(segment)] = state[name][source.slice_of(segment)]
    return aligned


def _match_columns(
    name: str, new: Tensor, old: Tensor, candidates: list[ObsLayout], target: ObsLayout, report: TransferReport
) -> Tensor:
    """The source's weight ``(rows, source columns)`` with its columns where ``target`` has them."""
    source = next((layout for layout in candidates if layout.size == new.shape[-1]), None)
    if source is None:
        report.left_out[name] = (
            f"the source reads {new.shape[-1]} columns, which is none of its layouts; stays as it was"
        )
        return old
    if new.shape[0] != old.shape[0]:
        report.left_out[name] = f"has {new.shape[0]} units in the source and {old.shape[0]} here; stays as it was"
        return old
    if source == target:
        report.copied.append(name)
        return new
    matched = torch.zeros_like(old)
    found = [segment for segment in target if segment in source and source[segment] == target[segment]]
    for segment in found:
        matched[:, target.slice_of(segment)] = new[:, source.slice_of(segment)].to(old)
    report.moved[name] = found
    missing = [segment for segment in target if segment not in found]
    if missing:
        report.new_segments[name] = missing
    for segment in (segment for segment in source if segment not in found):
        report.left_out[f"{name}[{segment}]"] = "no such segment here"
    return matched
