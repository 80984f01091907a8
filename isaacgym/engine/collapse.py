"""From a tree of links to an asset: fixed joints collapse, siblings are ordered, masses are completed."""

from __future__ import annotations

import logging
from copy import deepcopy
from dataclasses import replace

import numpy as np

from isaacgym.engine import inertia as mass_properties
from isaacgym.engine.asset import Asset, Body, Dof
from isaacgym.engine.frames import compose
from isaacgym.engine.inertia import MassProperties
from isaacgym.engine.links import Link
from isaacgym.engine.options import AssetOptions

logger = logging.getLogger(__name__)

LEAST_MASS = 1e-3
"""kg, of a moving body about whose mass the file says nothing and that has no shapes."""
LEAST_RADIUS = 0.01
"""m, radius of gyration where a body has mass but no inertia."""


def collapsed(link: Link) -> Link:
    """Return the tree with every link at a fixed joint merged into its parent, unless the link is kept.

    Inertias merge as the file states them, before anybody checks whether a body could have them: many files give
    fixed parts an inertia that alone would be impossible. A merged link's children become its parent's.
    """
    result = replace(link, shapes=list(link.shapes), visuals=list(link.visuals), children=[], inertial=link.inertial)
    for child in map(collapsed, link.children):
        if child.dofs or child.keep:
            result.children.append(child)
        else:
            _merge(result, child)
    return result


def _merge(parent: Link, child: Link) -> None:
    """Move everything of a fixed child into its parent."""
    if child.inertial is not None:
        moved = child.inertial.moved(child.pos, child.quat)
        parent.inertial = moved if parent.inertial is None else mass_properties.joined([parent.inertial, moved])
    for shape in child.shapes:
        pos, quat = compose(child.pos, child.quat, shape.pos, shape.quat)
        parent.shapes.append(replace(shape, pos=pos, quat=quat))
    for visual in child.visuals:
        pos, quat = compose(child.pos, child.quat, visual.pos, visual.quat)
        parent.visuals.append(replace(visual, pos=pos, quat=quat))
    for grandchild in child.children:
        pos, quat = compose(child.pos, child.quat, grandchild.pos, grandchild.quat)
        parent.children.append(replace(grandchild, pos=pos, quat=quat))


def ordered_by_joint_name(link: Link) -> Link:
    """Return the tree with siblings in the order of their joints' names, compared byte by byte."""
    children = sorted((ordered_by_joint_name(child) for child in link.children), key=lambda child: child.joint)
    return replace(link, children=children)


def flattened(name: str, root: Link, options: AssetOptions, fixed_base: bool) -> Asset:
    """Return the asset of a tree, which is walked depth first; options about masses and joints are applied.

    The options are copied, since callers change them for the next asset.
    """
    asset = Asset(name=name, bodies=[], fixed_base=fixed_base, options=deepcopy(options))
    _append(asset, root, parent=-1)
    return asset


def _append(asset: Asset, link: Link, parent: int) -> None:
    index = len(asset.bodies)
    properties = completed(link, asset.options, moving=bool(link.dofs) or (parent < 0 and not asset.fixed_base))
    asset.bodies.append(
        Body(
            name=link.name,
            parent=parent,
            pos=link.pos,
            quat=link.quat,
            mass=properties.mass,
            com=properties.com,
            inertia=properties.inertia,
            shapes=link.shapes,
            visuals=link.visuals,
        )
    )
    if parent >= 0:
        asset.joints.append(link.joint)
        asset.self_collision_pairs_excluded.append((parent, index))
    asset.dofs.extend(_prepared(dof, index, asset.options) for dof in link.dofs)
    for child in link.children:
        _append(asset, child, index)


def _prepared(dof: Dof, body: int, options: AssetOptions) -> Dof:
    armature = dof.armature
    if options.use_physx_armature and armature == 0.0:
        armature = options.armature
    return replace(dof, body=body, drive_mode=options.default_dof_drive_mode, armature=armature)


def completed(link: Link, options: AssetOptions, moving: bool) -> MassProperties:
    """Return the mass properties of a link after collapsing, with what the file leaves out taken from its shapes.

    An inertia that no body can have is repaired, and a body that moves always gets a mass and an inertia; a warning
    says what was invented or changed.
    """
    shapes = mass_properties.of_shapes(link.shapes, options.density)
    stated = link.inertial
    result = shapes if stated is None else stated
    if stated is not None and shapes.mass > 0.0:
        if options.override_com:
            result = replace(result, com=shapes.com)
        if options.override_inertia:
            result = replace(result, inertia=shapes.inertia * (result.mass / shapes.mass))
    if not options.use_physx_armature:
        result = replace(result, inertia=result.inertia + options.armature * np.eye(3))
    return _valid(link.name, result, moving)


def _valid(name: str, properties: MassProperties, moving: bool) -> MassProperties:
    mass, tensor = properties.mass, properties.inertia
    if not moving and not tensor.any():
        return properties
    if mass <= 0.0 and moving:
        logger.warning("body '%s' moves, but has neither mass nor shapes; it gets %g kg", name, LEAST_MASS)
        mass = LEAST_MASS
    if not tensor.any():
        tensor = mass * LEAST_RADIUS**2 * np.eye(3)
    repaired = mass_properties.repaired(tensor)
    change = float(np.abs(repaired - tensor).max() / np.abs(tensor).max())
    if change > 1e-4:
        logger.warning(
            "no body can have the inertia that the file gives '%s'; it was changed by %.2g of its largest entry",
            name,
            change,
        )
    return MassProperties(mass, properties.com, repaired)
