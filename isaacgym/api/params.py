"""Parameters of the simulation, of grounds and of cameras."""

from __future__ import annotations

from isaacgym.api.enums import ContactCollection, UpAxis
from isaacgym.api.fields import Bool, Closed, Float, Int
from isaacgym.api.vectors import Transform, Vec3


class PhysXParams(Closed):
    """Settings of PhysX.

    Differs for all but num_threads: MuJoCo's solver has its own settings, and this one changes nothing.
    """

    always_use_articulations = Bool(False)
    bounce_threshold_velocity = Float(0.2)
    """m/s."""
    contact_collection: ContactCollection | int = ContactCollection.CC_ALL_SUBSTEPS
    """Differs: contact forces are always those of the last substep."""
    contact_offset = Float(0.02)
    """m."""
    default_buffer_size_multiplier = Float(2.0)
    friction_correlation_distance = Float(0.025)
    friction_offset_threshold = Float(0.04)
    max_depenetration_velocity = Float(100.0)
    max_gpu_contact_pairs = Int(1024 * 1024)
    num_position_iterations = Int(4)
    num_subscenes = Int(0)
    num_threads = Int(0)
    """Threads of the CPU pipeline; 0: all cores."""
    num_velocity_iterations = Int(1)
    rest_offset = Float(0.001)
    solver_type = Int(1)
    use_gpu = Bool(False)


class FlexParams(Closed):
    """Settings of the FleX engine.

    Differs: there is no FleX engine, so none has an effect.
    """

    contact_regularization = Float(1e-6)
    deterministic_mode = Bool(False)
    dynamic_friction = Float(0.0)
    friction_mode = Int(2)
    geometric_stiffness = Float(0.0)
    max_rigid_contacts = Int(0)
    max_soft_contacts = Int(0)
    num_inner_iterations = Int(20)
    num_outer_iterations = Int(4)
    particle_friction = Float(0.0)
    relaxation = Float(0.75)
    return_contacts = Bool(False)
    shape_collision_distance = Float(0.0)
    shape_collision_margin = Float(0.0)
    solver_type = Int(5)
    static_friction = Float(0.0)
    warm_start = Float(0.4)


class SimParams(Closed):
    """What a simulation is made with; ``dt`` in s is what one ``simulate`` advances, in ``substeps`` steps."""

    dt = Float(1.0 / 60.0)
    enable_actor_creation_warning = Bool(True)
    flex: FlexParams = FlexParams()
    gravity: Vec3 = Vec3(0.0, -9.8, 0.0)
    """m/s^2, world frame."""
    num_client_threads = Int(0)
    """Differs: it has no effect; ``physx.num_threads`` has."""
    physx: PhysXParams = PhysXParams()
    stress_visualization = Bool(False)
    """Differs: stresses are not drawn."""
    stress_visualization_max = Float(1e5)
    """Differs: stresses are not drawn."""
    stress_visualization_min = Float(0.0)
    """Differs: stresses are not drawn."""
    substeps = Int(2)
    up_axis: UpAxis | int = UpAxis.UP_AXIS_Y
    use_gpu_pipeline = Bool(False)

    def __init__(self) -> None:
        self.flex, self.physx = FlexParams(), PhysXParams()
        self.gravity = Vec3(0.0, -9.8, 0.0)


class PlaneParams(Closed):
    """An infinite ground plane: the points x with normal . x = -distance."""

    distance = Float(0.0)
    dynamic_friction = Float(1.0)
    normal: Vec3 = Vec3(0.0, 1.0, 0.0)
    restitution = Float(0.0)
    segmentation_id = Int(0)
    static_friction = Float(1.0)
    """Differs: ``dynamic_friction`` holds at rest too."""

    def __init__(self) -> None:
        self.normal = Vec3(0.0, 1.0, 0.0)


class HeightFieldParams(Closed):
    """A height field of int16 samples: ``nbColumns`` along x, ``nbRows`` along y, a column after another.

    Sample (c, r) is at x = c * ``column_scale``, y = r * ``row_scale``, z = value * ``vertical_scale``, then moved by
    ``transform``; m.
    """

    column_scale = Float(1.0)
    dynamic_friction = Float(1.0)
    nbColumns = Int(0)
    nbRows = Int(0)
    restitution = Float(0.0)
    row_scale = Float(1.0)
    segmentation_id = Int(0)
    static_friction = Float(1.0)
    """Differs: ``dynamic_friction`` holds at rest too."""
    transform: Transform = Transform()
    vertical_scale = Float(1.0)

    def __init__(self) -> None:
        self.transform = Transform()


class TriangleMeshParams(Closed):
    """A static triangle mesh, moved by ``transform``."""

    dynamic_friction = Float(1.0)
    nb_triangles = Int(0)
    nb_vertices = Int(0)
    restitution = Float(0.0)
    segmentation_id = Int(0)
    static_friction = Float(1.0)
    """Differs: ``dynamic_friction`` holds at rest too."""
    transform: Transform = Transform()

    def __init__(self) -> None:
        self.transform = Transform()


class CameraProperties(Closed):
    """A camera: size in pixels, horizontal field of view in degrees, clipping planes in m."""

    enable_tensors = Bool(False)
    far_plane = Float(2_000_000.0)
    height = Int(900)
    horizontal_fov = Float(90.0)
    near_plane = Float(0.001)
    supersampling_horizontal = Int(1)
    """Differs: pictures are sampled once a pixel."""
    supersampling_vertical = Int(1)
    """Differs: pictures are sampled once a pixel."""
    use_collision_geometry = Bool(False)
    width = Int(1600)


class UsdExportOptions(Closed):
    """Options of USD export, which is not implemented."""

    export_physics = Bool(True)
    material_mode = Int(0)
    scale = Float(1.0)
    single_file = Bool(False)
    use_geom_subsets = Bool(False)
    use_physics_visuals = Bool(True)


class OmniConnectionParams(Closed):
    """A connection to an Omniverse server, which is not implemented."""

    enable_cache = Bool(True)
    enable_debug_output = Bool(False)
    password: str = ""
    server: str = ""
    username: str = ""


class Version(Closed):
    """A version number."""

    major = Int(1)
    minor = Int(0)
