"""The GPU pipeline: MuJoCo Warp, single precision, on an NVIDIA GPU or, for tests, on Warp's CPU device.

The engine's arrays are seen as torch tensors, so nothing goes through the host. A physics step is recorded once and
replayed as one graph, in torch's current stream.
"""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Any

import mujoco
import numpy as np
import torch
import warp as wp
from torch import Tensor

from isaacgym.engine.physics import Physics, repair

# Before the engine is imported: otherwise Warp reports its devices, and a missing driver, on the standard streams.
wp.config.quiet = True
wp.config.log_level = wp.LOG_ERROR

import mujoco_warp as mjw  # noqa: E402

log = logging.getLogger(__name__)

BATCHED = (
    "body_mass",
    "body_ipos",
    "body_iquat",
    "body_inertia",
    "body_subtreemass",
    "body_invweight0",
    "geom_friction",
    "geom_solref",
    "pair_friction",
    "pair_solref",
    "dof_damping",
    "dof_frictionloss",
    "dof_armature",
    "dof_invweight0",
    "jnt_stiffness",
    "jnt_range",
    "actuator_biasprm",
    "actuator_forcerange",
)
"""Fields of the engine's model that every world may have its own values of."""
MIN_CONTACTS = 256
"""For all worlds together: few worlds cannot borrow from each other."""
NO_ROOM = int(mjw.OverflowType.ALL & ~(mjw.OverflowType.ITERATIONS | mjw.OverflowType.LS_ITERATIONS))
"""Bits of the engine's overflow flags that mean lost contacts; a solver at its last iteration is no loss."""
CHECK_EVERY = 1000
"""Steps between looks at the overflow flags, for which the host waits."""


class WarpPhysics(Physics):
    """See ``Physics``; tensors are float32."""

    def __init__(self, model: mujoco.MjModel, num_worlds: int, device: torch.device) -> None:
        self._device = _wp_device(device)
        self.device = torch.device(wp.device_to_torch(self._device))
        # The engine has no automatic reset to disable, and contact forces are asked for by an option, not a sensor.
        model.opt.disableflags &= ~int(mujoco.mjtDisableBit.mjDSBL_AUTORESET)
        model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_SENSOR)
        contacts, constraints = _room(model)
        with wp.ScopedDevice(self._device):
            self._model = mjw.put_model(model, batch_sizes=dict.fromkeys(BATCHED, num_worlds))
            self._model.opt.warn_overflow = 0
            self._model.opt.graph_conditional = not self._device.is_cuda or wp.is_conditional_graph_supported()
            self._data = mjw.make_data(
                model, nworld=num_worlds, naconmax=max(contacts * num_worlds, MIN_CONTACTS), njmax=constraints
            )
            wp.synchronize_device()
        data = self._data
        self.qpos, self.qvel, self.ctrl = (wp.to_torch(array) for array in (data.qpos, data.qvel, data.ctrl))
        self.xfrc = wp.to_torch(data.xfrc_applied).view(num_worlds, -1, 6)
        self.mocap_pos = wp.to_torch(data.mocap_pos).view(num_worlds, -1, 3)
        self.mocap_quat = wp.to_torch(data.mocap_quat).view(num_worlds, -1, 4)
        self._wrenches = wp.to_torch(data.cfrc_ext).view(num_worlds, -1, 6)
        self._tree_com = wp.to_torch(data.subtree_com).view(num_worlds, -1, 3)
        self._forces = wp.to_torch(data.actuator_force)
        self._fields = {name: wp.to_torch(_field(self._model, name)) for name in BATCHED}
        self._graphs: dict[int, Any] = {}
        self._steps = 0
        self._warned = False
        self._home: Tensor | None = None
        self._warmstart = wp.to_torch(data.qacc_warmstart)

    # ---------------------------------------------------------------- stepping

    def step(self, count: int) -> None:
        if self._home is None:
            self._home = self.qpos.clone()
        with wp.ScopedDevice(self._device), self._stream() as stream:
            if self._device.is_cuda and torch.cuda.is_current_stream_capturing():
                self._launch(count)
            elif count not in self._graphs:
                # The first run loads the kernels, which a recording must not.
                self._graphs[count] = None
                self._launch(count)
            else:
                if self._graphs[count] is None:
                    self._graphs[count] = self._record(count)
                wp.capture_launch(self._graphs[count], stream=stream)
        repair(self, self._home)
        self._warmstart.nan_to_num_(0.0, 0.0, 0.0)
        self._steps += 1
        if self._steps % CHECK_EVERY == 0:
            self._warn_of_lost_contacts()

    def _launch(self, count: int) -> None:
        for substep in range(count):
            self._model.opt.run_rne_postconstraint = substep == count - 1
            mjw.step(self._model, self._data)

    def _stream(self) -> contextlib.AbstractContextManager[Any]:
        if not self._device.is_cuda:
            return contextlib.nullcontext()
        return wp.ScopedStream(wp.stream_from_torch(wp.device_to_torch(self._device)), sync_enter=False)

    def _record(self, count: int) -> Any:
        # torch's usual stream cannot be recorded, so a stream of its own is, and the graph may run in any.
        stream = wp.Stream(self._device) if self._device.is_cuda else None
        with wp.ScopedCapture(stream=stream) as capture, wp.ScopedStream(stream, sync_enter=False):
            self._launch(count)
        return capture.graph

    def _warn_of_lost_contacts(self) -> None:
        if not self._warned and bool((wp.to_torch(self._data.overflow) & NO_ROOM != 0).any()):
            self._warned = True
            log.warning("some worlds had more contacts than there is room for; the rest was left out")

    # ---------------------------------------------------------------- results

    def contact_wrenches(self) -> Tensor:
        return self._wrenches

    def tree_com(self) -> Tensor:
        return self._tree_com

    def actuator_forces(self) -> Tensor:
        return self._forces

    # ---------------------------------------------------------------- fields

    def set_field(self, name: str, values: np.ndarray) -> None:
        target = self._fields[name]
        target.copy_(torch.from_numpy(np.ascontiguousarray(values)).reshape(target.shape))

    def finish_fields(self) -> None:
        kept = [tensor.clone() for tensor in (self.qpos, self.qvel)]
        with wp.ScopedDevice(self._device):
            mjw.set_const(self._model, self._data)
            wp.synchronize_device()
        for tensor, values in zip((self.qpos, self.qvel), kept, strict=True):
            tensor.copy_(values)

    def set_gravity(self, gravity: np.ndarray) -> None:
        tensor = wp.to_torch(self._model.opt.gravity)
        tensor.copy_(torch.from_numpy(gravity).to(tensor))

    def close(self) -> None:
        self._graphs.clear()


def _room(model: mujoco.MjModel) -> tuple[int, int]:
    """Return how many contacts, on average, and constraints, at most, a world has room for.

    A robot that lies on the ground has two contacts for every few shapes; a contact takes four constraints, a limit
    and a joint's friction one each.
    """
    shapes = int(np.sum(model.geom_bodyid != 0))
    contacts = max(32, 2 * shapes)
    return contacts, 4 * contacts + 2 * int(model.nv)


def _field(model: Any, name: str) -> Any:
    return vars(model)[name]


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


def _wp_device(device: torch.device) -> Any:
    """Return Warp's name of a torch device."""
    with _standard_error_closed():
        wp.init()
    if device.type == "cuda" and device.index is None:
        # Warp asks for a number where torch means the current device.
        device = torch.device("cuda", torch.cuda.current_device())
    return wp.device_from_torch(device)
