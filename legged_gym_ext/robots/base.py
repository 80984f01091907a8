"""What a robot is: plain data in SI units, from which models, kinematics and task defaults are made.

Frames: the trunk frame is the base frame (x forward, y left, z up, origin between the four hip joints). At zero joint
angles every link frame is parallel to it and the legs hang straight down. Legs stand in the order FL, FR, RL, RR and
the joints of a leg in the order hip, thigh, calf. There is no code here; ``assemble.py`` turns the facts of one leg
into four.
"""

from dataclasses import dataclass
from typing import Literal

from st_rl.utils.ranges import Checked, Count, NonNegative, Positive, Share

Vec3 = tuple[float, float, float]
Rgba = tuple[float, float, float, float]
Inertia = tuple[float, float, float, float, float, float]
GeomType = Literal["box", "capsule", "cylinder", "sphere", "ellipsoid"]

LEGS = ("FL", "FR", "RL", "RR")
"""Order of the legs in every per-leg tensor."""
LEG_LINKS = ("hip", "thigh", "calf", "foot")
"""Order of the links of one leg."""
LEG_JOINTS = ("hip", "thigh", "calf")
"""Order of the hinges of one leg; ``<leg>_<name>_joint`` is the name of a joint."""


@dataclass(frozen=True)
class GeomCfg(Checked):
    """A primitive shape fixed to a link.

    ``size`` in m: box and ellipsoid half extents (x, y, z); capsule and cylinder (radius, half length of the straight
    part) along the local z axis; sphere (radius,). ``pos`` in m and ``rpy`` in rad are in the link frame; rpy are
    rotations about the fixed x, then y, then z axis, as in URDF. ``gloss`` in [0, 1] is how shiny it is drawn.
    """

    type: GeomType
    size: tuple[Positive, ...]
    pos: Vec3 = (0.0, 0.0, 0.0)
    rpy: Vec3 = (0.0, 0.0, 0.0)
    rgba: Rgba = (0.5, 0.5, 0.5, 1.0)
    gloss: Share = 0.3


@dataclass(frozen=True)
class LinkCfg(Checked):
    """One rigid body: ``mass`` in kg, ``com`` in m in the link frame, ``inertia`` in kg m^2.

    ``inertia`` is (ixx, ixy, ixz, iyy, iyz, izz) about the center of mass, along the axes of the link.
    """

    name: str
    mass: NonNegative
    com: Vec3
    inertia: Inertia
    collision: tuple[GeomCfg, ...] = ()
    visual: tuple[GeomCfg, ...] = ()


@dataclass(frozen=True)
class JointCfg(Checked):
    """A hinge. ``origin`` in m in the parent frame (axes parallel at zero angle), ``axis`` a unit vector.

    ``lower``, ``upper`` in rad; ``torque_limit`` in N m, also the torque at standstill of the motor's linear
    speed-torque curve; ``velocity_limit`` in rad/s, the speed at which that curve reaches zero; ``damping`` in
    N m s/rad; ``friction`` in N m (Coulomb).
    """

    name: str
    parent: str
    child: str
    origin: Vec3
    axis: Vec3
    lower: float
    upper: float
    torque_limit: Positive
    velocity_limit: Positive
    damping: NonNegative
    friction: NonNegative


@dataclass(frozen=True)
class MountCfg(Checked):
    """A rigid connection: ``child`` sits at ``origin`` (m) in the frame of ``parent``, axes parallel."""

    name: str
    parent: str
    child: str
    origin: Vec3


@dataclass(frozen=True)
class RotorCfg(Checked):
    """The rotor of a leg's motor, fixed to a link ("trunk", "hip" or "thigh"); its own COM is at ``origin`` (m)."""

    name: str
    parent: str
    origin: Vec3
    mass: NonNegative
    inertia: Inertia


@dataclass(frozen=True)
class LegCfg(Checked):
    """The facts of the front left leg, link and joint names without the leg's prefix.

    ``mirror_calf`` is False where the manufacturer gives left and right calves the same center of mass and inertia.
    """

    hip: LinkCfg
    thigh: LinkCfg
    calf: LinkCfg
    foot: LinkCfg
    hip_joint: JointCfg
    thigh_joint: JointCfg
    calf_joint: JointCfg
    foot_mount: MountCfg
    rotors: tuple[RotorCfg, ...] = ()
    mirror_calf: bool = True


@dataclass(frozen=True)
class RobotCfg(Checked):
    """A quadruped with twelve position-controlled joints.

    Every tuple per body follows ``body_names`` (trunk, then per leg hip, thigh, calf, foot), every tuple per joint
    follows ``dof_names`` (FL, FR, RL, RR x hip, thigh, calf).
    """

    name: str
    links: tuple[LinkCfg, ...]
    joints: tuple[JointCfg, ...]
    foot_mounts: tuple[MountCfg, ...]
    num_dof: Count
    body_names: tuple[str, ...]
    dof_names: tuple[str, ...]
    trunk_name: str
    hip_names: tuple[str, ...]
    thigh_names: tuple[str, ...]
    calf_names: tuple[str, ...]
    foot_names: tuple[str, ...]
    body_points: tuple[tuple[Vec3, ...], ...]
    """Points (m, body frame) on or in each body; where they lie inside an obstacle, the body penetrates it."""
    default_dof_pos: tuple[float, ...]
    """Joint angles in rad that the action zero commands, (12)."""
    base_height: Positive
    """Height of the trunk frame in m at which the lowest foot touches flat ground in the default pose."""
    stiffness: tuple[NonNegative, ...]
    """Proportional gains of the joint controllers in N m/rad, (12)."""
    damping: tuple[NonNegative, ...]
    """Derivative gains of the joint controllers in N m s/rad, (12)."""
    action_scale: Positive
    """Radians per unit of action."""
    armature: NonNegative
    """Inertia of each motor as seen at its joint in kg m^2."""
    friction: NonNegative
    """Sliding friction coefficient of every collision shape."""
    hip_offset: NonNegative
    """Lateral distance in m from a hip axis to the plane of its leg."""
    thigh_length: Positive
    """Distance in m from the thigh joint to the calf joint."""
    calf_length: Positive
    """Distance in m from the calf joint to the center of the foot."""
    foot_radius: Positive
    """Radius in m of the sphere that is the foot."""
