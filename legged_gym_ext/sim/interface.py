"""The Simulator contract: one batched engine that holds ``num_envs`` separate worlds.

Shapes: N worlds, D = 12 joints, B bodies, S = ``decimation`` physics steps a control step, K boxes. Everything is SI;
positions, velocities and forces are in the world frame; quaternions are xyzw. Joint order FL, FR, RL, RR x hip, thigh,
calf; body order is ``RobotCfg.body_names``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.terrain.height_field import HeightFieldCfg
from st_rl.utils.attributes import field_values
from st_rl.utils.ranges import Bounds, Checked, Pixels, Threads

MAX_COORDINATE = 1e4
"""A position (m, rad) or speed (m/s, rad/s) beyond this is as broken as a NaN."""

Distance = Annotated[float, Bounds(gt=0.0, le=1000.0)]
"""From a camera to what it looks at, m."""
Azimuth = Annotated[float, Bounds(ge=-360.0, le=360.0)]
Elevation = Annotated[float, Bounds(ge=-90.0, le=90.0)]
"""Where a camera looks, degrees."""


@dataclass(frozen=True)
class SimCfg(Checked):
    """How the physics is stepped. The defaults were measured stable and fast for both robots."""

    dt: Annotated[float, Bounds(ge=1e-6, le=0.05)] = 0.005
    """Physics time step, s."""
    decimation: Annotated[int, Bounds(ge=1, le=10000)] = 4
    """Physics steps per control step."""
    solver_iterations: Annotated[int, Bounds(ge=1, le=1000)] = 6
    line_search_iterations: Annotated[int, Bounds(ge=1, le=1000)] = 10
    num_threads: Threads = 0
    """CPU threads of the engine; 0 means every core."""


@dataclass(frozen=True)
class SceneCfg(Checked):
    """What every world contains besides the robot."""

    num_boxes: Annotated[int, Bounds(ge=0, le=1000)] = 0
    """Boxes per world; each world places its own with ``set_boxes``."""
    height_field: HeightFieldCfg | None = None
    """Rough ground shared by all worlds; ``None`` is the plane z = 0."""


@dataclass
class DynamicsSample:
    """Per-world values of the randomized parameters; ``None`` leaves a parameter as it is."""

    friction: Tensor | None = None
    """(N,) sliding friction of every geom of the robot (the ground's does not matter: the robot's decides)."""
    added_mass: Tensor | None = None
    """(N,) kg added to the trunk."""
    com_shift: Tensor | None = None
    """(N, 3) m added to the trunk's center of mass, trunk frame."""
    motor_strength: Tensor | None = None
    """(N, D) factor on torque: gains and torque limit alike."""
    stiffness: Tensor | None = None
    """(N, D) proportional gain, N m/rad."""
    damping: Tensor | None = None
    """(N, D) derivative gain, N m s/rad."""
    joint_friction: Tensor | None = None
    """(N, D) dry friction, N m."""
    armature: Tensor | None = None
    """(N, D) reflected rotor inertia, kg m^2."""


def default_dynamics(robot: RobotCfg, num_envs: int, device: torch.device | str) -> DynamicsSample:
    """The nominal dynamics of ``robot`` for ``num_envs`` worlds, every field set."""

    def per_joint(values: tuple[float, ...]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=device).repeat(num_envs, 1)

    def zeros(*shape: int) -> Tensor:
        return torch.zeros(num_envs, *shape, device=device)

    joints = robot.joints
    return DynamicsSample(
        friction=zeros() + robot.friction,
        added_mass=zeros(),
        com_shift=zeros(3),
        motor_strength=zeros(len(joints)) + 1.0,
        stiffness=per_joint(robot.stiffness),
        damping=per_joint(robot.damping),
        joint_friction=per_joint(tuple(joint.friction for joint in joints)),
        armature=per_joint((robot.armature,) * len(joints)),
    )


def update_dynamics(current: DynamicsSample, mask: Tensor, sample: DynamicsSample) -> None:
    """Write the set fields of ``sample`` into ``current`` where ``mask (N,)`` is true, in place."""
    for old, new in zip(field_values(current).values(), field_values(sample).values(), strict=True):
        if new is not None:
            where = mask.view(-1, *([1] * (old.dim() - 1)))
            old.copy_(torch.where(where, new.to(old.dtype), old))


