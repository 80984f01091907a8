"""Starting a run from weights that were trained with other scales: the weights take the difference over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from st_rl.modules import ActorCritic, ActorCriticRecurrent, EmpiricalNormalization
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.policy_interface import Conversion, PolicyInterface, Settings, conversion_between

_CONVERTIBLE = (ActorCritic, ActorCriticRecurrent)
"""Classes whose first layers read the observation itself and whose last one gives the action itself."""
_NORMALIZERS = ("obs_normalizer_state_dict", "critic_obs_normalizer_state_dict")


def conversions(
    policy: ActorCritic, theirs: Settings, layouts: tuple[ObsLayout, ObsLayout | None], source: object
) -> tuple[Conversion, Conversion]:
    """From the numbers of the environment of ``policy`` to those that the run ``source`` was trained with.

    Args:
        theirs: ``config.json`` of the run.
        layouts: of its actor and critic, whose segments the environment has.

    Returns:
        Those of the actor and of the critic; the identity where the environment does not say what its numbers mean.

    Raises:
        UserError: a segment has other columns here.
    """
    settings, found = policy.env_settings, []
    own_layouts = (policy.obs_segments, policy.critic_obs_segments)
    for critic, (layout, own) in enumerate(zip(layouts, own_layouts, strict=True)):
        if settings is None or layout is None or own is None:
            found.append(Conversion())
            continue
        # Segments that are new here have no weights there.
        known = layout.sublayout([name for name in layout if own.get(name) == layout[name]])
        here = PolicyInterface.from_settings(settings, own, policy.num_actions, "the environment", critic=bool(critic))
        there = PolicyInterface.from_settings(theirs, known, policy.num_actions, source, critic=bool(critic))
        conversion = conversion_between(here, there, source)
        if conversion.obs_factor is not None:
            conversion.obs_factor = _in_layout(conversion.obs_factor, known, layout)
        found.append(conversion)
    return found[0], found[1]


def _in_layout(factor: Tensor, known: ObsLayout, layout: ObsLayout) -> Tensor:
    """``factor`` of the segments ``known`` as one of all of ``layout``, 1 in the others."""
    whole = torch.ones(layout.size)
    for name in known:
        whole[layout.slice_of(name)] = factor[known.slice_of(name)]
    return whole


def convert_weights(
    state: Mapping[str, Any],
    policy: ActorCritic,
    layouts: tuple[ObsLayout, ObsLayout | None],
    actor: Conversion,
    critic: Conversion,
    source: object,
) -> dict[str, Any]:
    """A checkpoint whose policy does in the environment of ``policy`` what that of ``state`` did in its own.

    Without statistics of the observations the columns of the first layers take the factors, with them the statistics.

    Raises:
        UserError: the policy is of a class whose weights cannot take the difference.
    """
    factors = (actor.obs_factor, critic.obs_factor)
    if actor.is_identity() and critic.obs_factor is None:
        return dict(state)
    if type(policy) not in _CONVERTIBLE or policy.actor.mu_activation is not None:
        raise UserError(
            f"the run in '{source}' was trained with other scales of actions or observations, which the weights of "
            f"this {type(policy).__name__} cannot take over; train with the run's control and normalization"
        )
    changed = dict(state)
    model = dict(state["model_state_dict"])
    first = policy.input_layouts(layouts[0], layouts[1] or layouts[0])
    critics = {name: name.startswith(("critic.", "memory_c.")) for name in first}
    for index, factor in enumerate(factors):
        if factor is None:
            continue
        statistics = changed.get(_NORMALIZERS[index] if _NORMALIZERS[1] in changed else _NORMALIZERS[0])
        if statistics is not None:
            shared = index == 1 and _NORMALIZERS[1] not in changed
            if not shared:
                changed[_NORMALIZERS[index]] = _scaled_statistics(statistics, factor)
            continue
        for name in (name for name, of_critic in critics.items() if of_critic == bool(index) and name in model):
            model[name] = model[name] * factor.to(model[name])
    if actor.action_factor is not None:
        ratio = actor.action_factor
        for name, value in (("weight", ratio.unsqueeze(1)), ("bias", ratio)):
            model[f"actor.mean.{name}"] = model[f"actor.mean.{name}"] * value.to(model[f"actor.mean.{name}"])
        model["actor.log_std"] = model["actor.log_std"] + ratio.log().to(model["actor.log_std"])
    changed["model_state_dict"] = model
    return changed


def _scaled_statistics(statistics: Mapping[str, Tensor], factor: Tensor) -> dict[str, Tensor]:
    """Statistics of ``x`` where those given are of ``factor * x``; the normalized value is the same."""
    ratio = factor.to(statistics["_mean"])
    eps = EmpiricalNormalization(1).eps
    std = ((statistics["_var"].sqrt() + eps) / ratio - eps).clamp(min=0.0)
    return {**statistics, "_mean": statistics["_mean"] / ratio, "_var": torch.square(std)}
