"""Warp kernels that weigh constraints after a world's masses have changed; warp_dynamics.py says why they exist."""

# pyright: reportInvalidTypeForm=false, reportGeneralTypeIssues=false, reportIndexIssue=false, reportCallIssue=false
# pyright: reportAttributeAccessIssue=false, reportOperatorIssue=false, reportArgumentType=false
# pyright: reportAssignmentType=false
# (kernels are written in Warp's own language)

import warp as wp


@wp.kernel
def factor_mass_matrix(
    mask: wp.array[bool],
    nominal: wp.array2d[float],
    mass: wp.array2d[float],
    com: wp.array2d[wp.vec3],
    armature: wp.array2d[float],
    trunk: int,
    nominal_mass: float,
    nominal_com: wp.vec3,
    factor: wp.array3d[float],
):
    """(N,) threads: Cholesky's factor of the mass matrix (nv, nv) in the zero pose.

    A body of mass m whose center is at c in the frame of its free joint adds ``m [[1, -[c]], [[c], -[c][c]]]`` to the
    joint's block, where ``[c]`` is the matrix of the cross product with c.
    """
    world = wp.tid()
    if not mask[world]:
        return
    size = nominal.shape[0]
    for i in range(size):
        for j in range(size):
            factor[world, i, j] = nominal[i, j]
        factor[world, i, i] = factor[world, i, i] + armature[world, i]
    new_mass, new_com = mass[world, trunk], com[world, trunk]
    cross, nominal_cross = wp.skew(new_com), wp.skew(nominal_com)
    moment = new_mass * cross - nominal_mass * nominal_cross
    inertia = nominal_mass * nominal_cross * nominal_cross - new_mass * cross * cross
    for i in range(3):
        factor[world, i, i] = factor[world, i, i] + new_mass - nominal_mass
        for j in range(3):
            factor[world, i, 3 + j] = factor[world, i, 3 + j] - moment[i, j]
            factor[world, 3 + i, j] = factor[world, 3 + i, j] + moment[i, j]
            factor[world, 3 + i, 3 + j] = factor[world, 3 + i, 3 + j] + inertia[i, j]
    for j in range(size):
        pivot = factor[world, j, j]
        for k in range(j):
            pivot = pivot - factor[world, j, k] * factor[world, j, k]
        root = wp.sqrt(pivot)
        factor[world, j, j] = root
        for i in range(j + 1, size):
            value = factor[world, i, j]
            for k in range(j):
                value = value - factor[world, i, k] * factor[world, j, k]
            factor[world, i, j] = value / root


@wp.kernel
def invert_mass_matrix(mask: wp.array[bool], factor: wp.array3d[float], inverse: wp.array3d[float]):
    """(N, nv) threads: a column of the inverse of the mass matrix each, from its factor."""
    world, column = wp.tid()
    if not mask[world]:
        return
    size = factor.shape[1]
    for i in range(size):
        value = wp.where(i == column, 1.0, 0.0)
        for k in range(i):
            value = value - factor[world, i, k] * inverse[world, k, column]
        inverse[world, i, column] = value / factor[world, i, i]
    for back in range(size):
        i = size - 1 - back
        value = inverse[world, i, column]
        for k in range(i + 1, size):
            value = value - factor[world, k, i] * inverse[world, k, column]
        inverse[world, i, column] = value / factor[world, i, i]


@wp.kernel
def weigh_bodies(
    mask: wp.array[bool],
    jacobians: wp.array3d[float],
    com: wp.array2d[wp.vec3],
    trunk: int,
    inverse: wp.array3d[float],
    invweight: wp.array2d[wp.vec2],
):
    """(N, bodies) threads: mean inverse inertia at each body's center of mass, along and about the axes.

    ``jacobians (bodies, 6, nv)`` are of the nominal centers of mass; the trunk's follows ``com``.
    """
    world, body = wp.tid()
    if not mask[world] or body == 0:
        return
    size = inverse.shape[1]
    shift = wp.skew(com[world, trunk])
    sums = wp.vec2(0.0, 0.0)
    for row in range(6):
        total = float(0.0)  # noqa: UP018 (a variable, not a constant, to Warp)
        for i in range(size):
            left = jacobians[body, row, i]
            if body == trunk and row < 3 and i >= 3 and i < 6:
                left = -shift[row, i - 3]
            if left != 0.0:
                for j in range(size):
                    right = jacobians[body, row, j]
                    if body == trunk and row < 3 and j >= 3 and j < 6:
                        right = -shift[row, j - 3]
                    total = total + left * right * inverse[world, i, j]
        sums[row // 3] = sums[row // 3] + total / 3.0
    invweight[world, body] = sums


@wp.kernel
def weigh_dofs(mask: wp.array[bool], inverse: wp.array3d[float], invweight: wp.array2d[float]):
    """(N, nv) threads: inverse inertia of each degree of freedom; those of the free joint share two means."""
    world, dof = wp.tid()
    if not mask[world]:
        return
    if dof >= 6:
        invweight[world, dof] = inverse[world, dof, dof]
    else:
        first = 3 * (dof // 3)
        total = inverse[world, first, first] + inverse[world, first + 1, first + 1]
        invweight[world, dof] = (total + inverse[world, first + 2, first + 2]) / 3.0
