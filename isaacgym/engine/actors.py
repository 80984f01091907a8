"""Assets and actors as the ``Gym`` object keeps them: properties in arrays, a row a body, shape or dof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isaacgym.api.properties import (
    DOF_PROPERTIES,
    DOF_STATE,
    UNLIMITED,
    RigidBodyProperties,
    RigidShapeProperties,
)
from isaacgym.api.vectors import Mat33, Vec3
from isaacgym.engine.asset import Asset as Blueprint

BODY = np.dtype([("mass", "<f8"), ("com", "<f8", 3), ("inertia", "<f8", (3, 3)), ("flags", "<i4")])
SHAPE = np.dtype(
    [
        ("friction", "<f8"),
        ("restitution", "<f8"),
        ("filter", "<i8"),
        ("compliance", "<f8"),
        ("contact_offset", "<f8"),
        ("rest_offset", "<f8"),
        ("rolling_friction", "<f8"),
        ("thickness", "<f8"),
        ("torsion_friction", "<f8"),
    ]
)


class Asset:
    """What ``load_asset`` returns: a robot or object, and the properties that its next actors will have."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self.bodies = _body_rows(blueprint)
        self.shapes = _shape_rows(blueprint)
        self.dofs = _dof_rows(blueprint)
        for rows in (self.bodies, self.shapes, self.dofs):
            rows.flags.writeable = False

    @property
    def body_names(self) -> list[str]:
        """Names of the bodies, depth first."""
        return [body.name for body in self.blueprint.bodies]

    @property
    def dof_names(self) -> list[str]:
        """Names of the degrees of freedom, in the order of their bodies."""
        return [dof.name for dof in self.blueprint.dofs]

    def __repr__(self) -> str:
        return f"Asset({self.blueprint.name!r}, {len(self.bodies)} bodies, {len(self.dofs)} dofs)"


@dataclass(eq=False)
class Actor:
    """One instance of an asset in an environment. Rows are shared with the asset until they are set."""

    asset: Asset
    name: str
    pos: np.ndarray
    """(3,) m, global."""
    quat: np.ndarray
    """(4,) xyzw, global."""
    group: int
    filter: int
    segmentation: int
    bodies: np.ndarray
    shapes: np.ndarray
    dofs: np.ndarray
    scale: float = 1.0
    colors: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    """rgb by body, where it was set."""
    segmentations: dict[int, int] = field(default_factory=dict)
    """Segmentation id by body, where it was set."""
    dof_states: np.ndarray = field(default_factory=lambda: np.zeros(0, DOF_STATE))
    """Initial state of the degrees of freedom."""

    def shape_filters(self) -> np.ndarray:
        """Return the filter bits of every shape: the actor's where it has some, else the asset's, (shapes,)."""
        if self.filter < 0:
            return self.shapes["filter"]
        return np.full(len(self.shapes), self.filter, np.int64)


def _body_rows(blueprint: Blueprint) -> np.ndarray:
    rows = np.zeros(len(blueprint.bodies), BODY)
    for row, body in zip(rows, blueprint.bodies, strict=True):
        row["mass"], row["com"], row["inertia"] = body.mass, body.com, body.inertia
    return rows


def _shape_rows(blueprint: Blueprint) -> np.ndarray:
    shapes = [shape for body in blueprint.bodies for shape in body.shapes]
    rows = np.zeros(len(shapes), SHAPE)
    rows["friction"], rows["contact_offset"] = 1.0, 0.02
    rows["thickness"] = blueprint.options.thickness
    for row, shape in zip(rows, shapes, strict=True):
        row["filter"] = shape.filter
        if shape.friction is not None:
            row["friction"] = shape.friction
    return rows


