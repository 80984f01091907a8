"""The older interface: states of single actors as structured numpy arrays."""

from __future__ import annotations

import numpy as np
import torch

from isaacgym.api.enums import STATE_POS, STATE_VEL, CoordinateSpace
from isaacgym.api.handles import Env
from isaacgym.api.properties import DOF_FRAME, DOF_STATE, RIGID_BODY_STATE, DofFrame
from isaacgym.api.vectors import Quat, Transform, Vec3
from isaacgym.engine.errors import GymError
from isaacgym.engine.simulation import Sim
from isaacgym.methods.checks import actor_of


class StateMethods:
    """See the module. Positions are in the frame of the environment, which has the world's axes."""

    # ---------------------------------------------------------------- degrees of freedom

    def get_actor_dof_states(self, env: Env, actor: int, flags: int) -> np.ndarray:
        """Return position and velocity of an actor's degrees of freedom, an array of ``DofState.dtype``."""
        own = actor_of(env, actor)
        sim: Sim = env.sim
        if not sim.is_prepared:
            return own.dof_states.copy()
        dofs = sim.live.world.slots[actor].dofs
        result = np.zeros(len(dofs), DOF_STATE)
        result["pos"] = sim.live.tensors.dof_pos()[env.index, dofs.start : dofs.stop].cpu().numpy()
        result["vel"] = sim.live.tensors.dof_vel()[env.index, dofs.start : dofs.stop].cpu().numpy()
        return result

    def set_actor_dof_states(self, env: Env, actor: int, states: np.ndarray, flags: int) -> bool:
        """Set position or velocity, as ``flags`` has ``STATE_POS`` or ``STATE_VEL``, of an actor's dofs."""
        own = actor_of(env, actor)
        new = self.get_actor_dof_states(env, actor, flags)
        given = np.asarray(states)
        if given.dtype.names != DOF_STATE.names or len(given) != len(new):
            raise ValueError(f"states must be an array of DofState.dtype with {len(new)} elements")
        for flag, name in ((STATE_POS, "pos"), (STATE_VEL, "vel")):
            if flags & flag:
                new[name] = given[name]
        sim: Sim = env.sim
        if not sim.is_prepared:
            own.dof_states = new
            return True
        tensors, dofs = sim.live.tensors, sim.live.world.slots[actor].dofs
        with torch.no_grad():
            values = torch.stack((tensors.dof_pos(), tensors.dof_vel()), dim=-1)
            values[env.index, dofs.start : dofs.stop, 0] = torch.from_numpy(new["pos"].copy()).to(values)
            values[env.index, dofs.start : dofs.stop, 1] = torch.from_numpy(new["vel"].copy()).to(values)
            tensors.write_dof(values, _only(sim, env, actor))
        return True

    def set_actor_dof_position_targets(self, env: Env, actor: int, targets: np.ndarray) -> bool:
        """Set position targets of an actor's degrees of freedom, rad or m."""
        self._targets(env, actor, "positions")[:] = torch.as_tensor(np.asarray(targets, np.float32))
        return True

    def get_actor_dof_position_targets(self, env: Env, actor: int) -> np.ndarray:
        """Return the position targets."""
        return self._targets(env, actor, "positions").cpu().numpy().copy()

    def set_actor_dof_velocity_targets(self, env: Env, actor: int, targets: np.ndarray) -> bool:
        """Set velocity targets of an actor's degrees of freedom, rad/s or m/s."""
        self._targets(env, actor, "velocities")[:] = torch.as_tensor(np.asarray(targets, np.float32))
        return True

    def get_actor_dof_velocity_targets(self, env: Env, actor: int) -> np.ndarray:
        """Return the velocity targets."""
        return self._targets(env, actor, "velocities").cpu().numpy().copy()

    def apply_actor_dof_efforts(self, env: Env, actor: int, efforts: np.ndarray) -> bool:
        """Set efforts of an actor's degrees of freedom for the next ``simulate``, N m or N."""
        sim: Sim = _prepared(env)
        drives = sim.live.drives
        values = drives.efforts.clone()
        dofs = sim.live.world.slots[actor].dofs
        values[env.index, dofs.start : dofs.stop] = torch.as_tensor(np.asarray(efforts, np.float32)).to(values)
        drives.give_efforts(values, None)
        return True

    def get_actor_dof_forces(self, env: Env, actor: int) -> np.ndarray:
        """Return what drives and efforts exerted in the last step, N m or N."""
        sim: Sim = _prepared(env)
        dofs = sim.live.world.slots[actor].dofs
        forces = sim.live.physics.actuator_forces()[env.index, dofs.start : dofs.stop]
        return forces.cpu().numpy().astype(np.float32)

    def get_actor_dof_frames(self, env: Env, actor: int) -> np.ndarray:
        """Return origins and axes of an actor's degrees of freedom, an array of ``DofFrame.dtype``."""
        actor_of(env, actor)
        state = _prepared(env).live.tensors.tree_state(actor)
        result = np.zeros(state.axes.shape[1], DOF_FRAME)
        anchors = state.anchors[env.index].cpu().numpy() - np.array(env.origin.values())
        axes = state.axes[env.index].cpu().numpy()
        for number, name in enumerate("xyz"):
            result["origin"][name], result["axis"][name] = anchors[:, number], axes[:, number]
        return result

    def get_dof_frame(self, env: Env, dof: int) -> DofFrame:
        """Return origin and axis of a degree of freedom by its number in the environment."""
        actor, index = _actor_and_dof(env, dof)
        row = self.get_actor_dof_frames(env, actor)[index]
        return DofFrame(Vec3(*row["origin"].tolist()), Vec3(*row["axis"].tolist()))

    def get_dof_position(self, env: Env, dof: int) -> float:
        """Return the position of a degree of freedom by its number in the environment, rad or m."""
        actor, index = _actor_and_dof(env, dof)
        return float(self.get_actor_dof_states(env, actor, STATE_POS)["pos"][index])

    def get_dof_velocity(self, env: Env, dof: int) -> float:
        """Return the velocity of a degree of freedom by its number in the environment."""
        actor, index = _actor_and_dof(env, dof)
        return float(self.get_actor_dof_states(env, actor, STATE_VEL)["vel"][index])

    def set_dof_target_position(self, env: Env, dof: int, target: float) -> None:
        """Set the position target of a degree of freedom by its number in the environment."""
        actor, index = _actor_and_dof(env, dof)
        self._targets(env, actor, "positions")[index] = target

    def get_dof_target_position(self, env: Env, dof: int) -> float:
        """Return the position target of a degree of freedom by its number in the environment."""
        actor, index = _actor_and_dof(env, dof)
        return float(self._targets(env, actor, "positions")[index])

    def set_dof_target_velocity(self, env: Env, dof: int, target: float) -> None:
        """Set the velocity target of a degree of freedom by its number in the environment."""
        actor, index = _actor_and_dof(env, dof)
        self._targets(env, actor, "velocities")[index] = target

    def get_dof_target_velocity(self, env: Env, dof: int) -> float:
        """Return the velocity target of a degree of freedom by its number in the environment."""
        actor, index = _actor_and_dof(env, dof)
        return float(self._targets(env, actor, "velocities")[index])

    def apply_dof_effort(self, env: Env, dof: int, effort: float) -> None:
        """Set the effort of a degree of freedom for the next ``simulate``."""
        drives = _prepared(env).live.drives
        values = drives.efforts.clone()
        values[env.index, dof] = effort
        drives.give_efforts(values, None)

    def _targets(self, env: Env, actor: int, what: str) -> torch.Tensor:
        actor_of(env, actor)
        live = _prepared(env).live
        dofs = live.world.slots[actor].dofs
        targets = live.drives.positions if what == "positions" else live.drives.velocities
        return targets[env.index, dofs.start : dofs.stop]

    # ---------------------------------------------------------------- bodies

    def get_actor_rigid_body_states(self, env: Env, actor: int, flags: int) -> np.ndarray:
        """Return pose and velocity of an actor's bodies, an array of ``RigidBodyState.dtype``."""
        actor_of(env, actor)
        bodies = _prepared(env).live.world.slots[actor].bodies
        return self.get_env_rigid_body_states(env, flags)[bodies.start : bodies.stop]

    def get_env_rigid_body_states(self, env: Env, flags: int) -> np.ndarray:
        """Return pose and velocity of the bodies of an environment."""
        rows = _body_rows(_prepared(env))[env.index].copy()
        rows[:, 0:3] -= np.array(env.origin.values(), np.float32)
        return rows.view(RIGID_BODY_STATE)[:, 0]

    def get_sim_rigid_body_states(self, sim: Sim, flags: int) -> np.ndarray:
        """Return pose and velocity of all bodies, world frame."""
        return np.ascontiguousarray(_body_rows(sim).reshape(-1, 13)).view(RIGID_BODY_STATE)[:, 0]

    def get_rigid_transform(self, env: Env, body: int) -> Transform:
        """Return the pose of a body by its number in the environment, in the environment's frame."""
        row = _body_rows(_prepared(env))[env.index, body].tolist()
        return Transform(Vec3(*row[0:3]) - env.origin, Quat(*row[3:7]))

    def get_rigid_linear_velocity(self, env: Env, body: int) -> Vec3:
        """Return the velocity of a body's center of mass, m/s."""
        return Vec3(*_body_rows(_prepared(env))[env.index, body, 7:10].tolist())

    def get_rigid_angular_velocity(self, env: Env, body: int) -> Vec3:
        """Return a body's angular velocity, rad/s."""
        return Vec3(*_body_rows(_prepared(env))[env.index, body, 10:13].tolist())

    def get_rigid_contact_forces(self, sim: Sim) -> np.ndarray:
        """Return the net contact force on every body, N, an array of ``Vec3.dtype``."""
        with torch.no_grad():
            sim.live.refresh_contacts()
        return np.ascontiguousarray(sim.live.tensors.contacts.cpu().numpy()).view(Vec3.dtype)[:, 0]

    def get_env_rigid_contact_forces(self, env: Env) -> np.ndarray:
        """Return the net contact force on every body of an environment, N."""
        count = _prepared(env).live.tensors.num_bodies
        return self.get_rigid_contact_forces(env.sim)[env.index * count : (env.index + 1) * count]

    def set_rigid_linear_velocity(self, env: Env, body: int, velocity: Vec3) -> None:
        """Set the velocity, m/s, of the center of mass of an actor's root body."""
        self._set_root(env, body, slice(7, 10), velocity.values())

    def set_rigid_angular_velocity(self, env: Env, body: int, velocity: Vec3) -> None:
        """Set the angular velocity, rad/s, of an actor's root body."""
        self._set_root(env, body, slice(10, 13), velocity.values())

    def set_rigid_transform(self, env: Env, body: int, pose: Transform) -> None:
        """Set the pose of an actor's root body, in the environment's frame."""
        self._set_root(env, body, slice(0, 7), (pose.p + env.origin).values() + pose.r.normalize().values())

    def _set_root(self, env: Env, body: int, part: slice, values: tuple[float, ...]) -> None:
        sim = _prepared(env)
        slot = next((i for i, place in enumerate(sim.live.world.slots) if place.bodies.start == body), None)
        if slot is None:
            raise GymError("only the root body of an actor can be set; the others follow from its joints")
        tensors = sim.live.tensors
        kept = tensors.root.clone()
        with torch.no_grad():
            tensors.refresh_root()
            new = tensors.root.clone()
            tensors.root.copy_(kept)
            new.view(tensors.num_worlds, -1, 13)[env.index, slot, part] = torch.tensor(values).to(new)
            tensors.write_root(new, _only(sim, env, slot))

    def apply_body_forces(
        self,
        env: Env,
        body: int,
        force: Vec3 | None = None,
        torque: Vec3 | None = None,
        space: CoordinateSpace | int = CoordinateSpace.ENV_SPACE,
    ) -> None:
        """Apply a force, N, at a body's center of mass and a torque, N m, during the next ``simulate``."""
        sim = _prepared(env)
        turn = self.get_rigid_transform(env, body).r if space == CoordinateSpace.LOCAL_SPACE else Quat()
        tensors = sim.live.tensors
        parts: list[torch.Tensor] = []
        for vector in (force, torque):
            values = tensors.root.new_zeros(tensors.num_worlds, tensors.num_bodies, 3)
            values[env.index, body] = torch.tensor(turn.rotate(vector or Vec3()).values()).to(values)
            parts.append(values)
        sim.live.push(parts[0], parts[1])


def _prepared(env: Env) -> Sim:
    sim: Sim = env.sim
    sim.prepare()
    return sim


def _body_rows(sim: Sim) -> np.ndarray:
    """Return (N, B, 13), leaving the caller's tensor as it is."""
    sim.prepare()
    tensors = sim.live.tensors
    with torch.no_grad():
        kept = tensors.bodies.clone()
        tensors.refresh_bodies()
        rows = tensors.bodies.view(tensors.num_worlds, tensors.num_bodies, 13).cpu().numpy().copy()
        tensors.bodies.copy_(kept)
    return rows


def _only(sim: Sim, env: Env, actor: int) -> torch.Tensor:
    mask = torch.zeros(len(sim.live.tensors.root), dtype=torch.bool, device=sim.live.tensors.root.device)
    mask[env.index * sim.live.tensors.num_actors + actor] = True
    return mask


def _actor_and_dof(env: Env, dof: int) -> tuple[int, int]:
    for number, actor in enumerate(env.actors):
        if dof < len(actor.dofs):
            return number, dof
        dof -= len(actor.dofs)
    raise IndexError("no degree of freedom of the environment has this number")
