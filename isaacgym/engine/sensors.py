"""Force sensors: force and torque on a body, at a point of it."""

from __future__ import annotations

import torch
from torch import Tensor

from isaacgym.engine.actors import Actor
from isaacgym.engine.physics import Physics
from isaacgym.engine.rotations import cross, rotate, rotate_back
from isaacgym.engine.tensors import StateTensors
from isaacgym.engine.worlds import World


class ForceSensors:
    """``values`` (N F, 6): force in N and torque in N m about the sensor's origin, in the sensor's axes or the world's.

    ``enable_constraint_solver_forces`` counts the contacts of the body, ``enable_forward_dynamics_forces`` gravity and
    the forces that callers apply. The last physics step is measured.
    """

    def __init__(self, world: World, physics: Physics, actors: list[Actor], num_worlds: int) -> None:
        self._physics = physics
        sensors = [sensor for actor in actors for sensor in actor.asset.blueprint.force_sensors]
        self.count = len(sensors)
        self.values = torch.zeros(num_worlds * self.count, 6, device=physics.device)
        if not sensors:
            return
        like = physics.qpos
        self._bodies = torch.tensor(world.sensor_bodies, device=like.device)
        self._engine_bodies = torch.as_tensor(world.body_ids[world.sensor_bodies], device=like.device)
        self._roots = torch.as_tensor(world.model.body_rootid[world.body_ids[world.sensor_bodies]]).to(like.device)
        self._pos = torch.tensor([sensor.pos.tolist() for sensor in sensors]).to(like)
        self._quat = torch.tensor([sensor.quat.tolist() for sensor in sensors]).to(like)
        flags = [
            (s.enable_constraint_solver_forces, s.enable_forward_dynamics_forces, s.use_world_frame) for s in sensors
        ]
        self._contacts, self._dynamics, self._world_axes = (
            torch.tensor(column, device=like.device)[:, None] for column in zip(*flags, strict=True)
        )

    def refresh(self, tensors: StateTensors, applied: Tensor | None, gravity: Tensor, mass: Tensor) -> None:
        """Fill ``values``. ``applied`` (N, nbody, 6): what callers applied; ``mass`` (N, B) kg."""
        if not self.count:
            return
        tensors.refresh_bodies()
        state = tensors.bodies.view(tensors.num_worlds, tensors.num_bodies, 13)[:, self._bodies].to(self._pos)
        pos, quat = state[..., 0:3], state[..., 3:7]
        at = pos + rotate(quat, self._pos.expand_as(pos))
        center = pos + rotate(quat, tensors.com[:, self._bodies])
        wrench = self._physics.contact_wrenches()[:, self._engine_bodies].to(self._pos)
        force = wrench[..., 3:6]
        arm = self._physics.tree_com()[:, self._roots].to(self._pos) - at
        torque = wrench[..., 0:3] + cross(arm, force)
        weight = mass[:, self._bodies, None] * gravity.to(self._pos)
        added = cross(center - at, weight)
        dynamic_force, dynamic_torque = weight, added
        if applied is not None:
            pushed = applied[:, self._engine_bodies].to(self._pos)
            push_torque = pushed[..., 3:6] + cross(center - at, pushed[..., 0:3])
            force, torque = force - pushed[..., 0:3], torque - push_torque
            dynamic_force, dynamic_torque = weight + pushed[..., 0:3], added + push_torque
        force = self._contacts * force + self._dynamics * dynamic_force
        torque = self._contacts * torque + self._dynamics * dynamic_torque
        local = tensors.com.new_zeros(*pos.shape[:2], 4) + self._quat
        turned = [rotate_back(local, rotate_back(quat, part)) for part in (force, torque)]
        values = [torch.where(self._world_axes, part, own) for part, own in zip((force, torque), turned, strict=True)]
        self.values.view(tensors.num_worlds, self.count, 6).copy_(torch.cat(values, dim=-1))
