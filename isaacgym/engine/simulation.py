"""A simulation: parameters, grounds and environments while it is put together, then the engine and its tensors."""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

import copy
import logging
import time
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np
import torch
from torch import Tensor

from isaacgym.api.enums import SimType
from isaacgym.api.handles import Env
from isaacgym.api.params import SimParams
from isaacgym.api.vectors import Vec3
from isaacgym.engine import fields as world_fields
from isaacgym.engine.actors import Actor
from isaacgym.engine.choice import choose_engine, make_physics
from isaacgym.engine.drives import Drives
from isaacgym.engine.dynamics import Dynamics
from isaacgym.engine.errors import GymError
from isaacgym.engine.grounds import Ground
from isaacgym.engine.physics import Physics
from isaacgym.engine.sensors import ForceSensors
from isaacgym.engine.tensors import StateTensors
from isaacgym.engine.worlds import Options, World, compile_world

if TYPE_CHECKING:
    from isaacgym.engine.cameras import Cameras

log = logging.getLogger(__name__)


class Sim:
    """What ``create_sim`` returns. ``prepare`` turns the description into running worlds."""

    def __init__(self, compute_device: int, graphics_device: int, kind: SimType, params: SimParams) -> None:
        self.kind, self.graphics_device = kind, graphics_device
        self.params = copy.deepcopy(params)
        self.engine_name, self.device = choose_engine(compute_device, self.params)
        self.grounds: list[Ground] = []
        self.envs: list[Env] = []
        self.frames, self.time = 0, 0.0
        self.started = time.monotonic()
        self.last_step_seconds = 0.0
        self._clock_start: float | None = None
        self.cameras: Cameras | None = None
        self._live: Live | None = None
        self._closed = False

    # ---------------------------------------------------------------- putting together

    def add_ground(self, ground: Ground) -> None:
        """Add a ground under all environments."""
        self.require_open("adding a ground")
        self.grounds.append(ground)

    def add_env(self, lower: Vec3, upper: Vec3, per_row: int) -> Env:
        """Return a new environment; environments stand in rows of ``per_row``, as far apart as they are large."""
        self.require_open("creating an environment")
        index = len(self.envs)
        row, column = divmod(index, max(per_row, 1))
        size = upper - lower
        origin = Vec3(column * size.x, row * size.y, 0.0)
        env = Env(self, index, origin)
        self.envs.append(env)
        return env

    def require_open(self, what: str) -> None:
        """Raise where the worlds already run."""
        self._require_alive()
        if self._live is not None:
            raise GymError(f"{what} must come before prepare_sim, which has already been called")

    def _require_alive(self) -> None:
        if self._closed:
            raise GymError("this simulation has been destroyed")

    # ---------------------------------------------------------------- running

    @property
    def is_prepared(self) -> bool:
        """Whether ``prepare_sim`` has been called."""
        return self._live is not None

    @property
    def live(self) -> Live:
        """What runs; raises before ``prepare_sim``."""
        self._require_alive()
        if self._live is None:
            raise GymError("call gym.prepare_sim(sim) first, after all environments and actors have been created")
        return self._live

    def prepare(self) -> None:
        """Build the worlds; a second call does nothing."""
        self._require_alive()
        if self._live is None:
            self._require_equal_envs()
            self._live = Live(self)

    def _require_equal_envs(self) -> None:
        if not self.envs or not self.envs[0].actors:
            raise GymError("prepare_sim needs at least one environment with an actor in it")
        first = _signature(self.envs[0].actors)
        for env in self.envs:
            if _signature(env.actors) != first:
                raise GymError(
                    f"environment {env.index} holds other assets than environment 0; all environments must hold "
                    "the same assets in the same order, with the same scales"
                )

    def simulate(self) -> None:
        """Advance all worlds by ``params.dt``."""
        if self._live is None:
            self.prepare()
        start = time.perf_counter()
        self.live.simulate()
        self.last_step_seconds = time.perf_counter() - start
        self.frames += 1
        self.time += self.params.dt

    def frame_clock(self) -> float:
        """Return the wall-clock time, s, on a clock that agreed with the simulation's when it was first asked.

        The clock starts afresh where it is over a second off, as after a pause.
        """
        now = time.monotonic()
        if self._clock_start is None or abs(now - self._clock_start - self.time) > 1.0:
            self._clock_start = now - self.time
        return now - self._clock_start

    def set_params(self, params: SimParams) -> None:
        """Take over new parameters; only gravity may change once the worlds run."""
        old, self.params = self.params, copy.deepcopy(params)
        if self._live is None:
            return
        if (old.dt, old.substeps) != (params.dt, params.substeps):
            self.params = old
            raise GymError("dt and substeps cannot change after prepare_sim")
        if old.gravity != params.gravity:
            self._live.physics.set_gravity(np.array(params.gravity.values()))

    def mark_changed(self, env: Env) -> None:
        """Remember that properties of an environment's actors changed, to be applied at the next ``simulate``."""
        if self._live is not None:
            self._live.changed.add(env.index)

    def close(self) -> None:
        """Free the engine; later calls raise."""
        if self.cameras is not None:
            self.cameras.close()
        if self._live is not None:
            self._live.physics.close()
        self._live, self._closed = None, True


