"""MJCF (MuJoCo) and URDF (other tools) of a robot, as text; ``python -m legged_gym_ext.robots.model --write``
renews the files in ``resources/robots/``.

The motors are MuJoCo's ``dcmotor`` with a position controller. It commands tau = kp (q* - q) - kd dq and delivers
exactly that until the drive voltage, which it limits to the nominal one, is used up: with stall torque T = the joint's
torque limit and no-load speed W = its velocity limit the torque stays in

    [-T (1 + dq / W), T (1 - dq / W)]   and in   [-T, T].

So a driving torque falls linearly with speed to nothing at W, a braking torque keeps the full limit T, and a joint
forced beyond W is braked by at least T (|dq| / W - 1), up to T, whatever is commanded.

In the compiled model, row i for joint i: resistance, motor constant, kp, kd and voltage limit are
``actuator_gainprm[i, [0, 1, 4, 6, 7]]``, the torque limit is ``actuator_forcerange[i]``; biasprm and dynprm are zero.
A motor of s times the strength at the same no-load speed has kp, kd and forcerange times s and its resistance over s.
"""

import argparse
import logging
import math
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from legged_gym_ext.robots.a1 import A1
from legged_gym_ext.robots.base import GeomCfg, JointCfg, LinkCfg, MountCfg, RobotCfg
from legged_gym_ext.robots.geometry import rpy_to_matrix, rpy_to_quat
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.robots.registry import get_robot
from st_rl.utils.errors import UserError

RESOURCES = Path(__file__).resolve().parents[2] / "resources" / "robots"
NOMINAL_VOLTAGE = 24.0
"""Supply of the motors in V. Any value gives the same torque: resistance and motor constant are derived from it."""
TWIST_FRICTION = (0.005, 0.0001)  # torsional and rolling coefficients: MuJoCo's defaults, unused with condim 3

log = logging.getLogger(__name__)


def robot_mjcf(cfg: RobotCfg, *, visual: bool, name_prefix: str = "") -> str:
    """MJCF of the robot alone: no ground, no light, no ``<option>``; those belong to the scene that includes it.

    The trunk hangs from a free joint at ``cfg.base_height``. Collision shapes are in group 3 and collide with the
    ground (contype 2, conaffinity 1), never with the robot itself; their friction counts, not the ground's, because
    of their higher priority. Visual shapes are in group 2 and exist only if ``visual``: they cost physics time.
    Actuators follow ``cfg.dof_names`` and take joint angles in rad. ``name_prefix`` goes before every name, so that
    several robots fit into one model.
    """
    root = ET.Element("mujoco", model=name_prefix + cfg.name)
    ET.SubElement(root, "compiler", angle="radian", autolimits="true", inertiafromgeom="false")
    _add_defaults(ET.SubElement(root, "default"), cfg, name_prefix)
    if visual:
        _add_materials(ET.SubElement(root, "asset"), cfg, name_prefix)
    parent_of: dict[str, JointCfg | MountCfg] = {j.child: j for j in (*cfg.joints, *cfg.foot_mounts)}
    bodies: dict[str, ET.Element] = {}
    worldbody = ET.SubElement(root, "worldbody")
    for link in cfg.links:
        joint = parent_of.get(link.name)
        if joint is None:
            body = ET.SubElement(worldbody, "body", name=name_prefix + link.name, pos=_nums((0, 0, cfg.base_height)))
            ET.SubElement(body, "freejoint", name=name_prefix + "root")
        else:
            body = ET.SubElement(bodies[joint.parent], "body", name=name_prefix + link.name, pos=_nums(joint.origin))
        bodies[link.name] = body
        _add_inertial(body, link)
        if isinstance(joint, JointCfg):
            _add_hinge(body, joint, cfg, name_prefix)
        if link.name == cfg.trunk_name:
            ET.SubElement(body, "site", name=name_prefix + "imu", size="0.01", group="4")
        _add_geoms(body, link, name_prefix, visual)
    _add_motors(ET.SubElement(root, "actuator"), cfg, name_prefix)
    # Without an accelerometer MuJoCo leaves cfrc_ext, the net contact forces, at zero.
    ET.SubElement(
        ET.SubElement(root, "sensor"), "accelerometer", name=name_prefix + "imu_acc", site=name_prefix + "imu"
    )
    return _to_text(root)


def _add_defaults(default: ET.Element, cfg: RobotCfg, prefix: str) -> None:
    """The classes ``collision`` and ``visual`` of the robot's geoms."""
    collision = ET.SubElement(default, "default", attrib={"class": prefix + "collision"})
    ET.SubElement(
        collision,
        "geom",
        group="3",
        contype="1",
        conaffinity="2",
        condim="3",
        priority="1",
        friction=_nums((cfg.friction, *TWIST_FRICTION)),
        solref="0.01 1",
    )
    visual = ET.SubElement(default, "default", attrib={"class": prefix + "visual"})
    ET.SubElement(visual, "geom", group="2", contype="0", conaffinity="0", density="0")


