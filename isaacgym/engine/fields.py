"""Properties of actors as fields of the model: a row for every world where the worlds differ, else one for all.

Friction: a contact has the mean of both shapes' coefficients. MuJoCo takes the larger one, except for explicit pairs,
which have their own; every shape is paired with the ground and with the shapes that it can meet. Where there are too
many pieces of ground for that, the actors' geoms get priority and the mean as their friction. Where there are too many
pairs of shapes, the larger one counts between them, which is the mean where both are alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isaacgym.api.enums import DofDriveMode
from isaacgym.api.properties import UNLIMITED
from isaacgym.engine.actors import Actor
from isaacgym.engine.grounds import Ground
from isaacgym.engine.worlds import World

Fields = dict[str, np.ndarray]
MIN_TIME_CONSTANT = 0.005
"""s; contacts are this stiff at most, and no stiffer than twice the length of a physics step."""
RESTING_RATIO = 1.5
"""Damping ratio of contacts without restitution: they rebound with 6 % of the speed of impact, and 13 % at 1."""
MIN_RESTITUTION = 0.14
"""Below this a contact has none: a critically damped spring has as much."""
MIN_FRICTION = 0.01
"""Friction of a contact between smooth shapes: the engine's solver fails with pyramids that are as good as flat."""
MIN_INERTIA = 1e-9
"""kg m^2; a body that has less in its file is given this much, or its accelerations would be infinite."""
MAX_FORCE = 1e9
"""N m or N; an actuator's limit where there is none."""


def gather(world: World, envs: Sequence[Sequence[Actor]], grounds: Sequence[Ground]) -> Fields:
    """Return every field that properties decide, (N, ...), for the environments' actors."""
    fields = _body_fields(world, envs)
    fields |= _contact_fields(world, envs, grounds)
    fields |= _dof_fields(world, envs)
    return fields


def write_shared(model: object, fields: Fields) -> Fields:
    """Write fields that are the same in all worlds into the model; return the others."""
    different: Fields = {}
    for name, values in fields.items():
        if np.all(values == values[:1]):
            target = vars_of(model, name)
            target[:] = values[0].reshape(target.shape)
        else:
            different[name] = values
    return different


def vars_of(model: object, name: str) -> np.ndarray:
    """Return the array of a model's field."""
    return _READERS[name](model)


def changed(old: Fields, new: Fields) -> Fields:
    """Return the fields of ``new`` that differ from ``old``."""
    return {name: values for name, values in new.items() if not np.array_equal(values, old[name])}


# ---------------------------------------------------------------- bodies


def _body_fields(world: World, envs: Sequence[Sequence[Actor]]) -> Fields:
    model, n = world.model, len(envs)
    rows = np.stack([np.concatenate([actor.bodies for actor in actors]) for actors in envs])
    mass = np.tile(model.body_mass, (n, 1))
    ipos = np.tile(model.body_ipos, (n, 1, 1))
    iquat = np.tile(model.body_iquat, (n, 1, 1))
    inertia = np.tile(model.body_inertia, (n, 1, 1))
    ids = world.body_ids
    mass[:, ids], ipos[:, ids] = rows["mass"], rows["com"]
    same = bool(np.all(rows["inertia"] == rows["inertia"][:1]))
    moments, quats = _principal(rows["inertia"][:1] if same else rows["inertia"])
    inertia[:, ids], iquat[:, ids] = moments, quats
    return {"body_mass": mass, "body_ipos": ipos, "body_iquat": iquat, "body_inertia": inertia}


