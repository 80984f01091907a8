"""``Vec2``, ``Vec3``, ``Quat``, ``Transform`` and what belongs to them: small values that hold floats.

Quaternions are xyzw. Arithmetic is in double precision; the numpy dtypes that callers index are single precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from isaacgym.api.fields import Closed, Float, as_float

Dtype = np.dtype[Any]
VEC2 = np.dtype([("x", "<f4"), ("y", "<f4")])
VEC3 = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4")])
QUAT = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("w", "<f4")])
TRANSFORM = np.dtype([("p", VEC3), ("r", QUAT)])
VELOCITY = np.dtype([("linear", VEC3), ("angular", VEC3)])


class _Floats(Closed):
    """A value of named floats; two are equal where all floats are."""

    _names: ClassVar[tuple[str, ...]] = ()

    def values(self) -> tuple[float, ...]:
        """Return the floats in order."""
        return tuple(self.__dict__[name] for name in self._names)

    def __iter__(self) -> Iterator[float]:
        return iter(self.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.values() == other.values()

    def __hash__(self) -> int:
        return hash(self.values())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values(), dtype=dtype or np.float32)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{value:.6g}' for value in self.values())})"


class Vec2(_Floats):
    """Two floats."""

    _names = ("x", "y")
    dtype: ClassVar[Dtype] = VEC2
    x, y = Float(), Float()

    def __init__(self, x: Any = 0.0, y: Any = 0.0) -> None:
        self.x, self.y = x, y

    def __add__(self, other: Vec2) -> Vec2:
        return Vec2(self.x + other.x, self.y + other.y)

    def __sub__(self, other: Vec2) -> Vec2:
        return Vec2(self.x - other.x, self.y - other.y)

    def __mul__(self, factor: Any) -> Vec2:
        factor = as_float(factor, "a factor")
        return Vec2(self.x * factor, self.y * factor)

    __rmul__ = __mul__


class Vec3(_Floats):
    """Three floats; elements of tensors are accepted, ``Vec3(*tensor)``."""

    _names = ("x", "y", "z")
    dtype: ClassVar[Dtype] = VEC3
    x, y, z = Float(), Float(), Float()

    def __init__(self, x: Any = 0.0, y: Any = 0.0, z: Any = 0.0) -> None:
        # Written directly: thousands of environments make millions of these.
        own = self.__dict__
        own["x"], own["y"], own["z"] = as_float(x, "Vec3.x"), as_float(y, "Vec3.y"), as_float(z, "Vec3.z")

    def __add__(self, other: Vec3) -> Vec3:
        return Vec3(self.x + other.x, self.y + other.y, self.z + other.z)

    def __sub__(self, other: Vec3) -> Vec3:
        return Vec3(self.x - other.x, self.y - other.y, self.z - other.z)

    def __neg__(self) -> Vec3:
        return Vec3(-self.x, -self.y, -self.z)

    def __mul__(self, factor: Any) -> Vec3:
        factor = as_float(factor, "a factor")
        return Vec3(self.x * factor, self.y * factor, self.z * factor)

    __rmul__ = __mul__

    def __truediv__(self, factor: Any) -> Vec3:
        return self * (1.0 / as_float(factor, "a divisor"))

    def dot(self, other: Vec3) -> float:
        """Return the scalar product."""
        return self.x * other.x + self.y * other.y + self.z * other.z

    def cross(self, other: Vec3) -> Vec3:
        """Return the vector product."""
        return Vec3(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )

    def length_sq(self) -> float:
        """Return the squared length."""
        return self.dot(self)

    def length(self) -> float:
        """Return the length."""
        return math.sqrt(self.length_sq())

    def normalize(self) -> Vec3:
        """Return the unit vector of the same direction; the zero vector stays."""
        length = self.length()
        return self * (1.0 / length) if length > 0.0 else Vec3()

    @staticmethod
    def from_buffer(buffer: Any) -> np.ndarray:
        """Return the buffer's floats as an array of ``Vec3.dtype``."""
        return np.frombuffer(buffer, dtype=VEC3)


class Quat(_Floats):
    """A quaternion x, y, z, w; ``Quat()`` is the identity."""

    _names = ("x", "y", "z", "w")
    dtype: ClassVar[Dtype] = QUAT
    x, y, z, w = Float(), Float(), Float(), Float(1.0)

    def __init__(self, x: Any = 0.0, y: Any = 0.0, z: Any = 0.0, w: Any = 1.0) -> None:
        self.x, self.y, self.z, self.w = x, y, z, w

    def __mul__(self, other: Quat) -> Quat:
        a, b = self, other
        return Quat(
            a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
            a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
            a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
            a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
        )

    def inverse(self) -> Quat:
        """Return the inverse rotation; the quaternion need not have unit length."""
        norm = sum(value * value for value in self.values())
        return Quat(-self.x / norm, -self.y / norm, -self.z / norm, self.w / norm)

    def normalize(self) -> Quat:
        """Return the quaternion of unit length."""
        norm = math.sqrt(sum(value * value for value in self.values()))
        return Quat(*(value / norm for value in self.values())) if norm > 0.0 else Quat()

    def rotate(self, vector: Vec3) -> Vec3:
        """Return the rotated vector."""
        axis = Vec3(self.x, self.y, self.z)
        twice = axis.cross(vector) * 2.0
        return vector + twice * self.w + axis.cross(twice)

    def to_euler_zyx(self) -> tuple[float, float, float]:
        """Return roll, pitch, yaw in rad: rotations about x, then y, then z of the fixed frame."""
        x, y, z, w = self.normalize().values()
        pitch = math.asin(max(-1.0, min(1.0, 2.0 * (w * y - z * x))))
        roll = math.atan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
        yaw = math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
        return roll, pitch, yaw

    @staticmethod
    def from_axis_angle(axis: Vec3, angle: Any) -> Quat:
        """Return the rotation by ``angle`` rad about ``axis``."""
        half = 0.5 * as_float(angle, "an angle")
        unit = axis.normalize() * math.sin(half)
        return Quat(unit.x, unit.y, unit.z, math.cos(half))

    @staticmethod
    def from_euler_zyx(roll: Any, pitch: Any, yaw: Any) -> Quat:
        """Return the rotation by ``roll`` about x, then ``pitch`` about y, then ``yaw`` about z, rad, fixed axes."""
        about_x = Quat.from_axis_angle(Vec3(1.0, 0.0, 0.0), roll)
        about_y = Quat.from_axis_angle(Vec3(0.0, 1.0, 0.0), pitch)
        about_z = Quat.from_axis_angle(Vec3(0.0, 0.0, 1.0), yaw)
        return about_z * about_y * about_x

    @staticmethod
    def from_buffer(buffer: Any) -> np.ndarray:
        """Return the buffer's floats as an array of ``Quat.dtype``."""
        return np.frombuffer(buffer, dtype=QUAT)


