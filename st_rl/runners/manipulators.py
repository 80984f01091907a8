"""Named changes to a checkpoint before a new run takes over its weights.

A configuration lists them as ``name`` or ``name:argument``; they are applied one after the other. Each takes the
checkpoint, the algorithm that will load it, and the argument (empty where none is given), and returns a new checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from st_rl.algorithms import PPO
from st_rl.utils.errors import UserError
from st_rl.utils.registry import Registry

State = Mapping[str, Any]
Manipulator = Callable[[State, PPO, str], dict[str, Any]]

_CRITIC = ("critic.", "memory_c.", "own_critic_encoders.")
_NORMALIZERS = ("obs_normalizer_state_dict", "critic_obs_normalizer_state_dict")


def new_critic(state: State, algorithm: PPO, argument: str) -> dict[str, Any]:
    """The critic, with its memory, its own encoders and its statistics, starts anew; it may read something else."""
    own = algorithm.state_dict()
    changed = _with_own(state, algorithm, _CRITIC)
    changed.pop("critic_obs_normalizer_state_dict", None)
    if "critic_obs_normalizer_state_dict" in own:
        changed["critic_obs_normalizer_state_dict"] = own["critic_obs_normalizer_state_dict"]
    return changed


def new_encoders(state: State, algorithm: PPO, argument: str) -> dict[str, Any]:
    """Encoders start anew: those of the segments named by the argument (``a,b``), or all of them."""
    names = [name for name in argument.split(",") if name]
    prefixes = tuple(f"encoders.{name}." for name in names) or ("encoders.", "visual_encoder.")
    if not any(key.startswith(prefixes) for key in algorithm.actor_critic.state_dict()):
        raise UserError(f"new_encoders: this policy has no encoder {argument}".rstrip() + "; leave the manipulator out")
    return _with_own(state, algorithm, prefixes)


def rename_encoder(state: State, algorithm: PPO, argument: str) -> dict[str, Any]:
    """The encoder of one segment serves another: ``old=new`` names the segment there and the segment here."""
    old, _, new = argument.partition("=")
    model = state["model_state_dict"]
    known = sorted({key.split(".")[1] for key in model if key.startswith("encoders.")})
    if not new or old not in known:
        raise UserError(
            f"rename_encoder needs old=new, where old is an encoder of the checkpoint ({', '.join(known) or 'none'}), "
            f"not '{argument}'"
        )
    renamed = {}
    for key, value in model.items():
        group, _, rest = key.partition(".")
        if group in ("encoders", "own_critic_encoders") and rest.startswith(f"{old}."):
            key = f"{group}.{new}.{rest.removeprefix(f'{old}.')}"
        renamed[key] = value
    return {**state, "model_state_dict": renamed}


def reset_std(state: State, algorithm: PPO, argument: str) -> dict[str, Any]:
    """The noise of the actions starts anew: at the argument, a standard deviation, or at this run's own."""
    own = algorithm.actor_critic.state_dict()["actor.log_std"]
    if argument:
        try:
            std = float(argument)
        except ValueError:
            std = math.nan
        if not (math.isfinite(std) and std > 0.0):
            raise UserError(f"reset_std needs a positive standard deviation, not '{argument}'")
        own = torch.full_like(own, math.log(std))
    return {**state, "model_state_dict": {**state["model_state_dict"], "actor.log_std": own.clone()}}


def new_normalizers(state: State, algorithm: PPO, argument: str) -> dict[str, Any]:
    """The statistics of the observations start anew, or not at all where this run does not normalize."""
    own = algorithm.state_dict()
    kept = {key: value for key, value in state.items() if key not in _NORMALIZERS}
    return kept | {key: own[key] for key in _NORMALIZERS if key in own}


MANIPULATORS: Registry[Manipulator] = Registry(
    "checkpoint manipulator",
    {
        "new_critic": new_critic,
        "new_encoders": new_encoders,
        "new_normalizers": new_normalizers,
        "rename_encoder": rename_encoder,
        "reset_std": reset_std,
    },
)


def manipulate(state: State, algorithm: PPO, manipulators: Sequence[str]) -> dict[str, Any]:
    """``state`` after all ``manipulators``; neither it nor the algorithm is changed.

    Raises:
        UserError: an unknown name (the message lists the known ones), or an argument that makes no sense.
    """
    changed = dict(state)
    for entry in manipulators:
        name, _, argument = entry.partition(":")
        changed = MANIPULATORS[name](changed, algorithm, argument)
    return changed


def replaces_critic(manipulators: Sequence[str]) -> bool:
    """Whether nothing of the checkpoint's critic is left by ``manipulators``."""
    return any(entry.partition(":")[0] == "new_critic" for entry in manipulators)


def _with_own(state: State, algorithm: PPO, prefixes: tuple[str, ...]) -> dict[str, Any]:
    """``state`` with the model's entries that begin like ``prefixes`` replaced by the algorithm's own."""
    kept = {key: value for key, value in state["model_state_dict"].items() if not key.startswith(prefixes)}
    own = algorithm.actor_critic.state_dict()
    return {**state, "model_state_dict": kept | {k: v.clone() for k, v in own.items() if k.startswith(prefixes)}}
