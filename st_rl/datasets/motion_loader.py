"""Transitions of reference motions, at any time between their frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from st_rl.datasets.motion_file import Motion, load_motion, rotation_slices
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.rotations import slerp


class AMPLoader:
    """Draws pairs of states a control step apart from motions of any frame rate (Peng et al. 2021, "AMP").

    All motions lie in one tensor, and every query is batched over B draws.
    """

    def __init__(
        self,
        motions: Sequence[Path | str | Motion],
        time_between_frames: float,
        *,
        fields: Sequence[str] | None = None,
        num_preload_transitions: int = 0,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        """Load the motions.

        Args:
            motions: files, or motions in memory; all with the same fields.
            time_between_frames: seconds between the two states of a transition (the control step).
            fields: names of the fields that a state consists of, in this order; by default all.
            num_preload_transitions: draw that many transitions now, and later draws from among them; 0
                interpolates anew each time.

        Raises:
            UserError: there is no motion, they differ in their fields, or one is too short.
        """
        loaded = [motion if isinstance(motion, Motion) else load_motion(Path(motion)) for motion in motions]
        if not loaded:
            raise UserError("a motion loader needs at least one motion; give the paths of motion files")
        self.fields = loaded[0].fields
        for motion in loaded:
            if motion.fields != self.fields:
                difference = self.fields.difference(motion.fields, loaded[0].name, motion.name)
                raise UserError(f"motions must have the same fields: {difference}")
            if motion.duration < time_between_frames:
                raise UserError(f"the motion '{motion.name}' is shorter than a step of {time_between_frames} s")
        self.device, self.time_between_frames = torch.device(device), time_between_frames
        self.names = [motion.name for motion in loaded]
        self.state_fields: ObsLayout = self.fields if fields is None else self.fields.sublayout(list(fields))
        self.generator = torch.Generator(device=self.device).manual_seed(seed)
        self._rotations = rotation_slices(self.fields)
        self._frames = torch.cat([motion.frames for motion in loaded]).to(self.device)
        lengths = torch.tensor([len(motion.frames) for motion in loaded], device=self.device)
        self._num_frames = lengths
        self._first = lengths.cumsum(0) - lengths
        self._frame_durations = torch.tensor([motion.frame_duration for motion in loaded], device=self.device)
        self._durations = torch.tensor([motion.duration for motion in loaded], device=self.device)
        self._weights = torch.tensor([motion.weight for motion in loaded], device=self.device)
        self._preloaded: tuple[torch.Tensor, torch.Tensor] | None = None
        if num_preload_transitions:
            self._preloaded = self.sample(num_preload_transitions)

    @property
    def observation_dim(self) -> int:
        """Number of columns of a state."""
        return self.state_fields.size

    def sample_motions(self, num_samples: int) -> torch.Tensor:
        """Indices of motions (B,) int64, drawn by their weights."""
        return torch.multinomial(self._weights, num_samples, replacement=True, generator=self.generator)

    def sample_times(self, motion_ids: torch.Tensor) -> torch.Tensor:
        """Times (B,) in s, uniform where a transition fits in; ``motion_ids (B,)``."""
        latest = self._durations[motion_ids] - self.time_between_frames
        return latest * torch.rand(len(motion_ids), generator=self.generator, device=self.device)

    def frames_at(self, motion_ids: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """All fields of motions ``(B,)`` at ``times (B,)`` in s, clipped to the motion: ``(B, D)``.

        Between frames rotations are interpolated on the sphere, everything else linearly.
        """
        last = self._num_frames[motion_ids] - 1
        position = (times / self._frame_durations[motion_ids]).clamp(min=0.0)
        position = torch.minimum(position, last.to(position.dtype))
        # The frame before, the last but one at the very end.
        before = torch.minimum(position.long(), last - 1)
        blend = position - before
        start = self._frames[self._first[motion_ids] + before]
        end = self._frames[self._first[motion_ids] + before + 1]
        frames = torch.lerp(start, end, blend.unsqueeze(-1))
        for columns in self._rotations:
            frames[:, columns] = slerp(start[:, columns], end[:, columns], blend)
        return frames

    def states_at(self, motion_ids: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """As ``frames_at``, the fields of a state alone: ``(B, observation_dim)``."""
        return self.fields.select(self.frames_at(motion_ids, times), self.state_fields.names)

    def sample(self, num_samples: int) -> tuple[torch.Tensor, torch.Tensor]:
        """States and the states one step later, each ``(B, observation_dim)``."""
        if self._preloaded is not None:
            states, next_states = self._preloaded
            chosen = torch.randint(len(states), (num_samples,), generator=self.generator, device=self.device)
            return states[chosen], next_states[chosen]
        motion_ids = self.sample_motions(num_samples)
        times = self.sample_times(motion_ids)
        return self.states_at(motion_ids, times), self.states_at(motion_ids, times + self.time_between_frames)

    def feed_forward_generator(
        self, num_mini_batches: int, mini_batch_size: int
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """``num_mini_batches`` draws of ``sample``."""
        for _ in range(num_mini_batches):
            yield self.sample(mini_batch_size)
