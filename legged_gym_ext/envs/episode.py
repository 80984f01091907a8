"""Recorded episodes of one robot, and the files that keep them: a ZIP archive of arrays that NumPy reads too.

Nothing in such a file is executed when it is read; a file that is damaged or was made to harm is told in one sentence.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.registry import get_robot
from legged_gym_ext.sim.interface import MAX_COORDINATE
from legged_gym_ext.terrain.height_field import HeightFieldCfg
from st_rl.utils.attributes import field_values
from st_rl.utils.errors import UserError
from st_rl.utils.files import write_atomically

SUFFIX = ".npz"
_FORMAT = 1
_FACTS = "facts"
_MAX_BYTES = 2**31
"""A file that unpacks to more than this is refused."""

Ended = Literal["fell", "over", "broken", "cut"]
"""How an episode ended: by a fall or beside the track; by its time or the end of the course; with a state or an action
that was not finite; or because the recording stopped first."""
_ENDS: tuple[Ended, ...] = ("fell", "over", "broken", "cut")


@dataclass(frozen=True)
class EpisodeFacts:
    """What does not change during an episode."""

    robot: str
    seed: int
    world: int
    """Which of the environment's worlds was recorded."""
    control_dt: float
    """Seconds of one control step."""
    ended: Ended
    reward_names: tuple[str, ...]
    """Names of the columns of ``reward_terms``."""
    segments: Sequence[Any]
    """Name and shape of the parts of an observation, in their order."""
    height_field: HeightFieldCfg | None
    """Rough ground, or ``None`` where it is flat."""
    first_step: int = 0
    """Control steps of the episode before the first one that is kept."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Names of task and policy, and the settings of the task."""


@dataclass(frozen=True)
class Episode:
    """T control steps of a robot with D joints and B bodies, among K boxes; what is measured is that after each step.

    Values are those of the world frame and of the joints, in SI units.
    """

    facts: EpisodeFacts
    boxes: np.ndarray
    """(K, 10) center, quaternion xyzw and half extents, m."""
    solid: np.ndarray
    """(K,) bool."""
    obstacle: np.ndarray
    """(K,) bool: boxes that belong to obstacles, not to the floor."""
    observations: np.ndarray
    """(T, O) what the policy saw before the step."""
    actions: np.ndarray
    """(T, D) what it then did, as it said it: not clipped, and not finite where the policy broke."""
    root_states: np.ndarray
    """(T, 13) position, quaternion xyzw, linear and angular velocity of the trunk."""
    dof_pos: np.ndarray
    """(T, D) rad."""
    dof_vel: np.ndarray
    """(T, D) rad/s."""
    torques: np.ndarray
    """(T, D) N m in the last physics step."""
    contact_forces: np.ndarray
    """(T, B, 3) N."""
    commands: np.ndarray
    """(T, 3) forward and lateral velocity, m/s, and yaw rate, rad/s, base frame."""
    rewards: np.ndarray
    """(T,) as the learner gets them."""
    reward_terms: np.ndarray
    """(T, R) weighted, per second."""
    captions: tuple[str, ...]
    """T texts, such as the active skill and the obstacle at hand."""
    depth: np.ndarray | None = None
    """(T, H, W) uint8, 0 near and 255 far: what the depth camera has delivered; ``None`` without one."""
    before: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Of a broken world: the engine's state before its last step, and the targets that it was given."""

    @property
    def num_steps(self) -> int:
        """Number of control steps."""
        return len(self.rewards)

    @property
    def robot(self) -> RobotCfg:
        """The robot; ``UserError`` where none of its name is registered."""
        return get_robot(self.facts.robot)


_SHAPES: dict[str, tuple[str | int, ...]] = {
    "boxes": ("K", 10),
    "solid": ("K",),
    "obstacle": ("K",),
    "observations": ("T", "O"),
    "actions": ("T", "D"),
    "root_states": ("T", 13),
    "dof_pos": ("T", "D"),
    "dof_vel": ("T", "D"),
    "torques": ("T", "D"),
    "contact_forces": ("T", "B", 3),
    "commands": ("T", 3),
    "rewards": ("T",),
    "reward_terms": ("T", "R"),
}
_BOOLEAN = ("solid", "obstacle")
_FINITE = ("boxes", "root_states", "dof_pos", "dof_vel", "contact_forces", "commands", "torques", "reward_terms")
_BEFORE = "before."


