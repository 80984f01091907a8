"""Motions of four-legged robots in the public format of 61 columns.

A JSON file, whatever its suffix, with ``FrameDuration`` in s, ``MotionWeight`` and ``Frames``, rows of 61 numbers in SI
units: position of the root 3 and its quaternion xyzw 4, both in the world; joint angles 12; centers of the feet in the
base frame 12; linear 3 and angular velocity 3 of the root in the base frame; joint speeds 12; velocities of the feet
in the base frame 12. Legs stand in the order FR, FL, RR, RL of the published files, or in that of the key ``LegOrder``.
The format is that of the motions of Peng et al. 2020, "Learning Agile Robotic Locomotion Skills by Imitating Animals",
as widened by Escontrela et al. 2022, "Adversarial Motion Priors Make Good Substitutes for Complex Reward Functions".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from st_rl.utils.errors import UserError
from st_rl.utils.files import write_atomically
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.rotations import quat_rotate_inverse

LEGS = ("FL", "FR", "RL", "RR")
"""Order of the legs in this suite."""
FILE_LEGS = ("FR", "FL", "RR", "RL")
"""Order of the legs in published files."""
COLUMNS = ObsLayout(
    {
        "root_pos_w": (3,),
        "root_rot": (4,),
        "dof_pos": (12,),
        "foot_pos_b": (12,),
        "base_lin_vel_b": (3,),
        "base_ang_vel_b": (3,),
        "dof_vel": (12,),
        "foot_vel_b": (12,),
    }
)
"""The 61 columns by name."""
PER_LEG = ("dof_pos", "foot_pos_b", "dof_vel", "foot_vel_b")
"""Columns that come leg by leg, three each."""
DERIVED = ObsLayout({"projected_gravity": (3,), "base_height": (1,)})
"""What follows from the columns: the unit vector of gravity in the base frame, and the height of the root in m above
flat ground at zero."""
FIELDS = ObsLayout([*COLUMNS.items(), *DERIVED.items()])
"""Fields of a motion that was read from such a file."""
_DECIMALS = 5


def is_dog_motion(data: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a motion of this format."""
    return "Frames" in data


def frames_of(data: Mapping[str, Any], path: Path) -> Any:
    """Return the rows of the file with the fields ``FIELDS``, legs in the order of this suite.

    Raises:
        UserError: rows that are not of 61 numbers, or an order of the legs that is none.
    """
    try:
        rows = torch.tensor(data["Frames"], dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"the Frames of {path} must be rows of {COLUMNS.size} numbers") from error
    if rows.dim() != 2 or rows.shape[1] != COLUMNS.size:
        raise UserError(f"the Frames of {path} must be rows of {COLUMNS.size} numbers, not {list(rows.shape)}")
    rows = _reordered(rows, _order_of(data.get("LegOrder", FILE_LEGS), path), LEGS)
    rotation = rows[:, COLUMNS.slice_of("root_rot")]
    down = torch.tensor([0.0, 0.0, -1.0]).expand(len(rows), 3)
    # A quaternion that is no rotation is refused with the frames; here it must only do no harm.
    unit = rotation / rotation.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    return torch.cat((rows, quat_rotate_inverse(unit, down), rows[:, 2:3]), dim=1).tolist()


def save_dog_motion(path: Path, frames: Tensor, frame_duration: float, weight: float = 1.0) -> None:
    """Write ``frames (F, 61)`` with legs in the order FL, FR, RL, RR, atomically, as published files have them.

    Numbers are rounded to five decimals.

    Args:
        path: of the file; its name is that of the motion.
        frames: the columns ``COLUMNS``.
        frame_duration: seconds between two frames.
        weight: how often the motion is drawn, relative to others.
    """
    if frames.dim() != 2 or frames.shape[1] != COLUMNS.size:
        raise UserError(f"a motion needs rows of {COLUMNS.size} numbers, not {list(frames.shape)}")
    rows = _reordered(frames.double(), LEGS, FILE_LEGS).tolist()
    text = ",\n".join("[" + ", ".join(_short(value) for value in row) + "]" for row in rows)
    head = {
        "LoopMode": "Wrap",
        "FrameDuration": frame_duration,
        "EnableCycleOffsetPosition": True,
        "EnableCycleOffsetRotation": True,
        "MotionWeight": weight,
        "LegOrder": list(FILE_LEGS),
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items())
    write_atomically(path, f'{{\n{lines},\n"Frames": [\n{text}\n]\n}}\n'.encode())


def _short(value: float) -> str:
    """The number with at most five decimals, and never minus zero."""
    return f"{round(value, _DECIMALS) + 0.0:.{_DECIMALS}f}".rstrip("0").rstrip(".")


def _order_of(order: Any, path: Path) -> Sequence[str]:
    if not isinstance(order, list | tuple) or sorted(map(str, order)) != sorted(LEGS):
        raise UserError(f"'LegOrder' in {path} must name the legs {', '.join(LEGS)} in some order, not {order}")
    return list(map(str, order))


def _reordered(rows: Tensor, now: Sequence[str], then: Sequence[str]) -> Tensor:
    """``rows (F, 61)`` with the legs, which are in the order ``now``, in the order ``then``."""
    result, chosen = rows.clone(), [list(now).index(leg) for leg in then]
    for name in PER_LEG:
        columns = COLUMNS.slice_of(name)
        result[:, columns] = rows[:, columns].unflatten(1, (4, 3))[:, chosen].flatten(1)
    return result
