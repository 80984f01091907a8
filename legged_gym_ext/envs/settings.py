"""What the numbers of an environment mean, as ``config.json`` says it."""

from __future__ import annotations

from typing import Any

from legged_gym_ext.envs.cfg import EnvCfg, ObservationCfg, ProprioceptionCfg


def settings_of(cfg: EnvCfg) -> dict[str, Any]:
    """The entries of ``config.json`` that ``st_rl.utils.policy_interface`` reads."""
    return {
        "robot": cfg.robot,
        "control": dict(vars(cfg.control)),
        "normalization": {"obs_scales": dict(vars(cfg.normalization.obs_scales))},
        "env": {
            "sim": {"dt": cfg.sim.dt, "decimation": cfg.sim.decimation},
            "observations": {name: _term(term) for name, term in cfg.observations.items()},
            "critic_observations": {name: _term(term) for name, term in cfg.critic_observations.items()},
        },
    }


def _term(term: ObservationCfg) -> dict[str, Any]:
    return {"parts": list(term.parts)} if isinstance(term, ProprioceptionCfg) else {"scale": term.scale}