def episode_bytes(episode: Episode) -> bytes:
    """Return an episode as the contents of a file."""
    values = field_values(episode)
    facts = field_values(episode.facts)
    ground = facts["height_field"]
    facts["height_field"] = None if ground is None else field_values(ground)
    texts = list(dict.fromkeys(episode.captions))
    facts |= {"format": _FORMAT, "texts": texts}
    arrays = {name: values[name] for name in _SHAPES}
    arrays["caption"] = np.array([texts.index(text) for text in episode.captions], np.int32)
    if episode.depth is not None:
        arrays["depth"] = episode.depth
    arrays |= {_BEFORE + name: value for name, value in episode.before.items()}
    arrays[_FACTS] = np.frombuffer(json.dumps(facts, allow_nan=False).encode(), np.uint8)
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # pyright: ignore[reportArgumentType]
    return packed.getvalue()


def save_episode(path: Path, episode: Episode) -> None:
    """Write an episode, whole or not at all; ``UserError`` where that is not possible."""
    write_atomically(path, episode_bytes(episode))


def load_episode(path: Path) -> Episode:
    """Read what ``save_episode`` has written; ``UserError`` for anything else."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_BYTES:
                raise ValueError("it unpacks to more than 2 GiB")
        with np.load(path, allow_pickle=False) as archive:
            return _episode(dict(archive))
    except FileNotFoundError as error:
        raise UserError(f"there is no file '{path}'; --record-episode writes one") from error
    except OSError as error:
        raise UserError(f"'{path}' cannot be read ({error.strerror or error})") from error
    except UserError:
        raise
    except (
        ValueError, LookupError, TypeError, EOFError, RuntimeError, NotImplementedError, MemoryError, RecursionError,
        zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise UserError(f"'{path}' holds no whole recorded episode ({reason}); record it anew") from error


def is_episode(path: Path) -> bool:
    """Whether a file looks like a recorded episode; it may be damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return f"{_FACTS}.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def _episode(arrays: dict[str, np.ndarray]) -> Episode:
    told: Any = json.loads(arrays[_FACTS].tobytes())
    if not isinstance(told, dict) or told.pop("format", None) != _FORMAT:
        raise ValueError("its format is another one")
    texts = [str(text) for text in told.pop("texts")]
    facts = _facts(told)
    robot = get_robot(facts.robot)
    sizes = {"D": robot.num_dof, "B": len(robot.body_names), "R": len(facts.reward_names)}
    found: dict[str, Any] = {}
    for name, shape in _SHAPES.items():
        value = arrays[name]
        _check_shape(name, value, shape, sizes)
        found[name] = value.astype(bool if name in _BOOLEAN else np.float32, casting="same_kind")
    for name in _FINITE:
        worst = np.abs(found[name]).max(initial=0.0)
        if not worst <= (1e9 if name in ("contact_forces", "reward_terms") else MAX_COORDINATE):
            raise ValueError(f"{name} is not finite")
    chosen = arrays["caption"]
    _check_shape("caption", chosen, ("T",), sizes)
    if sizes["T"] < 1:
        raise ValueError("it has no steps")
    depth = arrays.get("depth")
    if depth is not None:
        _check_shape("depth", depth, ("T", "H", "W"), sizes)
        depth = depth.astype(np.uint8, casting="no")
    before = {name.removeprefix(_BEFORE): value for name, value in arrays.items() if name.startswith(_BEFORE)}
    captions = tuple(texts[int(index)] for index in chosen) if texts else ("",) * sizes["T"]
    return Episode(facts, **found, captions=captions, depth=depth, before=before)


def _check_shape(name: str, value: np.ndarray, shape: tuple[str | int, ...], sizes: dict[str, int]) -> None:
    """``ValueError`` where a size is another one than before; the sizes seen first are written into ``sizes``."""
    wanted = tuple(
        sizes.setdefault(n, m) if isinstance(n, str) else n for n, m in zip(shape, value.shape, strict=False)
    )
    if value.shape != wanted or len(shape) != value.ndim:
        raise ValueError(f"{name} has the shape {value.shape}")


def _facts(told: dict[str, Any]) -> EpisodeFacts:
    ground = told.pop("height_field")
    if ground is not None:
        ground = _height_field(ground)
    names = tuple(str(name) for name in told.pop("reward_names"))
    facts = EpisodeFacts(**told, height_field=ground, reward_names=names)
    if not 1e-6 <= float(facts.control_dt) <= 100.0 or facts.ended not in _ENDS or not isinstance(facts.about, dict):
        raise ValueError("its facts are impossible")
    return facts


def _height_field(told: dict[str, Any]) -> HeightFieldCfg:
    try:
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in told.items()}
        return HeightFieldCfg(**values)
    except UserError as error:
        raise ValueError(str(error)) from error
