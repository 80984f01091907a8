"""The CPU pipeline: MuJoCo's batch, double precision, as many threads as asked for."""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

import logging
import math
import warnings

import mujoco
import numpy as np
import torch
from mujoco.batch import Batch
from torch import Tensor

from isaacgym.engine.physics import Physics, repair

log = logging.getLogger(__name__)
# Otherwise the engine reports broken worlds on stderr and in a file in the working directory.
mujoco.set_mju_user_warning(log.debug)

FRICTION_STIFFNESS = 10.0
"""Stiffness of friction over that of the normal direction. With 1, the engine's own, feet that push outwards creep
ten times as fast: ANYmal C sank by 4 mm a second where it stood. Single precision, in which Warp computes, does not
bear it: contacts with a friction of 0.01 broke their worlds."""


class MujocoPhysics(Physics):
    """See ``Physics``; tensors are on the CPU, float64."""

    def __init__(self, model: mujoco.MjModel, num_worlds: int, num_threads: int, *, sensors: bool) -> None:
        self.device = torch.device("cpu")
        self._damps = _actuators_damp(model.actuator_biasprm)
        if not self._damps:
            # The same step as the implicit integrator's where only joints damp, in nine tenths of the time.
            model.opt.integrator = mujoco.mjtIntegrator.mjINT_EULER
        model.opt.impratio = FRICTION_STIFFNESS
        self._batch = Batch(model, num_worlds, num_threads)
        bind = self._batch.bind
        self.qpos, self.qvel = torch.from_numpy(bind("qpos")), torch.from_numpy(bind("qvel"))
        self.ctrl, self.xfrc = torch.from_numpy(bind("ctrl")), torch.from_numpy(bind("xfrc_applied"))
        self.mocap_pos = torch.from_numpy(bind("mocap_pos")).view(num_worlds, -1, 3)
        self.mocap_quat = torch.from_numpy(bind("mocap_quat")).view(num_worlds, -1, 4)
        with warnings.catch_warnings():
            # torch warns that it could write into the engine's read-only outputs; nothing here does.
            warnings.simplefilter("ignore", UserWarning)
            self._wrenches = torch.from_numpy(bind("cfrc_ext"))
            self._forces = torch.from_numpy(bind("actuator_force"))
            self._tree_com = torch.from_numpy(bind("subtree_com")) if sensors else None

        self._warmstart = torch.from_numpy(bind("qacc_warmstart"))
        self._home: Tensor | None = None

    def step(self, count: int) -> None:
        if self._home is None:
            self._home = self.qpos.clone()
        self._batch.step(nstep=count)
        # A sum is finite where all of its parts are, and the quickest to find.
        if not math.isfinite(float(self.qvel.sum()) + float(self.qpos.sum())):
            log.warning("the state of a world was not finite; it was put back to where it started")
            repair(self, self._home)
            self._warmstart.nan_to_num_(0.0, 0.0, 0.0)

    def contact_wrenches(self) -> Tensor:
        return self._wrenches

    def tree_com(self) -> Tensor:
        if self._tree_com is None:
            raise RuntimeError("the subtree's center of mass is only kept where there are force sensors")
        return self._tree_com

    def actuator_forces(self) -> Tensor:
        return self._forces

    def set_field(self, name: str, values: np.ndarray) -> None:
        target = self._batch.expand(name)
        target[:] = values.reshape(target.shape)
        if name == "actuator_biasprm" and not self._damps and _actuators_damp(values):
            self._damps = True
            self._batch.expand("opt.integrator")[:] = mujoco.mjtIntegrator.mjINT_IMPLICITFAST

    def finish_fields(self) -> None:
        self._batch.set_const()

    def set_gravity(self, gravity: np.ndarray) -> None:
        self._batch.expand("opt.gravity")[:] = gravity
        self._batch.set_const()

    def close(self) -> None:
        """Nothing is held beyond this object."""


def _actuators_damp(biasprm: np.ndarray) -> bool:
    """Return whether any actuator's force depends on a speed, by ``biasprm`` (..., nbias) of the model."""
    return bool(np.any(biasprm[..., 2]))
