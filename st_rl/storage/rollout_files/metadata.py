"""What the trajectories of one folder consist of: ``metadata.json``, written by the first collector."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from st_rl.utils.attributes import field_values
from st_rl.utils.errors import UserError
from st_rl.utils.files import write_atomically
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.ranges import Checked
from st_rl.utils.run_folder import read_json

FILE_NAME = "metadata.json"
FIXED_FIELDS = ("obs", "critic_obs", "actions", "rewards", "dones", "time_outs")


@dataclass(frozen=True)
class Compression(Checked):
    """How a segment is stored: ``float16``, or ``uint8`` for values within ``[low, high]``."""

    dtype: str = "float16"
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dtype not in ("float16", "uint8"):
            raise UserError(f"a segment can be compressed to float16 or uint8, not to {self.dtype}")
        if self.dtype == "uint8" and not self.low < self.high:
            raise UserError(f"compression to uint8 needs low < high, not {self.low} and {self.high}")

    @property
    def torch_dtype(self) -> torch.dtype:
        """The type of what ``encode`` returns."""
        return torch.float16 if self.dtype == "float16" else torch.uint8

    def encode(self, values: torch.Tensor) -> torch.Tensor:
        """Float32 values of any shape as they are stored; ``uint8`` rounds to 1/255 of the range and clips."""
        if self.dtype == "float16":
            return values.half()
        return ((values - self.low) * (255.0 / (self.high - self.low))).round().clamp(0, 255).byte()

    def outside(self, values: torch.Tensor) -> torch.Tensor:
        """How many of ``values`` are clipped by ``encode``, 0-d int64; rounding alone does not count."""
        if self.dtype == "float16":
            return torch.zeros((), dtype=torch.int64)
        slack = (self.high - self.low) / 510.0
        return ((values < self.low - slack) | (values > self.high + slack)).sum()

    def decode(self, stored: torch.Tensor) -> torch.Tensor:
        """The inverse of ``encode``, float32."""
        if self.dtype == "float16":
            return stored.float()
        return stored.float() * ((self.high - self.low) / 255.0) + self.low


@dataclass(frozen=True)
class Metadata:
    """Layout of every trajectory in a folder.

    A trajectory of T steps has the arrays ``obs (T, columns of the uncompressed segments)``, ``obs/<name> (T,
    columns)`` for each compressed segment, ``actions (T, A)``, ``rewards (T,)``, ``dones (T,)``, ``time_outs (T,)``,
    ``critic_obs (T, C)`` where the critic has its own layout, and ``fields``.
    """

    obs_segments: ObsLayout
    num_actions: int
    critic_obs_segments: ObsLayout | None = None
    compression: Mapping[str, Compression] = field(default_factory=dict)
    fields: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Further float32 arrays: name -> shape of one step (``action_labels`` are the teacher's actions)."""

    def __post_init__(self) -> None:
        for name in self.compression:
            self.obs_segments.slice_of(name)
        for name in self.fields:
            if name in FIXED_FIELDS or "/" in name:
                raise UserError(f"a field of a trajectory cannot be called '{name}'; choose another name")

    @property
    def plain_segments(self) -> list[str]:
        """Names of the segments that are stored as they are, in order."""
        return [name for name in self.obs_segments if name not in self.compression]

    def arrays(self) -> dict[str, tuple[torch.dtype, tuple[int, ...]]]:
        """Every array of a trajectory: name -> dtype and shape of one step."""
        layout = self.obs_segments
        found: dict[str, tuple[torch.dtype, tuple[int, ...]]] = {
            "obs": (torch.float32, (sum(layout.size_of(name) for name in self.plain_segments),)),
            "actions": (torch.float32, (self.num_actions,)),
            "rewards": (torch.float32, ()),
            "dones": (torch.bool, ()),
            "time_outs": (torch.bool, ()),
        }
        for name, compression in self.compression.items():
            found[f"obs/{name}"] = (compression.torch_dtype, (layout.size_of(name),))
        if self.critic_obs_segments is not None:
            found["critic_obs"] = (torch.float32, (self.critic_obs_segments.size,))
        return found | {name: (torch.float32, tuple(shape)) for name, shape in self.fields.items()}

    def disassemble(self, obs: torch.Tensor) -> dict[str, torch.Tensor]:
        """An observation ``(..., D)`` as it is stored: ``obs`` and the compressed segments."""
        layout = self.obs_segments
        stored = {"obs": layout.select(obs, self.plain_segments)}
        for name, compression in self.compression.items():
            stored[f"obs/{name}"] = compression.encode(layout.select(obs, name))
        return stored

    def assemble(self, stored: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The inverse of ``disassemble``, ``(..., D)`` float32."""
        if not self.compression:
            return stored["obs"]
        plain = dict(
            zip(
                self.plain_segments,
                stored["obs"].split([self.obs_segments.size_of(name) for name in self.plain_segments], dim=-1),
                strict=True,
            )
        )
        pieces = [
            plain[name] if name in plain else self.compression[name].decode(stored[f"obs/{name}"])
            for name in self.obs_segments
        ]
        return torch.cat(pieces, dim=-1)

    def to_json(self) -> dict[str, Any]:
        """For ``metadata.json``."""
        critic = self.critic_obs_segments
        return {
            "obs_segments": self.obs_segments.to_json(),
            "critic_obs_segments": None if critic is None else critic.to_json(),
            "num_actions": self.num_actions,
            "compression": {name: field_values(value) for name, value in self.compression.items()},
            "fields": {name: list(shape) for name, shape in self.fields.items()},
        }

    @classmethod
    def from_json(cls, data: Any, source: Path) -> Metadata:
        """From what ``to_json`` returned; ``UserError`` names ``source`` where it is anything else."""
        try:
            critic = data["critic_obs_segments"]
            fields = {str(name): tuple(int(dim) for dim in shape) for name, shape in data["fields"].items()}
            return cls(
                obs_segments=ObsLayout.from_json(data["obs_segments"]),
                num_actions=int(data["num_actions"]),
                critic_obs_segments=None if critic is None else ObsLayout.from_json(critic),
                compression={str(name): Compression(**value) for name, value in data["compression"].items()},
                fields=fields,
            )
        except (KeyError, TypeError, ValueError, AttributeError, UserError) as error:
            raise UserError(
                f"{source} does not describe trajectories ({error}); collect into another folder"
            ) from error

    def save(self, folder: Path) -> None:
        """Write ``metadata.json``, or check that the one there says the same.

        Raises:
            UserError: the folder holds trajectories of another kind, or cannot be written.
        """
        path = folder / FILE_NAME
        if path.exists():
            if Metadata.load(folder).to_json() != self.to_json():
                raise UserError(f"{folder} holds trajectories of another kind; collect into an empty folder")
            return
        write_atomically(path, json.dumps(self.to_json(), indent=2).encode())

    @classmethod
    def load(cls, folder: Path) -> Metadata:
        """Read ``metadata.json``; ``UserError`` where it is missing or damaged."""
        path = folder / FILE_NAME
        try:
            data = read_json(path)
        except FileNotFoundError as error:
            raise UserError(f"{folder} has no {FILE_NAME}; start a collector that writes there") from error
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read ({str(error)[:100]}); collect into another folder") from error
        return cls.from_json(data, path)
