"""Everything that callers import from ``isaacgym.gymapi``: the ``Gym`` object, values, parameters, enumerations."""

from __future__ import annotations

from isaacgym.api.enums import (
    AXIS_ALL as AXIS_ALL,
)
from isaacgym.api.enums import (
    AXIS_NONE as AXIS_NONE,
)
from isaacgym.api.enums import (
    AXIS_ROTATION as AXIS_ROTATION,
)
from isaacgym.api.enums import (
    AXIS_SWING_1 as AXIS_SWING_1,
)
from isaacgym.api.enums import (
    AXIS_SWING_2 as AXIS_SWING_2,
)
from isaacgym.api.enums import (
    AXIS_TRANSLATION as AXIS_TRANSLATION,
)
from isaacgym.api.enums import (
    AXIS_TWIST as AXIS_TWIST,
)
from isaacgym.api.enums import (
    AXIS_X as AXIS_X,
)
from isaacgym.api.enums import (
    AXIS_Y as AXIS_Y,
)
from isaacgym.api.enums import (
    AXIS_Z as AXIS_Z,
)
from isaacgym.api.enums import (
    DEFAULT_VIEWER_HEIGHT as DEFAULT_VIEWER_HEIGHT,
)
from isaacgym.api.enums import (
    DEFAULT_VIEWER_WIDTH as DEFAULT_VIEWER_WIDTH,
)
from isaacgym.api.enums import (
    INVALID_HANDLE as INVALID_HANDLE,
)
from isaacgym.api.enums import (
    RIGID_BODY_DISABLE_GRAVITY as RIGID_BODY_DISABLE_GRAVITY,
)
from isaacgym.api.enums import (
    RIGID_BODY_DISABLE_SIMULATION as RIGID_BODY_DISABLE_SIMULATION,
)
from isaacgym.api.enums import (
    RIGID_BODY_ENABLE_GYROSCOPIC_FORCES as RIGID_BODY_ENABLE_GYROSCOPIC_FORCES,
)
from isaacgym.api.enums import (
    RIGID_BODY_NONE as RIGID_BODY_NONE,
)
from isaacgym.api.enums import (
    STATE_ALL as STATE_ALL,
)
from isaacgym.api.enums import (
    STATE_NONE as STATE_NONE,
)
from isaacgym.api.enums import (
    STATE_POS as STATE_POS,
)
from isaacgym.api.enums import (
    STATE_VEL as STATE_VEL,
)
from isaacgym.api.enums import (
    CameraFollowMode as CameraFollowMode,
)
from isaacgym.api.enums import (
    ContactCollection as ContactCollection,
)
from isaacgym.api.enums import (
    CoordinateSpace as CoordinateSpace,
)
from isaacgym.api.enums import (
    DofDriveMode as DofDriveMode,
)
from isaacgym.api.enums import (
    DofType as DofType,
)
from isaacgym.api.enums import (
    ImageType as ImageType,
)
from isaacgym.api.enums import (
    IndexDomain as IndexDomain,
)
from isaacgym.api.enums import (
    JointType as JointType,
)
from isaacgym.api.enums import (
    MeshNormalMode as MeshNormalMode,
)
from isaacgym.api.enums import (
    MeshType as MeshType,
)
from isaacgym.api.enums import (
    SimType as SimType,
)
from isaacgym.api.enums import (
    SoftMaterialType as SoftMaterialType,
)
from isaacgym.api.enums import (
    TendonType as TendonType,
)
from isaacgym.api.enums import (
    TensorDataType as TensorDataType,
)
from isaacgym.api.enums import (
    UpAxis as UpAxis,
)
from isaacgym.api.enums import (
    UsdMaterialMode as UsdMaterialMode,
)
from isaacgym.api.handles import (
    ActionEvent as ActionEvent,
)
from isaacgym.api.handles import (
    Env as Env,
)
from isaacgym.api.handles import (
    PerformanceTimers as PerformanceTimers,
)
from isaacgym.api.handles import (
    Tensor as Tensor,
)
from isaacgym.api.keys import (
    KeyboardInput as KeyboardInput,
)
from isaacgym.api.keys import (
    MouseInput as MouseInput,
)
from isaacgym.api.params import (
    CameraProperties as CameraProperties,
)
from isaacgym.api.params import (
    FlexParams as FlexParams,
)
from isaacgym.api.params import (
    HeightFieldParams as HeightFieldParams,
)
from isaacgym.api.params import (
    OmniConnectionParams as OmniConnectionParams,
)
from isaacgym.api.params import (
    PhysXParams as PhysXParams,
)
from isaacgym.api.params import (
    PlaneParams as PlaneParams,
)
from isaacgym.api.params import (
    SimParams as SimParams,
)
from isaacgym.api.params import (
    TriangleMeshParams as TriangleMeshParams,
)
from isaacgym.api.params import (
    UsdExportOptions as UsdExportOptions,
)
from isaacgym.api.params import (
    Version as Version,
)
from isaacgym.api.properties import (
    ActuatorProperties as ActuatorProperties,
)
from isaacgym.api.properties import (
    AttractorProperties as AttractorProperties,
)
from isaacgym.api.properties import (
    DofFrame as DofFrame,
)
from isaacgym.api.properties import (
    DofState as DofState,
)
from isaacgym.api.properties import (
    ForceSensor as ForceSensor,
)
from isaacgym.api.properties import (
    ForceSensorProperties as ForceSensorProperties,
)
from isaacgym.api.properties import (
    IndexRange as IndexRange,
)
from isaacgym.api.properties import (
    RigidBodyProperties as RigidBodyProperties,
)
from isaacgym.api.properties import (
    RigidBodyState as RigidBodyState,
)
from isaacgym.api.properties import (
    RigidShapeProperties as RigidShapeProperties,
)
from isaacgym.api.properties import (
    TendonProperties as TendonProperties,
)
from isaacgym.api.vectors import (
    Mat33 as Mat33,
)
from isaacgym.api.vectors import (
    Mat44 as Mat44,
)
from isaacgym.api.vectors import (
    Quat as Quat,
)
from isaacgym.api.vectors import (
    SpatialForce as SpatialForce,
)
from isaacgym.api.vectors import (
    Transform as Transform,
)
from isaacgym.api.vectors import (
    Vec2 as Vec2,
)
from isaacgym.api.vectors import (
    Vec3 as Vec3,
)
from isaacgym.api.vectors import (
    Velocity as Velocity,
)
from isaacgym.engine.actors import Asset as Asset
from isaacgym.engine.errors import GymError as GymError
from isaacgym.engine.options import (
    AssetOptions as AssetOptions,
)
from isaacgym.engine.options import (
    VhacdParams as VhacdParams,
)
from isaacgym.engine.simulation import Sim as Sim
from isaacgym.engine.viewer import Viewer as Viewer
from isaacgym.gym import Gym as Gym
from isaacgym.gym import acquire_gym as acquire_gym

