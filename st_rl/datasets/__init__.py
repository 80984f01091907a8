"""Recorded data that training refers to."""

from st_rl.datasets.dog_motion_file import save_dog_motion
from st_rl.datasets.motion_file import Motion, load_motion, save_motion
from st_rl.datasets.motion_loader import AMPLoader

__all__ = ["AMPLoader", "Motion", "load_motion", "save_dog_motion", "save_motion"]
