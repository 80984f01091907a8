"""Actors: creating them, finding their parts, their properties."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isaacgym.api.enums import IndexDomain, MeshType
from isaacgym.api.handles import Env
from isaacgym.api.properties import (
    DOF_STATE,
    ActuatorProperties,
    ForceSensor,
    IndexRange,
    RigidBodyProperties,
    RigidShapeProperties,
)
from isaacgym.api.vectors import Transform, Vec3
from isaacgym.engine.actors import (
    Actor,
    Asset,
    body_properties,
    body_rows,
    dof_rows,
    shape_properties,
    shape_rows,
)
from isaacgym.engine.simulation import Sim
from isaacgym.methods.assets import AssetMethods
from isaacgym.methods.checks import actor_of, one_of


class ActorMethods(AssetMethods):
    """See the module. Handles of bodies and degrees of freedom count within their environment."""

    def create_actor(
        self,
        env: Env,
        asset: Asset,
        pose: Transform,
        name: str | None = None,
        group: int = -1,
        filter: int = -1,
        segmentationId: int = 0,
    ) -> int:
        """Create an instance of an asset and return its handle, its number in the environment.

        Args:
            env: where it will be.
            asset: what it will be; its properties are taken as they are now.
            pose: where it starts, in the frame of the environment.
            name: anything.
            group: actors of different groups do not collide; -1 collides with every group.
            filter: actors that share a bit do not collide, and one that has a bit set does not collide with itself;
                0 collides with everything, itself included; -1 takes the filters of the asset's shapes.
            segmentationId: the number that segmentation cameras show.
        """
        sim: Sim = env.sim
        sim.require_open("creating an actor")
        if not isinstance(asset, Asset):
            raise TypeError(f"an asset of load_asset is needed, not {type(asset).__name__}")
        start = pose.p + env.origin
        env.actors.append(
            Actor(
                asset=asset,
                name=name or asset.blueprint.name,
                pos=np.array(start.values()),
                quat=np.array(pose.r.normalize().values()),
                group=int(group),
                filter=int(filter),
                segmentation=int(segmentationId),
                bodies=asset.bodies,
                shapes=asset.shapes,
                dofs=asset.dofs,
                dof_states=np.zeros(len(asset.dofs), DOF_STATE),
            )
        )
        return len(env.actors) - 1

    def set_actor_scale(self, env: Env, actor: int, scale: float) -> bool:
        """Scale an actor's shapes and joints, and its masses as volumes grow. Differs: only before ``prepare_sim``."""
        sim: Sim = env.sim
        sim.require_open("scaling an actor")
        own = actor_of(env, actor)
        if not scale > 0.0:
            raise ValueError(f"the scale of an actor must be above 0, and is {scale}")
        ratio = float(scale) / own.scale
        own.scale = float(scale)
        rows = own.bodies.copy()
        rows["mass"], rows["com"], rows["inertia"] = (
            rows["mass"] * ratio**3,
            rows["com"] * ratio,
            rows["inertia"] * ratio**5,
        )
        own.bodies = rows
        return True

    def get_actor_scale(self, env: Env, actor: int) -> float:
        """Return an actor's scale."""
        return actor_of(env, actor).scale

    def get_actor_asset(self, env: Env, actor: int) -> Asset:
        """Return what an actor was made of."""
        return actor_of(env, actor).asset

    def get_actor_name(self, env: Env, actor: int) -> str:
        """Return an actor's name."""
        return actor_of(env, actor).name

    def get_actor_count(self, env: Env) -> int:
        """Return the number of actors of an environment."""
        return len(env.actors)

    def get_actor_handle(self, env: Env, index: int) -> int:
        """Return the handle of the actor with a number, which is that number; -1 where there is none."""
        return index if 0 <= index < len(env.actors) else -1

    def find_actor_handle(self, env: Env, name: str) -> int:
        """Return the handle of the named actor, or -1."""
        return next((index for index, actor in enumerate(env.actors) if actor.name == name), -1)

    def get_actor_index(self, env: Env, actor: int, domain: IndexDomain | int) -> int:
        """Return an actor's number in its environment, or in the simulation, as indexed setters want it."""
        actor_of(env, actor)
        return actor + (_before(env, "actors") if domain == IndexDomain.DOMAIN_SIM else 0)

    def find_actor_index(self, env: Env, name: str, domain: IndexDomain | int) -> int:
        """Return the named actor's number, or -1; see ``get_actor_index``."""
        handle = self.find_actor_handle(env, name)
        return self.get_actor_index(env, handle, domain) if handle >= 0 else -1

    # ---------------------------------------------------------------- bodies

    def get_actor_rigid_body_count(self, env: Env, actor: int) -> int:
        """Return the number of an actor's bodies."""
        return len(actor_of(env, actor).bodies)

    def get_env_rigid_body_count(self, env: Env) -> int:
        """Return the number of bodies of an environment."""
        return sum(len(actor.bodies) for actor in env.actors)

    def get_actor_rigid_body_names(self, env: Env, actor: int) -> list[str]:
        """Return the names of an actor's bodies."""
        return actor_of(env, actor).asset.body_names

    def get_actor_rigid_body_dict(self, env: Env, actor: int) -> dict[str, int]:
        """Return the indices of an actor's bodies by name."""
        return self.get_asset_rigid_body_dict(actor_of(env, actor).asset)

    def find_actor_rigid_body_index(self, env: Env, actor: int, name: str, domain: IndexDomain | int) -> int:
        """Return a body's number in the actor, the environment or the simulation, or -1."""
        index = actor_of(env, actor).asset.blueprint.body_index(name)
        return index if index < 0 else self.get_actor_rigid_body_index(env, actor, index, domain)

    def get_actor_rigid_body_index(self, env: Env, actor: int, index: int, domain: IndexDomain | int) -> int:
        """Return a body's number in the domain."""
        one_of(actor_of(env, actor).asset.body_names, index, "bodies")
        return index + _offset(env, actor, "bodies", domain)

    def find_actor_rigid_body_handle(self, env: Env, actor: int, name: str) -> int:
        """Return a body's number in the environment, or -1."""
        return self.find_actor_rigid_body_index(env, actor, name, IndexDomain.DOMAIN_ENV)

    def get_actor_rigid_body_handle(self, env: Env, actor: int, index: int) -> int:
        """Return a body's number in the environment."""
        return self.get_actor_rigid_body_index(env, actor, index, IndexDomain.DOMAIN_ENV)

    def get_actor_root_rigid_body_handle(self, env: Env, actor: int) -> int:
        """Return the number in the environment of an actor's root body."""
        return self.get_actor_rigid_body_handle(env, actor, 0)

    def get_rigid_handle(self, env: Env, actor_name: str, body_name: str) -> int:
        """Return the number in the environment of a named actor's named body, or -1."""
        actor = self.find_actor_handle(env, actor_name)
        return self.find_actor_rigid_body_handle(env, actor, body_name) if actor >= 0 else -1

    def get_rigid_name(self, env: Env, body: int) -> str:
        """Return the name of a body by its number in the environment."""
        return one_of([name for actor in env.actors for name in actor.asset.body_names], body, "bodies")

    def get_actor_rigid_body_properties(self, env: Env, actor: int) -> list[RigidBodyProperties]:
        """Return masses, centers of mass and inertias of an actor's bodies."""
        return body_properties(actor_of(env, actor).bodies)

    def set_actor_rigid_body_properties(
        self, env: Env, actorHandle: int, props: Sequence[RigidBodyProperties], recomputeInertia: bool = False
    ) -> bool:
        """Set them; with ``recomputeInertia`` the inertia of a body grows with its mass, unless it was set too."""
        actor = actor_of(env, actorHandle)
        actor.bodies = body_rows(actor.bodies, props, recomputeInertia)
        env.sim.mark_changed(env)
        return True

    # ---------------------------------------------------------------- shapes

    def get_actor_rigid_shape_count(self, env: Env, actor: int) -> int:
        """Return the number of an actor's collision shapes."""
        return len(actor_of(env, actor).shapes)

    def get_actor_rigid_shape_properties(self, env: Env, actor: int) -> list[RigidShapeProperties]:
        """Return the properties of an actor's collision shapes."""
        return shape_properties(actor_of(env, actor).shapes)

    def set_actor_rigid_shape_properties(self, env: Env, actor: int, props: Sequence[RigidShapeProperties]) -> bool:
        """Set friction and restitution; after ``prepare_sim`` they act from the next ``simulate`` on."""
        own = actor_of(env, actor)
        own.shapes = shape_rows(own.shapes, props)
        env.sim.mark_changed(env)
        return True

    def get_actor_rigid_body_shape_indices(self, env: Env, actor: int) -> list[IndexRange]:
        """Return which shapes belong to each body."""
        return self.get_asset_rigid_body_shape_indices(actor_of(env, actor).asset)

    def set_rigid_body_color(self, env: Env, actor: int, body: int, mesh: MeshType, color: Vec3) -> None:
        """Color a body, by its number in the actor."""
        own = actor_of(env, actor)
        one_of(own.asset.body_names, body, "bodies")
        own.colors[body] = (color.x, color.y, color.z)

    def get_rigid_body_color(self, env: Env, actor: int, body: int, mesh: MeshType) -> Vec3:
        """Return the color that was set, or white."""
        return Vec3(*actor_of(env, actor).colors.get(body, (1.0, 1.0, 1.0)))

    def reset_actor_materials(self, env: Env, actor: int, mesh: MeshType) -> None:
        """Forget the colors that were set."""
        actor_of(env, actor).colors.clear()

    def set_rigid_body_segmentation_id(self, env: Env, actor: int, body: int, segmentation: int) -> None:
        """Set the number that segmentation cameras show for a body."""
        own = actor_of(env, actor)
        one_of(own.asset.body_names, body, "bodies")
        own.segmentations[body] = int(segmentation)

    def get_rigid_body_segmentation_id(self, env: Env, actor: int, body: int) -> int:
        """Return the number that segmentation cameras show for a body."""
        own = actor_of(env, actor)
        return own.segmentations.get(body, own.segmentation)

    # ---------------------------------------------------------------- degrees of freedom

    def get_actor_dof_count(self, env: Env, actor: int) -> int:
        """Return the number of an actor's degrees of freedom."""
        return len(actor_of(env, actor).dofs)

    def get_env_dof_count(self, env: Env) -> int:
        """Return the number of degrees of freedom of an environment."""
        return sum(len(actor.dofs) for actor in env.actors)

    def get_actor_dof_names(self, env: Env, actor: int) -> list[str]:
        """Return the names of an actor's degrees of freedom."""
        return actor_of(env, actor).asset.dof_names

    def get_actor_dof_dict(self, env: Env, actor: int) -> dict[str, int]:
        """Return the indices of an actor's degrees of freedom by name."""
        return self.get_asset_dof_dict(actor_of(env, actor).asset)

    def find_actor_dof_index(self, env: Env, actor: int, name: str, domain: IndexDomain | int) -> int:
        """Return a degree of freedom's number in the domain, or -1."""
        index = actor_of(env, actor).asset.blueprint.dof_index(name)
        return index if index < 0 else self.get_actor_dof_index(env, actor, index, domain)

    def get_actor_dof_index(self, env: Env, actor: int, index: int, domain: IndexDomain | int) -> int:
        """Return a degree of freedom's number in the domain."""
        one_of(actor_of(env, actor).asset.dof_names, index, "degrees of freedom")
        return index + _offset(env, actor, "dofs", domain)

    def find_actor_dof_handle(self, env: Env, actor: int, name: str) -> int:
        """Return a degree of freedom's number in the environment, or -1."""
        return self.find_actor_dof_index(env, actor, name, IndexDomain.DOMAIN_ENV)

    def get_actor_dof_handle(self, env: Env, actor: int, index: int) -> int:
        """Return a degree of freedom's number in the environment."""
        return self.get_actor_dof_index(env, actor, index, IndexDomain.DOMAIN_ENV)

    def get_actor_dof_properties(self, env: Env, actor: int) -> np.ndarray:
        """Return a structured array; see ``DOF_PROPERTIES``."""
        return actor_of(env, actor).dofs.copy()

    def set_actor_dof_properties(self, env: Env, actor: int, props: np.ndarray) -> bool:
        """Set modes, gains, limits, friction and armature of an actor's degrees of freedom."""
        own = actor_of(env, actor)
        own.dofs = dof_rows(own.dofs, props)
        env.sim.mark_changed(env)
        return True

    # ---------------------------------------------------------------- joints, sensors, actuators

    def get_actor_joint_count(self, env: Env, actor: int) -> int:
        """Return the number of an actor's joints, fixed ones included."""
        return len(actor_of(env, actor).asset.blueprint.joints)

    def get_env_joint_count(self, env: Env) -> int:
        """Return the number of joints of an environment."""
        return sum(len(actor.asset.blueprint.joints) for actor in env.actors)

    def get_actor_joint_names(self, env: Env, actor: int) -> list[str]:
        """Return the names of an actor's joints."""
        return list(actor_of(env, actor).asset.blueprint.joints)

    def get_actor_joint_dict(self, env: Env, actor: int) -> dict[str, int]:
        """Return the indices of an actor's joints by name."""
        return self.get_asset_joint_dict(actor_of(env, actor).asset)

    def find_actor_joint_handle(self, env: Env, actor: int, name: str) -> int:
        """Return the number in the actor of a joint, or -1."""
        return self.get_actor_joint_dict(env, actor).get(name, -1)

    def get_actor_force_sensor_count(self, env: Env, actor: int) -> int:
        """Return the number of an actor's force sensors."""
        return len(actor_of(env, actor).asset.blueprint.force_sensors)

    def get_actor_force_sensor(self, env: Env, actor: int, index: int) -> ForceSensor:
        """Return a force sensor of an actor."""
        count = self.get_actor_force_sensor_count(env, actor)
        one_of([""] * count, index, "force sensors")
        sim: Sim = env.sim
        before = sum(len(own.asset.blueprint.force_sensors) for own in env.actors[:actor])
        per_env = sum(len(own.asset.blueprint.force_sensors) for own in env.actors)
        row = env.index * per_env + before + index
        return ForceSensor(row, lambda number: sim.live.sensors.values[number].tolist())

    def get_actor_actuator_count(self, env: Env, actor: int) -> int:
        """Return the number of an actor's actuators, which only MJCF files have."""
        return len(actor_of(env, actor).asset.blueprint.actuators)

    def get_actor_actuator_properties(self, env: Env, actor: int) -> list[ActuatorProperties]:
        """Return the properties of an actor's actuators."""
        return self.get_asset_actuator_properties(actor_of(env, actor).asset)

    def get_actor_tendon_count(self, env: Env, actor: int) -> int:
        """Return the number of an actor's tendons, which only MJCF files have."""
        return len(actor_of(env, actor).asset.blueprint.tendons)

    def get_actor_soft_body_count(self, env: Env, actor: int) -> int:
        """Return 0: soft bodies are not simulated."""
        actor_of(env, actor)
        return 0


def _count(actor: Actor, what: str) -> int:
    return {"actors": 1, "bodies": len(actor.bodies), "dofs": len(actor.dofs)}[what]


def _before(env: Env, what: str) -> int:
    """Return how many there are in the environments before this one, which all hold what the first one does."""
    return env.index * sum(_count(actor, what) for actor in env.sim.envs[0].actors)


def _offset(env: Env, actor: int, what: str, domain: IndexDomain | int) -> int:
    if domain == IndexDomain.DOMAIN_ACTOR:
        return 0
    in_env = sum(_count(other, what) for other in env.actors[:actor])
    return in_env + (_before(env, what) if domain == IndexDomain.DOMAIN_SIM else 0)