SIM_PHYSX = SimType.SIM_PHYSX
SIM_FLEX = SimType.SIM_FLEX
UP_AXIS_Y = UpAxis.UP_AXIS_Y
UP_AXIS_Z = UpAxis.UP_AXIS_Z
DOF_MODE_NONE = DofDriveMode.DOF_MODE_NONE
DOF_MODE_POS = DofDriveMode.DOF_MODE_POS
DOF_MODE_VEL = DofDriveMode.DOF_MODE_VEL
DOF_MODE_EFFORT = DofDriveMode.DOF_MODE_EFFORT
DOF_INVALID = DofType.DOF_INVALID
DOF_ROTATION = DofType.DOF_ROTATION
DOF_TRANSLATION = DofType.DOF_TRANSLATION
JOINT_INVALID = JointType.JOINT_INVALID
JOINT_FIXED = JointType.JOINT_FIXED
JOINT_REVOLUTE = JointType.JOINT_REVOLUTE
JOINT_PRISMATIC = JointType.JOINT_PRISMATIC
JOINT_BALL = JointType.JOINT_BALL
JOINT_PLANAR = JointType.JOINT_PLANAR
JOINT_FLOATING = JointType.JOINT_FLOATING
DOMAIN_ACTOR = IndexDomain.DOMAIN_ACTOR
DOMAIN_ENV = IndexDomain.DOMAIN_ENV
DOMAIN_SIM = IndexDomain.DOMAIN_SIM
ENV_SPACE = CoordinateSpace.ENV_SPACE
LOCAL_SPACE = CoordinateSpace.LOCAL_SPACE
GLOBAL_SPACE = CoordinateSpace.GLOBAL_SPACE
IMAGE_COLOR = ImageType.IMAGE_COLOR
IMAGE_DEPTH = ImageType.IMAGE_DEPTH
IMAGE_SEGMENTATION = ImageType.IMAGE_SEGMENTATION
IMAGE_OPTICAL_FLOW = ImageType.IMAGE_OPTICAL_FLOW
FOLLOW_POSITION = CameraFollowMode.FOLLOW_POSITION
FOLLOW_TRANSFORM = CameraFollowMode.FOLLOW_TRANSFORM
MESH_NONE = MeshType.MESH_NONE
MESH_COLLISION = MeshType.MESH_COLLISION
MESH_VISUAL = MeshType.MESH_VISUAL
MESH_VISUAL_AND_COLLISION = MeshType.MESH_VISUAL_AND_COLLISION
FROM_ASSET = MeshNormalMode.FROM_ASSET
COMPUTE_PER_VERTEX = MeshNormalMode.COMPUTE_PER_VERTEX
COMPUTE_PER_FACE = MeshNormalMode.COMPUTE_PER_FACE
CC_NEVER = ContactCollection.CC_NEVER
CC_LAST_SUBSTEP = ContactCollection.CC_LAST_SUBSTEP
CC_ALL_SUBSTEPS = ContactCollection.CC_ALL_SUBSTEPS
TENDON_FIXED = TendonType.TENDON_FIXED
TENDON_SPATIAL = TendonType.TENDON_SPATIAL
DTYPE_FLOAT32 = TensorDataType.DTYPE_FLOAT32
DTYPE_UINT32 = TensorDataType.DTYPE_UINT32
DTYPE_UINT64 = TensorDataType.DTYPE_UINT64
DTYPE_UINT8 = TensorDataType.DTYPE_UINT8
DTYPE_INT16 = TensorDataType.DTYPE_INT16
MAT_COROTATIONAL = SoftMaterialType.MAT_COROTATIONAL
MAT_NEOHOOKEAN = SoftMaterialType.MAT_NEOHOOKEAN
USD_MATERIAL_DISPLAY_COLOR = UsdMaterialMode.USD_MATERIAL_DISPLAY_COLOR
USD_MATERIAL_PREVIEW_SURFACE = UsdMaterialMode.USD_MATERIAL_PREVIEW_SURFACE
USD_MATERIAL_MDL = UsdMaterialMode.USD_MATERIAL_MDL

