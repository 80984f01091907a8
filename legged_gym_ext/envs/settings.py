"""What the numbers of an environment mean, as ``config.json`` says it."""

from __future__ import annotations

from typing import Any

from legged_gym_ext.envs.cfg import EnvCfg, ObservationCfg, ProprioceptionCfg
from legged_gym_ext.envs.control import control_of
from legged_gym_ext.mdp.proprioception import PARTS
from legged_gym_ext.mdp.term_ranges import UNBOUNDED, range_of
from st_rl.utils.attributes import field_values
from st_rl.utils.ranges import Ends


def settings_of(cfg: EnvCfg) -> dict[str, Any]:
    """The entries of ``config.json`` that ``st_rl.utils.policy_interface`` reads."""
    return {
        "robot": cfg.robot,
        "control": field_values(control_of(cfg)),
        "normalization": {"obs_scales": field_values(cfg.normalization.obs_scales)},
        "proprioception": proprioception_scales(),
        "env": {
            "sim": {"dt": cfg.sim.dt, "decimation": cfg.sim.decimation},
            "observations": {name: _term(term) for name, term in cfg.observations.items()},
            "critic_observations": {name: _term(term) for name, term in cfg.critic_observations.items()},
        },
    }


def proprioception_scales() -> dict[str, list[str]]:
    """Return, by part of ``proprioception``, which of the ``obs_scales`` each of its columns is multiplied with."""
    return {name: list(part.column_scales) for name, part in PARTS.items()}


def _term(term: ObservationCfg) -> dict[str, Any]:
    return {"parts": list(term.parts)} if isinstance(term, ProprioceptionCfg) else {"scale": term.scale}


def segment_ranges(cfg: EnvCfg) -> dict[str, Ends]:
    """Between which bounds the numbers of each segment of the actor's observation lie, but for noise.

    They follow from what the terms declare, from their scales and from ``normalization.clip_observations``.
    """
    clip = cfg.normalization.clip_observations
    found: dict[str, Ends] = {}
    for name, term in cfg.observations.items():
        low, high = UNBOUNDED if isinstance(term, ProprioceptionCfg) else range_of(term.func)
        scale = 1.0 if isinstance(term, ProprioceptionCfg) else term.scale
        ends = sorted((low * scale, high * scale)) if scale else [0.0, 0.0]
        found[name] = (max(ends[0], -clip), min(ends[1], clip))
    return found
