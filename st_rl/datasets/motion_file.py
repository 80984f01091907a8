"""Reference motions in JSON files: of any fields, or in the public format of ``dog_motion_file``.

A file of the first kind holds
``{"frame_duration": s, "weight": w, "fields": [[name, [columns]], ...], "frames": [[...], ...]}``. Every frame has the
columns of the fields one after the other. A field whose name ends in ``_rot`` is a unit quaternion, xyzw; everything
else is interpolated linearly. Units and frames are up to the fields; by convention SI, ``_w`` in the world and ``_b``
in the base frame.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from st_rl.datasets import dog_motion_file as dog
from st_rl.utils.errors import UserError
from st_rl.utils.files import write_atomically
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.run_folder import read_json

ROTATION_SUFFIX = "_rot"
_DURATIONS = (1e-4, 10.0)
"""Seconds between two frames."""
_WEIGHTS = (1e-6, 1e6)
_LARGEST = 1e4
"""No number of a motion is larger, in SI units."""


@dataclass(frozen=True)
class Motion:
    """One recorded motion of F frames."""

    name: str
    frames: torch.Tensor
    """(F, D) float32, quaternions normalized; F is at least 2."""
    frame_duration: float
    """Seconds between two frames."""
    fields: ObsLayout
    """Names of the columns."""
    weight: float = 1.0
    """How often this motion is drawn, relative to others."""

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the last."""
        return (len(self.frames) - 1) * self.frame_duration


def rotation_slices(fields: ObsLayout) -> list[slice]:
    """Columns of each quaternion."""
    return [fields.slice_of(name) for name in fields if name.endswith(ROTATION_SUFFIX)]


def save_motion(path: Path, motion: Motion) -> None:
    """Write a motion, atomically; its name is that of the file."""
    data = {
        "frame_duration": motion.frame_duration,
        "weight": motion.weight,
        "fields": motion.fields.to_json(),
        "frames": motion.frames.tolist(),
    }
    write_atomically(path, json.dumps(data).encode())


def load_motion(path: Path) -> Motion:
    """Read and check a motion of either format.

    Raises:
        UserError: no such file, or one that is not a motion; the message names what is wrong.
    """
    try:
        data = read_json(path)
    except FileNotFoundError as error:
        raise UserError(f"there is no motion {path}; give the path of a motion file") from error
    except (OSError, ValueError) as error:
        raise UserError(f"the motion {path} cannot be read ({str(error)[:100]}); use another file") from error
    if not isinstance(data, dict):
        raise UserError(f"the motion {path} is no JSON object; use a file with fields and frames")
    if dog.is_dog_motion(data):
        data = _from_dog_motion(data, path)
    missing = [name for name in ("frame_duration", "fields", "frames") if name not in data]
    if missing:
        raise UserError(f"the motion {path} lacks '{missing[0]}'; add it")
    try:
        fields = ObsLayout.from_json(data["fields"])
    except UserError as error:
        raise UserError(f"the fields of the motion {path}: {error}") from error
    for name in fields:
        if name.endswith(ROTATION_SUFFIX) and fields.size_of(name) != 4:
            raise UserError(f"'{name}' in {path} must have 4 columns (a quaternion xyzw), not {fields.size_of(name)}")
    frame_duration = _between(data["frame_duration"], _DURATIONS, "frame_duration", path)
    weight = _between(data.get("weight", 1.0), _WEIGHTS, "weight", path)
    return Motion(path.stem, _frames(data["frames"], fields, path), frame_duration, fields, weight)


def _from_dog_motion(data: dict[str, Any], path: Path) -> dict[str, Any]:
    """The same motion as it would stand in a file of named fields."""
    known = {"FrameDuration": "frame_duration", "MotionWeight": "weight"}
    named = {ours: data[theirs] for theirs, ours in known.items() if theirs in data}
    if "frame_duration" not in named:
        raise UserError(f"the motion {path} lacks 'FrameDuration'; add it")
    return named | {"fields": dog.FIELDS.to_json(), "frames": dog.frames_of(data, path)}


def _between(value: Any, bounds: tuple[float, float], name: str, path: Path) -> float:
    low, high = bounds
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UserError(f"'{name}' in {path} must be a positive number, {low:g} to {high:g}, not {str(value)[:40]}")
    return float(value)


def _frames(rows: Any, fields: ObsLayout, path: Path) -> torch.Tensor:
    try:
        frames = torch.tensor(rows, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"the frames of {path} must be rows of {fields.size} numbers") from error
    if frames.dim() != 2 or frames.shape[0] < 2 or frames.shape[1] != fields.size:
        raise UserError(
            f"the frames of {path} must be at least 2 rows of {fields.size} numbers, not {list(frames.shape)}"
        )
    if not frames.isfinite().all():
        raise UserError(f"the frames of {path} hold values that are not finite; repair the motion")
    if (largest := float(frames.abs().max())) > _LARGEST:
        raise UserError(f"the frames of {path} hold {largest:.3g}, which is no position, angle or speed in SI units")
    for columns in rotation_slices(fields):
        norm = frames[:, columns].norm(dim=-1, keepdim=True)
        if (norm - 1.0).abs().max() > 0.01:
            raise UserError(f"the quaternions of {path} must have unit length; one has {float(norm.max()):.3g}")
        frames[:, columns] /= norm
    return frames
