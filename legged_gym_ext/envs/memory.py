"""How much memory the worlds of an environment need at least, before they are made."""

from __future__ import annotations

import math

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.sim.where import Where
from legged_gym_ext.terrain.tracks import num_boxes
from st_rl.utils.memory import require_memory

_WORLD = 16_000
"""Bytes of a world with a robot on the ground: the engine's state and the tensors of the step loop; measured."""
_BOX = 1_000
"""Bytes of a box in a world; measured."""
_NUMBER = 4
"""Bytes of a 32-bit float."""
_COPIES = 4
"""Images that are made on the way to one that is kept."""


def world_bytes(cfg: EnvCfg) -> int:
    """Return the bytes that one world of ``cfg`` needs at least."""
    boxes = cfg.scene.num_boxes if cfg.track is None else num_boxes(cfg.track)
    size = _WORLD + _BOX * boxes
    if cfg.camera is not None:
        kept = math.ceil(cfg.camera.latency[1] * cfg.camera.rate) + 1
        size += (kept + _COPIES) * cfg.camera.height * cfg.camera.width * _NUMBER
    if cfg.latency is not None:
        period = cfg.sim.dt * cfg.sim.decimation
        size += math.ceil((60 * cfg.latency.proprioception[1] + 12 * cfg.latency.action[1]) / period) * _NUMBER
    return size


def require_worlds(cfg: EnvCfg, where: Where) -> None:
    """Raise ``NotEnoughMemory`` where the worlds of ``cfg`` do not fit."""
    lower = "num_envs (of an evaluation: the episodes)"
    if cfg.camera is not None:
        lower += ", or the size, rate or latency of the camera"
    require_memory(cfg.num_envs * world_bytes(cfg), where.device, f"{cfg.num_envs} worlds", lower)
