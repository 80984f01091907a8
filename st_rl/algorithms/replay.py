"""Gradient steps as graphs: on a GPU launching the kernels of a small network takes longer than running them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from st_rl.storage.rollout_storage import Batch
from st_rl.utils.attributes import field_values
from st_rl.utils.recording import CudaRecording, Recording

Learn = Callable[[Batch, bool], dict[str, torch.Tensor]]
"""A gradient step on a mini-batch, adapting the learning rate or not; returns what is to be logged, 0-d."""


class ReplayedSteps:
    """Does what ``learn`` does; from its third step on as replays of two recordings, adapting and not.

    For mini-batches of one size, without sequences. What ``learn`` does must depend on nothing but the contents of
    tensors that stay where they are; the optimizer's state is one of those from the first step on.
    """

    def __init__(self, learn: Learn, recording: Callable[[], Recording] = CudaRecording) -> None:
        """``recording`` makes the graphs."""
        self._learn, self._make_recording = learn, recording
        self._batch: Batch | None = None
        self._rehearsed: dict[bool, Recording] = {}
        self._recorded: set[bool] = set()
        self._answers: dict[bool, dict[str, torch.Tensor]] = {False: {}, True: {}}

    def __call__(self, batch: Batch, adapt: bool) -> dict[str, torch.Tensor]:
        """As ``learn``; the numbers returned are overwritten by the next call."""
        if self._batch is None:
            self._batch = _copy(batch)
        target, answer = self._batch, self._answers[adapt]
        _overwrite(target, batch)

        def work() -> None:
            answer.update(self._learn(target, adapt))

        if adapt in self._recorded:
            self._rehearsed[adapt].replay()
        elif adapt in self._rehearsed:
            self._rehearsed[adapt].record(work)
            self._recorded.add(adapt)
        else:
            self._rehearsed[adapt] = self._make_recording()
            self._rehearsed[adapt].rehearse(work)
        return answer


def _copy(batch: Batch) -> Batch:
    """A batch of its own memory; what the critic sees stays the actor's tensor where it was."""
    copies = {name: value.clone() for name, value in _tensors(batch).items()}
    copies.setdefault("critic_obs", copies["obs"])
    return replace(batch, **copies, extras={name: value.clone() for name, value in batch.extras.items()})


def _overwrite(target: Batch, source: Batch) -> None:
    pairs = list(zip(_tensors(target).values(), _tensors(source).values(), strict=True))
    pairs += [(target.extras[name], value) for name, value in source.extras.items()]
    for old, new in pairs:
        old.copy_(new)


def _tensors(batch: Batch) -> dict[str, torch.Tensor]:
    values = field_values(batch)
    if batch.critic_obs is batch.obs:
        del values["critic_obs"]
    return {name: value for name, value in values.items() if isinstance(value, torch.Tensor)}
