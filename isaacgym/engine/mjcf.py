"""MJCF files: MuJoCo's own compiler reads them, and its model becomes a tree of links."""

# MuJoCo's classes are made by its binary, where pyright does not see them.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isaacgym.engine.asset import Actuator, Asset, AssetError, Dof, Shape, Tendon, Visual
from isaacgym.engine.collapse import collapsed, flattened
from isaacgym.engine.frames import wxyz_to_xyzw
from isaacgym.engine.inertia import MassProperties
from isaacgym.engine.links import Link
from isaacgym.engine.meshes import convex_hull
from isaacgym.engine.mjcf_file import compiled
from isaacgym.engine.options import AssetOptions
from isaacgym.engine.urdf import UNLIMITED

if TYPE_CHECKING:
    import mujoco

logger = logging.getLogger(__name__)


def load_mjcf(path: Path, options: AssetOptions) -> Asset:
    """Return the asset of the first body in an MJCF file's world, with all below it.

    Bodies keep the order of the file. Other bodies of the world, its floor and its lights are left out. Densities are
    those of the file, whose default is 1000 kg/m^3. Raises ``AssetError`` with one sentence about what is wrong.
    """
    model = compiled(path)
    reader = _Reader(model, path.name, options.replace_cylinder_with_capsule)
    root = reader.link(1)
    # Where an actor starts is said by its pose, so the place of the root in the file does not count.
    root.pos, root.quat = np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0])
    free = any(kind == FREE for kind in reader.joint_types(1))
    if root.dofs:
        root = Link(name="world", children=[root])  # joints to the world: the base is fixed and moves along them
    if options.collapse_fixed_joints:
        root = collapsed(root)
    name = model.names.split(b"\0", 1)[0].decode() or path.stem
    asset = flattened(name, root, options, fixed_base=options.fix_base_link or not free)
    _exclude(asset, model)
    present = {dof.name for dof in asset.dofs}
    asset.actuators = [actuator for actuator in actuators(model) if actuator.joint in present]
    asset.tendons = [tendon for tendon in tendons(model) if present.issuperset(tendon.joints)]
    _drive(asset)
    return asset


FREE, BALL, SLIDE, HINGE = 0, 1, 2, 3
"""Numbers of MuJoCo's ``mjtJoint``."""
KINDS = {2: "sphere", 3: "capsule", 4: "ellipsoid", 5: "cylinder", 6: "box", 7: "mesh"}
"""Names of the kinds of ``mjtGeom`` that an asset can have."""
DEFAULT_RGBA = np.array([0.5, 0.5, 0.5, 1.0], dtype=np.float32)
"""Color of geoms that state none; their material's counts then."""


@dataclass
class _Reader:
    """Turns bodies of a compiled model into links."""

    model: mujoco.MjModel
    file: str
    cylinders_to_capsules: bool

    def joint_types(self, body: int) -> list[int]:
        start, count = self.model.body_jntadr[body], self.model.body_jntnum[body]
        return [int(kind) for kind in self.model.jnt_type[start : start + count]]

    def link(self, body: int) -> Link:
        """Return a body with its joints, shapes and everything below it."""
        model = self.model
        name = model.body(body).name or f"body_{body}"
        start, count = model.body_jntadr[body], model.body_jntnum[body]
        dofs = [self.dof(i, name) for i in range(start, start + count) if model.jnt_type[i] != FREE]
        mass = float(model.body_mass[body])
        inertial = MassProperties(mass, np.zeros(3), np.diag(model.body_inertia[body]))
        link = Link(
            name=name,
            joint=dofs[0].name if dofs else f"{name}_fixed",
            pos=model.body_pos[body].copy(),
            quat=wxyz_to_xyzw(model.body_quat[body]),
            dofs=dofs,
            inertial=inertial.moved(model.body_ipos[body].copy(), wxyz_to_xyzw(model.body_iquat[body]))
            if mass
            else None,
        )
        for geom in range(model.body_geomadr[body], model.body_geomadr[body] + model.body_geomnum[body]):
            self.add_geom(geom, link)
        children = (i for i in range(body + 1, model.nbody) if model.body_parentid[i] == body)
        link.children = [self.link(child) for child in children]
        return link

    def dof(self, joint: int, body: str) -> Dof:
        """Return one hinge or slider."""
        model = self.model
        kind, name = int(model.jnt_type[joint]), model.jnt(joint).name or f"{body}_joint_{joint}"
        if kind == BALL:
            raise AssetError(f"joint '{name}' of '{self.file}' is a ball; write it as three hinges")
        limited = bool(model.jnt_limited[joint])
        force_limited = bool(model.jnt_actfrclimited[joint])
        address = model.jnt_dofadr[joint]
        return Dof(
            name=name,
            body=-1,
            kind="prismatic" if kind == SLIDE else "revolute",
            axis=model.jnt_axis[joint].copy(),
            pos=model.jnt_pos[joint].copy(),
            has_limits=limited,
            lower=float(model.jnt_range[joint, 0]) if limited else -UNLIMITED,
            upper=float(model.jnt_range[joint, 1]) if limited else UNLIMITED,
            effort=float(np.abs(model.jnt_actfrcrange[joint]).max()) if force_limited else np.inf,
            damping=float(model.dof_damping[address].flat[0]),
            friction=float(model.dof_frictionloss[address]),
            armature=float(model.dof_armature[address]),
            stiffness=float(model.jnt_stiffness[joint].flat[0]),
            reference=float(model.qpos0[model.jnt_qposadr[joint]]),
        )

    def add_geom(self, geom: int, link: Link) -> None:
        """Add a geom to what is drawn and, if it collides with anything, to the shapes."""
        model = self.model
        kind = KINDS.get(int(model.geom_type[geom]))
        if kind is None:
            logger.warning("%s: body '%s' has a plane or a height field, which is left out", self.file, link.name)
            return
        pos, quat = model.geom_pos[geom].copy(), wxyz_to_xyzw(model.geom_quat[geom])
        size = tuple(float(x) for x in model.geom_size[geom])
        size = {"sphere": size[:1], "capsule": size[:2], "cylinder": size[:2], "mesh": ()}.get(kind, size)
        material = int(model.geom_matid[geom])
        own = material < 0 or not np.array_equal(model.geom_rgba[geom], DEFAULT_RGBA)
        red, green, blue, alpha = (float(x) for x in (model.geom_rgba[geom] if own else model.mat_rgba[material]))
        visual = Visual(kind, size, pos, quat, rgba=(red, green, blue, alpha), source_link=link.name)
        shape = Shape(kind, size, pos, quat, source_link=link.name, friction=float(model.geom_friction[geom, 0]))
        if kind == "mesh":
            mesh = model.mesh(model.geom_dataid[geom])
            vertices = model.mesh_vert[mesh.vertadr[0] : mesh.vertadr[0] + mesh.vertnum[0]].astype(np.float64)
            faces = model.mesh_face[mesh.faceadr[0] : mesh.faceadr[0] + mesh.facenum[0]].astype(np.int32)
            visual.vertices, visual.triangles = vertices, faces
        link.visuals.append(visual)
        if not model.geom_contype[geom] and not model.geom_conaffinity[geom]:
            return
        if visual.vertices is not None:
            shape.vertices, shape.triangles = convex_hull(visual.vertices)
        if kind == "cylinder" and self.cylinders_to_capsules:
            shape.kind = "capsule"
        link.shapes.append(shape)