class Transform(Closed):
    """A position ``p`` and a rotation ``r``: maps a point x to ``r.rotate(x) + p``."""

    dtype: ClassVar[Dtype] = TRANSFORM
    p: Vec3 = Vec3()
    r: Quat = Quat()

    def __init__(self, p: Vec3 | None = None, r: Quat | None = None) -> None:
        self.p = Vec3() if p is None else p
        self.r = Quat() if r is None else r

    def __mul__(self, other: Transform) -> Transform:
        return Transform(self.transform_point(other.p), self.r * other.r)

    def inverse(self) -> Transform:
        """Return the transform that undoes this one."""
        back = self.r.inverse()
        return Transform(back.rotate(-self.p), back)

    def transform_point(self, point: Vec3) -> Vec3:
        """Return the point, rotated and shifted."""
        return self.r.rotate(point) + self.p

    def transform_vector(self, vector: Vec3) -> Vec3:
        """Return the vector, rotated."""
        return self.r.rotate(vector)

    def transform_points(self, points: np.ndarray) -> np.ndarray:
        """Return an array of ``Vec3.dtype``, each point rotated and shifted."""
        return _map(points, self.transform_point)

    def transform_vectors(self, vectors: np.ndarray) -> np.ndarray:
        """Return an array of ``Vec3.dtype``, each vector rotated."""
        return _map(vectors, self.transform_vector)

    @staticmethod
    def from_buffer(buffer: Any) -> np.ndarray:
        """Return the buffer's floats as an array of ``Transform.dtype``."""
        return np.frombuffer(buffer, dtype=TRANSFORM)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Transform) and self.p == other.p and self.r == other.r

    def __hash__(self) -> int:
        return hash((self.p, self.r))

    def __repr__(self) -> str:
        return f"Transform(p={self.p!r}, r={self.r!r})"


def _map(points: np.ndarray, function: Any) -> np.ndarray:
    flat = np.asarray(points)
    if flat.dtype.names:
        rows = [function(Vec3(*(float(part) for part in row))) for row in flat.reshape(-1).tolist()]
    else:
        rows = [function(Vec3(*row)) for row in flat.reshape(-1, 3).tolist()]
    return np.array([row.values() for row in rows], dtype=VEC3)


class Velocity(Closed):
    """Linear velocity, m/s, and angular velocity, rad/s."""

    dtype: ClassVar[Dtype] = VELOCITY
    linear: Vec3 = Vec3()
    angular: Vec3 = Vec3()

    def __init__(self, p: Vec3 | None = None, q: Vec3 | None = None) -> None:
        self.linear = Vec3() if p is None else p
        self.angular = Vec3() if q is None else q


class SpatialForce(Closed):
    """A force, N, and a torque, N m."""

    force: Vec3 = Vec3()
    torque: Vec3 = Vec3()

    def __init__(self) -> None:
        self.force, self.torque = Vec3(), Vec3()


class Mat33(Closed):
    """A 3 x 3 matrix of rows x, y, z; an inertia tensor is symmetric, so rows are columns."""

    x: Vec3 = Vec3()
    y: Vec3 = Vec3()
    z: Vec3 = Vec3()

    def __init__(self, x: Vec3 | None = None, y: Vec3 | None = None, z: Vec3 | None = None) -> None:
        own = self.__dict__
        own["x"], own["y"], own["z"] = x or Vec3(), y or Vec3(), z or Vec3()

    def array(self) -> np.ndarray:
        """Return the matrix, (3, 3) double precision."""
        return np.array([self.x.values(), self.y.values(), self.z.values()], dtype=np.float64)

    @staticmethod
    def from_array(matrix: np.ndarray) -> Mat33:
        """Return a (3, 3) array as a ``Mat33``."""
        return Mat33(*(Vec3(*row) for row in np.asarray(matrix).tolist()))


class Mat44(Closed):
    """A 4 x 4 matrix of rows x, y, z, w."""

    x: Quat = Quat()
    y: Quat = Quat()
    z: Quat = Quat()
    w: Quat = Quat()

    def __init__(self) -> None:
        self.x, self.y, self.z, self.w = Quat(1, 0, 0, 0), Quat(0, 1, 0, 0), Quat(0, 0, 1, 0), Quat(0, 0, 0, 1)
