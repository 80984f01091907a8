"""A robot or object as it was read from its file: bodies, joints, shapes. Every importer ends here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isaacgym.engine.options import AssetOptions

Array = NDArray[np.float64]

DRIVE_NONE, DRIVE_POSITION, DRIVE_VELOCITY, DRIVE_EFFORT = 0, 1, 2, 3
"""Drive modes of a degree of freedom, with the numbers of the interface."""


class AssetError(ValueError):
    """A file that cannot become an asset; the message is one sentence that names the file and what is wrong."""


class AssetNotFoundError(AssetError, FileNotFoundError):
    """An asset or mesh file that does not exist."""


def zeros3() -> Array:
    """Return the zero vector (3,)."""
    return np.zeros(3)


def identity_quat() -> Array:
    """Return the identity (4,) xyzw."""
    return np.array([0.0, 0.0, 0.0, 1.0])


@dataclass
class Shape:
    """A collision shape, placed in the frame of its body."""

    kind: str
    """``box``, ``sphere``, ``capsule``, ``cylinder``, ``ellipsoid`` or ``mesh`` (the convex hull of one)."""
    size: tuple[float, ...]
    """m. box, ellipsoid: three half extents; sphere: radius; capsule, cylinder: radius and half length of the straight
    part along z; mesh: empty."""
    pos: Array = field(default_factory=zeros3)
    """(3,) m, in the body's frame."""
    quat: Array = field(default_factory=identity_quat)
    """(4,) xyzw, from the shape's frame to the body's."""
    vertices: Array | None = None
    """(V, 3) m, corners of the convex hull in the shape's frame; None unless ``kind`` is ``mesh``."""
    triangles: NDArray[np.int32] | None = None
    """(T, 3) indices of the hull's outward faces; None unless ``kind`` is ``mesh``."""
    source_link: str = ""
    """Name of the link or body of the file that the shape comes from, before collapsing."""
    friction: float | None = None
    """Sliding friction where the file states one (MJCF), else None."""
    filter: int = 0
    """Collision filter bits; shapes that share a bit do not collide."""


@dataclass
class Visual:
    """A shape that is only drawn; fields as in ``Shape``."""

    kind: str
    size: tuple[float, ...]
    pos: Array = field(default_factory=zeros3)
    quat: Array = field(default_factory=identity_quat)
    vertices: Array | None = None
    """(V, 3) m, in the visual's frame; None unless ``kind`` is ``mesh``."""
    triangles: NDArray[np.int32] | None = None
    """(T, 3) indices into ``vertices``; None unless ``kind`` is ``mesh``."""
    rgba: tuple[float, float, float, float] = (0.7, 0.7, 0.7, 1.0)
    source_link: str = ""


@dataclass
class Body:
    """A rigid body: what is left of links after fixed joints have been collapsed."""

    name: str
    parent: int
    """Index of the parent body; -1 for the root."""
    pos: Array = field(default_factory=zeros3)
    """(3,) m, in the parent's frame with all joints at zero; in the asset's frame for the root."""
    quat: Array = field(default_factory=identity_quat)
    """(4,) xyzw, from this frame to the parent's with all joints at zero."""
    mass: float = 0.0
    """kg."""
    com: Array = field(default_factory=zeros3)
    """(3,) m, center of mass in the body's frame."""
    inertia: Array = field(default_factory=lambda: np.zeros((3, 3)))
    """(3, 3) kg m^2, about the center of mass, in the axes of the body's frame."""
    shapes: list[Shape] = field(default_factory=list)
    visuals: list[Visual] = field(default_factory=list)


@dataclass
class Dof:
    """A hinge or a slider between a body and its parent. A body of an MJCF file may have several, in order."""

    name: str
    body: int
    """Index of the child body, which the joint moves."""
    kind: str = "revolute"
    """``revolute`` (rad, N m) or ``prismatic`` (m, N)."""
    axis: Array = field(default_factory=lambda: np.array([1.0, 0.0, 0.0]))
    """(3,) unit vector in the child's frame."""
    pos: Array = field(default_factory=zeros3)
    """(3,) m, a point of the axis in the child's frame; zero in URDF files."""
    has_limits: bool = False
    lower: float = 0.0
    upper: float = 0.0
    velocity: float = np.inf
    """Largest speed, rad/s or m/s; infinite where the file states none."""
    effort: float = np.inf
    """Largest torque or force; infinite where the file states none."""
    damping: float = 0.0
    friction: float = 0.0
    armature: float = 0.0
    stiffness: float = 0.0
    drive_mode: int = DRIVE_NONE
    reference: float = 0.0
    """Position of the joint in the file's pose (``ref`` of MJCF)."""


