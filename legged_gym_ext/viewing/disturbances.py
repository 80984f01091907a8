"""What disturbs a robot in training, and is left out when a policy is shown unless it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from legged_gym_ext.envs.cfg import EnvCfg, ObservationCfg, ObsTermCfg
from legged_gym_ext.mdp import events
from legged_gym_ext.mdp.proprioception import NoiseCfg
from st_rl.utils.attributes import field_values


@dataclass
class DisturbanceOptions:
    """Options of the commands that show a policy."""

    noise: bool = False
    """Let the sensors be as noisy as in training."""
    pushes: bool = False
    """Push the robot as in training."""
    randomization: bool = False
    """Draw friction, masses, motors and gains as in training; without it they are the robot's own."""
    sample_actions: bool = False
    """Draw the actions as in training; without it they are the policy's mean."""


def shown_cfg(cfg: EnvCfg, options: DisturbanceOptions) -> EnvCfg:
    """``cfg`` with the disturbances that ``options`` ask for and no others."""
    if not options.noise:
        zero: dict[str, Any] = dict.fromkeys(field_values(NoiseCfg()), 0.0)
        observations = {name: _without_noise(term) for name, term in cfg.observations.items()}
        camera = None if cfg.camera is None else replace(cfg.camera, noise=None)
        cfg = replace(cfg, noise=NoiseCfg(**zero), observations=observations, camera=camera)
    left_out = set()
    if not options.pushes:
        left_out.add(events.push)
    if not options.randomization:
        left_out.add(events.randomize_dynamics)
    return replace(cfg, events={name: term for name, term in cfg.events.items() if term.func not in left_out})


def _without_noise(term: ObservationCfg) -> ObservationCfg:
    return replace(term, noise=0.0) if isinstance(term, ObsTermCfg) else term