def _signature(actors: list[Actor]) -> list[tuple[Any, ...]]:
    return [(id(actor.asset.blueprint), actor.scale) for actor in actors]


class Live:
    """The running worlds of a simulation."""

    def __init__(self, sim: Sim) -> None:
        self._sim = sim
        params, envs = sim.params, [env.actors for env in sim.envs]
        self.substeps = max(params.substeps, 1)
        self.options = Options(params.dt / self.substeps, params.gravity.values())
        self.world: World = compile_world(envs[0], sim.grounds, self.options)
        self._fields = world_fields.gather(self.world, envs, sim.grounds)
        different = world_fields.write_shared(self.world.model, self._fields)
        self._different = frozenset(different)
        mujoco.mj_setConst(self.world.model, mujoco.MjData(self.world.model))
        self.changed: set[int] = set()
        self.physics: Physics = make_physics(sim.engine_name, sim.device, self.world, len(envs), params, different)
        with torch.inference_mode(False), torch.no_grad():
            self._make_tensors(envs)
            self._set_initial_state(envs)

    def _make_tensors(self, envs: list[list[Actor]]) -> None:
        physics = self.physics
        self.com = torch.zeros(len(envs), len(self.world.body_ids), 3).to(physics.qpos)
        self._take_com()
        self.tensors = StateTensors(self.world, physics, envs[0], len(envs), self.com)
        self.drives = Drives(self.world, physics, len(envs))
        self.drives.take_properties(envs)
        self.dynamics = Dynamics(self, [actor.name for actor in envs[0]])
        self.sensors = ForceSensors(self.world, physics, envs[0], len(envs))
        self._applied: Tensor | None = None
        self._pushed = False
        self._root_limits = [
            (slot.root_qvel, *self._limits_of(actor))
            for slot, actor in zip(self.world.slots, envs[0], strict=True)
            if slot.root_qvel >= 0
        ]

    def _limits_of(self, actor: Actor) -> tuple[Tensor, Tensor]:
        """Return the least and the largest components of the velocity of an actor's free joint, (6,) each."""
        options = actor.asset.blueprint.options
        most = torch.tensor([options.max_linear_velocity] * 3 + [options.max_angular_velocity] * 3)
        most = most.to(self.physics.qvel)
        return -most, most

    def _take_com(self) -> None:
        self.com.copy_(torch.from_numpy(self._fields["body_ipos"][:, self.world.body_ids]))

    def _set_initial_state(self, envs: list[list[Actor]]) -> None:
        tensors = self.tensors
        rows = np.zeros((len(envs), tensors.num_actors, 13), np.float32)
        for index, actors in enumerate(envs):
            for slot, actor in enumerate(actors):
                rows[index, slot, 0:3], rows[index, slot, 3:7] = actor.pos, actor.quat
        device = tensors.root.device
        everyone = torch.ones(tensors.root.shape[0], dtype=torch.bool, device=device)
        tensors.write_root(torch.as_tensor(rows, device=device).view(-1, 13), everyone)
        if tensors.num_dofs:
            states = np.concatenate([actor.dof_states for actors in envs for actor in actors])
            values = np.stack([states["pos"], states["vel"]], axis=-1)
            tensors.write_dof(torch.as_tensor(values, device=device), everyone)
        tensors.refresh_root()
        tensors.refresh_dof()
        tensors.refresh_bodies()

    # ---------------------------------------------------------------- stepping

    def simulate(self) -> None:
        """Advance by one ``dt`` and forget the efforts and forces that were given for it."""
        if self.changed:
            self._apply_changes()
        with torch.no_grad():
            self.drives.command()
            self.physics.step(self.substeps)
            self._limit_speeds()
            self.drives.forget_efforts()
            self._applied = None
            if self._pushed:
                self._applied = self.physics.xfrc.clone()
                self.physics.xfrc.zero_()
                self._pushed = False

    def _limit_speeds(self) -> None:
        self.drives.limit_speeds()
        for at, least, most in self._root_limits:
            self.physics.qvel[:, at : at + 6].clamp_(least, most)

    def push(self, forces: Tensor | None, torques: Tensor | None) -> None:
        """Add forces at the centers of mass and torques, (N, B, 3) world axes, for the next ``simulate``."""
        ids = torch.as_tensor(self.world.body_ids, device=self.physics.xfrc.device)
        for start, values in ((0, forces), (3, torques)):
            if values is not None:
                part = self.physics.xfrc[:, :, start : start + 3]
                part.index_add_(1, ids, values.to(part.dtype))
                self._pushed = True

    def refresh_contacts(self) -> None:
        """Fill the tensor of net contact forces."""
        self.tensors.refresh_contacts(self._applied)

    def refresh_sensors(self) -> None:
        """Fill the tensor of force sensors."""
        gravity = torch.tensor(self._sim.params.gravity.values())
        self.sensors.refresh(self.tensors, self._applied, gravity, self.masses())

    def masses(self) -> Tensor:
        """(N, B) kg."""
        return torch.from_numpy(self._fields["body_mass"][:, self.world.body_ids]).to(self.physics.qpos)

    def inertias(self) -> Tensor:
        """(N, B, 3, 3) kg m^2, about the centers of mass, in body axes."""
        rows = [np.concatenate([actor.bodies["inertia"] for actor in env.actors]) for env in self._sim.envs]
        return torch.from_numpy(np.stack(rows)).to(self.physics.qpos)

    def fields_per_world(self) -> world_fields.Fields:
        """Return the fields of the model that differed between worlds at the start, (N, ...)."""
        return {name: self._fields[name] for name in self._different}

    def armatures(self) -> Tensor:
        """(N, D) kg m^2 or kg."""
        return torch.from_numpy(self._fields["dof_armature"][:, self.world.dof_qvel]).to(self.physics.qpos)

    # ---------------------------------------------------------------- changes while running

    def _apply_changes(self) -> None:
        rows = sorted(self.changed)
        self.changed.clear()
        envs = [self._sim.envs[index].actors for index in rows]
        new = world_fields.gather(self.world, envs, self._sim.grounds)
        touched = False
        for name, values in new.items():
            if not np.array_equal(self._fields[name][rows], values):
                self._fields[name][rows] = values
                self.physics.set_field(name, self._fields[name])
                touched = True
        if touched:
            self.physics.finish_fields()
        self._take_com()
        self.drives.take_properties([env.actors for env in self._sim.envs])
