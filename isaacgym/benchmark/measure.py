"""The loop of an environment against the same model stepped by the bare engine, in turns."""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

import copy
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mujoco.batch import Batch
from torch import Tensor

from isaacgym.benchmark.walkers import Walkers, WalkersCfg


class BareEngine:
    """The worlds of an environment in a batch of their own, with its PD law as the model's actuators."""

    def __init__(self, env: Walkers) -> None:
        live, cfg = env.sim.live, env.cfg
        self._live, self._decimation = live, cfg.decimation
        model = copy.copy(live.world.model)
        model.actuator_gainprm[:, 0] = cfg.stiffness
        model.actuator_biasprm[:, 1], model.actuator_biasprm[:, 2] = -cfg.stiffness, -cfg.damping
        self._batch = Batch(model, env.num_envs, cfg.num_threads)
        for name, values in live.fields_per_world().items():
            target = self._batch.expand(name)
            target[:] = values.reshape(target.shape)
        self._batch.set_const()
        self.qpos, self.qvel, self._ctrl, self._warmstart = (
            self._batch.bind(name) for name in ("qpos", "qvel", "ctrl", "qacc_warmstart")
        )

    def start(self) -> None:
        """Take over the present state of the environment."""
        self.qpos[:], self.qvel[:] = self._live.physics.qpos.numpy(), self._live.physics.qvel.numpy()
        self._warmstart[:] = 0.0

    def step(self, targets: Tensor) -> None:
        """Advance by one control step toward the joint positions ``targets`` (N, A), rad."""
        np.copyto(self._ctrl, targets.numpy())
        self._batch.step(nstep=self._decimation)


def measure(asset: Path, *, worlds: int, rounds: int, steps: int, cfg: WalkersCfg) -> dict[str, Any]:
    """Return what an environment with the robot of an URDF file makes, beside the bare engine.

    ``isaacgym_over_physics`` is the median over ``rounds`` of the ratio of rates within a round by the wall clock,
    ``isaacgym_over_physics_cpu`` the same by processor time, which other programs disturb less; rates are medians
    in control steps of one world per second of the wall clock. Raises ``ValueError`` for sizes below one.
    """
    if min(worlds, rounds, steps) < 1:
        raise ValueError("worlds, rounds and steps must be 1 or more")
    env = Walkers(asset, worlds, cfg)
    try:
        if env.sim.engine_name != "mujoco":
            raise ValueError("this compares with MuJoCo's engine on the CPU: leave ISAACGYM_ENGINE empty")
        bare = BareEngine(env)
        actions = torch.randn((steps, worlds, env.num_actions), generator=torch.Generator().manual_seed(0))
        targets = env.stance + cfg.action_scale * actions
        _time(env.step, actions)
        pairs = []
        for _ in range(rounds):
            bare.start()
            pairs.append((_time(bare.step, targets), _time(env.step, actions)))
    finally:
        env.close()
    total = worlds * steps
    return {
        "worlds": worlds,
        "rounds": rounds,
        "isaacgym_over_physics": statistics.median(bare[0] / loop[0] for bare, loop in pairs),
        "isaacgym_over_physics_cpu": statistics.median(bare[1] / loop[1] for bare, loop in pairs),
        "isaacgym_physics_steps_per_second": statistics.median(total / bare[0] for bare, _ in pairs),
        "isaacgym_steps_per_second": statistics.median(total / loop[0] for _, loop in pairs),
    }


def _time(step: Callable[[Tensor], Any], inputs: Tensor) -> tuple[float, float]:
    """Return how long ``step`` takes for all inputs, s: by the wall clock and of all cores together."""
    wall, processor = time.perf_counter(), _processor()
    for value in inputs:
        step(value)
    return time.perf_counter() - wall, _processor() - processor


def _processor() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
