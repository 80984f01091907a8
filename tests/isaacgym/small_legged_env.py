"""A complete legged environment against the Isaac Gym interface, as its users write them: terrain from tiles, friction
and mass of each environment's own, torques from a PD law, resets by indices, pushes, a viewer and a camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from isaacgym import gymapi, gymtorch, gymutil, terrain_utils
from isaacgym.torch_utils import get_axis_params, quat_apply, quat_rotate_inverse, to_torch, torch_rand_float

ROBOTS = Path(__file__).parents[2] / "resources" / "robots"
SIM = {
    "dt": 0.005,
    "substeps": 1,
    "gravity": [0.0, 0.0, -9.81],
    "up_axis": 1,
    "unknown_to_the_simulator": True,
    "physx": {"num_threads": 1, "solver_type": 1, "contact_offset": 0.01, "contact_collection": 2},
}
CELL, STEP, BORDER = 0.1, 0.005, 2.0


class SmallLeggedEnv:
    """Quadrupeds that are to stand still and hold their speed at zero."""

    def __init__(self, num_envs: int, terrain: str = "trimesh", decimation: int = 4, camera: bool = False) -> None:
        self.gym = gymapi.acquire_gym()
        self.num_envs, self.decimation, self.device = num_envs, decimation, "cpu"
        params = gymapi.SimParams()
        gymutil.parse_sim_config(SIM, params)
        self.sim = self.gym.create_sim(0, -1, gymapi.SIM_PHYSX, params)
        self.friction = torch_rand_float(0.5, 1.25, (num_envs, 1), device="cpu")
        self._make_ground(terrain)
        self._make_envs(camera)
        self.gym.prepare_sim(self.sim)
        self._make_buffers()

    # ---------------------------------------------------------------- creation

    def _make_ground(self, kind: str) -> None:
        if kind == "plane":
            plane = gymapi.PlaneParams()
            plane.normal = gymapi.Vec3(0.0, 0.0, 1.0)
            self.gym.add_ground(self.sim, plane)
            self.start_height = 0.0
            return
        tile = terrain_utils.SubTerrain("tile", width=80, length=80, vertical_scale=STEP, horizontal_scale=CELL)
        terrain_utils.random_uniform_terrain(tile, min_height=-0.02, max_height=0.02, step=0.005, downsampled_scale=0.2)
        border = int(BORDER / CELL)
        heights = np.zeros((80 + 2 * border, 80 + 2 * border), np.int16)
        heights[border:-border, border:-border] = tile.height_field_raw
        self.start_height = 0.02
        if kind == "heightfield":
            field = gymapi.HeightFieldParams()
            field.column_scale = field.row_scale = CELL
            field.vertical_scale = STEP
            field.nbRows, field.nbColumns = heights.shape[1], heights.shape[0]
            self._place(field)
            self.gym.add_heightfield(self.sim, heights.flatten(order="C"), field)
            return
        vertices, triangles = terrain_utils.convert_heightfield_to_trimesh(heights, CELL, STEP, 0.75)
        mesh = gymapi.TriangleMeshParams()
        mesh.nb_vertices, mesh.nb_triangles = vertices.shape[0], triangles.shape[0]
        self._place(mesh)
        self.gym.add_triangle_mesh(self.sim, vertices.flatten(order="C"), triangles.flatten(order="C"), mesh)

    @staticmethod
    def _place(params: Any) -> None:
        params.transform.p.x = params.transform.p.y = -BORDER
        params.static_friction = params.dynamic_friction = 1.0
        params.restitution = 0.0

    def _make_envs(self, camera: bool) -> None:
        gym = self.gym
        options = gymapi.AssetOptions()
        options.default_dof_drive_mode = gymapi.DOF_MODE_EFFORT
        options.collapse_fixed_joints = options.replace_cylinder_with_capsule = True
        options.angular_damping = options.linear_damping = options.armature = 0.0
        options.max_angular_velocity = options.max_linear_velocity = 1000.0
        asset = gym.load_asset(self.sim, str(ROBOTS / "go1"), "go1.urdf", options)
        self.num_dof, self.body_names = gym.get_asset_dof_count(asset), gym.get_asset_rigid_body_names(asset)
        self.dof_names = gym.get_asset_dof_names(asset)
        dof_props, shape_props = gym.get_asset_dof_properties(asset), gym.get_asset_rigid_shape_properties(asset)
        self.torque_limits = torch.from_numpy(dof_props["effort"].copy())
        self.feet = [index for index, name in enumerate(self.body_names) if "foot" in name]
        for foot in self.feet:
            gym.create_asset_force_sensor(asset, foot, gymapi.Transform())
        self.base_start = to_torch(
            [0.0, 0.0, 0.32 + self.start_height, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], device=self.device
        )
        self.origins = torch.zeros(self.num_envs, 3)
        self.origins[:, 0], self.origins[:, 1] = (
            torch.arange(self.num_envs) % 4 + 1.0,
            torch.arange(self.num_envs) // 4 + 1.0,
        )
        self.envs, self.actors, self.cameras = [], [], []
        for index in range(self.num_envs):
            env = gym.create_env(self.sim, gymapi.Vec3(0, 0, 0), gymapi.Vec3(0, 0, 0), int(np.sqrt(self.num_envs)))
            pose = gymapi.Transform()
            pose.p = gymapi.Vec3(*(self.origins[index] + self.base_start[:3]))
            for prop in shape_props:
                prop.friction = self.friction[index]
            gym.set_asset_rigid_shape_properties(asset, shape_props)
            actor = gym.create_actor(env, asset, pose, "go1", index, 1, 0)
            gym.set_actor_dof_properties(env, actor, dof_props)
            bodies = gym.get_actor_rigid_body_properties(env, actor)
            bodies[0].mass += 0.1 * index
            bodies[0].com += gymapi.Vec3(0.01, 0.0, 0.0)
            gym.set_actor_rigid_body_properties(env, actor, bodies, recomputeInertia=True)
            self.envs.append(env)
            self.actors.append(actor)
            if camera:
                self._add_camera(env, actor)

    def _add_camera(self, env: gymapi.Env, actor: int) -> None:
        properties = gymapi.CameraProperties()
        properties.width, properties.height, properties.enable_tensors = 32, 24, True
        handle = self.gym.create_camera_sensor(env, properties)
        local = gymapi.Transform(gymapi.Vec3(0.3, 0, 0), gymapi.Quat.from_euler_zyx(0, np.radians(30), 0))
        root = self.gym.get_actor_root_rigid_body_handle(env, actor)
        self.gym.attach_camera_to_body(handle, env, root, local, gymapi.FOLLOW_TRANSFORM)
        self.cameras.append(handle)

    def _make_buffers(self) -> None:
        gym, sim, n = self.gym, self.sim, self.num_envs
        acquired = (
            gym.acquire_actor_root_state_tensor(sim),
            gym.acquire_dof_state_tensor(sim),
            gym.acquire_net_contact_force_tensor(sim),
            gym.acquire_rigid_body_state_tensor(sim),
            gym.acquire_force_sensor_tensor(sim),
        )
        self.root_states, self.dof_state, contacts, bodies, sensors = (gymtorch.wrap_tensor(t) for t in acquired)
        self.dof_pos = self.dof_state.view(n, self.num_dof, 2)[..., 0]
        self.dof_vel = self.dof_state.view(n, self.num_dof, 2)[..., 1]
        self.base_quat = self.root_states[:, 3:7]
        self.contact_forces, self.body_states = contacts.view(n, -1, 3), bodies.view(n, -1, 13)
        self.foot_sensors = sensors.view(n, len(self.feet), 6)
        self.gravity = to_torch(get_axis_params(-1.0, 2), device=self.device).repeat((n, 1))
        stance = {"hip": 0.0, "thigh": 0.8, "calf": -1.6}
        self.default_dof_pos = torch.tensor([stance[name.split("_")[1]] for name in self.dof_names])
        self.torques = torch.zeros(n, self.num_dof)
        self.episode_length = torch.zeros(n, dtype=torch.long)
        # Through their names: handles count within their environment, as the columns of the tensors do.
        self.trunk = gym.find_actor_rigid_body_handle(self.envs[0], self.actors[0], self.body_names[0])
        self.reset_idx(torch.arange(n))

    # ---------------------------------------------------------------- stepping

    def step(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return observations (N, 33), rewards (N,) and which environments were reset (N,)."""
        gym, sim = self.gym, self.sim
        for _ in range(self.decimation):
            wanted = self.default_dof_pos + 0.25 * actions
            torques = 40.0 * (wanted - self.dof_pos) - 1.0 * self.dof_vel
            self.torques = torch.clip(torques, -self.torque_limits, self.torque_limits)
            gym.set_dof_actuation_force_tensor(sim, gymtorch.unwrap_tensor(self.torques))
            gym.simulate(sim)
            gym.fetch_results(sim, True)
            gym.refresh_dof_state_tensor(sim)
        gym.refresh_actor_root_state_tensor(sim)
        gym.refresh_net_contact_force_tensor(sim)
        gym.refresh_rigid_body_state_tensor(sim)
        gym.refresh_force_sensor_tensor(sim)
        self.episode_length += 1
        speed = quat_rotate_inverse(self.base_quat, self.root_states[:, 7:10])
        self.projected_gravity = quat_rotate_inverse(self.base_quat, self.gravity)
        fallen = torch.any(torch.norm(self.contact_forces[:, [self.trunk]], dim=-1) > 1.0, dim=1)
        done = fallen | (self.episode_length > 1000)
        reward = torch.exp(-speed.pow(2).sum(-1) / 0.25)
        self.reset_idx(done.nonzero(as_tuple=False).flatten())
        return self._observe(speed), reward, done

    def _observe(self, speed: torch.Tensor) -> torch.Tensor:
        spin = quat_rotate_inverse(self.base_quat, self.root_states[:, 10:13])
        parts = (speed, spin, self.projected_gravity, self.dof_pos - self.default_dof_pos, 0.05 * self.dof_vel)
        return torch.cat(parts, dim=-1)

    def reset_idx(self, env_ids: torch.Tensor) -> None:
        """Put some environments back to their start."""
        if len(env_ids) == 0:
            return
        gym, sim = self.gym, self.sim
        spread = torch_rand_float(0.9, 1.1, (len(env_ids), self.num_dof), device=self.device)
        self.dof_pos[env_ids] = self.default_dof_pos * spread
        self.dof_vel[env_ids] = 0.0
        self.root_states[env_ids] = self.base_start
        self.root_states[env_ids, :3] += self.origins[env_ids]
        ids = gymtorch.unwrap_tensor(env_ids.to(dtype=torch.int32))
        gym.set_dof_state_tensor_indexed(sim, gymtorch.unwrap_tensor(self.dof_state), ids, len(env_ids))
        gym.set_actor_root_state_tensor_indexed(sim, gymtorch.unwrap_tensor(self.root_states), ids, len(env_ids))
        self.episode_length[env_ids] = 0

    def push(self, speed: float) -> None:
        """Kick all robots sideways."""
        self.root_states[:, 8] = speed
        self.gym.set_actor_root_state_tensor(self.sim, gymtorch.unwrap_tensor(self.root_states))

    def heading(self) -> torch.Tensor:
        """Return the robots' yaw, rad (N,)."""
        forward = quat_apply(self.base_quat, to_torch([1.0, 0.0, 0.0], device="cpu").repeat((self.num_envs, 1)))
        return torch.atan2(forward[:, 1], forward[:, 0])