def _principal(inertia: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return principal moments (..., 3) and the quaternions wxyz (..., 4) of their axes, for (..., 3, 3)."""
    moments, axes = np.linalg.eigh(0.5 * (inertia + np.swapaxes(inertia, -1, -2)))
    axes[..., 0] *= np.sign(np.linalg.det(axes))[..., None]
    return np.maximum(moments, MIN_INERTIA), _quat_of(axes)


def _quat_of(matrix: np.ndarray) -> np.ndarray:
    """Return the quaternions wxyz of rotation matrices (..., 3, 3).

    The four candidates are the rows of one symmetric matrix, q q^T; the row with the largest diagonal is well
    conditioned (Shepperd 1978, as the outer product).
    """
    m = matrix
    outer = np.empty((*m.shape[:-2], 4, 4))
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    outer[..., 0, 0] = 1.0 + trace
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        outer[..., i + 1, i + 1] = 1.0 + 2.0 * m[..., i, i] - trace
        outer[..., 0, i + 1] = outer[..., i + 1, 0] = m[..., k, j] - m[..., j, k]
        outer[..., j + 1, k + 1] = outer[..., k + 1, j + 1] = m[..., k, j] + m[..., j, k]
    best = np.argmax(np.diagonal(outer, axis1=-2, axis2=-1), axis=-1)
    quats = np.take_along_axis(outer, best[..., None, None], axis=-2)[..., 0, :]
    return quats / np.linalg.norm(quats, axis=-1, keepdims=True)


# ---------------------------------------------------------------- contacts


def _contact_fields(world: World, envs: Sequence[Sequence[Actor]], grounds: Sequence[Ground]) -> Fields:
    model, n = world.model, len(envs)
    friction = np.stack([np.concatenate([actor.shapes["friction"] for actor in actors]) for actors in envs])
    bounce = np.stack([np.concatenate([actor.shapes["restitution"] for actor in actors]) for actors in envs])
    on_ground = [grounds[index].material for index in world.ground_of_geom]
    geom_friction = np.tile(model.geom_friction, (n, 1, 1))
    geom_solref = np.tile(model.geom_solref, (n, 1, 1))
    geom_friction[:, world.geom_ids, 0] = np.maximum(friction, MIN_FRICTION)
    geom_solref[:, world.geom_ids] = _solref(bounce, model.opt.timestep)
    if on_ground and not world.pairs.shape[1]:
        ground = on_ground[0]
        model.geom_priority[world.geom_ids] = 1
        geom_friction[:, world.geom_ids, 0] = np.maximum(0.5 * (friction + ground.friction), MIN_FRICTION)
        geom_solref[:, world.geom_ids] = _solref(0.5 * (bounce + ground.restitution), model.opt.timestep)
    fields = {"geom_friction": geom_friction, "geom_solref": geom_solref}
    if model.npair:
        pair_friction = np.tile(model.pair_friction, (n, 1, 1))
        pair_solref = np.tile(model.pair_solref, (n, 1, 1))
        for column, ground in enumerate(on_ground if world.pairs.size else ()):
            pairs = world.pairs[:, column]
            mean = np.maximum(0.5 * (friction + ground.friction), MIN_FRICTION)
            pair_friction[:, pairs, :2] = mean[..., None]
            pair_solref[:, pairs] = _solref(0.5 * (bounce + ground.restitution), model.opt.timestep)
        first, second, pairs = world.shape_pairs.T
        mean = np.maximum(0.5 * (friction[:, first] + friction[:, second]), MIN_FRICTION)
        pair_friction[:, pairs, :2] = mean[..., None]
        pair_solref[:, pairs] = _solref(0.5 * (bounce[:, first] + bounce[:, second]), model.opt.timestep)
        fields |= {"pair_friction": pair_friction, "pair_solref": pair_solref}
    return fields


def _solref(restitution: np.ndarray, timestep: float) -> np.ndarray:
    """Return the engine's contact parameters for coefficients of restitution, (..., 2).

    Without restitution: overdamped, as stiff as the step allows. With: a damped spring whose half period is six
    steps; the engine takes negative numbers for stiffness and damping.
    """
    time_constant = max(2.0 * timestep, MIN_TIME_CONSTANT)
    frequency = np.pi / (6.0 * timestep)
    ratio = np.interp(restitution, _REBOUNDS[::-1], _RATIOS[::-1])
    bouncing = np.stack([np.full_like(ratio, -(frequency**2)), -2.0 * ratio * frequency], axis=-1)
    resting = np.broadcast_to([time_constant, RESTING_RATIO], bouncing.shape)
    return np.where((restitution > MIN_RESTITUTION)[..., None], bouncing, resting)


def _rebound(ratio: np.ndarray) -> np.ndarray:
    """Return the coefficient of restitution of a damped spring that cannot pull, by its damping ratio below 1.

    Schwager and Poschel, Coefficient of restitution and linear-dashpot model revisited, 2007, equation 17.
    """
    root = np.sqrt(1.0 - ratio**2)
    return np.exp(-ratio / root * np.arctan2(2.0 * ratio * root, 2.0 * ratio**2 - 1.0))


_RATIOS = np.linspace(0.0, 0.999, 500)
_REBOUNDS = _rebound(_RATIOS)


# ---------------------------------------------------------------- degrees of freedom


def _dof_fields(world: World, envs: Sequence[Sequence[Actor]]) -> Fields:
    model, n = world.model, len(envs)
    damping, loss = np.zeros((n, model.nv)), np.zeros((n, model.nv))
    armature = np.zeros((n, model.nv))
    _add_body_damping(world, envs, damping)
    fields: Fields = {"dof_damping": damping, "dof_frictionloss": loss, "dof_armature": armature}
    if not len(world.dof_qvel):
        return fields
    rows = np.stack([np.concatenate([actor.dofs for actor in actors]) for actors in envs])
    mode, kp, kd = rows["driveMode"], rows["stiffness"].astype(float), rows["damping"].astype(float)
    position, velocity = mode == DofDriveMode.DOF_MODE_POS, mode == DofDriveMode.DOF_MODE_VEL
    driven = position | velocity
    at = world.dof_qvel
    damping[:, at] = np.where(driven, 0.0, kd)
    loss[:, at], armature[:, at] = rows["friction"], rows["armature"]
    joints = model.dof_jntid[at]
    stiffness = np.tile(model.jnt_stiffness, (n, *[1] * (model.jnt_stiffness.ndim)))
    stiffness[:, joints] = np.where(driven, 0.0, kp).reshape(n, len(at), *[1] * (model.jnt_stiffness.ndim - 1))
    limits = np.tile(model.jnt_range, (n, 1, 1))
    bounded = rows["hasLimits"]
    limits[:, joints, 0] = np.where(bounded, rows["lower"], -1.0)
    limits[:, joints, 1] = np.where(bounded, rows["upper"], 1.0)
    bias = np.zeros((n, model.nu, model.actuator_biasprm.shape[1]))
    # The engine is implicit in velocities alone. A spring that looks one step ahead, q + h v, is implicit as well.
    bias[:, :, 1] = np.where(position, -kp, 0.0)
    bias[:, :, 2] = -np.where(position, kd + model.opt.timestep * kp, np.where(velocity, kd, 0.0))
    effort = rows["effort"].astype(float)
    effort = np.where((effort <= 0.0) | (effort >= UNLIMITED), MAX_FORCE, effort)
    return fields | {
        "jnt_stiffness": stiffness,
        "jnt_range": limits,
        "actuator_biasprm": bias,
        "actuator_forcerange": np.stack([-effort, effort], axis=-1),
    }


def _add_body_damping(world: World, envs: Sequence[Sequence[Actor]], damping: np.ndarray) -> None:
    """Turn the assets' linear and angular damping, 1/s, into damping of their free joints.

    The linear one is exact for the whole actor; the angular one uses the inertia about the center of mass of the
    actor's root body with the masses of the other bodies where the joints are at zero.
    """
    for index, slot in enumerate(world.slots):
        options = envs[0][index].asset.blueprint.options
        if slot.root_qvel < 0 or not (options.linear_damping or options.angular_damping):
            continue
        for world_index, actors in enumerate(envs):
            mass, inertia = _composite(actors[index])
            damping[world_index, slot.root_qvel : slot.root_qvel + 3] = options.linear_damping * mass
            damping[world_index, slot.root_qvel + 3 : slot.root_qvel + 6] = options.angular_damping * inertia


def _composite(actor: Actor) -> tuple[float, np.ndarray]:
    """Return the mass, kg, and the diagonal (3,) of the inertia about the center of mass, joints at zero, kg m^2."""
    turn, origins = [], []
    for body in actor.asset.blueprint.bodies:
        x, y, z, w = body.quat
        matrix = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        if body.parent < 0:
            turn.append(np.eye(3))
            origins.append(np.zeros(3))
        else:
            turn.append(turn[body.parent] @ matrix)
            origins.append(origins[body.parent] + turn[body.parent] @ body.pos)
    rows = actor.bodies
    centers = np.array([o + t @ com for o, t, com in zip(origins, turn, rows["com"], strict=True)])
    mass = rows["mass"]
    offsets = centers - (mass @ centers) / mass.sum()
    total = sum(
        t @ inertia @ t.T + m * (d @ d * np.eye(3) - np.outer(d, d))
        for t, inertia, m, d in zip(turn, rows["inertia"], mass, offsets, strict=True)
    )
    return float(mass.sum()), np.diagonal(np.asarray(total)).copy()


_READERS = {
    "body_mass": lambda m: m.body_mass,
    "body_ipos": lambda m: m.body_ipos,
    "body_iquat": lambda m: m.body_iquat,
    "body_inertia": lambda m: m.body_inertia,
    "geom_friction": lambda m: m.geom_friction,
    "geom_solref": lambda m: m.geom_solref,
    "pair_friction": lambda m: m.pair_friction,
    "pair_solref": lambda m: m.pair_solref,
    "dof_damping": lambda m: m.dof_damping,
    "dof_frictionloss": lambda m: m.dof_frictionloss,
    "dof_armature": lambda m: m.dof_armature,
    "jnt_stiffness": lambda m: m.jnt_stiffness,
    "jnt_range": lambda m: m.jnt_range,
    "actuator_biasprm": lambda m: m.actuator_biasprm,
    "actuator_forcerange": lambda m: m.actuator_forcerange,
}
