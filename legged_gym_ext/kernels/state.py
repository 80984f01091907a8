"""From the double precision of the engine to the tensors of the ``Simulator`` contract.

N worlds, D joints, S physics steps a control step, B bodies.
"""

from __future__ import annotations

import numpy as np

from legged_gym_ext.kernels.compiler import Array, array, compiled, double, fma, inlined

_TWO = np.float32(2.0)


@inlined
def _rotate(quat: Array, x: float, y: float, z: float, out: Array) -> None:
    """``v + w t + q x t`` with ``t = 2 q x v``, of the quaternion q and the vector v."""
    qx, qy, qz, qw = quat[0], quat[1], quat[2], quat[3]
    tx = _TWO * fma(qy, z, -(qz * y))
    ty = _TWO * fma(qz, x, -(qx * z))
    tz = _TWO * fma(qx, y, -(qy * x))
    out[0] = (x + qw * tx) + fma(qy, tz, -(qz * ty))
    out[1] = (y + qw * ty) + fma(qz, tx, -(qx * tz))
    out[2] = (z + qw * tz) + fma(qx, ty, -(qy * tx))


@compiled(
    *(array("double", 2, strided=True), array("double", 2, strided=True)),
    *(array("float", 2), array("float", 2), array("float", 2)),
)
def read_state(
    first: int, last: int, qpos: Array, qvel: Array, root_states: Array, dof_pos: Array, dof_vel: Array
) -> None:
    """Write ``root_states (N, 13)``, ``dof_pos (N, D)`` and ``dof_vel (N, D)``.

    Args:
        qpos: (N, 7 + D): position, quaternion wxyz, joint angles.
        qvel: (N, 6 + D): velocity in the world, angular velocity in the frame of the body, joint speeds.
    """
    for n in range(first, last):
        root = root_states[n]
        for axis in range(3):
            root[axis], root[7 + axis] = np.float32(qpos[n, axis]), np.float32(qvel[n, axis])
            root[3 + axis] = np.float32(qpos[n, 4 + axis])
        root[6] = np.float32(qpos[n, 3])
        x, y, z = np.float32(qvel[n, 3]), np.float32(qvel[n, 4]), np.float32(qvel[n, 5])
        _rotate(root[3:7], x, y, z, root[10:13])
        for joint in range(dof_pos.shape[1]):
            dof_pos[n, joint] = np.float32(qpos[n, 7 + joint])
            dof_vel[n, joint] = np.float32(qvel[n, 6 + joint])


@compiled(
    *(array("double", 2, strided=True), array("double", 2, strided=True)),
    *(array("double", 3), array("double", 3), array("double", 3), double),
    *(array("float", 3), array("float", 3), array("bool", 1)),
)
def read_steps(
    first: int,
    last: int,
    qpos: Array,
    qvel: Array,
    targets: Array,
    forces: Array,
    speeds: Array,
    limit: float,
    torques: Array,
    substep_dof_vel: Array,
    invalid: Array,
) -> None:
    """Write what the physics steps recorded, and which worlds are broken.

    Args:
        qpos: (N, 7 + D) and ``qvel (N, 6 + D)`` after the steps.
        targets: (N, S, D) rad.
        forces: (N, S, D) N m that were applied.
        speeds: (N, S, 6 + D), the velocities after every step.
        limit: a world is broken where a coordinate, a speed or a target is beyond this, or not a number.
        torques: receives (N, S, D) N m; ``substep_dof_vel`` likewise rad/s.
        invalid: receives (N,) bool.
    """
    for n in range(first, last):
        sound = True
        for place in range(qpos.shape[1]):
            sound &= abs(qpos[n, place]) <= limit
        for place in range(qvel.shape[1]):
            sound &= abs(qvel[n, place]) <= limit
        for step in range(forces.shape[1]):
            for joint in range(forces.shape[2]):
                sound &= abs(targets[n, step, joint]) <= limit
                torques[n, step, joint] = np.float32(forces[n, step, joint])
                substep_dof_vel[n, step, joint] = np.float32(speeds[n, step, 6 + joint])
        invalid[n] = not sound


@compiled(array("double", 3, readonly=True), array("long", 1), array("float", 3))
def read_contacts(first: int, last: int, forces: Array, bodies: Array, out: Array) -> None:
    """Write the contact forces on ``bodies (B,)``, ``out (N, B, 3)`` N, from torques and ``forces (N, .., 6)``."""
    for n in range(first, last):
        for body in range(len(bodies)):
            for axis in range(3):
                out[n, body, axis] = np.float32(forces[n, bodies[body], 3 + axis])
