"""Where an environment runs: engine, device and threads as one value."""

from __future__ import annotations

from dataclasses import dataclass

from st_rl.utils.ranges import Checked, Threads


@dataclass(frozen=True)
class Where(Checked):
    """The engine that simulates, the device of its tensors, and its CPU threads."""

    backend: str = "mujoco"
    """Name of the engine: ``mujoco`` (CPU) or ``warp`` (NVIDIA GPU)."""
    device: str = "cpu"
    """Device of every tensor: ``cpu``, ``cuda`` or ``cuda:<number>``."""
    num_threads: Threads = 0
    """CPU threads of the engine; 0 leaves the number to the environment's configuration."""
