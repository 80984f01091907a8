"""Properties of bodies, shapes, degrees of freedom, sensors, and the structured arrays of their states."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from isaacgym.api.enums import TendonType
from isaacgym.api.fields import Bool, Closed, Float, Int
from isaacgym.api.vectors import TRANSFORM, VEC3, VELOCITY, Mat33, SpatialForce, Transform, Vec3, Velocity

Dtype = np.dtype[Any]
DOF_STATE = np.dtype([("pos", "<f4"), ("vel", "<f4")])
DOF_FRAME = np.dtype([("origin", VEC3), ("axis", VEC3)])
RIGID_BODY_STATE = np.dtype([("pose", TRANSFORM), ("vel", VELOCITY)])
DOF_PROPERTIES = np.dtype(
    [
        ("hasLimits", "?"),
        ("lower", "<f4"),
        ("upper", "<f4"),
        ("driveMode", "<i4"),
        ("velocity", "<f4"),
        ("effort", "<f4"),
        ("stiffness", "<f4"),
        ("damping", "<f4"),
        ("friction", "<f4"),
        ("armature", "<f4"),
    ]
)
"""Limits in rad or m, velocity in rad/s or m/s, effort in N m or N; stiffness, damping of the drive; friction in
N m or N (a constant torque against motion); armature in kg m^2 or kg."""
UNLIMITED = float(np.finfo(np.float32).max)
"""What a limit that does not exist reads as."""


class RigidShapeProperties(Closed):
    """A collision shape's material; the friction of a contact is the mean of both shapes'."""

    compliance = Float(0.0)
    """Differs: it has no effect."""
    contact_offset = Float(0.02)
    """Differs: it has no effect."""
    filter = Int(0)
    """Shapes that share a bit do not collide."""
    friction = Float(1.0)
    rest_offset = Float(0.0)
    """Differs: it has no effect."""
    restitution = Float(0.0)
    """Differs: contacts are damped springs, which rebound a little even where it is zero."""
    rolling_friction = Float(0.0)
    """Differs: it has no effect."""
    thickness = Float(0.01)
    """Differs: it has no effect."""
    torsion_friction = Float(0.0)
    """Differs: it has no effect."""


class RigidBodyProperties(Closed):
    """A body's mass, kg, center of mass, m, and inertia about it, kg m^2, in the body's frame."""

    com: Vec3 = Vec3()
    flags = Int(0)
    inertia: Mat33 = Mat33()
    mass = Float(0.0)

    def __init__(self, com: Vec3 | None = None, inertia: Mat33 | None = None) -> None:
        self.com, self.inertia = com or Vec3(), inertia or Mat33()

    @property
    def invInertia(self) -> Mat33:
        """Inverse of the inertia; zero where it has none."""
        inertia = self.inertia.array()
        if abs(np.linalg.det(inertia)) < 1e-18:
            return Mat33()
        return Mat33.from_array(np.linalg.inv(inertia))

    @property
    def invMass(self) -> float:
        """1/kg; 0 for a body without mass."""
        return 1.0 / self.mass if self.mass else 0.0

    @invMass.setter
    def invMass(self, value: Any) -> None:
        self.mass = 1.0 / float(value) if float(value) else 0.0


class ForceSensorProperties(Closed):
    """Which forces a sensor counts, and whether it reports them in world axes."""

    enable_constraint_solver_forces = Bool(True)
    enable_forward_dynamics_forces = Bool(True)
    use_world_frame = Bool(False)


class ActuatorProperties(Closed):
    """An actuator of an MJCF file."""

    control_limited = Bool(False)
    force_limited = Bool(False)
    kp = Float(0.0)
    kv = Float(0.0)
    lower_control_limit = Float(0.0)
    lower_force_limit = Float(0.0)
    motor_effort = Float(0.0)
    upper_control_limit = Float(0.0)
    upper_force_limit = Float(0.0)
    type: Any = None


class TendonProperties(Closed):
    """A fixed tendon."""

    damping = Float(0.0)
    fixed_lower_limit = Float(0.0)
    fixed_spring_rest_length = Float(0.0)
    fixed_upper_limit = Float(0.0)
    is_fixed_limited = Bool(False)
    limit_stiffness = Float(0.0)
    stiffness = Float(0.0)
    num_attachments = Int(0)
    num_joints = Int(0)
    type: TendonType = TendonType.TENDON_FIXED


class AttractorProperties(Closed):
    """A spring between a body and a pose; attractors are not simulated."""

    axes = Int(0)
    damping = Float(0.0)
    offset: Transform = Transform()
    rigid_handle = Int(-1)
    stiffness = Float(0.0)
    target: Transform = Transform()

    def __init__(self) -> None:
        self.offset, self.target = Transform(), Transform()


class IndexRange(Closed):
    """``count`` indices from ``start`` on."""

    count = Int(0)
    start = Int(0)

    def __init__(self, start: int = 0, count: int = 0) -> None:
        self.start, self.count = start, count


class DofState(Closed):
    """Position and velocity of a degree of freedom."""

    dtype: ClassVar[Dtype] = DOF_STATE
    pos, vel = Float(), Float()


class DofFrame(Closed):
    """Origin and axis of a degree of freedom, in the frame of the environment."""

    dtype: ClassVar[Dtype] = DOF_FRAME
    origin: Vec3 = Vec3()
    axis: Vec3 = Vec3()

    def __init__(self, origin: Vec3 | None = None, axis: Vec3 | None = None) -> None:
        self.origin, self.axis = origin or Vec3(), axis or Vec3()

    @staticmethod
    def from_buffer(buffer: Any) -> np.ndarray:
        """Return the buffer's floats as an array of ``DofFrame.dtype``."""
        return np.frombuffer(buffer, dtype=DOF_FRAME)


class RigidBodyState(Closed):
    """Pose and velocity of a body."""

    dtype: ClassVar[Dtype] = RIGID_BODY_STATE
    pose: Transform = Transform()
    vel: Velocity = Velocity()

    def __init__(self) -> None:
        self.pose, self.vel = Transform(), Velocity()


class ForceSensor(Closed):
    """A force sensor of an actor: its row in the tensor of sensors, and what it last measured."""

    def __init__(self, index: int = -1, read: Any = None) -> None:
        self._index, self._read = index, read

    def get_global_index(self) -> int:
        """Return the sensor's row in ``acquire_force_sensor_tensor``."""
        return self._index

    def get_forces(self) -> SpatialForce:
        """Return force, N, and torque, N m, at the last refresh."""
        result = SpatialForce()
        row = self._read(self._index)
        result.force, result.torque = Vec3(*row[:3]), Vec3(*row[3:])
        return result