KEY_A = KeyboardInput.KEY_A
KEY_B = KeyboardInput.KEY_B
KEY_C = KeyboardInput.KEY_C
KEY_D = KeyboardInput.KEY_D
KEY_E = KeyboardInput.KEY_E
KEY_F = KeyboardInput.KEY_F
KEY_G = KeyboardInput.KEY_G
KEY_H = KeyboardInput.KEY_H
KEY_I = KeyboardInput.KEY_I
KEY_J = KeyboardInput.KEY_J
KEY_K = KeyboardInput.KEY_K
KEY_L = KeyboardInput.KEY_L
KEY_M = KeyboardInput.KEY_M
KEY_N = KeyboardInput.KEY_N
KEY_O = KeyboardInput.KEY_O
KEY_P = KeyboardInput.KEY_P
KEY_Q = KeyboardInput.KEY_Q
KEY_R = KeyboardInput.KEY_R
KEY_S = KeyboardInput.KEY_S
KEY_T = KeyboardInput.KEY_T
KEY_U = KeyboardInput.KEY_U
KEY_V = KeyboardInput.KEY_V
KEY_W = KeyboardInput.KEY_W
KEY_X = KeyboardInput.KEY_X
KEY_Y = KeyboardInput.KEY_Y
KEY_Z = KeyboardInput.KEY_Z
KEY_0 = KeyboardInput.KEY_0
KEY_1 = KeyboardInput.KEY_1
KEY_2 = KeyboardInput.KEY_2
KEY_3 = KeyboardInput.KEY_3
KEY_4 = KeyboardInput.KEY_4
KEY_5 = KeyboardInput.KEY_5
KEY_6 = KeyboardInput.KEY_6
KEY_7 = KeyboardInput.KEY_7
KEY_8 = KeyboardInput.KEY_8
KEY_9 = KeyboardInput.KEY_9
KEY_F1 = KeyboardInput.KEY_F1
KEY_F2 = KeyboardInput.KEY_F2
KEY_F3 = KeyboardInput.KEY_F3
KEY_F4 = KeyboardInput.KEY_F4
KEY_F5 = KeyboardInput.KEY_F5
KEY_F6 = KeyboardInput.KEY_F6
KEY_F7 = KeyboardInput.KEY_F7
KEY_F8 = KeyboardInput.KEY_F8
KEY_F9 = KeyboardInput.KEY_F9
KEY_F10 = KeyboardInput.KEY_F10
KEY_F11 = KeyboardInput.KEY_F11
KEY_F12 = KeyboardInput.KEY_F12
KEY_NUMPAD_0 = KeyboardInput.KEY_NUMPAD_0
KEY_NUMPAD_1 = KeyboardInput.KEY_NUMPAD_1
KEY_NUMPAD_2 = KeyboardInput.KEY_NUMPAD_2
KEY_NUMPAD_3 = KeyboardInput.KEY_NUMPAD_3
KEY_NUMPAD_4 = KeyboardInput.KEY_NUMPAD_4
KEY_NUMPAD_5 = KeyboardInput.KEY_NUMPAD_5
KEY_NUMPAD_6 = KeyboardInput.KEY_NUMPAD_6
KEY_NUMPAD_7 = KeyboardInput.KEY_NUMPAD_7
KEY_NUMPAD_8 = KeyboardInput.KEY_NUMPAD_8
KEY_NUMPAD_9 = KeyboardInput.KEY_NUMPAD_9
KEY_NUMPAD_ADD = KeyboardInput.KEY_NUMPAD_ADD
KEY_NUMPAD_DEL = KeyboardInput.KEY_NUMPAD_DEL
KEY_NUMPAD_DIVIDE = KeyboardInput.KEY_NUMPAD_DIVIDE
KEY_NUMPAD_ENTER = KeyboardInput.KEY_NUMPAD_ENTER
KEY_NUMPAD_EQUAL = KeyboardInput.KEY_NUMPAD_EQUAL
KEY_NUMPAD_MULTIPLY = KeyboardInput.KEY_NUMPAD_MULTIPLY
KEY_NUMPAD_SUBTRACT = KeyboardInput.KEY_NUMPAD_SUBTRACT
KEY_SPACE = KeyboardInput.KEY_SPACE
KEY_APOSTROPHE = KeyboardInput.KEY_APOSTROPHE
KEY_COMMA = KeyboardInput.KEY_COMMA
KEY_MINUS = KeyboardInput.KEY_MINUS
KEY_PERIOD = KeyboardInput.KEY_PERIOD
KEY_SLASH = KeyboardInput.KEY_SLASH
KEY_SEMICOLON = KeyboardInput.KEY_SEMICOLON
KEY_EQUAL = KeyboardInput.KEY_EQUAL
KEY_LEFT_BRACKET = KeyboardInput.KEY_LEFT_BRACKET
KEY_BACKSLASH = KeyboardInput.KEY_BACKSLASH
KEY_RIGHT_BRACKET = KeyboardInput.KEY_RIGHT_BRACKET
KEY_GRAVE_ACCENT = KeyboardInput.KEY_GRAVE_ACCENT
KEY_ESCAPE = KeyboardInput.KEY_ESCAPE
KEY_TAB = KeyboardInput.KEY_TAB
KEY_ENTER = KeyboardInput.KEY_ENTER
KEY_BACKSPACE = KeyboardInput.KEY_BACKSPACE
KEY_INSERT = KeyboardInput.KEY_INSERT
KEY_DEL = KeyboardInput.KEY_DEL
KEY_RIGHT = KeyboardInput.KEY_RIGHT
KEY_LEFT = KeyboardInput.KEY_LEFT
KEY_DOWN = KeyboardInput.KEY_DOWN
KEY_UP = KeyboardInput.KEY_UP
KEY_PAGE_UP = KeyboardInput.KEY_PAGE_UP
KEY_PAGE_DOWN = KeyboardInput.KEY_PAGE_DOWN
KEY_HOME = KeyboardInput.KEY_HOME
KEY_END = KeyboardInput.KEY_END
KEY_CAPS_LOCK = KeyboardInput.KEY_CAPS_LOCK
KEY_SCROLL_LOCK = KeyboardInput.KEY_SCROLL_LOCK
KEY_NUM_LOCK = KeyboardInput.KEY_NUM_LOCK
KEY_PRINT_SCREEN = KeyboardInput.KEY_PRINT_SCREEN
KEY_PAUSE = KeyboardInput.KEY_PAUSE
KEY_LEFT_SHIFT = KeyboardInput.KEY_LEFT_SHIFT
KEY_LEFT_CONTROL = KeyboardInput.KEY_LEFT_CONTROL
KEY_LEFT_ALT = KeyboardInput.KEY_LEFT_ALT
KEY_LEFT_SUPER = KeyboardInput.KEY_LEFT_SUPER
KEY_RIGHT_SHIFT = KeyboardInput.KEY_RIGHT_SHIFT
KEY_RIGHT_CONTROL = KeyboardInput.KEY_RIGHT_CONTROL
KEY_RIGHT_ALT = KeyboardInput.KEY_RIGHT_ALT
KEY_RIGHT_SUPER = KeyboardInput.KEY_RIGHT_SUPER
KEY_MENU = KeyboardInput.KEY_MENU

