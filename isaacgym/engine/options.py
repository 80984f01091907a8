"""How an asset is to be imported: ``AssetOptions`` and ``VhacdParams`` of the interface.

Both refuse names that they do not have, as a misspelt option would otherwise go unnoticed.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class VhacdParams:
    """Parameters of the convex decomposition V-HACD, which this implementation replaces by one hull per mesh.

    Differs: it is kept so that code that sets it runs, and changes nothing.
    """

    resolution: int = 100000
    concavity: float = 0.0
    alpha: float = 0.05
    beta: float = 0.05
    convex_hull_approximation: bool = True
    convex_hull_downsampling: int = 4
    max_convex_hulls: int = 64
    max_num_vertices_per_ch: int = 64
    min_volume_per_ch: float = 0.0001
    mode: int = 0
    ocl_acceleration: bool = True
    pca: int = 0
    plane_downsampling: int = 4
    project_hull_vertices: bool = True


@dataclass(slots=True)
class AssetOptions:
    """What callers set before ``load_asset``; the defaults are those of the documentation.

    Units: kg/m^3 for ``density``, m for ``thickness``, kg m^2 (or kg for sliders) for ``armature``, 1/s for the two
    dampings, rad/s and m/s for the two speed limits.
    """

    angular_damping: float = 0.5
    armature: float = 0.0
    collapse_fixed_joints: bool = False
    convex_decomposition_from_submeshes: bool = False
    """Differs: a collision mesh always becomes one convex hull."""
    default_dof_drive_mode: int = 0
    """0 none, 1 position, 2 velocity, 3 effort."""
    density: float = 1000.0
    """Used for bodies whose file states no mass."""
    disable_gravity: bool = False
    enable_gyroscopic_forces: bool = True
    """Differs: gyroscopic forces always act."""
    fix_base_link: bool = False
    flip_visual_attachments: bool = False
    """Whether meshes of visuals are turned from y-up to z-up."""
    linear_damping: float = 0.0
    max_angular_velocity: float = 64.0
    max_linear_velocity: float = 1000.0
    mesh_normal_mode: int = 0
    """Differs: normals of drawn meshes are always computed."""
    min_particle_mass: float = 1e-12
    """Differs: there are no particles."""
    override_com: bool = False
    """Whether centers of mass are computed from the collision shapes, whatever the file says."""
    override_inertia: bool = False
    """Whether inertia tensors are computed from the collision shapes, whatever the file says."""
    replace_cylinder_with_capsule: bool = False
    """Whether cylinders keep their length and get a half sphere at either end."""
    slices_per_cylinder: int = 20
    """Differs: cylinders are round and have no slices."""
    tendon_limit_stiffness: float = 1.0
    """Differs: tendons are read and not simulated."""
    thickness: float = 0.02
    """Differs: shapes touch at their surface, whatever the thickness."""
    use_mesh_materials: bool = False
    """Differs: drawn meshes have the color of the robot's file."""
    use_physx_armature: bool = True
    vhacd_enabled: bool = False
    """Differs: a collision mesh always becomes one convex hull."""
    vhacd_params: VhacdParams = field(default_factory=VhacdParams)
