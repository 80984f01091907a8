"""URDF files: elements and attributes to a tree of links."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from isaacgym.engine.asset import Asset, AssetError, Dof, Shape, Visual
from isaacgym.engine.collapse import collapsed, flattened, ordered_by_joint_name
from isaacgym.engine.frames import quat_from_rpy
from isaacgym.engine.inertia import MassProperties
from isaacgym.engine.links import Link
from isaacgym.engine.mesh_files import MeshFiles
from isaacgym.engine.options import AssetOptions

logger = logging.getLogger(__name__)

Array = NDArray[np.float64]

UNLIMITED = float(np.finfo(np.float32).max)
"""Bound of joints without limits: the largest number of single precision, as in Isaac Gym."""
JOINT_KINDS = {"revolute": "revolute", "continuous": "revolute", "prismatic": "prismatic", "fixed": "fixed"}


def load_urdf(path: Path, options: AssetOptions) -> Asset:
    """Return the asset of a URDF file. Raises ``AssetError`` with one sentence about what is wrong with the file."""
    try:
        robot = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise AssetError(f"'{path}' is not well-formed XML: {error}") from None
    if robot.tag != "robot":
        raise AssetError(f"'{path}' is not a URDF file: its outermost element is <{robot.tag}> and not <robot>")
    meshes = MeshFiles(path.parent, flip=options.flip_visual_attachments)
    try:
        root = _Reader(robot, meshes, options.replace_cylinder_with_capsule).tree()
    except AssetError as error:
        raise type(error)(f"'{path}': {error}") from None
    meshes.warn(path.name)
    if options.collapse_fixed_joints:
        root = collapsed(root)
    name = robot.get("name", path.stem)
    return flattened(name, ordered_by_joint_name(root), options, fixed_base=options.fix_base_link)


@dataclass
class _Reader:
    """Reads one file; its methods return parts of the tree."""

    robot: Element
    meshes: MeshFiles
    cylinders_to_capsules: bool

    def tree(self) -> Link:
        """Return the root of the tree that links and joints make."""
        self.colors = {
            str(material.get("name")): material.find("color")
            for material in self.robot.findall("material")
            if material.find("color") is not None
        }
        links: dict[str, Link] = {}
        for element in self.robot.findall("link"):
            link = self.link(element)
            if link.name in links:
                raise AssetError(f"two links are called '{link.name}'")
            links[link.name] = link
        if not links:
            raise AssetError("there is no <link>")
        return self.connected(links)

    def connected(self, links: dict[str, Link]) -> Link:
        """Hang every link below its parent and return the one that is left."""
        roots = dict(links)
        floating = set()
        for joint in self.robot.findall("joint"):
            name = _required(joint, "name")
            parent, child = (_link_of(joint, end, links) for end in ("parent", "child"))
            if child.name not in roots:
                raise AssetError(f"joint '{name}' is the second one that holds link '{child.name}'")
            if parent is child:
                raise AssetError(f"joint '{name}' holds link '{child.name}' to itself")
            if joint.get("type") == "floating" and _is_empty(parent):
                # A massless world link above a free base: the base is the root of the asset.
                floating.add(parent.name)
                continue
            del roots[child.name]
            read_joint(joint, child)
            parent.children.append(child)
        for name in floating:
            roots.pop(name, None)
        if not roots:
            raise AssetError("its joints form a loop, so no link is the root")
        # Isaac Gym takes the first root by name; what hangs on another one is not part of the asset.
        root = roots.pop(min(roots))
        if roots:
            logger.warning("links that no joint connects to '%s' are left out: %s", root.name, ", ".join(roots))
        return root

    def link(self, element: Element) -> Link:
        """Return one link without its joint."""
        name = _required(element, "name")
        link = Link(name=name, inertial=_inertial(element.find("inertial"), name))
        for collision in element.findall("collision"):
            shape = self.shape(collision, name)
            if shape is not None:
                shape.pos, shape.quat = origin(collision)
                link.shapes.append(shape)
        for visual in element.findall("visual"):
            drawn = self.visual(visual, name)
            if drawn is not None:
                drawn.pos, drawn.quat = origin(visual)
                link.visuals.append(drawn)
        return link

    def shape(self, element: Element, link: str) -> Shape | None:
        """Return the geometry of a <collision> at the origin, or None where its mesh cannot be used."""
        geometry = _geometry(element, link)
        if geometry.tag == "mesh":
            return self.meshes.shape(_required(geometry, "filename"), _scale(geometry, link), link)
        kind, size = primitive(geometry, link)
        if kind == "cylinder" and self.cylinders_to_capsules:
            kind = "capsule"  # the straight part keeps its length, so the caps make the shape longer
        return Shape(kind, size, source_link=link)

    def visual(self, element: Element, link: str) -> Visual | None:
        """Return the geometry of a <visual> at the origin, or None where its mesh cannot be used."""
        geometry = _geometry(element, link)
        if geometry.tag == "mesh":
            visual = self.meshes.visual(_required(geometry, "filename"), _scale(geometry, link), link)
        else:
            kind, size = primitive(geometry, link)
            visual = Visual(kind, size, source_link=link)
        color = self.color(element.find("material"))
        if visual is not None and color is not None:
            red, green, blue, alpha = numbers(color, "rgba", 4, link)
            visual.rgba = (red, green, blue, alpha)
        return visual

    def color(self, material: Element | None) -> Element | None:
        if material is None:
            return None
        own = material.find("color")
        return own if own is not None else self.colors.get(str(material.get("name")))


def read_joint(joint: Element, child: Link) -> None:
    """Put a joint's place, degree of freedom and limits into the link that it holds."""
    name, kind = _required(joint, "name"), joint.get("type", "")
    if kind not in JOINT_KINDS:
        raise AssetError(f"joint '{name}' is of type '{kind}'; those that are read are {', '.join(JOINT_KINDS)}")
    child.joint = name
    child.pos, child.quat = origin(joint)
    if kind == "fixed":
        child.keep = joint.get("dont_collapse", "false").lower() in ("true", "1")
        return
    axis = joint.find("axis")
    direction = np.array([1.0, 0.0, 0.0] if axis is None else numbers(axis, "xyz", 3, name))
    if not direction.any():
        raise AssetError(f"the axis of joint '{name}' has no length")
    limit, dynamics = joint.find("limit"), joint.find("dynamics")
    lower, upper, limited = _range(limit, kind, name)
    child.dofs = [
        Dof(
            name=name,
            body=-1,
            kind=JOINT_KINDS[kind],
            axis=direction / np.linalg.norm(direction),
            has_limits=limited,
            lower=lower,
            upper=upper,
            velocity=_number(limit, "velocity", np.inf, name),
            effort=_number(limit, "effort", np.inf, name),
            damping=_number(dynamics, "damping", 0.0, name),
            friction=_number(dynamics, "friction", 0.0, name),
        )
    ]