def _add_inertial(body: ET.Element, link: LinkCfg) -> None:
    """Mass, center of mass and inertia; MuJoCo wants the diagonal of the inertia first."""
    ixx, ixy, ixz, iyy, iyz, izz = link.inertia
    ET.SubElement(
        body,
        "inertial",
        pos=_nums(link.com),
        mass=_num(link.mass),
        fullinertia=_nums((ixx, iyy, izz, ixy, ixz, iyz)),
    )


def _add_hinge(body: ET.Element, joint: JointCfg, cfg: RobotCfg, prefix: str) -> None:
    """A limited hinge with the motor's armature and the joint's passive friction."""
    ET.SubElement(
        body,
        "joint",
        name=prefix + joint.name,
        axis=_nums(joint.axis),
        range=_nums((joint.lower, joint.upper)),
        armature=_num(cfg.armature),
        damping=_num(joint.damping),
        frictionloss=_num(joint.friction),
    )


def _add_geoms(body: ET.Element, link: LinkCfg, prefix: str, visual: bool) -> None:
    """Collision shapes, named ``<link>_collision<i>``, then the nameless visual ones."""
    for i, geom in enumerate(link.collision):
        attrib = {"class": prefix + "collision", "name": f"{prefix}{link.name}_collision{i}", "rgba": _nums(geom.rgba)}
        ET.SubElement(body, "geom", attrib=attrib | _shape(geom))
    if visual:
        for geom in link.visual:
            material = {"class": prefix + "visual", "material": prefix + _material(geom)}
            ET.SubElement(body, "geom", attrib=material | _shape(geom))


def _shape(geom: GeomCfg) -> dict[str, str]:
    """MJCF attributes of a shape; orientation left out where there is none."""
    shape = {"type": geom.type, "size": _nums(geom.size), "pos": _nums(geom.pos)}
    if any(geom.rpy):
        shape["quat"] = _nums(rpy_to_quat(geom.rpy))
    return shape


def _material(geom: GeomCfg) -> str:
    """Name of a shape's material, made of what it looks like."""
    red, green, blue, _ = (round(255 * c) for c in geom.rgba)
    return f"paint_{red:02x}{green:02x}{blue:02x}_{round(100 * geom.gloss)}"


def _add_materials(asset: ET.Element, cfg: RobotCfg, prefix: str) -> None:
    """One material per combination of color and gloss, in the order of first use."""
    looks = {_material(geom): geom for link in cfg.links for geom in link.visual}
    for name, geom in looks.items():
        ET.SubElement(
            asset,
            "material",
            name=prefix + name,
            rgba=_nums(geom.rgba),
            specular=_num(geom.gloss),
            shininess=_num(geom.gloss),
        )


def _add_motors(actuator: ET.Element, cfg: RobotCfg, prefix: str) -> None:
    """One position-controlled motor per joint, named like the joint; the curve is described at the top."""
    for joint, kp, kd in zip(cfg.joints, cfg.stiffness, cfg.damping, strict=True):
        ET.SubElement(
            actuator,
            "dcmotor",
            name=prefix + joint.name,
            joint=prefix + joint.name,
            input="pos",
            nominal=_nums((NOMINAL_VOLTAGE, joint.torque_limit, joint.velocity_limit)),
            saturation=_nums((joint.torque_limit, 0, 0)),
            controller=_nums((kp, 0, kd, 0, 0, NOMINAL_VOLTAGE)),
        )


def robot_urdf(cfg: RobotCfg) -> str:
    """URDF of the robot with every link, joint, limit and inertia of the MJCF.

    URDF knows neither capsules nor ellipsoids: a capsule becomes a cylinder and two spheres, an ellipsoid (only used
    for looks) a box of the same volume.
    """
    root = ET.Element("robot", name=cfg.name)
    for link in cfg.links:
        element = ET.SubElement(root, "link", name=link.name)
        inertial = ET.SubElement(element, "inertial")
        ET.SubElement(inertial, "origin", xyz=_nums(link.com), rpy="0 0 0")
        ET.SubElement(inertial, "mass", value=_num(link.mass))
        names = ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")
        ET.SubElement(inertial, "inertia", {n: _num(v) for n, v in zip(names, link.inertia, strict=True)})
        for geom in link.visual:
            _add_urdf_geom(element, "visual", geom)
        for geom in link.collision:
            _add_urdf_geom(element, "collision", geom)
    for joint in cfg.joints:
        element = _add_urdf_joint(root, joint, "revolute")
        ET.SubElement(element, "axis", xyz=_nums(joint.axis))
        ET.SubElement(
            element,
            "limit",
            lower=_num(joint.lower),
            upper=_num(joint.upper),
            effort=_num(joint.torque_limit),
            velocity=_num(joint.velocity_limit),
        )
        ET.SubElement(element, "dynamics", damping=_num(joint.damping), friction=_num(joint.friction))
    for mount in cfg.foot_mounts:
        # Isaac Gym merges links at fixed joints unless they say this, and rewards need the feet.
        _add_urdf_joint(root, mount, "fixed").set("dont_collapse", "true")
    return _to_text(root)


