"""Assets: loading them, and what can be asked about them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isaacgym.api.enums import DofType, JointType
from isaacgym.api.properties import (
    ActuatorProperties,
    ForceSensorProperties,
    IndexRange,
    RigidShapeProperties,
    TendonProperties,
)
from isaacgym.api.vectors import Transform
from isaacgym.engine import asset as blueprints
from isaacgym.engine.actors import Asset, shape_properties, shape_rows
from isaacgym.engine.asset import load_asset
from isaacgym.engine.options import AssetOptions
from isaacgym.engine.primitives import box_asset, capsule_asset, sphere_asset
from isaacgym.engine.simulation import Sim
from isaacgym.methods.checks import one_of


class AssetMethods:
    """See the module."""

    def load_asset(self, sim: Sim, rootpath: str, filename: str, options: AssetOptions | None = None) -> Asset:
        """Return the robot or object of an URDF or MJCF file.

        Raises:
            AssetError: where there is no such file, or it cannot become an asset.
        """
        return Asset(load_asset(str(rootpath), str(filename), options or AssetOptions()))

    def load_urdf(self, sim: Sim, rootpath: str, filename: str, options: AssetOptions | None = None) -> Asset:
        """See ``load_asset``."""
        return self.load_asset(sim, rootpath, filename, options)

    def load_mjcf(self, sim: Sim, rootpath: str, filename: str, options: AssetOptions | None = None) -> Asset:
        """See ``load_asset``."""
        return self.load_asset(sim, rootpath, filename, options)

    def create_box(
        self, sim: Sim, width: float, height: float, depth: float, options: AssetOptions | None = None
    ) -> Asset:
        """Return a box of ``width`` along x, ``height`` along y and ``depth`` along z, m."""
        return Asset(box_asset(float(width), float(height), float(depth), options or AssetOptions()))

    def create_sphere(self, sim: Sim, radius: float, options: AssetOptions | None = None) -> Asset:
        """Return a sphere, m."""
        return Asset(sphere_asset(float(radius), options or AssetOptions()))

    def create_capsule(self, sim: Sim, radius: float, width: float, options: AssetOptions | None = None) -> Asset:
        """Return a capsule along x: ``width`` is the length of its straight part, m."""
        return Asset(capsule_asset(float(radius), float(width), options or AssetOptions()))

    # ---------------------------------------------------------------- bodies and shapes

    def get_asset_rigid_body_count(self, asset: Asset) -> int:
        """Return the number of bodies."""
        return len(asset.bodies)

    def get_asset_rigid_body_names(self, asset: Asset) -> list[str]:
        """Return the names of the bodies, depth first."""
        return asset.body_names

    def get_asset_rigid_body_name(self, asset: Asset, index: int) -> str:
        """Return the name of a body."""
        return one_of(asset.body_names, index, "bodies")

    def get_asset_rigid_body_dict(self, asset: Asset) -> dict[str, int]:
        """Return the indices of the bodies by name."""
        return {name: index for index, name in enumerate(asset.body_names)}

    def find_asset_rigid_body_index(self, asset: Asset, name: str) -> int:
        """Return the index of a body, or -1."""
        return asset.blueprint.body_index(name)

    def get_asset_rigid_shape_count(self, asset: Asset) -> int:
        """Return the number of collision shapes."""
        return len(asset.shapes)

    def get_asset_rigid_shape_properties(self, asset: Asset) -> list[RigidShapeProperties]:
        """Return the properties of the collision shapes, body after body."""
        return shape_properties(asset.shapes)

    def set_asset_rigid_shape_properties(self, asset: Asset, props: Sequence[RigidShapeProperties]) -> bool:
        """Set the properties that the actors get which are created from now on."""
        asset.shapes = shape_rows(asset.shapes, props)
        asset.shapes.flags.writeable = False
        return True

    def get_asset_rigid_body_shape_indices(self, asset: Asset) -> list[IndexRange]:
        """Return which shapes belong to each body."""
        return [IndexRange(*asset.blueprint.shape_range(body)) for body in range(len(asset.bodies))]

    def get_asset_soft_body_count(self, asset: Asset) -> int:
        """Return 0: soft bodies are not simulated."""
        return 0

    # ---------------------------------------------------------------- degrees of freedom, joints

    def get_asset_dof_count(self, asset: Asset) -> int:
        """Return the number of degrees of freedom."""
        return len(asset.dofs)

    def get_asset_dof_names(self, asset: Asset) -> list[str]:
        """Return the names of the degrees of freedom."""
        return asset.dof_names

    def get_asset_dof_name(self, asset: Asset, index: int) -> str:
        """Return the name of a degree of freedom."""
        return one_of(asset.dof_names, index, "degrees of freedom")

    def get_asset_dof_dict(self, asset: Asset) -> dict[str, int]:
        """Return the indices of the degrees of freedom by name."""
        return {name: index for index, name in enumerate(asset.dof_names)}

    def find_asset_dof_index(self, asset: Asset, name: str) -> int:
        """Return the index of a degree of freedom, or -1."""
        return asset.blueprint.dof_index(name)

    def get_asset_dof_properties(self, asset: Asset) -> np.ndarray:
        """Return a structured array, an element a degree of freedom; see ``DOF_PROPERTIES``."""
        return asset.dofs.copy()

    def get_asset_dof_type(self, asset: Asset, index: int) -> DofType:
        """Return whether a degree of freedom turns or slides."""
        one_of(asset.dof_names, index, "degrees of freedom")
        slides = asset.blueprint.dofs[index].kind == "prismatic"
        return DofType.DOF_TRANSLATION if slides else DofType.DOF_ROTATION

    def get_dof_type_string(self, kind: DofType) -> str:
        """Return the name of a type of degree of freedom."""
        return {DofType.DOF_ROTATION: "Rotation", DofType.DOF_TRANSLATION: "Translation"}.get(kind, "Invalid")

    def get_asset_joint_count(self, asset: Asset) -> int:
        """Return the number of joints, fixed ones included."""
        return len(asset.blueprint.joints)

    def get_asset_joint_names(self, asset: Asset) -> list[str]:
        """Return the names of the joints."""
        return list(asset.blueprint.joints)

    def get_asset_joint_name(self, asset: Asset, index: int) -> str:
        """Return the name of a joint."""
        return one_of(asset.blueprint.joints, index, "joints")

    def get_asset_joint_dict(self, asset: Asset) -> dict[str, int]:
        """Return the indices of the joints by name."""
        return {name: index for index, name in enumerate(asset.blueprint.joints)}

    def find_asset_joint_index(self, asset: Asset, name: str) -> int:
        """Return the index of a joint, or -1."""
        return self.get_asset_joint_dict(asset).get(name, -1)

    def get_asset_joint_type(self, asset: Asset, index: int) -> JointType:
        """Return what a joint allows."""
        dof = asset.blueprint.dof_index(self.get_asset_joint_name(asset, index))
        if dof < 0:
            return JointType.JOINT_FIXED
        slides = asset.blueprint.dofs[dof].kind == "prismatic"
        return JointType.JOINT_PRISMATIC if slides else JointType.JOINT_REVOLUTE

    def get_joint_type_string(self, kind: JointType) -> str:
        """Return the name of a type of joint."""
        return JointType(kind).name.removeprefix("JOINT_").capitalize()

    # ---------------------------------------------------------------- sensors, actuators, tendons

    def create_asset_force_sensor(
        self, asset: Asset, body_idx: int, local_pose: Transform, props: ForceSensorProperties | None = None
    ) -> int:
        """Fix a force sensor to a body of the asset, before actors are created; return its index."""
        one_of(asset.body_names, body_idx, "bodies")
        props = props or ForceSensorProperties()
        sensors = asset.blueprint.force_sensors
        sensors.append(
            blueprints.ForceSensor(
                body=int(body_idx),
                pos=np.array(local_pose.p.values()),
                quat=np.array(local_pose.r.normalize().values()),
                enable_forward_dynamics_forces=props.enable_forward_dynamics_forces,
                enable_constraint_solver_forces=props.enable_constraint_solver_forces,
                use_world_frame=props.use_world_frame,
            )
        )
        return len(sensors) - 1

    def get_asset_actuator_count(self, asset: Asset) -> int:
        """Return the number of actuators of an MJCF file."""
        return len(asset.blueprint.actuators)

    def get_asset_actuator_name(self, asset: Asset, index: int) -> str:
        """Return the name of an actuator."""
        return one_of([actuator.name for actuator in asset.blueprint.actuators], index, "actuators")

    def get_asset_actuator_joint_name(self, asset: Asset, index: int) -> str:
        """Return the name of the joint that an actuator drives."""
        return one_of([actuator.joint for actuator in asset.blueprint.actuators], index, "actuators")

    def find_asset_actuator_index(self, asset: Asset, name: str) -> int:
        """Return the index of an actuator, or -1."""
        names = [actuator.name for actuator in asset.blueprint.actuators]
        return names.index(name) if name in names else -1

    def get_asset_actuator_properties(self, asset: Asset) -> list[ActuatorProperties]:
        """Return the properties of the actuators of an MJCF file; callers read ``motor_effort``."""
        return [_actuator_properties(actuator) for actuator in asset.blueprint.actuators]

    def get_asset_tendon_count(self, asset: Asset) -> int:
        """Return the number of fixed tendons of an MJCF file."""
        return len(asset.blueprint.tendons)

    def get_asset_tendon_name(self, asset: Asset, index: int) -> str:
        """Return the name of a tendon."""
        return one_of([tendon.name for tendon in asset.blueprint.tendons], index, "tendons")

    def find_asset_tendon_index(self, asset: Asset, name: str) -> int:
        """Return the index of a tendon, or -1."""
        names = [tendon.name for tendon in asset.blueprint.tendons]
        return names.index(name) if name in names else -1

    def get_asset_tendon_properties(self, asset: Asset) -> list[TendonProperties]:
        """Return the properties of the tendons, which are read but not simulated."""
        return [_tendon_properties(tendon) for tendon in asset.blueprint.tendons]


def _actuator_properties(actuator: blueprints.Actuator) -> ActuatorProperties:
    result = ActuatorProperties()
    result.kp, result.kv, result.motor_effort = actuator.kp, actuator.kv, actuator.motor_effort
    result.lower_control_limit, result.upper_control_limit = actuator.control_range
    result.lower_force_limit, result.upper_force_limit = actuator.force_range
    result.control_limited = bool(np.isfinite(actuator.control_range[1]))
    result.force_limited = bool(np.isfinite(actuator.force_range[1]))
    result.type = actuator.kind
    return result


def _tendon_properties(tendon: blueprints.Tendon) -> TendonProperties:
    result = TendonProperties()
    result.stiffness, result.damping, result.limit_stiffness = tendon.stiffness, tendon.damping, tendon.limit_stiffness
    result.is_fixed_limited = tendon.has_limits
    result.fixed_lower_limit, result.fixed_upper_limit = tendon.lower, tendon.upper
    result.num_joints = len(tendon.joints)
    return result
