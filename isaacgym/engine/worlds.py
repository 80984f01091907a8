"""One MuJoCo world for every environment: its model, built from the actors of the first one, and where things are.

All environments must hold the same assets in the same order, so that one model serves them all; what may differ
between them (friction, masses, gains ...) are fields of the model with a row for every world (``fields.py``).
"""

# pyright: reportAttributeAccessIssue=false
# (the names of MuJoCo's compiled modules are unknown to the type checker)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import mujoco
import numpy as np

from isaacgym.engine.actors import Actor
from isaacgym.engine.asset import Dof, Shape, Visual
from isaacgym.engine.grounds import Ground, Plane, add_ground
from isaacgym.engine.meeting import kinds_meet, meeting_pairs

MAX_PAIRED_GROUNDS = 4
"""With more geoms of ground, contacts are found through the broad phase and friction is set on the actors' geoms."""
MAX_PAIRED_SHAPES = 128
"""With more pairs of shapes that can meet, they are found through the broad phase, and the larger friction counts."""
GROUND_BIT = 1 << 29
HARD = (0.99, 0.99, 0.001, 0.5, 2.0)
"""Impedance of contacts. With the engine's own, 0.9 to 0.95, feet that push outwards creep: a quadrupedal robot of 52
kg sank by 4 cm in 2 s. This costs nothing and leaves a tenth of the creep."""
CHECKS = "checks"
"""Name of the texture and material of planes."""
VISUAL_GROUP, GROUND_GROUP, COLLISION_GROUP = 2, 0, 3
_TYPES = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "ellipsoid": mujoco.mjtGeom.mjGEOM_ELLIPSOID,
    "mesh": mujoco.mjtGeom.mjGEOM_MESH,
}


@dataclass(frozen=True)
class Options:
    """Settings of the physics step: its length in s and the gravity, (3,) m/s^2."""

    timestep: float
    gravity: tuple[float, ...]


@dataclass
class Slot:
    """Where the parts of one actor of an environment are: in tensors (first index and count) and in the model."""

    bodies: range
    dofs: range
    shapes: range
    root_qpos: int
    """Address of the free joint's position, or -1 for a fixed base."""
    root_qvel: int
    mocap: int
    """Index of the motion-capture body of a fixed base, or -1."""


@dataclass
class World:
    """A compiled model and the places of bodies, degrees of freedom and shapes in it."""

    model: mujoco.MjModel
    slots: list[Slot]
    body_ids: np.ndarray
    """(B,) the model's bodies, in the order of the tensors."""
    dof_qpos: np.ndarray
    """(D,) addresses in qpos."""
    dof_qvel: np.ndarray
    """(D,) addresses in qvel."""
    geom_ids: np.ndarray
    """(S,) the model's geoms of the collision shapes."""
    ground_geoms: list[int]
    ground_of_geom: list[int]
    """Which of the simulation's grounds each ground geom belongs to."""
    pairs: np.ndarray
    """(S, grounds) the model's explicit pairs of a shape and a ground geom; no columns where there are too many."""
    shape_pairs: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), int))
    """(P, 3) two shapes of actors and the model's explicit pair of them; none where there are too many."""
    dofs: list[Dof] = field(default_factory=list)
    sensor_bodies: list[int] = field(default_factory=list)
    """Tensor indices of the bodies with force sensors, one for each sensor."""


