"""Methods of the interface that are not implemented: each says so, and what to do, when it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn


def _missing(name: str, advice: str) -> Callable[..., NoReturn]:
    def method(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"gym.{name} is not implemented: {advice}")

    method.__name__ = name
    method.__doc__ = f"Raise ``NotImplementedError``: {advice}."
    return method


_SOFT = "soft bodies, cloth and particles are not simulated; rigid bodies are"
_TEXTURE = "bodies have colors and no textures; use set_rigid_body_color"
_USD = "USD files are neither read nor written; use URDF or MJCF files"
_ATTRACTOR = "attractors are not simulated; apply forces with apply_rigid_body_force_tensors"
_TENDON = "tendons are not simulated; drive their joints one by one"
_CONTACT = "single contacts are not reported; use the tensor of net contact forces"
_JOINT = "joints are addressed through their degrees of freedom; use the get_dof_ and set_dof_ methods"
_PNEUMATIC = "pneumatic actuators are not simulated; use efforts"
_ACTUATOR = "actuators of MJCF files are read and not simulated; set efforts of their joints"
_BODY = "bodies follow from roots and joints; set those"
_VECTOR = "use the tensor interface, which covers all environments at once"


class UnsupportedMethods:
    """See the module."""

    acquire_particle_state_tensor = _missing("acquire_particle_state_tensor", _SOFT)
    acquire_pneumatic_pressure_tensor = _missing("acquire_pneumatic_pressure_tensor", _PNEUMATIC)
    acquire_pneumatic_target_tensor = _missing("acquire_pneumatic_target_tensor", _PNEUMATIC)
    apply_body_force_at_pos = _missing("apply_body_force_at_pos", "use apply_rigid_body_force_at_pos_tensors")
    attach_sim = _missing("attach_sim", "simulations cannot be shared between processes; use create_sim")
    create_cloth_grid = _missing("create_cloth_grid", _SOFT)
    create_rigid_body_attractor = _missing("create_rigid_body_attractor", _ATTRACTOR)
    create_tet_grid = _missing("create_tet_grid", _SOFT)
    create_texture_from_buffer = _missing("create_texture_from_buffer", _TEXTURE)
    create_texture_from_file = _missing("create_texture_from_file", _TEXTURE)
    create_usd_exporter = _missing("create_usd_exporter", _USD)
    debug_print_asset = _missing("debug_print_asset", "print the result of load_asset")
    destroy_usd_exporter = _missing("destroy_usd_exporter", _USD)
    draw_env_rigid_contacts = _missing("draw_env_rigid_contacts", _CONTACT)
    draw_env_soft_contacts = _missing("draw_env_soft_contacts", _SOFT)
    export_usd_asset = _missing("export_usd_asset", _USD)
    export_usd_sim = _missing("export_usd_sim", _USD)
    find_actor_actuator_index = _missing("find_actor_actuator_index", _ACTUATOR)
    find_actor_fixed_tendon_joint_index = _missing("find_actor_fixed_tendon_joint_index", _TENDON)
    find_actor_joint_index = _missing("find_actor_joint_index", _JOINT)
    find_actor_tendon_index = _missing("find_actor_tendon_index", _TENDON)
    free_texture = _missing("free_texture", _TEXTURE)
    get_actor_actuator_joint_name = _missing("get_actor_actuator_joint_name", _JOINT)
    get_actor_actuator_name = _missing("get_actor_actuator_name", _ACTUATOR)
    get_actor_fixed_tendon_joint_coefficients = _missing("get_actor_fixed_tendon_joint_coefficients", _TENDON)
    get_actor_fixed_tendon_joint_name = _missing("get_actor_fixed_tendon_joint_name", _TENDON)
    get_actor_joint_handle = _missing("get_actor_joint_handle", _JOINT)
    get_actor_joint_index = _missing("get_actor_joint_index", _JOINT)
    get_actor_joint_transforms = _missing("get_actor_joint_transforms", _JOINT)
    get_actor_soft_materials = _missing("get_actor_soft_materials", _SOFT)
    get_actor_tendon_name = _missing("get_actor_tendon_name", _TENDON)
    get_actor_tendon_offset = _missing("get_actor_tendon_offset", _TENDON)
    get_actor_tendon_properties = _missing("get_actor_tendon_properties", _TENDON)
    get_actor_tetrahedra_range = _missing("get_actor_tetrahedra_range", _SOFT)
    get_actor_triangle_range = _missing("get_actor_triangle_range", _SOFT)
    get_asset_fixed_tendon_joint_coefficients = _missing("get_asset_fixed_tendon_joint_coefficients", _TENDON)
    get_asset_fixed_tendon_joint_name = _missing("get_asset_fixed_tendon_joint_name", _TENDON)
    get_asset_soft_materials = _missing("get_asset_soft_materials", _SOFT)
    get_attractor_properties = _missing("get_attractor_properties", _ATTRACTOR)
    get_env_rigid_contacts = _missing("get_env_rigid_contacts", _CONTACT)
    get_joint_handle = _missing("get_joint_handle", _JOINT)
    get_joint_name = _missing("get_joint_name", _JOINT)
    get_joint_position = _missing("get_joint_position", _JOINT)
    get_joint_target_position = _missing("get_joint_target_position", _JOINT)
    get_joint_target_velocity = _missing("get_joint_target_velocity", _JOINT)
    get_joint_transform = _missing("get_joint_transform", _JOINT)
    get_joint_velocity = _missing("get_joint_velocity", _JOINT)
    get_pneumatic_pressure = _missing("get_pneumatic_pressure", _PNEUMATIC)
    get_pneumatic_target = _missing("get_pneumatic_target", _PNEUMATIC)
    get_rigid_body_texture = _missing("get_rigid_body_texture", _TEXTURE)
    get_rigid_contacts = _missing("get_rigid_contacts", _CONTACT)
    get_sensor = _missing("get_sensor", "use get_actor_force_sensor")
    get_sim_tetrahedra = _missing("get_sim_tetrahedra", _SOFT)
    get_sim_tetrahedra_count = _missing("get_sim_tetrahedra_count", _SOFT)
    get_sim_triangle_count = _missing("get_sim_triangle_count", _SOFT)
    get_sim_triangles = _missing("get_sim_triangles", _SOFT)
    get_soft_contacts = _missing("get_soft_contacts", _SOFT)
    get_usd_export_root = _missing("get_usd_export_root", _USD)
    get_vec_actor_dof_states = _missing("get_vec_actor_dof_states", _VECTOR)
    get_vec_env_rigid_contact_forces = _missing("get_vec_env_rigid_contact_forces", _VECTOR)
    get_vec_rigid_angular_velocity = _missing("get_vec_rigid_angular_velocity", _VECTOR)
    get_vec_rigid_linear_velocity = _missing("get_vec_rigid_linear_velocity", _VECTOR)
    get_vec_rigid_transform = _missing("get_vec_rigid_transform", _VECTOR)
    load_opensim = _missing("load_opensim", "OpenSim files are not read; use URDF or MJCF files")
    load_sim = _missing("load_sim", "simulations cannot be loaded; use create_sim")
    load_usd = _missing("load_usd", _USD)
    omni_connect = _missing("omni_connect", _USD)
    omni_disconnect = _missing("omni_disconnect", _USD)
    refresh_particle_state_tensor = _missing("refresh_particle_state_tensor", _SOFT)
    refresh_pneumatic_pressure_tensor = _missing("refresh_pneumatic_pressure_tensor", _PNEUMATIC)
    refresh_pneumatic_target_tensor = _missing("refresh_pneumatic_target_tensor", _PNEUMATIC)
    reset_actor_particles_to_rest = _missing("reset_actor_particles_to_rest", _SOFT)
    set_actor_fixed_tendon_joint_coefficients = _missing("set_actor_fixed_tendon_joint_coefficients", _TENDON)
    set_actor_rigid_body_states = _missing("set_actor_rigid_body_states", _BODY)
    set_actor_soft_materials = _missing("set_actor_soft_materials", _SOFT)
    set_actor_tendon_offset = _missing("set_actor_tendon_offset", _TENDON)
    set_actor_tendon_properties = _missing("set_actor_tendon_properties", _TENDON)
    set_asset_fixed_tendon_joint_coefficients = _missing("set_asset_fixed_tendon_joint_coefficients", _TENDON)
    set_asset_tendon_properties = _missing("set_asset_tendon_properties", _TENDON)
    set_attractor_properties = _missing("set_attractor_properties", _ATTRACTOR)
    set_attractor_target = _missing("set_attractor_target", _ATTRACTOR)
    set_env_rigid_body_states = _missing("set_env_rigid_body_states", _BODY)
    set_joint_target_position = _missing("set_joint_target_position", _JOINT)
    set_joint_target_velocity = _missing("set_joint_target_velocity", _JOINT)
    set_light_parameters = _missing("set_light_parameters", "pictures are lit from above")
    set_particle_state_tensor = _missing("set_particle_state_tensor", _SOFT)
    set_particle_state_tensor_indexed = _missing("set_particle_state_tensor_indexed", _SOFT)
    set_pneumatic_pressure = _missing("set_pneumatic_pressure", _PNEUMATIC)
    set_pneumatic_pressure_tensor = _missing("set_pneumatic_pressure_tensor", _PNEUMATIC)
    set_pneumatic_pressure_tensor_indexed = _missing("set_pneumatic_pressure_tensor_indexed", _PNEUMATIC)
    set_pneumatic_target = _missing("set_pneumatic_target", _PNEUMATIC)
    set_pneumatic_target_tensor = _missing("set_pneumatic_target_tensor", _PNEUMATIC)
    set_pneumatic_target_tensor_indexed = _missing("set_pneumatic_target_tensor_indexed", _PNEUMATIC)
    set_rigid_body_state_tensor = _missing("set_rigid_body_state_tensor", _BODY)
    set_rigid_body_texture = _missing("set_rigid_body_texture", _TEXTURE)
    set_sim_rigid_body_states = _missing("set_sim_rigid_body_states", _BODY)
    set_usd_export_root = _missing("set_usd_export_root", _USD)
