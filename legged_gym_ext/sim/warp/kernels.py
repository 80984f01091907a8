"""Warp kernels between MuJoCo Warp's arrays and the tensors of the Simulator contract. One thread per world or less.

Engine side: quaternions wxyz, angular velocity of the trunk in its own frame. Contract side: quaternions xyzw, world
frame. Shapes as in interface.py: N worlds, D joints, B bodies, S physics steps a control step, K boxes.
"""

# pyright: reportInvalidTypeForm=false, reportGeneralTypeIssues=false, reportIndexIssue=false, reportCallIssue=false
# pyright: reportAttributeAccessIssue=false, reportOperatorIssue=false, reportArgumentType=false
# pyright: reportAssignmentType=false
# (kernels are written in Warp's own language)

import warp as wp

from legged_gym_ext.sim.interface import MAX_COORDINATE

_MAX = wp.constant(float(MAX_COORDINATE))


@wp.func
def _is_sane(value: float) -> bool:
    """False for NaN, infinities and what is beyond ``MAX_COORDINATE``."""
    return wp.abs(value) <= _MAX


@wp.func
def _bounded(value: float) -> float:
    """``value`` made finite: NaN and infinities become zero, the rest is clamped to ``MAX_COORDINATE``."""
    if not wp.isfinite(value):
        return 0.0
    return wp.clamp(value, -_MAX, _MAX)


@wp.func
def _engine_quat(qpos: wp.array2d[float], world: int) -> wp.quat:
    """The trunk's orientation as Warp's quaternion, xyzw."""
    return wp.quat(qpos[world, 4], qpos[world, 5], qpos[world, 6], qpos[world, 3])


@wp.func
def _read_root(
    qpos: wp.array2d[float],
    qvel: wp.array2d[float],
    world: int,
    root_states: wp.array2d[float],
    dof_pos: wp.array2d[float],
    dof_vel: wp.array2d[float],
):
    """The contract's state of one world from the engine's."""
    for i in range(3):
        root_states[world, i] = qpos[world, i]
        root_states[world, 3 + i] = qpos[world, 4 + i]
        root_states[world, 7 + i] = qvel[world, i]
    root_states[world, 6] = qpos[world, 3]
    spin = wp.quat_rotate(_engine_quat(qpos, world), wp.vec3(qvel[world, 3], qvel[world, 4], qvel[world, 5]))
    for i in range(3):
        root_states[world, 10 + i] = spin[i]
    for i in range(dof_pos.shape[1]):
        dof_pos[world, i] = qpos[world, 7 + i]
        dof_vel[world, i] = qvel[world, 6 + i]


@wp.kernel
def load_targets(targets: wp.array3d[float], substep: int, ctrl: wp.array2d[float]):
    """(N, D) threads: the targets of one physics step."""
    world, joint = wp.tid()
    ctrl[world, joint] = targets[world, substep, joint]


@wp.kernel
def record_substep(
    actuator_force: wp.array2d[float],
    qvel: wp.array2d[float],
    substep: int,
    torques: wp.array3d[float],
    substep_dof_vel: wp.array3d[float],
):
    """(N, D) threads: torque and joint velocity of one physics step."""
    world, joint = wp.tid()
    torques[world, substep, joint] = actuator_force[world, joint]
    substep_dof_vel[world, substep, joint] = qvel[world, 6 + joint]


@wp.kernel
def read_state(
    qpos: wp.array2d[float],
    qvel: wp.array2d[float],
    targets: wp.array3d[float],
    root_states: wp.array2d[float],
    dof_pos: wp.array2d[float],
    dof_vel: wp.array2d[float],
    torques: wp.array3d[float],
    substep_dof_vel: wp.array3d[float],
    invalid: wp.array[bool],
    num_invalid: wp.array[int],
):
    """(N,) threads: the state after a control step; what a broken world reports is made finite and it is counted."""
    world = wp.tid()
    _read_root(qpos, qvel, world, root_states, dof_pos, dof_vel)
    sane = bool(True)  # noqa: UP018 (a variable, not a constant, to Warp)
    for i in range(qpos.shape[1]):
        sane = sane and _is_sane(qpos[world, i])
    for i in range(qvel.shape[1]):
        sane = sane and _is_sane(qvel[world, i])
    for s in range(targets.shape[1]):
        for i in range(targets.shape[2]):
            sane = sane and _is_sane(targets[world, s, i])
    invalid[world] = not sane
    if sane:
        return
    wp.atomic_add(num_invalid, 0, 1)
    for i in range(13):
        root_states[world, i] = _bounded(root_states[world, i])
    for i in range(dof_pos.shape[1]):
        dof_pos[world, i] = _bounded(dof_pos[world, i])
        dof_vel[world, i] = _bounded(dof_vel[world, i])
        for s in range(torques.shape[1]):
            torques[world, s, i] = _bounded(torques[world, s, i])
            substep_dof_vel[world, s, i] = _bounded(substep_dof_vel[world, s, i])


@wp.kernel
def read_contacts(cfrc_ext: wp.array2d[wp.spatial_vector], body_ids: wp.array[int], contact_forces: wp.array3d[float]):
    """(N, B) threads: net contact forces; the engine's vectors are torque, then force."""
    world, body = wp.tid()
    force = cfrc_ext[world, body_ids[body]]
    for i in range(3):
        contact_forces[world, body, i] = _bounded(force[3 + i])


