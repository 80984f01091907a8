"""What every reader of trajectory files has in common."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch.utils.data import IterableDataset

from st_rl.storage.rollout_files.array_file import ArrayFileError
from st_rl.storage.rollout_files.metadata import FILE_NAME, Metadata
from st_rl.storage.rollout_files.trajectory import Trajectory, list_trajectories
from st_rl.utils.errors import UserError

logger = logging.getLogger(__name__)


@dataclass
class DatasetStep:
    """One recorded step in each of N environments."""

    obs: torch.Tensor
    """(N, num_obs)"""
    actions: torch.Tensor
    """(N, A), what was done."""
    rewards: torch.Tensor
    """(N,)"""
    dones: torch.Tensor
    """(N,) bool, the environment goes on with another trajectory."""
    time_outs: torch.Tensor
    """(N,) bool, the trajectory did not end by failure."""
    critic_obs: torch.Tensor | None = None
    """(N, num_critic_obs), where it was recorded."""
    fields: dict[str, torch.Tensor] = field(default_factory=dict)
    """Further arrays, ``(N, *shape)``: ``action_labels`` and the like."""


class RolloutFileBase(IterableDataset[DatasetStep]):
    """Iterates over recorded steps, N environments at a time, until ``next_step`` has none left."""

    def __init__(
        self, data_dir: Path | str, num_envs: int, device: torch.device | str = "cpu", wait_seconds: float = 0.0
    ) -> None:
        """Read what the folder's trajectories consist of.

        Args:
            wait_seconds: how long to wait for a collector to make the folder.

        Raises:
            UserError: there is no such folder, or it holds something else.
        """
        super().__init__()
        self.data_dir, self.num_envs, self.device = Path(data_dir), num_envs, torch.device(device)
        self.wait_seconds = wait_seconds
        if num_envs < 1:
            raise UserError(f"a dataset needs at least one environment, not {num_envs}")
        self._wait_for((self.data_dir / FILE_NAME).exists)
        self.metadata = Metadata.load(self.data_dir)
        self.refused: set[str] = set()
        """Names of the files that turned out to be damaged."""

    def _wait_for(self, ready: Callable[[], object]) -> bool:
        """Poll ``ready()`` until it is true or ``wait_seconds`` are over; whether it became true."""
        end = time.monotonic() + self.wait_seconds
        if self.wait_seconds > 0.0 and not ready():
            logger.info("waiting up to %.0f s for trajectories in %s", self.wait_seconds, self.data_dir)
        while not ready():
            if time.monotonic() >= end:
                return False
            time.sleep(min(0.2, self.wait_seconds))
        return True

    def scan(self) -> list[Path]:
        """The files that can be read now, oldest first."""
        return [path for path in list_trajectories(self.data_dir) if path.name not in self.refused]

    def open(self, path: Path) -> Trajectory | None:
        """The trajectory in ``path``; ``None``, with a warning, where the file is damaged or gone."""
        try:
            return Trajectory(path, self.metadata)
        except ArrayFileError as error:
            self.refused.add(path.name)
            logger.warning("%s", error)
            return None

    def __iter__(self) -> Iterator[DatasetStep]:
        while (step := self.next_step()) is not None:
            yield step

    def next_step(self) -> DatasetStep | None:
        """The next step of every environment, or ``None`` where the data is used up."""
        raise NotImplementedError("a reader of trajectory files defines next_step()")