def _exclude(asset: Asset, model: mujoco.MjModel) -> None:
    """Add the pairs of bodies that <exclude> names to those that the asset never lets touch."""
    for signature in model.exclude_signature:
        pair = sorted(asset.body_index(model.body(int(i)).name) for i in (signature >> 16, signature & 0xFFFF))
        if pair[0] >= 0 and (pair[0], pair[1]) not in asset.self_collision_pairs_excluded:
            asset.self_collision_pairs_excluded.append((pair[0], pair[1]))


def actuators(model: mujoco.MjModel) -> list[Actuator]:
    """Return the actuators that drive a joint, in the order of the file."""
    result = []
    for i in range(model.nu):
        if int(model.actuator_trntype[i]) != 0:  # mjTRN_JOINT
            continue
        gear = float(model.actuator_gear[i, 0])
        limited, force_limited = bool(model.actuator_ctrllimited[i]), bool(model.actuator_forcelimited[i])
        control = tuple(float(x) for x in model.actuator_ctrlrange[i]) if limited else (-np.inf, np.inf)
        force = tuple(float(x) for x in model.actuator_forcerange[i]) if force_limited else (-np.inf, np.inf)
        gain, bias = model.actuator_gainprm[i], model.actuator_biasprm[i]
        if bias[1] != 0.0:
            kind = "position"
        elif bias[2] != 0.0:
            kind = "velocity"
        else:
            kind = "motor" if gain[0] == 1.0 else "general"
        result.append(
            Actuator(
                name=model.actuator(i).name,
                joint=model.jnt(int(model.actuator_trnid[i, 0])).name,
                kind=kind,
                motor_effort=abs(gear) * (control[1] if kind == "motor" and limited else 1.0),
                kp=float(gain[0]) if kind == "position" else 0.0,
                kv=-float(bias[2]),
                gear=gear,
                control_range=(control[0], control[1]),
                force_range=(force[0], force[1]),
            )
        )
    return result


def _drive(asset: Asset) -> None:
    """Let position and velocity actuators of the file set gains and largest efforts of the joints that they drive."""
    for actuator in asset.actuators:
        dof = asset.dofs[asset.dof_index(actuator.joint)]
        if actuator.kind == "position":
            dof.stiffness = actuator.kp
        if actuator.kind in ("position", "velocity") and actuator.kv:
            dof.damping = actuator.kv
        limit = max(abs(end) for end in actuator.force_range)
        dof.effort = min(dof.effort, limit)


def tendons(model: mujoco.MjModel) -> list[Tendon]:
    """Return the fixed tendons, which are weighted sums of joint positions; spatial ones are left out."""
    result = []
    for i in range(model.ntendon):
        wraps = range(model.tendon_adr[i], model.tendon_adr[i] + model.tendon_num[i])
        if any(int(model.wrap_type[w]) != 1 for w in wraps):  # mjWRAP_JOINT
            logger.warning("tendon '%s' is not a fixed tendon and is left out", model.tendon(i).name)
            continue
        limited = bool(model.tendon_limited[i])
        result.append(
            Tendon(
                name=model.tendon(i).name,
                joints=tuple(model.jnt(int(model.wrap_objid[w])).name for w in wraps),
                coefficients=tuple(float(model.wrap_prm[w]) for w in wraps),
                has_limits=limited,
                lower=float(model.tendon_range[i, 0]) if limited else 0.0,
                upper=float(model.tendon_range[i, 1]) if limited else 0.0,
                stiffness=float(model.tendon_stiffness[i].flat[0]),
                damping=float(model.tendon_damping[i].flat[0]),
            )
        )
    return result
