"""Forward kinematics of the legs; ``legged_gym_ext.robots.kinematics`` has the same of tensors, operation by operation.

N worlds, four legs of hip, thigh, calf and foot; the trunk is body 0.
"""

from __future__ import annotations

import numpy as np

from legged_gym_ext.kernels.compiler import array, compiled, fma, inlined

_TWO = np.float32(2.0)


@inlined
def _cross(a, b, out):
    out[0] = fma(a[1], b[2], -(a[2] * b[1]))
    out[1] = fma(a[2], b[0], -(a[0] * b[2]))
    out[2] = fma(a[0], b[1], -(a[1] * b[0]))


@inlined
def _rotate(quat, vec, out):
    """``out = v + w t + q x t`` with ``t = 2 q x v``, of the quaternion q and the vector v."""
    qx, qy, qz, qw = quat[0], quat[1], quat[2], quat[3]
    x, y, z = vec[0], vec[1], vec[2]
    tx = _TWO * fma(qy, z, -(qz * y))
    ty = _TWO * fma(qz, x, -(qx * z))
    tz = _TWO * fma(qx, y, -(qy * x))
    out[0] = (x + qw * tx) + fma(qy, tz, -(qz * ty))
    out[1] = (y + qw * ty) + fma(qz, tx, -(qx * tz))
    out[2] = (z + qw * tz) + fma(qx, ty, -(qy * tx))


@inlined
def _links(origins, leg, sin, cos, arms):
    """``arms (3, 3)``: from hip to thigh, from thigh to calf, from calf to foot, in the frame of the base."""
    for link in range(3):
        x, y, z = origins[leg, 1 + link, 0], origins[leg, 1 + link, 1], origins[leg, 1 + link, 2]
        if link > 0:
            c, s = cos[leg, link], sin[leg, link]
            x, z = c * x + s * z, c * z - s * x
        c, s = cos[leg, 0], sin[leg, 0]
        arms[link, 0], arms[link, 1], arms[link, 2] = x, c * y - s * z, s * y + c * z


@inlined
def _write_quats(base, leg, sin, cos, out):
    """The quaternions of a leg's four bodies, from sine and cosine of half the angles (4, 3)."""
    bx, by, bz, bw = base[0], base[1], base[2], base[3]
    s, c = sin[leg, 0], cos[leg, 0]
    x, y, z, w = bw * s + bx * c, by * c + bz * s, bz * c - by * s, bw * c - bx * s
    body = 1 + 4 * leg
    out[body, 3], out[body, 4], out[body, 5], out[body, 6] = x, y, z, w
    for link in range(1, 4):
        s, c = sin[leg, min(link, 2)], cos[leg, min(link, 2)]
        row = out[body + link]
        row[3], row[4], row[5], row[6] = x * c - z * s, y * c + w * s, z * c + x * s, w * c - y * s


@inlined
def _write_motion(root, offset, velocity, spin, turned, row):
    """Position, velocity and angular velocity of a body, from what they are relative to the base, in its frame."""
    quat, spun = root[3:7], root[10:13]
    _rotate(quat, offset, turned[0])
    _rotate(quat, velocity, turned[1])
    _rotate(quat, spin, turned[2])
    _cross(spun, turned[0], turned[3])
    for axis in range(3):
        row[axis] = root[axis] + turned[0, axis]
        row[7 + axis] = (root[7 + axis] + turned[1, axis]) + turned[3, axis]
        row[10 + axis] = spun[axis] + turned[2, axis]


@compiled(*(array("float", dims) for dims in (2, 2, 3, 3, 3, 3, 3, 3)))
def body_states(first, last, root_states, dof_vel, origins, sin, cos, half_sin, half_cos, out):
    """Write the states of all bodies, ``out (N, 17, 13)``; see ``legged_gym_ext.robots.kinematics.body_states``.

    Args:
        root_states: (N, 13).
        dof_vel: (N, 12) rad/s.
        origins: (4, 4, 3) m: where hip, thigh, calf and foot of each leg are in the frame of what carries them.
        sin: (N, 4, 3) of the angles of hip, thigh and calf, the latter two against the hip; ``cos`` likewise.
        half_sin: (N, 4, 3) of half these angles; ``half_cos`` likewise.
    """
    arms, moved = np.empty((3, 3), np.float32), np.empty(3, np.float32)
    offset, velocity, spin = np.empty(3, np.float32), np.empty(3, np.float32), np.empty(3, np.float32)
    turned = np.empty((4, 3), np.float32)
    for n in range(first, last):
        root, state = root_states[n], out[n]
        state[0] = root
        for leg in range(4):
            _links(origins, leg, sin[n], cos[n], arms)
            _write_quats(root[3:7], leg, half_sin[n], half_cos[n], state)
            offset[:] = origins[leg, 0]
            velocity[:] = np.float32(0.0)
            spin[0], spin[1], spin[2] = dof_vel[n, 3 * leg], np.float32(0.0), np.float32(0.0)
            for link in range(4):
                _write_motion(root, offset, velocity, spin, turned, state[1 + 4 * leg + link])
                if link == 3:
                    break
                # What the next joint carries is moved by this one, and turned by it besides.
                _cross(spin, arms[link], moved)
                for axis in range(3):
                    offset[axis] += arms[link, axis]
                    velocity[axis] += moved[axis]
                if link < 2:
                    speed = dof_vel[n, 3 * leg + 1 + link]
                    spin[1] += cos[n, leg, 0] * speed
                    spin[2] += sin[n, leg, 0] * speed
