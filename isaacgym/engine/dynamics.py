"""Jacobians and mass matrices as tensors that callers wrap, for the actors that they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from isaacgym.engine import kinematics
from isaacgym.engine.errors import GymError

if TYPE_CHECKING:
    from isaacgym.engine.simulation import Live


class Dynamics:
    """Holds a buffer for every Jacobian and mass matrix that was asked for."""

    def __init__(self, live: Live, names: list[str]) -> None:
        """``names``: of the actors of an environment."""
        self._live, self._names = live, names
        self._jacobians: dict[int, Tensor] = {}
        self._matrices: dict[int, Tensor] = {}

    def jacobian_of(self, name: str) -> Tensor:
        """Return the buffer of an actor's Jacobian, filled."""
        slot = self._slot(name)
        if slot not in self._jacobians:
            with torch.inference_mode(False), torch.no_grad():
                self._jacobians[slot] = self._jacobian(slot).float().clone()
        return self._jacobians[slot]

    def mass_matrix_of(self, name: str) -> Tensor:
        """Return the buffer of an actor's mass matrix, filled."""
        slot = self._slot(name)
        if slot not in self._matrices:
            with torch.inference_mode(False), torch.no_grad():
                self._matrices[slot] = self._matrix(slot).float().clone()
        return self._matrices[slot]

    def refresh_jacobians(self) -> None:
        """Fill the buffers of Jacobians."""
        for slot, buffer in self._jacobians.items():
            buffer.copy_(self._jacobian(slot))

    def refresh_mass_matrices(self) -> None:
        """Fill the buffers of mass matrices."""
        for slot, buffer in self._matrices.items():
            buffer.copy_(self._matrix(slot))

    def _slot(self, name: str) -> int:
        if name not in self._names:
            raise GymError(f"no actor is called {name!r}; there are {', '.join(self._names)}")
        return self._names.index(name)

    def _jacobian(self, slot: int) -> Tensor:
        """Return it without the body of a fixed base, which never moves."""
        floating = self._live.world.slots[slot].root_qpos >= 0
        full = self._full_jacobian(slot)
        return full if floating else full[:, 1:]

    def _full_jacobian(self, slot: int) -> Tensor:
        place, tensors = self._live.world.slots[slot], self._live.tensors
        com = self._live.com[:, place.bodies.start : place.bodies.stop]
        tree = tensors.trees[slot]
        return kinematics.jacobians(tree, tensors.tree_state(slot), com, floating=place.root_qpos >= 0)

    def _matrix(self, slot: int) -> Tensor:
        live, place = self._live, self._live.world.slots[slot]
        bodies, dofs = slice(place.bodies.start, place.bodies.stop), slice(place.dofs.start, place.dofs.stop)
        return kinematics.mass_matrix(
            self._full_jacobian(slot),
            live.tensors.tree_state(slot),
            live.masses()[:, bodies],
            live.inertias()[:, bodies],
            live.armatures()[:, dofs],
        )
