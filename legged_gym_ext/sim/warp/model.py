"""The engine of the ``warp`` backend: MuJoCo Warp's model and data, and launches recorded as graphs."""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import mujoco
import torch
import warp as wp

# Before the engine is imported: otherwise Warp reports its devices, and a missing driver, on the standard streams.
wp.config.quiet = True
wp.config.log_level = wp.LOG_ERROR

import mujoco_warp as mjw  # noqa: E402

from legged_gym_ext.sim.warp.dynamics import BATCHED  # noqa: E402

log = logging.getLogger(__name__)

MAX_CONTACTS, MAX_CONSTRAINTS = 16, 96
"""Per world, on average and at most; a robot that lies on boxes needs about half of each."""
_MIN_CONTACTS = 256
"""For all worlds together: few worlds cannot borrow from each other."""
NO_ROOM = int(mjw.OverflowType.ALL & ~(mjw.OverflowType.ITERATIONS | mjw.OverflowType.LS_ITERATIONS))
"""Bits of the engine's overflow flags that mean lost contacts; a solver at its last iteration is no loss."""
_BOX_FIELDS = ("geom_size", "geom_aabb", "geom_rbound")


@contextlib.contextmanager
def _standard_error_closed() -> Iterator[None]:
    """Silence what compiled code writes: Warp warns of a missing driver wherever there is no GPU to drive."""
    kept = os.dup(2)
    with open(os.devnull, "w", encoding="ascii") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def wp_device(device: torch.device) -> Any:
    """Warp's name of a torch device."""
    with _standard_error_closed():
        wp.init()
    if device.type == "cuda" and device.index is None:
        # Warp asks for a number where torch means the current device.
        device = torch.device("cuda", torch.cuda.current_device())
    return wp.device_from_torch(device)


def make_engine(model: mujoco.MjModel, num_envs: int, *, boxes: bool) -> tuple[Any, Any]:
    """MuJoCo Warp's model and data on Warp's current device, with a world's own dynamics and, if asked, boxes."""
    # The engine knows no automatic reset, so the flag that forbids it is unknown to it. Contact forces are asked for
    # by an option, so it needs no sensor for them.
    model.opt.disableflags &= ~int(mujoco.mjtDisableBit.mjDSBL_AUTORESET)
    model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_SENSOR)
    names = (*BATCHED, *(_BOX_FIELDS if boxes else ()))
    engine = mjw.put_model(model, batch_sizes=dict.fromkeys(names, num_envs))
    engine.opt.warn_overflow = 0
    engine.opt.graph_conditional = not wp.get_device().is_cuda or wp.is_conditional_graph_supported()
    contacts = max(MAX_CONTACTS * num_envs, _MIN_CONTACTS)
    data = mjw.make_data(model, nworld=num_envs, naconmax=contacts, njmax=MAX_CONSTRAINTS)
    return engine, data


class Launches:
    """Runs functions made of Warp launches; from its second run on, each is replayed as one graph.

    The first run loads the kernels, which a recording must not. What a function launches must not depend on anything
    but the contents of arrays that stay where they are. On a GPU everything runs in torch's current stream, so
    tensors and arrays need no synchronization; while torch records a graph of its own, launches become a part of it.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = wp_device(device)
        self._graphs: dict[Callable[[], None], Any] = {}

    def __call__(self, function: Callable[[], None]) -> None:
        """Run ``function`` or its graph."""
        with wp.ScopedDevice(self._device), self._stream() as stream:
            if self._device.is_cuda and torch.cuda.is_current_stream_capturing():
                function()
                return
            if function not in self._graphs:
                self._graphs[function] = None
                function()
                return
            if self._graphs[function] is None:
                self._graphs[function] = self._record(function)
            wp.capture_launch(self._graphs[function], stream=stream)

    def _stream(self) -> contextlib.AbstractContextManager[Any]:
        if not self._device.is_cuda:
            return contextlib.nullcontext()
        return wp.ScopedStream(wp.stream_from_torch(wp.device_to_torch(self._device)), sync_enter=False)

    def _record(self, function: Callable[[], None]) -> Any:
        # torch's usual stream cannot be recorded, so a stream of its own is, and the graph may run in any.
        stream = wp.Stream(self._device) if self._device.is_cuda else None
        with wp.ScopedCapture(stream=stream) as capture, wp.ScopedStream(stream, sync_enter=False):
            function()
        return capture.graph

    def clear(self) -> None:
        """Forget the recordings and free their memory."""
        self._graphs.clear()
