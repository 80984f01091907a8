"""Trajectories in files: written by collectors, played back by a trainer, at the same time."""

from st_rl.storage.rollout_files.array_file import ArrayFileError, read_arrays, write_arrays
from st_rl.storage.rollout_files.base import DatasetStep, RolloutFileBase
from st_rl.storage.rollout_files.metadata import Compression, Metadata
from st_rl.storage.rollout_files.rollout_dataset import RolloutDataset
from st_rl.storage.rollout_files.trajectory import Trajectory, TrajectoryWriter, list_trajectories

__all__ = [
    "ArrayFileError",
    "Compression",
    "DatasetStep",
    "Metadata",
    "RolloutDataset",
    "RolloutFileBase",
    "Trajectory",
    "TrajectoryWriter",
    "list_trajectories",
    "read_arrays",
    "write_arrays",
]
