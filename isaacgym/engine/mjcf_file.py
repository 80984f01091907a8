"""What an asset needs of an MJCF file, cut out of it and compiled by MuJoCo.

Files for Isaac Gym often are not models that MuJoCo accepts: textures are missing, sensors name what is not there,
options are of old versions. An asset is one tree of bodies with its actuators, so only these reach the compiler.
"""

# MuJoCo's classes are made by its binary, where pyright does not see them.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from isaacgym.engine.asset import AssetError
from isaacgym.engine.collapse import LEAST_MASS, LEAST_RADIUS

if TYPE_CHECKING:
    import mujoco

logger = logging.getLogger(__name__)

LEFT_OUT = (
    "option", "size", "visual", "statistic", "custom", "extension", "sensor", "keyframe", "equality", "deformable"
)  # fmt: skip
"""Sections of a file that say nothing about bodies, joints, shapes, actuators or tendons."""


def compiled(path: Path) -> mujoco.MjModel:
    """Return MuJoCo's model of the first body of a file's world with all below it.

    Masses and inertias that MuJoCo refuses are bounded, with a warning. Raises ``AssetError``.
    """
    import mujoco  # an engine is imported when it is needed

    text = ElementTree.tostring(reduced(path), encoding="unicode")
    try:
        return mujoco.MjSpec.from_string(text).compile()
    except ValueError as error:
        if "inertia" not in str(error):
            raise AssetError(f"'{path}' cannot be read as MJCF: {one_line(error)}") from None
        logger.warning("%s: %s; masses and inertias are bounded", path.name, one_line(error))
    spec = mujoco.MjSpec.from_string(text)
    spec.compiler.balanceinertia = True
    spec.compiler.boundmass = LEAST_MASS
    spec.compiler.boundinertia = LEAST_MASS * LEAST_RADIUS**2
    try:
        return spec.compile()
    except ValueError as error:
        raise AssetError(f"'{path}' cannot be read as MJCF: {one_line(error)}") from None


def one_line(error: ValueError) -> str:
    """Return a message of MuJoCo's compiler, which has several lines, as one."""
    return "; ".join(line.strip() for line in str(error).splitlines() if line.strip())


def reduced(path: Path) -> Element:
    """Return the <mujoco> element of a file with one body in its world and nothing else that an asset lacks."""
    root = _parsed(path)
    if root.tag != "mujoco":
        raise AssetError(f"'{path}' is not an MJCF file: its outermost element is <{root.tag}> and not <mujoco>")
    _include(root, path.parent, path)
    for section in list(root):
        if section.tag in LEFT_OUT:
            root.remove(section)
    world = _one_body(root, path)
    _resolve_meshes(root, path)
    _plain_materials(root)
    names = {element.get("name") for element in world.iter() if element.tag in ("body", "joint", "freejoint")}
    _keep(root, "contact", lambda e: e.tag == "exclude" and {e.get("body1"), e.get("body2")} <= names, path)
    _keep(root, "tendon", lambda e: e.tag == "fixed" and {j.get("joint") for j in e} <= names, path)
    tendons = {tendon.get("name") for section in root.findall("tendon") for tendon in section}
    _keep(root, "actuator", lambda e: e.get("joint") in names or e.get("tendon") in tendons - {None}, path)
    return root


def _parsed(path: Path) -> Element:
    try:
        return ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise AssetError(f"'{path}' is not well-formed XML: {error}") from None


def _include(element: Element, folder: Path, path: Path, depth: int = 0) -> None:
    """Replace every <include> below an element by what its file holds; files are relative to the outermost one."""
    for index, child in reversed(list(enumerate(element))):
        if child.tag != "include":
            _include(child, folder, path, depth)
            continue
        file = folder / (child.get("file") or "")
        if not file.is_file() or depth > 20:
            raise AssetError(f"'{path}' includes '{child.get('file')}', which cannot be read")
        content = _parsed(file)
        _include(content, folder, path, depth + 1)
        element.remove(child)
        for offset, part in enumerate(content):
            element.insert(index + offset, part)


def _one_body(root: Element, path: Path) -> Element:
    """Leave the first body alone in the world and return the world."""
    worlds = root.findall("worldbody")
    bodies = [body for world in worlds for body in world.iter("body") if body in list(world)]
    if not bodies:
        raise AssetError(f"'{path}' has no <body> in its <worldbody>")
    if len(bodies) > 1:
        others = ", ".join(repr(body.get("name")) for body in bodies[1:])
        logger.warning("%s: an asset is one tree of bodies, so these are left out: %s", path.name, others)
    for world in worlds:
        root.remove(world)
    kept = ElementTree.SubElement(root, "worldbody")
    kept.append(bodies[0])
    return kept


def _resolve_meshes(root: Element, path: Path) -> None:
    """Give meshes absolute paths; take those whose files are missing, with their geoms, out and warn of it."""
    folder = path.parent
    for compiler in root.findall("compiler"):
        folder = path.parent / (compiler.get("meshdir") or compiler.get("assetdir") or folder)
        for attribute in ("meshdir", "assetdir", "texturedir"):
            compiler.attrib.pop(attribute, None)
    missing = set()
    for section in root.findall("asset"):
        for asset in list(section):
            if asset.tag not in ("mesh", "material"):
                section.remove(asset)
            elif asset.tag == "mesh" and asset.get("file") is not None:
                file = folder / str(asset.get("file"))
                asset.set("name", asset.get("name") or file.stem)
                asset.set("file", str(file.absolute()))
                if not file.is_file():
                    missing.add(asset.get("name"))
                    section.remove(asset)
    if missing:
        names = ", ".join(sorted(map(str, missing)))
        logger.warning("%s: these mesh files are not there, so nothing collides there: %s", path.name, names)
        _remove(root, lambda e: e.tag == "geom" and e.get("mesh") in missing)


def _plain_materials(root: Element) -> None:
    """Take textures off materials, and references to materials that nobody defines off geoms."""
    defined = set()
    for section in root.findall("asset"):
        for material in section.findall("material"):
            material.attrib.pop("texture", None)
            defined.add(material.get("name"))
            for layer in list(material):
                material.remove(layer)
    for element in root.iter():
        if element.get("material") not in defined:
            element.attrib.pop("material", None)


def _remove(element: Element, unwanted: Callable[[Element], bool]) -> None:
    for child in list(element):
        if unwanted(child):
            element.remove(child)
        else:
            _remove(child, unwanted)


def _keep(root: Element, tag: str, wanted: Callable[[Element], bool], path: Path) -> None:
    """Leave in the sections called ``tag`` only what is wanted; say what is left out."""
    left_out = []
    for section in root.findall(tag):
        for child in list(section):
            if not wanted(child):
                section.remove(child)
                left_out.append(child.get("name") or f"<{child.tag}>")
    if left_out and tag != "contact":
        logger.warning("%s: left out of <%s>: %s", path.name, tag, ", ".join(left_out))
