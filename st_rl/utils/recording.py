"""Work on tensors that is recorded once and done again without Python: CUDA graphs behind a small interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch


class Recording(Protocol):
    """Work that can be done again without Python."""

    def record(self, work: Callable[[], None]) -> None:
        """Do ``work`` once, and take down what it does to tensors."""

    def replay(self) -> None:
        """Do it again, on the tensors and at the addresses of the recording."""


class CudaRecording:
    """A CUDA graph; random numbers are drawn anew in every replay."""

    def __init__(self, generator: torch.Generator | None = None) -> None:
        """``generator``: what the work draws from, besides the device's own."""
        self._graph = torch.cuda.CUDAGraph()
        if generator is not None:
            self._graph.register_generator_state(generator)

    def record(self, work: Callable[[], None]) -> None:
        """See ``Recording``; a recording alone does nothing, so it is replayed once."""
        torch.cuda.synchronize()
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            work()
        self.replay()

    def replay(self) -> None:
        """Queue the graph in the current stream."""
        self._graph.replay()