@dataclass(frozen=True)
class CameraCfg(Checked):
    """A camera that follows the robot's trunk at a fixed angle, seen from outside."""

    width: Pixels = 640
    height: Pixels = 480
    distance: Distance = 1.8
    """m from the trunk."""
    azimuth: Azimuth = 125.0
    """degrees, world frame; 90 looks along +y, 180 looks along -x."""
    elevation: Elevation = -18.0
    """degrees; negative looks down."""
    lookat_offset: tuple[float, float, float] = field(default=(0.0, 0.0, -0.05))
    """m, world frame, from the trunk to the point looked at."""
    shadows: bool = False
    """Draw shadows, which without a graphics card takes many times as long."""


class Simulator(ABC):
    """One engine with N worlds. Tensors are float32 on ``device`` and valid until the next ``step`` or ``reset``."""

    robot: RobotCfg
    num_envs: int
    device: torch.device
    cfg: SimCfg
    scene: SceneCfg

    dynamics: DynamicsSample
    """The values in force, every field set; read-only for callers."""
    boxes: Tensor
    """(N, K, 10) center (3), quaternion xyzw (4), half extents (3); size zero is no box."""
    solid: Tensor
    """(N, K) bool; boxes that are not solid do not collide."""

    root_states: Tensor
    """(N, 13) trunk: position, quaternion xyzw, linear and angular velocity."""
    dof_pos: Tensor
    """(N, D) rad."""
    dof_vel: Tensor
    """(N, D) rad/s."""
    torques: Tensor
    """(N, S, D) N m applied in each physics step of the last control step."""
    substep_dof_vel: Tensor
    """(N, S, D) rad/s after each physics step of the last control step."""
    invalid: Tensor
    """(N,) bool: worlds whose state became non-finite in the last step and that need a ``reset``."""
    num_invalid: int
    """How many such worlds there have been since the start (read it outside the step loop)."""

    @property
    @abstractmethod
    def body_states(self) -> Tensor:
        """(N, B, 13) per body: position of its frame, quaternion xyzw, velocity of that point, angular velocity."""

    @property
    @abstractmethod
    def contact_forces(self) -> Tensor:
        """(N, B, 3) N, net contact force on each body in the last physics step."""

    @abstractmethod
    def step(self, targets: Tensor) -> None:
        """Advance every world by one control step of PD control toward ``targets``.

        Args:
            targets: joint positions in rad, (N, D) held for the control step, or (N, S, D) for each physics step.
        """

    @abstractmethod
    def reset(self, mask: Tensor, root_states: Tensor, dof_pos: Tensor, dof_vel: Tensor) -> None:
        """Set the state of the worlds where ``mask (N,)`` is true; the others are untouched.

        Args:
            mask: (N,) bool.
            root_states: (N, 13) as ``self.root_states``.
            dof_pos: (N, D) rad.
            dof_vel: (N, D) rad/s.
        """

    @abstractmethod
    def set_dynamics(self, mask: Tensor, sample: DynamicsSample) -> None:
        """Set the given dynamics of the worlds where ``mask (N,)`` is true."""

    @abstractmethod
    def set_boxes(self, mask: Tensor, boxes: Tensor, solid: Tensor) -> None:
        """Place the boxes of the worlds where ``mask (N,)`` is true; ``boxes (N, K, 10)``, ``solid (N, K)`` bool."""

    @abstractmethod
    def push(self, mask: Tensor, velocity: Tensor) -> None:
        """Add ``velocity (N, 6)``, linear m/s then angular rad/s, to the trunk where ``mask (N,)`` is true."""

    @abstractmethod
    def render(self, world: int, camera: CameraCfg) -> np.ndarray:
        """An image (height, width, 3), uint8 RGB, of one world. Needs EGL or OSMesa; UserError where neither is."""

    @abstractmethod
    def last_inputs(self, world: int) -> dict[str, np.ndarray]:
        """State before the last ``step`` and the targets it was given, of one world: what to save of a broken one."""

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to continue bit for bit: physics state, warm starts, dynamics, boxes."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned; shapes must match."""

    @abstractmethod
    def close(self) -> None:
        """Release the engine's memory and any render context."""
