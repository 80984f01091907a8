"""Assets of one body that callers describe by sizes instead of by a file."""

from __future__ import annotations

import numpy as np

from isaacgym.engine.asset import Asset, AssetError, Shape, Visual
from isaacgym.engine.collapse import flattened
from isaacgym.engine.links import Link
from isaacgym.engine.options import AssetOptions

X_FROM_Z = np.array([0.0, np.sqrt(0.5), 0.0, np.sqrt(0.5)])
"""Rotation (4,) xyzw that turns the z axis into x: PhysX's capsules lie along x."""


def box_asset(width: float, height: float, depth: float, options: AssetOptions) -> Asset:
    """Return a box with sides ``width`` along x, ``height`` along y and ``depth`` along z, m."""
    return _asset(Shape("box", (width / 2, height / 2, depth / 2)), "box", options)


def sphere_asset(radius: float, options: AssetOptions) -> Asset:
    """Return a sphere of a radius in m."""
    return _asset(Shape("sphere", (radius,)), "sphere", options)


def capsule_asset(radius: float, length: float, options: AssetOptions) -> Asset:
    """Return a capsule along x, m; ``length`` is that of the straight part between its two half spheres."""
    return _asset(Shape("capsule", (radius, length / 2), quat=X_FROM_Z.copy()), "capsule", options)


def _asset(shape: Shape, name: str, options: AssetOptions) -> Asset:
    if not all(np.isfinite(side) and side > 0.0 for side in shape.size):
        raise AssetError(f"the sizes of a {name} have to be positive numbers")
    shape.source_link = name
    visual = Visual(shape.kind, shape.size, shape.pos, shape.quat, source_link=name)
    link = Link(name=name, shapes=[shape], visuals=[visual])
    return flattened(name, link, options, fixed_base=options.fix_base_link)
