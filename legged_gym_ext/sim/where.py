"""Where an environment runs: engine, device and threads as one value."""

from __future__ import annotations

import re
from dataclasses import dataclass

from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Checked, Threads

_DEVICE = re.compile(r"cpu|cuda(:[0-9]{1,4})?")


@dataclass(frozen=True)
class Where(Checked):
    """The engine that simulates, the device of its tensors, and its CPU threads."""

    backend: str = "mujoco"
    """Name of the engine: ``mujoco`` (CPU) or ``warp`` (NVIDIA GPU)."""
    device: str = "cpu"
    """Device of every tensor: ``cpu``, ``cuda`` or ``cuda:<number>``."""
    num_threads: Threads = 0
    """CPU threads of the engine; 0 leaves the number to the environment's configuration."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_device_name(self.device)


def check_device_name(device: str) -> None:
    """Raise ``UserError`` where ``device`` is the name of no device, whatever this machine has."""
    if not _DEVICE.fullmatch(device):
        raise UserError(f"'{device}' is no device; choose 'cpu', 'cuda' or 'cuda:<number>'")