def _add_urdf_joint(root: ET.Element, joint: JointCfg | MountCfg, kind: str) -> ET.Element:
    """The part that hinges and rigid connections share."""
    element = ET.SubElement(root, "joint", name=joint.name, type=kind)
    ET.SubElement(element, "parent", link=joint.parent)
    ET.SubElement(element, "child", link=joint.child)
    ET.SubElement(element, "origin", xyz=_nums(joint.origin), rpy="0 0 0")
    return element


def _add_urdf_geom(link: ET.Element, tag: str, geom: GeomCfg) -> None:
    """One shape as URDF elements, each with its own origin."""
    for part in _urdf_parts(geom):
        element = ET.SubElement(link, tag)
        ET.SubElement(element, "origin", xyz=_nums(part.pos), rpy=_nums(part.rpy))
        shape = ET.SubElement(element, "geometry")
        if part.type == "box":
            ET.SubElement(shape, "box", size=_nums(2 * s for s in part.size))
        elif part.type == "cylinder":
            ET.SubElement(shape, "cylinder", radius=_num(part.size[0]), length=_num(2 * part.size[1]))
        else:
            ET.SubElement(shape, "sphere", radius=_num(part.size[0]))
        if tag == "visual":
            material = ET.SubElement(element, "material", name=_material(geom))
            ET.SubElement(material, "color", rgba=_nums(geom.rgba))


def _urdf_parts(geom: GeomCfg) -> tuple[GeomCfg, ...]:
    """``geom`` as boxes, cylinders and spheres."""
    if geom.type == "capsule":
        radius, half = geom.size
        x, y, z = (float(v) for v in rpy_to_matrix(geom.rpy)[:, 2] * half)
        (px, py, pz) = geom.pos
        ends = ((px + x, py + y, pz + z), (px - x, py - y, pz - z))
        return (
            replace(geom, type="cylinder"),
            *(replace(geom, type="sphere", size=(radius,), pos=end) for end in ends),
        )
    if geom.type == "ellipsoid":
        shrink = (math.pi / 6) ** (1 / 3)  # box volume 8 abc, ellipsoid volume 4/3 pi abc
        return (replace(geom, type="box", size=tuple(shrink * s for s in geom.size)),)
    return (geom,)


def _to_text(root: ET.Element) -> str:
    """Indented XML that ends with a newline."""
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def write_models(folder: Path, robots: Iterable[RobotCfg] = (GO1, A1)) -> list[Path]:
    """Write ``<folder>/<robot>/<robot>.xml`` and ``.urdf`` of ``robots``, by default the suite's; returns the paths."""
    written = []
    for cfg in robots:
        (folder / cfg.name).mkdir(parents=True, exist_ok=True)
        for suffix, text in ((".xml", robot_mjcf(cfg, visual=True)), (".urdf", robot_urdf(cfg))):
            path = folder / cfg.name / (cfg.name + suffix)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def main() -> None:
    """Command line: write the files, or without ``--write`` say where they would go."""
    parser = argparse.ArgumentParser(description="Generate the MJCF and URDF files of the suite's robots, or of one.")
    parser.add_argument("--write", action="store_true", help="renew the files")
    parser.add_argument("--robot", help="write this robot alone; it may come from a plugin")
    parser.add_argument("--folder", type=Path, default=RESOURCES, help="where to (default: %(default)s)")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        robots = (GO1, A1) if args.robot is None else (get_robot(args.robot),)
    except UserError as error:
        parser.error(str(error))
    if args.write:
        for path in write_models(args.folder, robots):
            log.info("wrote %s", path)
    else:
        log.info("would write %s to %s; add --write", ", ".join(robot.name for robot in robots), args.folder)


def _num(value: float) -> str:
    """The shortest text of ten significant digits, without a negative zero."""
    return f"{value + 0.0:.10g}"


def _nums(values: Iterable[float]) -> str:
    """Numbers separated by blanks."""
    return " ".join(_num(value) for value in values)


if __name__ == "__main__":
    main()
