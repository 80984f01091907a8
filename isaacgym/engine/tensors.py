"""The state tensors that callers wrap: fixed addresses, filled by ``refresh_*`` alone, and the setters that read them.

Layout: actors, bodies and degrees of freedom are counted environment after environment, in the order of creation.
Quaternions are xyzw; velocities of bodies are those of their centers of mass; everything is in the world frame.
"""

from __future__ import annotations

import torch
from torch import Tensor

from isaacgym.engine import kinematics
from isaacgym.engine.actors import Actor
from isaacgym.engine.kinematics import Tree, TreeState
from isaacgym.engine.physics import Physics
from isaacgym.engine.rotations import cross, rotate, rotate_back, to_wxyz, to_xyzw
from isaacgym.engine.worlds import World


class StateTensors:
    """Buffers, float32 on the engine's device: ``root`` (N A, 13), ``dof`` (N D, 2) of position and velocity,
    ``bodies`` (N B, 13), ``contacts`` (N B, 3) in N, ``dof_forces`` (N D,)."""

    def __init__(self, world: World, physics: Physics, actors: list[Actor], num_worlds: int, com: Tensor) -> None:
        """``com`` (N, B, 3): centers of mass in body axes, kept by reference."""
        self._world, self._physics = world, physics
        self.num_worlds = n = num_worlds
        self.num_actors, self.num_bodies, self.num_dofs = len(world.slots), len(world.body_ids), len(world.dof_qpos)
        device = physics.device
        self.com = com
        self.root = torch.zeros(n * self.num_actors, 13, device=device)
        self.dof = torch.zeros(n * self.num_dofs, 2, device=device)
        self.bodies = torch.zeros(n * self.num_bodies, 13, device=device)
        self.contacts = torch.zeros(n * self.num_bodies, 3, device=device)
        self.dof_forces = torch.zeros(n * self.num_dofs, device=device)
        self._body_ids = torch.as_tensor(world.body_ids, device=device)
        self._qpos_of = _indices(world.dof_qpos.tolist(), device)
        self._qvel_of = _indices(world.dof_qvel.tolist(), device)
        self.trees = [
            Tree(actor.asset.blueprint.bodies, actor.asset.blueprint.dofs, actor.scale, physics.qpos)
            for actor in actors
        ]

    # ---------------------------------------------------------------- reading

    def dof_pos(self) -> Tensor:
        """(N, D) positions of now, rad or m."""
        return self._physics.qpos[:, self._qpos_of]

    def dof_vel(self) -> Tensor:
        """(N, D) velocities of now, rad/s or m/s."""
        return self._physics.qvel[:, self._qvel_of]

    def refresh_dof(self) -> None:
        """Fill ``dof``."""
        view = self.dof.view(self.num_worlds, self.num_dofs, 2)
        view[..., 0].copy_(self.dof_pos())
        view[..., 1].copy_(self.dof_vel())

    def origin_states(self, slot: int) -> Tensor:
        """(N, 13) of an actor's root with the velocity of the frame's origin, in the engine's precision."""
        physics, place = self._physics, self._world.slots[slot]
        state = physics.qpos.new_zeros(self.num_worlds, 13)
        if place.mocap >= 0:
            state[:, 0:3] = physics.mocap_pos[:, place.mocap]
            state[:, 3:7] = to_xyzw(physics.mocap_quat[:, place.mocap])
            return state
        at, v = place.root_qpos, place.root_qvel
        state[:, 0:3] = physics.qpos[:, at : at + 3]
        state[:, 3:7] = to_xyzw(physics.qpos[:, at + 3 : at + 7])
        state[:, 7:10] = physics.qvel[:, v : v + 3]
        state[:, 10:13] = rotate(state[:, 3:7], physics.qvel[:, v + 3 : v + 6])
        return state

    def refresh_root(self) -> None:
        """Fill ``root``."""
        view = self.root.view(self.num_worlds, self.num_actors, 13)
        for slot, place in enumerate(self._world.slots):
            state = self.origin_states(slot)
            arm = rotate(state[:, 3:7], self.com[:, place.bodies.start])
            state[:, 7:10] += cross(state[:, 10:13], arm)
            view[:, slot] = state.float()

    def tree_state(self, slot: int) -> TreeState:
        """Return where an actor's bodies are now."""
        dofs = self._world.slots[slot].dofs
        return self.trees[slot].forward(
            self.origin_states(slot),
            self.dof_pos()[:, dofs.start : dofs.stop],
            self.dof_vel()[:, dofs.start : dofs.stop],
        )

    def refresh_bodies(self) -> None:
        """Fill ``bodies``."""
        view = self.bodies.view(self.num_worlds, self.num_bodies, 13)
        for slot, place in enumerate(self._world.slots):
            own = slice(place.bodies.start, place.bodies.stop)
            state = self.tree_state(slot)
            _, velocity = kinematics.center_velocities(state, self.com[:, own])
            view[:, own, 0:3] = state.pos.float()
            view[:, own, 3:7] = state.quat.float()
            view[:, own, 7:10] = velocity.float()
            view[:, own, 10:13] = state.ang.float()

    def refresh_contacts(self, applied: Tensor | None) -> None:
        """Fill ``contacts``; ``applied`` (N, nbody, 6) is what callers applied in the last step, force first."""
        wrench = self._physics.contact_wrenches()
        force = wrench[:, self._body_ids, 3:6]
        if applied is not None:
            force = force - applied[:, self._body_ids, 0:3]
        self.contacts.view(self.num_worlds, self.num_bodies, 3).copy_(force)

    def refresh_dof_forces(self) -> None:
        """Fill ``dof_forces``."""
        if self.num_dofs:
            self.dof_forces.view(self.num_worlds, self.num_dofs).copy_(self._physics.actuator_forces())

    # ---------------------------------------------------------------- writing

    def write_root(self, values: Tensor, mask: Tensor) -> None:
        """Set the roots of the masked actors to their rows of ``values`` (N A, 13); ``mask`` (N A,) bool."""
        physics = self._physics
        rows = values.view(self.num_worlds, self.num_actors, 13)
        masks = mask.view(self.num_worlds, self.num_actors)
        for slot, place in enumerate(self._world.slots):
            chosen = masks[:, slot, None]
            new = rows[:, slot].to(physics.qpos.dtype)
            quat = torch.nn.functional.normalize(new[:, 3:7], dim=-1)
            if place.mocap >= 0:
                _put(physics.mocap_pos[:, place.mocap], new[:, 0:3], chosen)
                _put(physics.mocap_quat[:, place.mocap], to_wxyz(quat), chosen)
                continue
            at, v = place.root_qpos, place.root_qvel
            arm = rotate(quat, self.com[:, place.bodies.start])
            spin = new[:, 10:13]
            _put(physics.qpos[:, at : at + 3], new[:, 0:3], chosen)
            _put(physics.qpos[:, at + 3 : at + 7], to_wxyz(quat), chosen)
            _put(physics.qvel[:, v : v + 3], new[:, 7:10] - cross(spin, arm), chosen)
            _put(physics.qvel[:, v + 3 : v + 6], rotate_back(quat, spin), chosen)

    def write_dof(self, values: Tensor, mask: Tensor) -> None:
        """Set the degrees of freedom of the masked actors to their rows of ``values`` (N D, 2)."""
        physics = self._physics
        rows = values.view(self.num_worlds, self.num_dofs, 2).to(physics.qpos.dtype)
        masks = self.dof_mask(mask)
        physics.qpos[:, self._qpos_of] = torch.where(masks, rows[..., 0], self.dof_pos())
        physics.qvel[:, self._qvel_of] = torch.where(masks, rows[..., 1], self.dof_vel())

    def dof_mask(self, mask: Tensor) -> Tensor:
        """(N, D) bool of the degrees of freedom of the masked actors (N A,)."""
        masks = mask.view(self.num_worlds, self.num_actors)
        columns = [masks[:, slot, None].expand(-1, len(place.dofs)) for slot, place in enumerate(self._world.slots)]
        return torch.cat(columns, dim=1)

    def actor_mask(self, ids: Tensor) -> Tensor:
        """(N A,) bool: which actors ``ids`` names; numbers that name none are left out."""
        total = self.num_worlds * self.num_actors
        index = ids.long()
        index = torch.where((index >= 0) & (index < total), index, total)
        mask = torch.zeros(total + 1, dtype=torch.bool, device=self.root.device)
        mask[index] = True
        return mask[:total]


def _put(target: Tensor, values: Tensor, chosen: Tensor) -> None:
    target.copy_(torch.where(chosen, values, target))


def _indices(values: list[int], device: torch.device) -> Tensor | slice:
    """Return a slice where the numbers are consecutive, which is read without a copy, else an index tensor."""
    if values and values == list(range(values[0], values[0] + len(values))):
        return slice(values[0], values[0] + len(values))
    return torch.tensor(values, dtype=torch.long, device=device)