def _dof_rows(blueprint: Blueprint) -> np.ndarray:
    rows = np.zeros(len(blueprint.dofs), DOF_PROPERTIES)
    for row, dof in zip(rows, blueprint.dofs, strict=True):
        row["hasLimits"] = dof.has_limits
        row["lower"] = dof.lower if dof.has_limits else -UNLIMITED
        row["upper"] = dof.upper if dof.has_limits else UNLIMITED
        row["driveMode"] = dof.drive_mode
        row["velocity"] = min(dof.velocity, UNLIMITED) if dof.velocity > 0.0 else UNLIMITED
        row["effort"] = min(dof.effort, UNLIMITED)
        row["stiffness"], row["damping"] = dof.stiffness, dof.damping
        row["friction"], row["armature"] = dof.friction, dof.armature
    return rows


def body_properties(rows: np.ndarray) -> list[RigidBodyProperties]:
    """Return rows of ``BODY`` as the objects that callers edit."""
    return [_body_object(row) for row in rows]


def _body_object(row: Any) -> RigidBodyProperties:
    result = RigidBodyProperties(Vec3(*row["com"].tolist()), Mat33.from_array(row["inertia"]))
    result.mass, result.flags = row["mass"], row["flags"]
    return result


def body_rows(old: np.ndarray, properties: Sequence[RigidBodyProperties], rescale: bool) -> np.ndarray:
    """Return rows of ``BODY``; with ``rescale`` the inertia of a body whose mass changed grows as its mass did.

    Raises:
        ValueError: for a wrong number of properties or a negative mass.
    """
    _check_length(old, properties, "bodies")
    rows = old.copy()
    for row, new in zip(rows, properties, strict=True):
        if not new.mass >= 0.0:
            raise ValueError(f"the mass of a body must not be negative, and is {new.mass}")
        ratio = new.mass / row["mass"] if rescale and row["mass"] > 0.0 else 1.0
        inertia = new.inertia.array()
        if ratio != 1.0 and np.allclose(inertia, row["inertia"], rtol=1e-6, atol=0.0):
            inertia = inertia * ratio
        row["mass"], row["com"], row["flags"], row["inertia"] = new.mass, new.com.values(), new.flags, inertia
    return rows


def shape_properties(rows: np.ndarray) -> list[RigidShapeProperties]:
    """Return rows of ``SHAPE`` as the objects that callers edit."""
    return [_shape_object(row) for row in rows]


def _shape_object(row: Any) -> RigidShapeProperties:
    result = RigidShapeProperties()
    result.friction, result.restitution, result.filter = row["friction"], row["restitution"], row["filter"]
    result.compliance, result.contact_offset = row["compliance"], row["contact_offset"]
    result.rest_offset, result.thickness = row["rest_offset"], row["thickness"]
    result.rolling_friction, result.torsion_friction = row["rolling_friction"], row["torsion_friction"]
    return result


def shape_rows(old: np.ndarray, properties: Sequence[RigidShapeProperties]) -> np.ndarray:
    """Return rows of ``SHAPE``.

    Raises:
        ValueError: for a wrong number of properties or a negative friction.
    """
    _check_length(old, properties, "shapes")
    rows = np.zeros(len(old), SHAPE)
    for row, new in zip(rows, properties, strict=True):
        if not new.friction >= 0.0:
            raise ValueError(f"the friction of a shape must not be negative, and is {new.friction}")
        row["friction"], row["restitution"], row["filter"] = new.friction, new.restitution, new.filter
        row["compliance"], row["contact_offset"] = new.compliance, new.contact_offset
        row["rest_offset"], row["thickness"] = new.rest_offset, new.thickness
        row["rolling_friction"], row["torsion_friction"] = new.rolling_friction, new.torsion_friction
    return rows


def dof_rows(old: np.ndarray, properties: Any) -> np.ndarray:
    """Return a copy of a structured array of degrees of freedom.

    Raises:
        ValueError: for another length.
        TypeError: for another dtype.
    """
    new = np.asarray(properties)
    if new.dtype.names != DOF_PROPERTIES.names:
        raise TypeError("properties of degrees of freedom come as the array of get_asset_dof_properties")
    _check_length(old, new, "degrees of freedom")
    return new.astype(DOF_PROPERTIES)


def _check_length(old: np.ndarray, new: Any, what: str) -> None:
    if len(old) != len(new):
        raise ValueError(f"there are {len(old)} {what}, and properties for {len(new)} were given")