def compile_world(
    actors: Sequence[Actor], grounds: Sequence[Ground], options: Options, *, visual: bool = False
) -> World:
    """Return the compiled world of one environment; ``visual`` adds shapes that are only drawn."""
    spec = mujoco.MjSpec()
    _set_options(spec, options)
    if visual:
        _add_light(spec)
    ground_names: list[str] = []
    ground_of: list[int] = []
    for index, ground in enumerate(grounds):
        names = add_ground(spec, ground, index)
        ground_names += names
        ground_of += [index] * len(names)
        if visual and isinstance(ground, Plane):
            spec.geom(names[0]).material = CHECKS
    for index, actor in enumerate(actors):
        _add_actor(spec, actor, index, visual=visual)
    shape_names = [name for index, actor in enumerate(actors) for name in _shape_names(actor, index)]
    meeting = meeting_pairs(actors)
    if len(meeting) > MAX_PAIRED_SHAPES:
        meeting = []
        _set_filters(spec, actors)
    for first, second in meeting:
        _add_pair(spec, shape_names[first], shape_names[second])
    paired = len(ground_names) <= MAX_PAIRED_GROUNDS
    if paired:
        for shape in shape_names:
            for ground in ground_names:
                _add_pair(spec, shape, ground)
    else:
        for ground in ground_names:
            spec.geom(ground).contype = GROUND_BIT
        for shape in shape_names:
            spec.geom(shape).conaffinity |= GROUND_BIT
    _add_contact_report(spec)
    model = spec.compile()
    world = _index(model, actors, ground_names, ground_of, shape_names, paired)
    rows = [(a, b, model.pair(f"{shape_names[a]}/{shape_names[b]}").id) for a, b in meeting]
    world.shape_pairs = np.array(rows, int).reshape(-1, 3)
    return world


def _add_pair(spec: Any, first: str, second: str) -> None:
    spec.add_pair(name=f"{first}/{second}", geomname1=first, geomname2=second, condim=3, solimp=HARD)


def _set_options(spec: Any, options: Options) -> None:
    spec.compiler.degree = False
    spec.compiler.balanceinertia = True
    spec.compiler.boundmass = spec.compiler.boundinertia = 1e-9
    spec.option.timestep = options.timestep
    spec.option.gravity = options.gravity
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.solver = mujoco.mjtSolver.mjSOL_NEWTON
    spec.option.cone = mujoco.mjtCone.mjCONE_PYRAMIDAL
    spec.option.iterations, spec.option.ls_iterations = 10, 20
    # A single robot is one island. A broken world is put back by ``physics.repair``, where its actors started.
    spec.option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_ISLAND) | int(mujoco.mjtDisableBit.mjDSBL_AUTORESET)


def _add_light(spec: Any) -> None:
    """Light pictures from above, give them a sky, and checks of 1 m for planes."""
    spec.add_texture(
        name=CHECKS,
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=[0.42, 0.47, 0.52],
        rgb2=[0.36, 0.41, 0.46],
        width=128,
        height=128,
    )
    textures = [""] * int(mujoco.mjtTextureRole.mjNTEXROLE)
    textures[int(mujoco.mjtTextureRole.mjTEXROLE_RGB)] = CHECKS
    spec.add_material(name=CHECKS, textures=textures, texrepeat=[0.5, 0.5], texuniform=True)
    spec.visual.headlight.ambient, spec.visual.headlight.diffuse = [0.4] * 3, [0.3] * 3
    spec.visual.headlight.specular = [0.0] * 3
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, pos=[0, 0, 10], dir=[0.3, 0.2, -1.0], diffuse=[0.6] * 3
    )
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.75, 0.85, 0.95],
        rgb2=[0.45, 0.55, 0.7],
        width=64,
        height=384,
    )


def body_name(actor: int, body: int) -> str:
    """Return the model's name of a body."""
    return f"a{actor}b{body}"


def _shape_names(actor: Actor, index: int) -> list[str]:
    return [f"a{index}s{shape}" for shape in range(len(actor.shapes))]