def _range(limit: Element | None, kind: str, name: str) -> tuple[float, float, bool]:
    """Return lower and upper end of a joint's range, and whether it has one."""
    stated = limit is not None and (limit.get("lower") is not None or limit.get("upper") is not None)
    if kind == "continuous" or not stated:
        return -UNLIMITED, UNLIMITED, False
    lower, upper = _number(limit, "lower", 0.0, name), _number(limit, "upper", 0.0, name)
    if lower > upper:
        raise AssetError(f"joint '{name}' has a lower limit of {lower:g} above its upper one of {upper:g}")
    return lower, upper, True


def primitive(geometry: Element, link: str) -> tuple[str, tuple[float, ...]]:
    """Return kind and size, in the convention of ``Shape``, of a geometry that is no mesh."""
    if geometry.tag == "box":
        size = tuple(side / 2 for side in numbers(geometry, "size", 3, link))
    elif geometry.tag == "sphere":
        size = tuple(numbers(geometry, "radius", 1, link))
    elif geometry.tag in ("cylinder", "capsule"):
        radius, length = numbers(geometry, "radius", 1, link)[0], numbers(geometry, "length", 1, link)[0]
        size = (radius, length / 2)
    else:
        raise AssetError(
            f"link '{link}' has a geometry <{geometry.tag}>; box, sphere, cylinder, capsule and mesh are read"
        )
    if min(size) <= 0.0:
        raise AssetError(f"the {geometry.tag} of link '{link}' has a size that is not positive")
    return geometry.tag, size


def origin(element: Element) -> tuple[Array, Array]:
    """Return position (3,) and rotation (4,) xyzw of an element's <origin>, which may be absent."""
    place = element.find("origin")
    if place is None:
        return np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0])
    where = element.get("name") or element.tag
    xyz = numbers(place, "xyz", 3, where) if place.get("xyz") else [0.0, 0.0, 0.0]
    rpy = numbers(place, "rpy", 3, where) if place.get("rpy") else [0.0, 0.0, 0.0]
    return np.array(xyz), quat_from_rpy(rpy)


def _inertial(element: Element | None, link: str) -> MassProperties | None:
    mass = None if element is None else element.find("mass")
    if element is None or mass is None:
        return None
    value = numbers(mass, "value", 1, link)[0]
    if value < 0.0:
        raise AssetError(f"link '{link}' has a negative mass")
    tensor = np.zeros((3, 3))
    inertia = element.find("inertia")
    if inertia is not None:
        xx, xy, xz, yy, yz, zz = (
            _number(inertia, key, 0.0, link) for key in ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")
        )
        tensor = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    pos, quat = origin(element)
    return MassProperties(value, np.zeros(3), tensor).moved(pos, quat)


def numbers(element: Element, attribute: str, count: int, where: str) -> list[float]:
    """Return the finite numbers of an attribute. Raises ``AssetError`` where there are not ``count`` of them."""
    text = _required(element, attribute)
    try:
        values = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        values = []
    if len(values) != count or not np.isfinite(values).all():
        raise AssetError(f"{attribute}=\"{text}\" of <{element.tag}> in '{where}' should be {count} number(s)")
    return values


def _number(element: Element | None, attribute: str, default: float, where: str) -> float:
    if element is None or element.get(attribute) is None:
        return default
    return numbers(element, attribute, 1, where)[0]


def _scale(mesh: Element, link: str) -> tuple[float, float, float]:
    text = mesh.get("scale")
    if text is None:
        return (1.0, 1.0, 1.0)
    values = numbers(mesh, "scale", 3 if len(text.replace(",", " ").split()) != 1 else 1, link)
    x, y, z = values if len(values) == 3 else values * 3
    return (x, y, z)


def _geometry(element: Element, link: str) -> Element:
    geometry = element.find("geometry")
    if geometry is None or len(geometry) == 0:
        raise AssetError(f"a <{element.tag}> of link '{link}' has no geometry")
    return geometry[0]


def _link_of(joint: Element, end: str, links: dict[str, Link]) -> Link:
    element = joint.find(end)
    name = None if element is None else element.get("link")
    if name is None or name not in links:
        raise AssetError(f"the {end} of joint '{joint.get('name')}' is '{name}', and no link is called that")
    return links[name]


def _is_empty(link: Link) -> bool:
    return link.inertial is None and not link.shapes and not link.visuals


def _required(element: Element, attribute: str) -> str:
    value = element.get(attribute)
    if value is None:
        raise AssetError(f"a <{element.tag}> has no {attribute}")
    return value
