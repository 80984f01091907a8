"""Poses, velocities, Jacobians and mass matrices of trees of bodies, from joint positions, for all worlds at once.

The engines' own body poses describe the state before their last step, so ours are computed from the joints. Bodies of
one depth are treated together, so that a quadruped takes four rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isaacgym.engine.asset import Body, Dof
from isaacgym.engine.rotations import cross, multiply, rotate, to_matrix


@dataclass
class _Joints:
    """Joints that move together: the k-th joints of bodies of one depth."""

    bodies: Tensor
    dofs: Tensor
    axis: Tensor
    pos: Tensor
    reference: Tensor
    slides: Tensor
    turns_in_place: bool
    """Whether all are hinges through the origins of their bodies, as those of URDF files are."""


@dataclass
class _Level:
    """Bodies of one depth below the root."""

    bodies: Tensor
    parents: Tensor
    pos: Tensor
    quat: Tensor
    joints: list[_Joints]


@dataclass
class TreeState:
    """Where the bodies of one actor are: ``pos``, ``lin`` (velocity of the frame's origin), ``ang`` (N, B, 3) and
    ``quat`` (N, B, 4) xyzw; ``axes`` and ``anchors`` (N, D, 3) of the degrees of freedom; world frame."""

    pos: Tensor
    quat: Tensor
    lin: Tensor
    ang: Tensor
    axes: Tensor
    anchors: Tensor


class Tree:
    """The bodies and degrees of freedom of one actor."""

    def __init__(self, bodies: list[Body], dofs: list[Dof], scale: float, like: Tensor) -> None:
        """``like`` gives dtype and device."""
        self.num_bodies, self.num_dofs = len(bodies), len(dofs)
        self._like = like
        self._levels = _levels(bodies, dofs, scale, like)
        self.moves = _moves(bodies, dofs).to(like.device)
        """(B, D) bool: whether a degree of freedom moves a body."""
        self.slides = torch.tensor([dof.kind == "prismatic" for dof in dofs], dtype=torch.bool, device=like.device)

    def forward(self, root: Tensor, dof_pos: Tensor, dof_vel: Tensor) -> TreeState:
        """Return the state for ``root`` (N, 13), velocity of the frame's origin, and joints (N, D)."""
        n = root.shape[0]
        pos, lin, ang = (root.new_empty(n, self.num_bodies, 3) for _ in range(3))
        quat = root.new_empty(n, self.num_bodies, 4)
        axes, anchors = (root.new_zeros(n, self.num_dofs, 3) for _ in range(2))
        state = TreeState(pos, quat, lin, ang, axes, anchors)
        pos[:, 0], quat[:, 0], lin[:, 0], ang[:, 0] = root[:, 0:3], root[:, 3:7], root[:, 7:10], root[:, 10:13]
        for level in self._levels:
            if level.parents.numel():
                _attach(state, level)
            for joints in level.joints:
                _move(state, joints, dof_pos, dof_vel)
        return state


def _attach(state: TreeState, level: _Level) -> None:
    up = level.parents
    quat, spin = state.quat[:, up], state.ang[:, up]
    arm = rotate(quat, level.pos)
    state.pos[:, level.bodies] = state.pos[:, up] + arm
    state.quat[:, level.bodies] = multiply(quat, level.quat.expand_as(quat))
    state.lin[:, level.bodies] = state.lin[:, up] + cross(spin, arm)
    state.ang[:, level.bodies] = spin


def _move(state: TreeState, joints: _Joints, dof_pos: Tensor, dof_vel: Tensor) -> None:
    which = joints.bodies
    pos, quat, lin, ang = state.pos[:, which], state.quat[:, which], state.lin[:, which], state.ang[:, which]
    angle = (dof_pos[:, joints.dofs] - joints.reference)[..., None]
    rate = dof_vel[:, joints.dofs][..., None]
    axis = rotate(quat, joints.axis)
    if joints.turns_in_place:
        half = 0.5 * angle
        turn = torch.cat((joints.axis * torch.sin(half), torch.cos(half)), dim=-1)
        state.axes[:, joints.dofs], state.anchors[:, joints.dofs] = axis, pos
        state.quat[:, which], state.ang[:, which] = multiply(quat, turn), ang + axis * rate
        return
    arm = rotate(quat, joints.pos)
    anchor = pos + arm
    state.axes[:, joints.dofs], state.anchors[:, joints.dofs] = axis, anchor
    half = torch.where(joints.slides, 0.0, 0.5 * angle)
    turn = torch.cat((joints.axis * torch.sin(half), torch.cos(half)), dim=-1)
    quat = multiply(quat, turn)
    slide = torch.where(joints.slides, axis * angle, 0.0)
    moved = anchor - rotate(quat, joints.pos) + slide
    spin = ang + torch.where(joints.slides, 0.0, axis * rate)
    lin = lin + cross(ang, arm) + cross(spin, moved - anchor)
    state.pos[:, which], state.quat[:, which], state.ang[:, which] = moved, quat, spin
    state.lin[:, which] = lin + torch.where(joints.slides, axis * rate, 0.0)


def center_velocities(state: TreeState, com: Tensor) -> tuple[Tensor, Tensor]:
    """Return the centers of mass and their velocities (N, B, 3), world frame, for ``com`` (N, B, 3) in body axes."""
    arm = rotate(state.quat, com)
    return state.pos + arm, state.lin + cross(state.ang, arm)


def jacobians(tree: Tree, state: TreeState, com: Tensor, *, floating: bool) -> Tensor:
    """Return (N, B, 6, C) that maps joint velocities to those of the bodies: of the center of mass, then angular.

    A floating base comes first with six columns: the velocity of its own center of mass and its angular velocity,
    world axes.
    """
    centers, _ = center_velocities(state, com)
    arms = centers[:, :, None] - state.anchors[:, None]
    axes = state.axes[:, None].expand_as(arms)
    slides = tree.slides[None, None, :, None]
    moves = tree.moves[None, :, :, None]
    linear = torch.where(slides, axes, cross(axes, arms)) * moves
    angular = torch.where(slides, 0.0, axes) * moves
    joints = torch.cat((linear, angular), dim=-1).transpose(-1, -2)
    if not floating:
        return joints
    n, b = centers.shape[:2]
    base = joints.new_zeros(n, b, 6, 6)
    base[..., :3, :3] = base[..., 3:, 3:] = torch.eye(3).to(base)
    arm = centers - centers[:, :1]
    for column in range(3):
        spin = torch.zeros(3).to(arm)
        spin[column] = 1.0
        base[..., :3, 3 + column] = cross(spin.expand_as(arm), arm)
    return torch.cat((base, joints), dim=-1)


def mass_matrix(jacobian: Tensor, state: TreeState, mass: Tensor, inertia: Tensor, armature: Tensor) -> Tensor:
    """Return (N, C, C): the sum over bodies of J^T diag(m, I) J, with ``armature`` (N, D) on its diagonal.

    ``mass`` (N, B) kg; ``inertia`` (N, B, 3, 3) about the center of mass in body axes, kg m^2.
    """
    turn = to_matrix(state.quat)
    world = turn @ inertia @ turn.transpose(-1, -2)
    linear, angular = jacobian[:, :, :3], jacobian[:, :, 3:]
    total = (linear.transpose(-1, -2) @ (mass[..., None, None] * linear)).sum(1)
    total = total + (angular.transpose(-1, -2) @ world @ angular).sum(1)
    diagonal = torch.zeros(total.shape[0], total.shape[1]).to(total)
    diagonal[:, total.shape[1] - armature.shape[1] :] = armature
    return total + torch.diag_embed(diagonal)


# ---------------------------------------------------------------- construction


def _levels(bodies: list[Body], dofs: list[Dof], scale: float, like: Tensor) -> list[_Level]:
    depth = [0] * len(bodies)
    for index, body in enumerate(bodies):
        depth[index] = depth[body.parent] + 1 if body.parent >= 0 else 0
    levels: list[_Level] = []
    for level in range(max(depth) + 1):
        members = [index for index in range(len(bodies)) if depth[index] == level]
        levels.append(
            _Level(
                bodies=_ids(members, like),
                parents=_ids([bodies[i].parent for i in members] if level else [], like),
                pos=_values([bodies[i].pos * scale for i in members], like),
                quat=_values([bodies[i].quat for i in members], like),
                joints=_joint_rounds(members, dofs, scale, like),
            )
        )
    return levels


def _joint_rounds(members: list[int], dofs: list[Dof], scale: float, like: Tensor) -> list[_Joints]:
    of_body = {body: [i for i, dof in enumerate(dofs) if dof.body == body] for body in members}
    rounds: list[_Joints] = []
    for turn in range(max((len(own) for own in of_body.values()), default=0)):
        moving = [(body, own[turn]) for body, own in of_body.items() if len(own) > turn]
        numbers = [number for _, number in moving]
        rounds.append(
            _Joints(
                bodies=_ids([body for body, _ in moving], like),
                dofs=_ids(numbers, like),
                axis=_values([dofs[i].axis for i in numbers], like),
                pos=_values([dofs[i].pos * scale for i in numbers], like),
                reference=_values([dofs[i].reference for i in numbers], like),
                slides=torch.tensor([[dofs[i].kind == "prismatic"] for i in numbers], device=like.device),
                turns_in_place=all(dofs[i].kind != "prismatic" and not np.any(dofs[i].pos) for i in numbers),
            )
        )
    return rounds


def _moves(bodies: list[Body], dofs: list[Dof]) -> Tensor:
    result = torch.zeros(len(bodies), len(dofs), dtype=torch.bool)
    for index, body in enumerate(bodies):
        if body.parent >= 0:
            result[index] = result[body.parent]
        for number, dof in enumerate(dofs):
            if dof.body == index:
                result[index, number] = True
    return result


def _ids(values: list[int], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=torch.long, device=like.device)


def _values(values: list, like: Tensor) -> Tensor:
    return torch.as_tensor(np.array(values), dtype=like.dtype, device=like.device)