def _add_actor(spec: Any, actor: Actor, index: int, *, visual: bool) -> None:
    blueprint = actor.asset.blueprint
    made: list[Any] = []
    shape_number = 0
    dofs_of: dict[int, list[tuple[int, Dof]]] = {}
    for number, dof in enumerate(blueprint.dofs):
        dofs_of.setdefault(dof.body, []).append((number, dof))
    for number, body in enumerate(blueprint.bodies):
        is_root = body.parent < 0
        parent = spec.worldbody if is_root else made[body.parent]
        pos, quat = (actor.pos, actor.quat) if is_root else (body.pos * actor.scale, body.quat)
        new = parent.add_body(name=body_name(index, number), pos=pos, quat=quat[[3, 0, 1, 2]])
        made.append(new)
        new.explicitinertial = True
        # A stand-in that passes the compiler's checks; ``fields.py`` writes the real values.
        new.mass, new.inertia = max(body.mass, 1e-3), [1e-3, 1e-3, 1e-3]
        # Without this the engine would rely on centers of mass that happen to be at the origin.
        new.simple = mujoco.mjtLimited.mjLIMITED_FALSE
        new.gravcomp = 1.0 if blueprint.options.disable_gravity else 0.0
        if is_root and blueprint.fixed_base:
            new.mocap = True
        elif is_root:
            new.add_freejoint(name=f"a{index}root")
        for dof_number, dof in dofs_of.get(number, ()):
            limited = bool(actor.dofs[dof_number]["hasLimits"])
            _add_joint(spec, new, dof, f"a{index}d{dof_number}", actor.scale, limited=limited)
        for shape in body.shapes:
            _add_shape(spec, new, shape, f"a{index}s{shape_number}", actor.scale, drawn_only=False)
            shape_number += 1
        if visual:
            for i, picture in enumerate(body.visuals):
                _add_shape(spec, new, picture, f"a{index}v{number}_{i}", actor.scale, drawn_only=True)
    for first, second in blueprint.self_collision_pairs_excluded:
        spec.add_exclude(bodyname1=body_name(index, first), bodyname2=body_name(index, second))


def _add_joint(spec: Any, body: Any, dof: Dof, name: str, scale: float, *, limited: bool) -> None:
    slides = dof.kind == "prismatic"
    body.add_joint(
        name=name,
        type=mujoco.mjtJoint.mjJNT_SLIDE if slides else mujoco.mjtJoint.mjJNT_HINGE,
        axis=dof.axis,
        pos=dof.pos * scale,
        ref=dof.reference,
        limited=mujoco.mjtLimited.mjLIMITED_TRUE if limited else mujoco.mjtLimited.mjLIMITED_FALSE,
        # Stand-ins, here and in the actuator; ``fields.py`` writes the real values.
        range=[-1.0, 1.0],
        solref_limit=[0.01, 1.0],
    )
    spec.add_actuator(
        name=name,
        target=name,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        gaintype=mujoco.mjtGain.mjGAIN_FIXED,
        biastype=mujoco.mjtBias.mjBIAS_AFFINE,
        gainprm=[1.0] + [0.0] * 9,
        biasprm=[0.0] * 10,
        forcelimited=mujoco.mjtLimited.mjLIMITED_TRUE,
        forcerange=[-1e9, 1e9],
    )


def _add_shape(spec: Any, body: Any, shape: Shape | Visual, name: str, scale: float, *, drawn_only: bool) -> None:
    values: dict[str, Any] = {"size": [*(part * scale for part in shape.size), 0.0, 0.0, 0.0][:3]}
    if shape.kind == "mesh":
        assert shape.vertices is not None
        mesh = spec.add_mesh(
            name=name,
            uservert=(shape.vertices * scale).astype(np.float32).ravel(),
            inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
        )
        if shape.triangles is not None:
            mesh.userface = np.asarray(shape.triangles, np.int32).ravel()
        values = {"meshname": name}
    rgba = shape.rgba if isinstance(shape, Visual) else (0.6, 0.6, 0.65, 1.0)
    body.add_geom(
        name=name,
        type=_TYPES[shape.kind],
        pos=shape.pos * scale,
        quat=np.asarray(shape.quat)[[3, 0, 1, 2]],
        rgba=rgba,
        mass=0.0,
        group=VISUAL_GROUP if drawn_only else COLLISION_GROUP,
        contype=0,
        conaffinity=0,
        condim=3,
        solimp=HARD,
        **values,
    )


