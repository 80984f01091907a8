"""Checkpoints of the public rsl-rl-lib (version 5) with the names of this library; the library itself is not needed.

Its ``MLPModel`` is an ``ActorCritic``, its ``RNNModel`` an ``ActorCriticRecurrent``: the same layers in the same order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from st_rl.utils.errors import UserError

_PREFIXES = {
    "actor_state_dict": ("actor.", "memory_a."),
    "critic_state_dict": ("critic.", "memory_c."),
}
_LAYER = re.compile(r"mlp\.(\d{1,4})\.(?:weight|bias)")
_NORMALIZERS = {"actor_state_dict": "obs_normalizer", "critic_state_dict": "critic_obs_normalizer"}


def is_rsl_rl(checkpoint: Mapping[str, Any]) -> bool:
    """Whether the checkpoint is one of rsl-rl-lib."""
    return "model_state_dict" not in checkpoint and isinstance(checkpoint.get("actor_state_dict"), Mapping)


def from_rsl_rl(checkpoint: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The policy, its statistics and its iteration under the names of this library.

    Raises:
        UserError: ``what`` has a part that this library has nothing like.
    """
    model: dict[str, Any] = {}
    found: dict[str, Any] = {"model_state_dict": model, "iteration": checkpoint.get("iter")}
    for part, prefixes in _PREFIXES.items():
        state = checkpoint.get(part)
        if not isinstance(state, Mapping):
            raise UserError(f"{what} has no {part}; take another one")
        layers = [int(match.group(1)) for name in state if (match := _LAYER.fullmatch(str(name)))]
        for name, value in state.items():
            if not isinstance(name, str) or not isinstance(value, Tensor):
                raise UserError(f"{what} holds a {type(value).__name__} as '{name}'; take another one")
            if not name.startswith("obs_normalizer."):
                model.update(_renamed(name, value, prefixes, max(layers, default=0), what))
        if "obs_normalizer._mean" in state:
            found[f"{_NORMALIZERS[part]}_state_dict"] = _statistics(state)
    return found


def _renamed(name: str, value: Tensor, prefixes: tuple[str, str], last: int, what: str) -> dict[str, Tensor]:
    network, memory = prefixes
    if name == f"mlp.{last}.weight" or name == f"mlp.{last}.bias":
        kind = name.rpartition(".")[2]
        return {f"actor.mean.{kind}" if network == "actor." else f"critic.fc.{last}.{kind}": value}
    if name.startswith("mlp."):
        return {f"{network}fc.{name.removeprefix('mlp.')}": value}
    if name.startswith("rnn.rnn."):
        return {f"{memory}{name.removeprefix('rnn.')}": value}
    if name == "distribution.std_param":
        return {f"{network}log_std": value.clamp(min=1e-6).log()}
    if name == "distribution.log_std_param":
        return {f"{network}log_std": value}
    raise UserError(f"{what} has '{name}', which this library has nothing like; play it with rsl-rl-lib")


def _statistics(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    mean, var = (state[f"obs_normalizer.{name}"].squeeze(0).double() for name in ("_mean", "_var"))
    count = state["obs_normalizer.count"]
    return {"_mean": mean, "_var": var, "_weight": torch.full_like(mean, float(count)), "count": count.clone()}