@dataclass
class Actuator:
    """An actuator of an MJCF file, as callers read it from ``get_asset_actuator_properties``."""

    name: str
    joint: str
    """Name of the joint that it drives."""
    kind: str = "motor"
    """``motor``, ``position``, ``velocity`` or ``general``."""
    motor_effort: float = 0.0
    """Largest torque or force: gear times the upper end of the control range."""
    kp: float = 0.0
    kv: float = 0.0
    gear: float = 1.0
    control_range: tuple[float, float] = (-np.inf, np.inf)
    force_range: tuple[float, float] = (-np.inf, np.inf)


@dataclass
class Tendon:
    """A fixed tendon of an MJCF file: a weighted sum of joint positions."""

    name: str
    joints: tuple[str, ...] = ()
    coefficients: tuple[float, ...] = ()
    has_limits: bool = False
    lower: float = 0.0
    upper: float = 0.0
    stiffness: float = 0.0
    damping: float = 0.0
    limit_stiffness: float = 0.0


@dataclass
class ForceSensor:
    """A force sensor that a caller fixed to a body of the asset."""

    body: int
    pos: Array = field(default_factory=zeros3)
    quat: Array = field(default_factory=identity_quat)
    enable_forward_dynamics_forces: bool = True
    enable_constraint_solver_forces: bool = True
    use_world_frame: bool = False


@dataclass
class Asset:
    """What ``load_asset`` returns: bodies depth first, each after its parent, the root first."""

    name: str
    bodies: list[Body]
    dofs: list[Dof] = field(default_factory=list)
    """In the order of the bodies that they move."""
    fixed_base: bool = False
    options: AssetOptions = field(default_factory=AssetOptions)
    joints: list[str] = field(default_factory=list)
    """Names of all joints that are left, fixed ones included, in the order of the bodies that they hold."""
    self_collision_pairs_excluded: list[tuple[int, int]] = field(default_factory=list)
    """Pairs of bodies that never touch: parent and child, and what the file excludes."""
    actuators: list[Actuator] = field(default_factory=list)
    tendons: list[Tendon] = field(default_factory=list)
    force_sensors: list[ForceSensor] = field(default_factory=list)

    def body_index(self, name: str) -> int:
        """Return the index of the named body, or -1."""
        return next((i for i, body in enumerate(self.bodies) if body.name == name), -1)

    def dof_index(self, name: str) -> int:
        """Return the index of the named degree of freedom, or -1."""
        return next((i for i, dof in enumerate(self.dofs) if dof.name == name), -1)

    def shape_range(self, body: int) -> tuple[int, int]:
        """Return the index of the first shape of a body, counted over the asset, and how many it has."""
        start = sum(len(b.shapes) for b in self.bodies[:body])
        return start, len(self.bodies[body].shapes)


def load_asset(root: str | Path, file: str | Path, options: AssetOptions) -> Asset:
    """Return the asset of a URDF (``.urdf``) or MJCF (``.xml``, ``.mjcf``) file, a path below ``root``.

    Raises ``AssetNotFoundError`` where there is no such file, ``AssetError`` where it cannot be an asset.
    """
    # Both end in this module's classes, so they are imported when a file is there to be read.
    from isaacgym.engine.mjcf import load_mjcf
    from isaacgym.engine.urdf import load_urdf

    path = Path(root, file).expanduser().absolute()
    if not path.is_file():
        raise AssetNotFoundError(f"there is no asset file '{file}' in '{root}'")
    kinds = {".urdf": load_urdf, ".xml": load_mjcf, ".mjcf": load_mjcf}
    if path.suffix.lower() not in kinds:
        raise AssetError(f"'{path}' is not read: assets have to be files ending in {', '.join(kinds)}")
    return kinds[path.suffix.lower()](path, options)
