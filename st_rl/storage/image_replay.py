"""A ring of the last steps of every world in which each image is stored once, in bytes.

N worlds, T steps and F images of each world, P pixels an image. A camera is slower than the steps: an image is in
effect from the step at which it arrived until the next one arrives. Nothing here waits for the device, except on a CPU,
for savings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from st_rl.utils.attributes import attributes, copies
from st_rl.utils.errors import UserError

_NEVER = -(1 << 40)
"""The step at which an empty place's image arrived."""


@dataclass
class Sequences:
    """B rows of K images that followed one another, and S of the steps at which each was in effect."""

    images: Tensor
    """(K, B, P), as they were given."""
    arrivals: dict[str, Tensor]
    """Field -> (K, B, size), at the steps at which the images arrived."""
    first: Tensor
    """(K, B) bool, images that were the first ones of an episode."""
    state: Tensor
    """(B, H), what the memory held before the first of them."""
    steps: dict[str, Tensor]
    """Field -> (K, B, S, size)."""


class ImageReplay:
    """Keeps the newest steps of N worlds; the oldest are overwritten."""

    def __init__(
        self,
        num_envs: int,
        num_steps: int,
        num_images: int,
        num_pixels: int,
        fields: Mapping[str, tuple[int, torch.dtype]],
        state_size: int,
        image_range: tuple[float, float],
        device: torch.device | str = "cpu",
    ) -> None:
        """Allocate the ring.

        Args:
            num_steps: T.
            num_images: F; where more arrive within T steps, fewer steps can be drawn.
            fields: name -> numbers a step and the type they are kept in.
            state_size: H, numbers of the memory's state, kept in half precision with every image.
            image_range: the values of the darkest and of the brightest pixel; between them there are 255 steps.
        """
        if num_steps < 2 or num_images < 2 or image_range[0] >= image_range[1]:
            raise UserError("a ring of images needs at least two steps, two images and a range of pixels")
        self.num_envs, self.num_steps, self.num_images = num_envs, num_steps, num_images
        self.device, self.image_range = torch.device(device), image_range
        self.skip_empty = self.device.type == "cpu"
        """Write only the images that there are, for which the host must know where."""
        at = self.device
        self.step = 0
        """Steps added so far."""
        self.fields = {
            name: torch.zeros(num_steps, num_envs, size, dtype=dtype, device=at)
            for name, (size, dtype) in fields.items()
        }
        """Field -> (T, N, size)."""
        self.images = torch.zeros(num_images, num_envs, num_pixels, dtype=torch.uint8, device=at)
        self.states = torch.zeros(num_images, num_envs, state_size, dtype=torch.float16, device=at)
        self.first = torch.zeros(num_images, num_envs, dtype=torch.bool, device=at)
        self.arrival = torch.full((num_images, num_envs), _NEVER, dtype=torch.int64, device=at)
        """(F, N), the step at which each image arrived."""
        self.count = torch.zeros(num_envs, dtype=torch.int64, device=at)
        """(N,), images that have arrived in each world so far."""
        self._worlds = torch.arange(num_envs, device=at)

    def __len__(self) -> int:
        """Steps that are held, of all worlds together."""
        return min(self.step, self.num_steps) * self.num_envs

    # ---------------------------------------------------------------- writing

    def add(self, fields: Mapping[str, Tensor], images: Tensor, new: Tensor, first: Tensor, states: Tensor) -> None:
        """Add a step of every world.

        Args:
            fields: name -> (N, size).
            images: (N, P), what is in effect.
            new: (N,) bool, where it has just arrived; the others are stored already.
            first: (N,) bool, where it is the first one of an episode.
            states: (N, H), what the memory held before it.
        """
        row = self.step % self.num_steps
        for name, buffer in self.fields.items():
            buffer[row].copy_(fields[name])
        if self.skip_empty:
            worlds = new.nonzero().squeeze(1)
            if len(worlds):
                self._write(worlds, images[worlds], first[worlds], states[worlds], None)
        else:
            self._write(self._worlds, images, first, states, new)
        self.count += new
        self.step += 1

    def _write(self, worlds: Tensor, images: Tensor, first: Tensor, states: Tensor, where: Tensor | None) -> None:
        """Put images into the next places of ``worlds (n,)``, or of those ``where (n,)`` is true."""
        place = self.count[worlds] % self.num_images
        arrival = torch.full_like(place, self.step)
        pairs = (
            (self.images, self._to_bytes(images)),
            (self.states, states.to(self.states.dtype)),
            (self.first, first),
            (self.arrival, arrival),
        )
        for buffer, value in pairs:
            if where is not None:
                value = torch.where(where.view(-1, *[1] * (value.dim() - 1)), value, buffer[place, worlds])
            buffer[place, worlds] = value

    def _to_bytes(self, images: Tensor) -> Tensor:
        low, high = self.image_range
        return ((images - low) * (255.0 / (high - low))).clamp(0.0, 255.0).round().to(torch.uint8)

    def _from_bytes(self, images: Tensor) -> Tensor:
        low, high = self.image_range
        return images.float() * ((high - low) / 255.0) + low

    # ---------------------------------------------------------------- reading

    def ready(self, length: int) -> Tensor:
        """0-d bool: whether there is a row of ``length`` images to draw."""
        return (self._choices(length)[1] > 0).any()

    def _choices(self, length: int) -> tuple[Tensor, Tensor]:
        """The oldest image of each world that is whole, and from how many on ``length`` of them follow, (N,) each.

        The newest one is left out, as nobody knows yet how long it is in effect.
        """
        oldest = self.step - min(self.step, self.num_steps)
        held = (self.arrival >= oldest).sum(dim=0)
        return self.count - held, (held - length).clamp_min(0)

    def sample(self, num_sequences: int, length: int, steps_per_image: int) -> Sequences:
        """Draw B = ``num_sequences`` rows of K = ``length`` images, and S = ``steps_per_image`` steps of each.

        Each row that is held is equally likely; rows may go on from one episode to the next. Steps are drawn with
        replacement from those at which the image was in effect.

        Raises:
            RuntimeError: no world has that many images.
        """
        oldest, choices = self._choices(length)
        if self.skip_empty and not bool((choices > 0).any()):
            raise RuntimeError(f"no world has {length} images in a row yet; add more steps before drawing")
        worlds = torch.multinomial(choices.float(), num_sequences, replacement=True)
        fraction = torch.rand(num_sequences, device=self.device)
        begin = oldest[worlds] + (fraction * choices[worlds]).long().clamp_max(choices[worlds] - 1)
        order = torch.arange(length + 1, device=self.device)[:, None]
        places = (begin + order) % self.num_images  # (K + 1, B)
        arrival = self.arrival[places, worlds]
        start, duration = arrival[:-1], arrival[1:] - arrival[:-1]
        places = places[:-1]
        within = torch.rand(length, num_sequences, steps_per_image, device=self.device)
        steps = start[..., None] + (within * duration[..., None]).long().minimum(duration[..., None] - 1)
        return Sequences(
            images=self._from_bytes(self.images[places, worlds]),
            arrivals={name: buffer[start % self.num_steps, worlds].float() for name, buffer in self.fields.items()},
            first=self.first[places, worlds],
            state=self.states[places[0], worlds].float(),
            steps={
                name: buffer[steps % self.num_steps, worlds[:, None]].float() for name, buffer in self.fields.items()
            },
        )

    # ---------------------------------------------------------------- persistence

    def state_dict(self) -> dict[str, Any]:
        """Everything that is drawn from later, copied."""
        held = min(self.step, self.num_steps)
        return {
            "step": self.step,
            "fields": {name: buffer[:held].clone() for name, buffer in self.fields.items()},
            **copies(self, _KEPT),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore ``state_dict``; ``ValueError`` where it is of a ring of another size."""
        kept = attributes(self, _KEPT)
        for name, buffer in kept.items():
            if state[name].shape != buffer.shape:
                raise ValueError(f"the saved ring's {name} are {list(state[name].shape)} and here they are others")
        held = min(int(state["step"]), self.num_steps)
        for name, buffer in self.fields.items():
            saved = state["fields"][name]
            if saved.shape != buffer[:held].shape:
                raise ValueError(f"the saved ring's field '{name}' is {list(saved.shape)} and here it is another")
            buffer[:held].copy_(saved)
        for name, buffer in kept.items():
            buffer.copy_(state[name])
        self.step = int(state["step"])


_KEPT = ("images", "states", "first", "arrival", "count")