MOUSE_LEFT_BUTTON = MouseInput.MOUSE_LEFT_BUTTON
MOUSE_RIGHT_BUTTON = MouseInput.MOUSE_RIGHT_BUTTON
MOUSE_MIDDLE_BUTTON = MouseInput.MOUSE_MIDDLE_BUTTON
MOUSE_FORWARD_BUTTON = MouseInput.MOUSE_FORWARD_BUTTON
MOUSE_BACK_BUTTON = MouseInput.MOUSE_BACK_BUTTON
MOUSE_SCROLL_RIGHT = MouseInput.MOUSE_SCROLL_RIGHT
MOUSE_SCROLL_LEFT = MouseInput.MOUSE_SCROLL_LEFT
MOUSE_SCROLL_UP = MouseInput.MOUSE_SCROLL_UP
MOUSE_SCROLL_DOWN = MouseInput.MOUSE_SCROLL_DOWN
MOUSE_MOVE_RIGHT = MouseInput.MOUSE_MOVE_RIGHT
MOUSE_MOVE_LEFT = MouseInput.MOUSE_MOVE_LEFT
MOUSE_MOVE_UP = MouseInput.MOUSE_MOVE_UP
MOUSE_MOVE_DOWN = MouseInput.MOUSE_MOVE_DOWN