@wp.kernel
def read_bodies(
    xpos: wp.array2d[wp.vec3],
    xquat: wp.array2d[wp.quat],
    cvel: wp.array2d[wp.spatial_vector],
    subtree_com: wp.array2d[wp.vec3],
    body_ids: wp.array[int],
    trunk: int,
    body_states: wp.array3d[float],
):
    """(N, B) threads: poses and velocities of bodies.

    The engine's velocities are taken at the center of mass of the whole robot; they are moved to each body's origin.
    """
    world, body = wp.tid()
    engine_body = body_ids[body]
    position, quat, velocity = xpos[world, engine_body], xquat[world, engine_body], cvel[world, engine_body]
    spin = wp.vec3(velocity[0], velocity[1], velocity[2])
    arm = position - subtree_com[world, trunk]
    linear = wp.vec3(velocity[3], velocity[4], velocity[5]) + wp.cross(spin, arm)
    for i in range(3):
        body_states[world, body, i] = _bounded(position[i])
        # The engine stores wxyz in Warp's type for xyzw.
        body_states[world, body, 3 + i] = _bounded(quat[1 + i])
        body_states[world, body, 7 + i] = _bounded(linear[i])
        body_states[world, body, 10 + i] = _bounded(spin[i])
    body_states[world, body, 6] = _bounded(quat[0])


@wp.kernel
def write_state(
    mask: wp.array[bool],
    new_root: wp.array2d[float],
    new_dof_pos: wp.array2d[float],
    new_dof_vel: wp.array2d[float],
    qpos: wp.array2d[float],
    qvel: wp.array2d[float],
    warmstart: wp.array2d[float],
    root_states: wp.array2d[float],
    dof_pos: wp.array2d[float],
    dof_vel: wp.array2d[float],
    torques: wp.array3d[float],
    substep_dof_vel: wp.array3d[float],
    contact_forces: wp.array3d[float],
    invalid: wp.array[bool],
):
    """(N,) threads: set the state of the masked worlds and forget what the last step reported of them."""
    world = wp.tid()
    if not mask[world]:
        return
    quat = wp.quat(new_root[world, 3], new_root[world, 4], new_root[world, 5], new_root[world, 6])
    spin = wp.vec3(new_root[world, 10], new_root[world, 11], new_root[world, 12])
    local = wp.quat_rotate_inv(quat, spin)
    for i in range(3):
        qpos[world, i] = new_root[world, i]
        qpos[world, 4 + i] = new_root[world, 3 + i]
        qvel[world, i] = new_root[world, 7 + i]
        qvel[world, 3 + i] = local[i]
    qpos[world, 3] = new_root[world, 6]
    for i in range(dof_pos.shape[1]):
        qpos[world, 7 + i] = new_dof_pos[world, i]
        qvel[world, 6 + i] = new_dof_vel[world, i]
        for s in range(torques.shape[1]):
            torques[world, s, i] = 0.0
            substep_dof_vel[world, s, i] = new_dof_vel[world, i]
    for i in range(warmstart.shape[1]):
        warmstart[world, i] = 0.0
    for body in range(contact_forces.shape[1]):
        for i in range(3):
            contact_forces[world, body, i] = 0.0
    _read_root(qpos, qvel, world, root_states, dof_pos, dof_vel)
    invalid[world] = False


@wp.kernel
def add_velocity(
    mask: wp.array[bool],
    velocity: wp.array2d[float],
    qpos: wp.array2d[float],
    qvel: wp.array2d[float],
    root_states: wp.array2d[float],
    dof_pos: wp.array2d[float],
    dof_vel: wp.array2d[float],
):
    """(N,) threads: kick the trunks of the masked worlds, world frame."""
    world = wp.tid()
    if not mask[world]:
        return
    spin = wp.vec3(velocity[world, 3], velocity[world, 4], velocity[world, 5])
    local = wp.quat_rotate_inv(_engine_quat(qpos, world), spin)
    for i in range(3):
        qvel[world, i] = qvel[world, i] + velocity[world, i]
        qvel[world, 3 + i] = qvel[world, 3 + i] + local[i]
    _read_root(qpos, qvel, world, root_states, dof_pos, dof_vel)


@wp.kernel
def place_boxes(
    mask: wp.array[bool],
    boxes: wp.array3d[float],
    solid: wp.array2d[bool],
    first: int,
    min_half: float,
    parked: wp.vec3,
    xpos: wp.array2d[wp.vec3],
    xmat: wp.array2d[wp.mat33],
    size: wp.array2d[wp.vec3],
    aabb: wp.array3d[wp.vec3],
    rbound: wp.array2d[float],
):
    """(N, K) threads: put the boxes of the masked worlds where they are hit; the others wait far below.

    A geom of the static world is placed once, when the data is made, so poses are written where the collision step
    reads them. ``first`` is the geom of box 0. Boxes that are not solid, or have a half extent of at most
    ``min_half`` m, are parked: whether a geom collides at all cannot differ between worlds.
    """
    world, box = wp.tid()
    if not mask[world]:
        return
    geom = first + box
    half = wp.vec3(boxes[world, box, 7], boxes[world, box, 8], boxes[world, box, 9])
    center = wp.vec3(boxes[world, box, 0], boxes[world, box, 1], boxes[world, box, 2])
    quat = wp.quat(boxes[world, box, 3], boxes[world, box, 4], boxes[world, box, 5], boxes[world, box, 6])
    if not solid[world, box] or wp.min(half) <= min_half:
        half = wp.vec3(min_half, min_half, min_half)
        center = parked
        quat = wp.quat_identity()
    xpos[world, geom] = center
    xmat[world, geom] = wp.quat_to_matrix(quat)
    size[world, geom] = half
    aabb[world, geom, 0] = wp.vec3(0.0, 0.0, 0.0)
    aabb[world, geom, 1] = half
    rbound[world, geom] = wp.length(half)