def _set_filters(spec: Any, actors: Sequence[Actor]) -> None:
    """Translate groups and filter bits, "collide unless", into the engine's "collide if"."""
    kinds: dict[tuple[int, int, int], int] = {}
    for index, actor in enumerate(actors):
        for bits in actor.shape_filters().tolist():
            # A filter of 0 shares no bit with anything; two actors in groups of their own never meet.
            kinds.setdefault((index, actor.group, bits), len(kinds))
    if len(kinds) > 29:
        raise ValueError(f"an environment has {len(kinds)} different collision filters, and 29 can be told apart")
    members = list(kinds)
    for index, actor in enumerate(actors):
        for name, bits in zip(_shape_names(actor, index), actor.shape_filters().tolist(), strict=True):
            mine = (index, actor.group, bits)
            geom = spec.geom(name)
            meets = [other for other in members if kinds_meet(mine, other)]
            geom.contype = 1 << kinds[mine] if meets else 0
            geom.conaffinity = sum(1 << kinds[other] for other in meets)


def _add_contact_report(spec: Any) -> None:
    """Make the engine compute net contact forces, which it does only where a sensor of accelerations exists."""
    spec.worldbody.add_site(name="contact_report")
    spec.add_sensor(
        name="contact_report",
        type=mujoco.mjtSensor.mjSENS_FRAMELINACC,
        objtype=mujoco.mjtObj.mjOBJ_SITE,
        objname="contact_report",
    )


def _index(
    model: mujoco.MjModel,
    actors: Sequence[Actor],
    ground_names: list[str],
    ground_of: list[int],
    shape_names: list[str],
    paired: bool,
) -> World:
    slots: list[Slot] = []
    body_ids: list[int] = []
    joints: list[int] = []
    dofs: list[Dof] = []
    sensors: list[int] = []
    shapes = 0
    for index, actor in enumerate(actors):
        blueprint = actor.asset.blueprint
        root = int(model.body(body_name(index, 0)).id)
        free = not blueprint.fixed_base
        slots.append(
            Slot(
                bodies=range(len(body_ids), len(body_ids) + len(blueprint.bodies)),
                dofs=range(len(dofs), len(dofs) + len(blueprint.dofs)),
                shapes=range(shapes, shapes + len(actor.shapes)),
                root_qpos=int(model.jnt_qposadr[model.body_jntadr[root]]) if free else -1,
                root_qvel=int(model.jnt_dofadr[model.body_jntadr[root]]) if free else -1,
                mocap=-1 if free else int(model.body_mocapid[root]),
            )
        )
        sensors += [len(body_ids) + sensor.body for sensor in blueprint.force_sensors]
        body_ids += [int(model.body(body_name(index, i)).id) for i in range(len(blueprint.bodies))]
        joints += [int(model.joint(f"a{index}d{i}").id) for i in range(len(blueprint.dofs))]
        dofs += blueprint.dofs
        shapes += len(actor.shapes)
    pairs = np.zeros((len(shape_names), len(ground_names) if paired else 0), int)
    for row, shape in enumerate(shape_names):
        for column in range(pairs.shape[1]):
            pairs[row, column] = model.pair(f"{shape}/{ground_names[column]}").id
    return World(
        model=model,
        slots=slots,
        body_ids=np.array(body_ids, int),
        dof_qpos=model.jnt_qposadr[joints].astype(int),
        dof_qvel=model.jnt_dofadr[joints].astype(int),
        geom_ids=np.array([model.geom(name).id for name in shape_names], int),
        ground_geoms=[int(model.geom(name).id) for name in ground_names],
        ground_of_geom=ground_of,
        pairs=pairs,
        dofs=dofs,
        sensor_bodies=sensors,
    )
