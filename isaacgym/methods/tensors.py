"""The tensor interface: state of all environments, refreshed and set at once."""

from __future__ import annotations

import torch

from isaacgym.api.enums import CoordinateSpace
from isaacgym.api.handles import Env, Tensor
from isaacgym.engine.rotations import cross, rotate
from isaacgym.engine.simulation import Sim
from isaacgym.methods.checks import actor_of, ids_of, tensor_of


class TensorMethods:
    """See the module.

    ``acquire_*`` give handles of buffers whose address never changes, for ``gymtorch.wrap_tensor``; ``refresh_*`` fill
    them; nothing else does. Setters read their tensors when they are called and act from the next ``simulate`` on.
    """

    # ---------------------------------------------------------------- acquiring and refreshing

    def acquire_actor_root_state_tensor(self, sim: Sim) -> Tensor:
        """Return (actors, 13): position, quaternion xyzw, velocity of the center of mass of the root body, angular
        velocity; world frame."""
        return Tensor(sim.live.tensors.root)

    def refresh_actor_root_state_tensor(self, sim: Sim) -> bool:
        """Fill the tensor of actor roots."""
        with torch.no_grad():
            sim.live.tensors.refresh_root()
        return True

    def acquire_dof_state_tensor(self, sim: Sim) -> Tensor:
        """Return (dofs, 2): position, rad or m, and velocity."""
        return Tensor(sim.live.tensors.dof)

    def refresh_dof_state_tensor(self, sim: Sim) -> bool:
        """Fill the tensor of degrees of freedom."""
        with torch.no_grad():
            sim.live.tensors.refresh_dof()
        return True

    def acquire_rigid_body_state_tensor(self, sim: Sim) -> Tensor:
        """Return (bodies, 13), as the tensor of actor roots."""
        return Tensor(sim.live.tensors.bodies)

    def refresh_rigid_body_state_tensor(self, sim: Sim) -> bool:
        """Fill the tensor of bodies."""
        with torch.no_grad():
            sim.live.tensors.refresh_bodies()
        return True

    def acquire_net_contact_force_tensor(self, sim: Sim) -> Tensor:
        """Return (bodies, 3): the sum of the contact forces on each body in the last physics step, N, world frame."""
        return Tensor(sim.live.tensors.contacts)

    def refresh_net_contact_force_tensor(self, sim: Sim) -> bool:
        """Fill the tensor of net contact forces."""
        with torch.no_grad():
            sim.live.refresh_contacts()
        return True

    def acquire_force_sensor_tensor(self, sim: Sim) -> Tensor:
        """Return (sensors, 6): force, N, and torque, N m; see ``create_asset_force_sensor``."""
        return Tensor(sim.live.sensors.values)

    def refresh_force_sensor_tensor(self, sim: Sim) -> bool:
        """Fill the tensor of force sensors."""
        with torch.no_grad():
            sim.live.refresh_sensors()
        return True

    def enable_actor_dof_force_sensors(self, env: Env, actor: int) -> bool:
        """Ask for forces of degrees of freedom, which are always measured here."""
        actor_of(env, actor)
        return True

    def acquire_dof_force_tensor(self, sim: Sim) -> Tensor:
        """Return (dofs,): what drives and efforts exerted in the last physics step, N m or N."""
        return Tensor(sim.live.tensors.dof_forces)

    def refresh_dof_force_tensor(self, sim: Sim) -> bool:
        """Fill the tensor of forces of degrees of freedom."""
        with torch.no_grad():
            sim.live.tensors.refresh_dof_forces()
        return True

    def acquire_jacobian_tensor(self, sim: Sim, actor_name: str) -> Tensor:
        """Return (envs, bodies, 6, columns) for the named actor: from joint velocities to those of the bodies.

        Rows are the velocity of the center of mass and the angular velocity, world frame. A floating base has six
        columns before the degrees of freedom; a fixed base has none, and its own body is left out.
        """
        return Tensor(sim.live.dynamics.jacobian_of(actor_name))

    def refresh_jacobian_tensors(self, sim: Sim) -> bool:
        """Fill the tensors of Jacobians."""
        with torch.no_grad():
            sim.live.dynamics.refresh_jacobians()
        return True

    def acquire_mass_matrix_tensor(self, sim: Sim, actor_name: str) -> Tensor:
        """Return (envs, columns, columns) for the named actor; see ``acquire_jacobian_tensor`` for the columns."""
        return Tensor(sim.live.dynamics.mass_matrix_of(actor_name))

    def refresh_mass_matrix_tensors(self, sim: Sim) -> bool:
        """Fill the tensors of mass matrices."""
        with torch.no_grad():
            sim.live.dynamics.refresh_mass_matrices()
        return True

    # ---------------------------------------------------------------- setting states

    def set_actor_root_state_tensor(self, sim: Sim, states: Tensor) -> bool:
        """Set the roots of all actors from (actors, 13)."""
        tensors = sim.live.tensors
        values = tensor_of(states, tensors.root.numel(), "root states", tensors.root)
        with torch.no_grad():
            tensors.write_root(values, torch.ones(len(tensors.root), dtype=torch.bool, device=values.device))
        return True

    def set_actor_root_state_tensor_indexed(self, sim: Sim, states: Tensor, indices: Tensor, count: int) -> bool:
        """Set the roots of the actors that ``indices`` (int32, numbers of actors) names, from (actors, 13)."""
        tensors = sim.live.tensors
        values = tensor_of(states, tensors.root.numel(), "root states", tensors.root)
        with torch.no_grad():
            tensors.write_root(values, _mask(sim, indices, count))
        return True

    def set_dof_state_tensor(self, sim: Sim, states: Tensor) -> bool:
        """Set all degrees of freedom from (dofs, 2)."""
        tensors = sim.live.tensors
        values = tensor_of(states, tensors.dof.numel(), "dof states", tensors.dof)
        with torch.no_grad():
            tensors.write_dof(values, torch.ones(len(tensors.root), dtype=torch.bool, device=values.device))
        return True

    def set_dof_state_tensor_indexed(self, sim: Sim, states: Tensor, indices: Tensor, count: int) -> bool:
        """Set the degrees of freedom of the actors that ``indices`` (int32) names, from (dofs, 2)."""
        tensors = sim.live.tensors
        values = tensor_of(states, tensors.dof.numel(), "dof states", tensors.dof)
        with torch.no_grad():
            tensors.write_dof(values, _mask(sim, indices, count))
        return True

    # ---------------------------------------------------------------- commands

    def set_dof_actuation_force_tensor(self, sim: Sim, forces: Tensor) -> bool:
        """Set efforts, (dofs,) N m or N, for the next ``simulate``."""
        sim.live.drives.give_efforts(_per_dof(sim, forces, "efforts"), None)
        return True

    def set_dof_actuation_force_tensor_indexed(self, sim: Sim, forces: Tensor, indices: Tensor, count: int) -> bool:
        """Set the efforts of the actors that ``indices`` (int32) names."""
        sim.live.drives.give_efforts(_per_dof(sim, forces, "efforts"), _dof_mask(sim, indices, count))
        return True

    def set_dof_position_target_tensor(self, sim: Sim, targets: Tensor) -> bool:
        """Set position targets, (dofs,) rad or m, which stay until they are set again."""
        sim.live.drives.give_positions(_per_dof(sim, targets, "position targets"), None)
        return True

    def set_dof_position_target_tensor_indexed(self, sim: Sim, targets: Tensor, indices: Tensor, count: int) -> bool:
        """Set the position targets of the actors that ``indices`` (int32) names."""
        values = _per_dof(sim, targets, "position targets")
        sim.live.drives.give_positions(values, _dof_mask(sim, indices, count))
        return True

    def set_dof_velocity_target_tensor(self, sim: Sim, targets: Tensor) -> bool:
        """Set velocity targets, (dofs,) rad/s or m/s, which stay until they are set again."""
        sim.live.drives.give_velocities(_per_dof(sim, targets, "velocity targets"), None)
        return True

    def set_dof_velocity_target_tensor_indexed(self, sim: Sim, targets: Tensor, indices: Tensor, count: int) -> bool:
        """Set the velocity targets of the actors that ``indices`` (int32) names."""
        values = _per_dof(sim, targets, "velocity targets")
        sim.live.drives.give_velocities(values, _dof_mask(sim, indices, count))
        return True

    def apply_rigid_body_force_tensors(
        self,
        sim: Sim,
        forceTensor: Tensor | None = None,
        torqueTensor: Tensor | None = None,
        space: CoordinateSpace | int = CoordinateSpace.ENV_SPACE,
    ) -> bool:
        """Apply forces, N, at the centers of mass of all bodies and torques, N m, during the next ``simulate``.

        Both are (bodies, 3); in ``LOCAL_SPACE`` they are in the axes of their bodies, else in those of the world.
        """
        force, torque = (
            _per_body(sim, handle, space, name) for handle, name in ((forceTensor, "forces"), (torqueTensor, "torques"))
        )
        sim.live.push(force, torque)
        return True

    def apply_rigid_body_force_at_pos_tensors(
        self,
        sim: Sim,
        forceTensor: Tensor,
        posTensor: Tensor | None = None,
        space: CoordinateSpace | int = CoordinateSpace.ENV_SPACE,
    ) -> bool:
        """Apply forces (bodies, 3), N, at positions (bodies, 3), m, during the next ``simulate``.

        In ``LOCAL_SPACE`` both are in the frames of their bodies, else in the world's.
        """
        if posTensor is None:
            return self.apply_rigid_body_force_tensors(sim, forceTensor, None, space)
        live = sim.live
        force = _per_body(sim, forceTensor, space, "forces")
        assert force is not None
        with torch.no_grad():
            live.tensors.refresh_bodies()
            n = live.tensors.num_worlds
            states = live.tensors.bodies.view(n, -1, 13)
            at = tensor_of(posTensor, 3 * n * states.shape[1], "positions", live.tensors.root).view(n, -1, 3)
            center = live.com.float()
            if space == CoordinateSpace.LOCAL_SPACE:
                arm = rotate(states[..., 3:7], at - center)
            else:
                arm = at - states[..., 0:3] - rotate(states[..., 3:7], center)
            live.push(force, cross(arm, force))
        return True


def _per_dof(sim: Sim, handle: Tensor, what: str) -> torch.Tensor:
    tensors = sim.live.tensors
    return tensor_of(handle, len(tensors.dof), what, tensors.dof).detach()


def _mask(sim: Sim, indices: Tensor, count: int) -> torch.Tensor:
    tensors = sim.live.tensors
    return tensors.actor_mask(ids_of(indices, int(count), len(tensors.root), tensors.root.device))


def _dof_mask(sim: Sim, indices: Tensor, count: int) -> torch.Tensor:
    return sim.live.tensors.dof_mask(_mask(sim, indices, count))


def _per_body(sim: Sim, handle: Tensor | None, space: CoordinateSpace | int, what: str) -> torch.Tensor | None:
    """Return (N, B, 3) in world axes, or None."""
    if handle is None:
        return None
    tensors = sim.live.tensors
    n = tensors.num_worlds
    values = tensor_of(handle, 3 * len(tensors.bodies), what, tensors.root).detach().view(n, -1, 3)
    if space != CoordinateSpace.LOCAL_SPACE:
        return values
    with torch.no_grad():
        tensors.refresh_bodies()
    return rotate(tensors.bodies.view(n, -1, 13)[..., 3:7], values)
