"""Trajectories as files of a folder that collectors and a trainer share."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray

from st_rl.storage.rollout_files.array_file import ArrayFileError, read_arrays, write_arrays
from st_rl.storage.rollout_files.metadata import Metadata
from st_rl.utils.errors import UserError

SUFFIX = ".traj"
_NAME = re.compile(r"\d{20}_[A-Za-z0-9-]+_\d{8}\.traj")
_COLLECTOR = re.compile(r"[A-Za-z0-9-]+")


class Trajectory:
    """One trajectory on disk, checked on opening; ``read`` loads a part of it."""

    def __init__(self, path: Path, metadata: Metadata) -> None:
        """Raises ``ArrayFileError`` where the file is not a trajectory as ``metadata`` describes it."""
        arrays, self.meta = read_arrays(path)
        expected = metadata.arrays()
        if set(arrays) != set(expected):
            raise ArrayFileError(f"{path} holds the arrays {sorted(arrays)}, not {sorted(expected)}; delete it")
        lengths = {array.shape[0] if array.ndim else -1 for array in arrays.values()}
        self.length = lengths.pop()
        if lengths or self.length < 1:
            raise ArrayFileError(f"the arrays of {path} have no common positive length; delete it")
        for name, (dtype, shape) in expected.items():
            array = arrays[name]
            if array.shape[1:] != shape or array.dtype.name != str(dtype).removeprefix("torch."):
                raise ArrayFileError(
                    f"'{name}' in {path} is {array.dtype.name} {list(array.shape[1:])} per step, "
                    f"not {dtype} {list(shape)}; delete it"
                )
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ArrayFileError(f"'{name}' in {path} holds values that are not finite; delete it")
        self._arrays = arrays

    def read(self, start: int, stop: int) -> dict[str, torch.Tensor]:
        """Copies of the steps from ``start`` to ``stop``, as stored: name -> ``(stop - start, *shape)``."""
        return {name: torch.from_numpy(_copy(array[start:stop])) for name, array in self._arrays.items()}


def _copy(array: NDArray[Any]) -> NDArray[Any]:
    # A file may hold any byte where a bool is meant; only 0 and 1 are bools.
    return array.view(np.uint8) != 0 if array.dtype == np.bool_ else np.array(array)


def list_trajectories(folder: Path) -> list[Path]:
    """The complete trajectory files in ``folder``, oldest first."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if _NAME.fullmatch(path.name))


def _hold_name(folder: Path, collector: str) -> IO[bytes]:
    """Return an open file that keeps other processes from the name until it is closed, or this process ends.

    Raises:
        UserError: another process has it.
    """
    import fcntl

    path = folder / f".{collector}.lock"
    try:
        file = path.open("ab")
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}); choose another folder") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UserError(
            f"a collector '{collector}' is at work in '{folder}'; give this one another name with --name"
        ) from error
    except OSError:
        # Some network file systems know no locks; there it is up to the user.
        pass
    return file


class TrajectoryWriter:
    """Cuts the steps of N worlds into trajectories and writes each as it ends.

    Whoever is killed while writing loses the trajectories in flight; the files that are there are whole.
    """

    def __init__(
        self,
        folder: Path,
        metadata: Metadata,
        num_envs: int,
        collector: str = "collector",
        max_length: int = 1000,
        min_length: int = 2,
    ) -> None:
        """Take over ``folder`` for one collector.

        Args:
            collector: a name that no other process writing to the folder has; half-written files that an
                earlier process of this name left behind are deleted.
            max_length: longer episodes are cut (they are marked as timed out there).
            min_length: shorter trajectories are dropped.

        Raises:
            UserError: a bad name, one that a running process has, a folder of other trajectories, or one that cannot
                be written.
        """
        if not _COLLECTOR.fullmatch(collector):
            raise UserError(f"'{collector}' cannot name a collector; use letters, digits and '-'")
        self.folder, self.metadata, self.collector = folder, metadata, collector
        self.max_length, self.min_length = max_length, min_length
        metadata.save(folder)
        self._lock = _hold_name(folder, collector)
        for leftover in folder.glob(f".*_{collector}_*{SUFFIX}.*.tmp"):
            leftover.unlink(missing_ok=True)
        self.num_written = 0
        self._buffers = {
            name: torch.zeros(max_length, num_envs, *shape, dtype=dtype)
            for name, (dtype, shape) in metadata.arrays().items()
        }
        self._lengths = torch.zeros(num_envs, dtype=torch.int64)
        self._clipped = dict.fromkeys(metadata.compression, 0)
        self._numbers = dict.fromkeys(metadata.compression, 0)
        self._worlds = torch.arange(num_envs)

    def add(self, obs: torch.Tensor, step: Mapping[str, torch.Tensor]) -> list[Path]:
        """Take in one step of every world; returns the files of the trajectories that ended with it.

        Args:
            obs: (N, D), before the step.
            step: the other arrays of ``Metadata.arrays``, each ``(N, *shape)``.
        """
        self._count_clipped(obs.cpu())
        values = {**self.metadata.disassemble(obs.cpu()), **{name: value.cpu() for name, value in step.items()}}
        for name, buffer in self._buffers.items():
            buffer[self._lengths, self._worlds] = values[name].to(buffer.dtype)
        self._lengths += 1
        cut = (self._lengths == self.max_length) & ~values["dones"]
        self._buffers["time_outs"][self.max_length - 1] |= cut
        ended = (values["dones"] | cut).nonzero().squeeze(1).tolist()
        return [path for world in ended if (path := self._write(world)) is not None]

    def flush(self) -> list[Path]:
        """Write the trajectories in flight, marked as timed out at their last step; returns the files."""
        running = (self._lengths > 0).nonzero().squeeze(1).tolist()
        for world in running:
            self._buffers["time_outs"][self._lengths[world] - 1, world] = True
        return [path for world in running if (path := self._write(world)) is not None]

    def clipped(self) -> dict[str, float]:
        """Segment that is compressed to a range -> share of its numbers so far that lay outside and were clipped."""
        return {name: self._clipped[name] / max(count, 1) for name, count in self._numbers.items()}

    def _count_clipped(self, obs: torch.Tensor) -> None:
        for name, compression in self.metadata.compression.items():
            values = self.metadata.obs_segments.select(obs, name)
            self._clipped[name] += int(compression.outside(values))
            self._numbers[name] += values.numel()

    def _write(self, world: int) -> Path | None:
        length = int(self._lengths[world])
        self._lengths[world] = 0
        if length < self.min_length:
            return None
        # The time in front makes the order of the names that of their age, whoever wrote them.
        path = self.folder / f"{time.time_ns():020d}_{self.collector}_{self.num_written:08d}{SUFFIX}"
        arrays = {name: buffer[:length, world].numpy() for name, buffer in self._buffers.items()}
        write_arrays(path, arrays, {"collector": self.collector, "process": os.getpid()})
        self.num_written += 1
        return path
