"""Work on tensors that is recorded once and done again without Python: CUDA graphs behind a small interface."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol

import torch


class Recording(Protocol):
    """Work that can be done again without Python."""

    def rehearse(self, work: Callable[[], None]) -> None:
        """Do ``work`` once, as it will be recorded: kernels are loaded and lasting tensors are made."""

    def record(self, work: Callable[[], None]) -> None:
        """Do ``work`` once, and take down what it does to tensors."""

    def replay(self) -> None:
        """Do it again, on the tensors and at the addresses of the recording."""


class CudaRecording:
    """A CUDA graph; random numbers are drawn anew in every replay."""

    def __init__(self, generator: torch.Generator | None = None) -> None:
        """``generator``: what the work draws from, besides the device's own."""
        self._graph = torch.cuda.CUDAGraph()
        self._stream = _recorded_stream(torch.cuda.current_device())
        if generator is not None:
            self._graph.register_generator_state(generator)

    def rehearse(self, work: Callable[[], None]) -> None:
        """See ``Recording``; in the stream of the recording, to which derivatives remain bound."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            work()
        torch.cuda.current_stream().wait_stream(self._stream)

    def record(self, work: Callable[[], None]) -> None:
        """See ``Recording``; a recording alone does nothing, so it is replayed once."""
        torch.cuda.synchronize()
        with torch.cuda.graph(self._graph, stream=self._stream, capture_error_mode="thread_local"):
            work()
        self.replay()

    def replay(self) -> None:
        """Queue the graph in the current stream."""
        self._graph.replay()


@cache
def _recorded_stream(device: int) -> torch.cuda.Stream:
    """One stream for all recordings of a device: what one leaves behind must not be waited for by another."""
    return torch.cuda.Stream(device)
