"""Simulations, grounds, environments, stepping."""

from __future__ import annotations

import copy
import time
from typing import Any

import numpy as np

from isaacgym.api.enums import SimType
from isaacgym.api.handles import Env, PerformanceTimers
from isaacgym.api.params import HeightFieldParams, PlaneParams, SimParams, TriangleMeshParams, Version
from isaacgym.api.vectors import Vec3
from isaacgym.engine.errors import GymError
from isaacgym.engine.ground_import import height_field_of, mesh_grounds_of, plane_of
from isaacgym.engine.simulation import Sim


class SimulationMethods:
    """See the module."""

    def create_sim(
        self,
        compute_device: int = 0,
        graphics_device: int = 0,
        type: SimType | int = SimType.SIM_PHYSX,
        params: SimParams | None = None,
    ) -> Sim:
        """Return a new simulation. ``graphics_device`` -1 means that nothing will be drawn."""
        return Sim(compute_device, graphics_device, SimType(type), params or SimParams())

    def destroy_sim(self, sim: Sim) -> None:
        """Free a simulation."""
        sim.close()

    def get_sim_params(self, sim: Sim) -> SimParams:
        """Return a copy of the parameters."""
        return copy.deepcopy(sim.params)

    def set_sim_params(self, sim: Sim, params: SimParams) -> None:
        """Set the parameters. Differs: after ``prepare_sim`` only gravity may change."""
        sim.set_params(params)

    def set_sim_device(self, sim: Sim) -> None:
        """Make a simulation's device the current one, which every call does by itself."""

    def get_version(self) -> Version:
        """Return the version of the interface, 1.4 (Preview 4)."""
        version = Version()
        version.major, version.minor = 1, 4
        return version

    # ---------------------------------------------------------------- grounds

    def add_ground(self, sim: Sim, params: PlaneParams) -> None:
        """Add an infinite plane."""
        sim.add_ground(plane_of(params))

    def add_heightfield(self, sim: Sim, samples: np.ndarray, params: HeightFieldParams) -> None:
        """Add a height field of int16 samples; see ``HeightFieldParams`` for their order."""
        sim.add_ground(height_field_of(samples, params))

    def add_triangle_mesh(
        self, sim: Sim, vertices: np.ndarray, triangles: np.ndarray, params: TriangleMeshParams
    ) -> None:
        """Add a static triangle mesh: one over a regular grid, or one that consists of convex pieces.

        Differs: other meshes are sampled as a height field where that is possible and are an error where it is not;
        vertical walls of a grid become slopes one sample wide, half a sample with ``ISAACGYM_SHARP_WALLS=1``.

        Args:
            vertices: float32, 3 ``nb_vertices`` numbers, m.
            triangles: uint32, 3 ``nb_triangles`` indices.
        """
        for ground in mesh_grounds_of(vertices, triangles, params):
            sim.add_ground(ground)

    # ---------------------------------------------------------------- environments

    def create_env(self, sim: Sim, lower: Vec3, upper: Vec3, num_per_row: int) -> Env:
        """Return a new environment with the given bounds, m, in rows of ``num_per_row``."""
        return sim.add_env(lower, upper, int(num_per_row))

    def destroy_env(self, env: Env) -> None:
        """Remove an environment. Differs: only the one that was created last, and only before ``prepare_sim``."""
        sim: Sim = env.sim
        sim.require_open("removing an environment")
        if not sim.envs or sim.envs[-1] is not env:
            raise GymError("only the environment that was created last can be removed")
        sim.envs.pop()

    def get_env(self, sim: Sim, index: int) -> Env:
        """Return an environment by its number."""
        if not 0 <= index < len(sim.envs):
            raise IndexError(f"there are {len(sim.envs)} environments, and none has the number {index}")
        return sim.envs[index]

    def get_env_count(self, sim: Sim) -> int:
        """Return how many environments there are."""
        return len(sim.envs)

    def get_env_origin(self, env: Env) -> Vec3:
        """Return where an environment's origin is, m, world frame."""
        return Vec3(*env.origin)

    def begin_aggregate(self, env: Env, max_bodies: int, max_shapes: int, self_collisions: bool) -> bool:
        """Announce actors that PhysX should treat as one. Differs: it has no effect."""
        return True

    def create_aggregate(self, env: Env, actors: list[int]) -> bool:
        """See ``begin_aggregate``. Differs: it has no effect."""
        return True

    def end_aggregate(self, env: Env) -> bool:
        """See ``begin_aggregate``. Differs: it has no effect."""
        return True

    # ---------------------------------------------------------------- stepping

    def prepare_sim(self, sim: Sim) -> bool:
        """Build the worlds. Everything must have been created; tensors exist afterward."""
        sim.prepare()
        return True

    def simulate(self, sim: Sim) -> None:
        """Advance every environment by ``params.dt``."""
        sim.simulate()

    def fetch_results(self, sim: Sim, wait: bool) -> None:
        """Wait for ``simulate``, which here has finished, or is ordered before whatever reads its results."""

    def sync_frame_time(self, sim: Sim) -> None:
        """Sleep until the wall clock has caught up with the simulation's time."""
        ahead = sim.time - sim.frame_clock()
        if ahead > 0.0:
            time.sleep(min(ahead, 1.0))

    def get_frame_count(self, sim: Sim) -> int:
        """Return how often ``simulate`` was called."""
        return sim.frames

    def get_sim_time(self, sim: Sim) -> float:
        """Return the simulated time, s."""
        return sim.time

    def get_elapsed_time(self, sim: Sim) -> float:
        """Return the wall-clock time since the simulation was created, s."""
        return time.monotonic() - sim.started

    def create_performance_timers(self, sim: Sim) -> int:
        """Return the number of a set of timers."""
        return 0

    def destroy_performance_timers(self, sim: Sim, timers: int) -> None:
        """Forget a set of timers."""

    def get_performance_timers(self, sim: Sim, timers: int) -> PerformanceTimers:
        """Return the seconds that the last ``simulate`` took."""
        return PerformanceTimers(physics=sim.last_step_seconds, total=sim.last_step_seconds)

    def get_sim_actor_count(self, sim: Sim) -> int:
        """Return the number of actors in all environments."""
        return sum(len(env.actors) for env in sim.envs)

    def get_sim_rigid_body_count(self, sim: Sim) -> int:
        """Return the number of bodies in all environments."""
        return _total(sim, lambda actor: len(actor.bodies))

    def get_sim_dof_count(self, sim: Sim) -> int:
        """Return the number of degrees of freedom in all environments."""
        return _total(sim, lambda actor: len(actor.dofs))

    def get_sim_joint_count(self, sim: Sim) -> int:
        """Return the number of joints in all environments."""
        return _total(sim, lambda actor: len(actor.asset.blueprint.joints))

    def get_sim_force_sensor_count(self, sim: Sim) -> int:
        """Return the number of force sensors in all environments."""
        return _total(sim, lambda actor: len(actor.asset.blueprint.force_sensors))


def _total(sim: Sim, count: Any) -> int:
    return sum(count(actor) for env in sim.envs for actor in env.actors)
