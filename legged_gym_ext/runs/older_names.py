"""What older runs call by another name in their ``config.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MODULES = {"legged_gym_ext.mdp.tracks": "legged_gym_ext.mdp.track_terms"}
"""Modules of functions, and what they are called now."""
FUNCTIONS = {
    "legged_gym_ext.mdp.track_terms:hardness": "legged_gym_ext.mdp.track_terms:solid_probability",
    "legged_gym_ext.mdp.events:randomise_dynamics": "legged_gym_ext.mdp.events:randomize_dynamics",
}
"""Functions as ``module:name``, the module by its present name, and what they are called now."""
FIELDS = {
    "env.metrics.hardness": "solid_probability",
    "env.curriculum.hardness": "solid_probability",
    "env.events.levels.params.hardness": "solid_probability",
}
"""Dotted names of fields, and the last part of what they are called now."""

PROPRIOCEPTION = "legged_gym_ext.mdp.observations:proprioception"
"""The function of a segment that is a ``ProprioceptionCfg`` now; a scale and a noise beside it had no effect."""
MOTION_FIELDS = "motion_fields"
"""Names of what a motion prior sees of the robot, in ``env``; they are terms now, ``ref_obs``."""


def with_current_names(value: Any, path: str = "") -> Any:
    """Return ``value``, a configuration as an older run stored it, with the names of today.

    Args:
        value: JSON values.
        path: the dotted name of ``value`` in the whole configuration.
    """
    if isinstance(value, Mapping):
        if value.get("func") == PROPRIOCEPTION:
            return {}
        if path == "env" and MOTION_FIELDS in value:
            value = _with_ref_obs(value)
        prefix = f"{path}." if path else ""
        return {
            FIELDS.get(f"{prefix}{key}", key): with_current_names(item, f"{prefix}{key}") for key, item in value.items()
        }
    if isinstance(value, list):
        return [with_current_names(item, path) for item in value]
    if isinstance(value, str) and value.startswith("legged_gym_ext.") and ":" in value:
        module, _, name = value.partition(":")
        current = f"{MODULES.get(module, module)}:{name}"
        return FUNCTIONS.get(current, current)
    return value


def _with_ref_obs(env: Mapping[str, Any]) -> dict[str, Any]:
    """Return the section ``env`` with terms in place of the names of motion fields."""
    terms = {name: {"func": f"legged_gym_ext.mdp.motion:{name}", "params": {}} for name in env[MOTION_FIELDS]}
    return {key: value for key, value in env.items() if key != MOTION_FIELDS} | ({"ref_obs": terms} if terms else {})
