"""An environment as users of the interface write them: walkers on a plane, every tensor in the caller's own code.

Four ``simulate`` a control step with efforts from a PD law in torch, refreshes, observations with noise, rewards,
terminations and resets by index. It is made to be timed, and trains as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from isaacgym import gymapi, gymtorch
from isaacgym.torch_utils import quat_rotate_inverse, torch_rand_float


@dataclass(frozen=True)
class WalkersCfg:
    """Numbers of the environment; joints, feet and trunk are found by parts of their names."""

    stance: dict[str, float] = field(default_factory=lambda: {"hip": 0.0, "thigh": 0.8, "calf": -1.6})
    """rad, joint positions of the action 0, by a part of the joint's name."""
    foot: str = "foot"
    """Part of the names of the feet."""
    height: float = 0.35
    """m, of the trunk's frame at the start."""
    stiffness: float = 20.0
    """N m/rad."""
    damping: float = 0.5
    """N m s/rad."""
    action_scale: float = 0.25
    """rad."""
    dt: float = 0.005
    """s, of one ``simulate``."""
    decimation: int = 4
    """``simulate`` in a control step."""
    episode_steps: int = 1000
    """Control steps in an episode."""
    num_threads: int = 0
    """Threads of the engine; 0 takes all cores."""


class Walkers:
    """``num_envs`` robots that are to move at the velocities they are told."""

    def __init__(self, asset: Path, num_envs: int, cfg: WalkersCfg) -> None:
        """``asset`` is an URDF file. Raises as ``load_asset`` does, and ``ValueError`` for names without a stance."""
        self.cfg, self.num_envs = cfg, num_envs
        self.gym = gymapi.acquire_gym()
        params = gymapi.SimParams()
        params.dt, params.up_axis, params.gravity = cfg.dt, gymapi.UP_AXIS_Z, gymapi.Vec3(0.0, 0.0, -9.81)
        params.substeps, params.physx.num_threads = 1, cfg.num_threads
        self.sim = self.gym.create_sim(0, -1, gymapi.SIM_PHYSX, params)
        plane = gymapi.PlaneParams()
        plane.normal = gymapi.Vec3(0.0, 0.0, 1.0)
        self.gym.add_ground(self.sim, plane)
        self._create(asset)
        self.gym.prepare_sim(self.sim)
        self._wrap()
        self.reset(torch.arange(num_envs))

    # ---------------------------------------------------------------- creation

    def _create(self, path: Path) -> None:
        gym = self.gym
        options = gymapi.AssetOptions()
        options.default_dof_drive_mode = gymapi.DOF_MODE_EFFORT
        options.collapse_fixed_joints = options.replace_cylinder_with_capsule = True
        options.angular_damping = 0.0
        asset = gym.load_asset(self.sim, str(path.parent), path.name, options)
        names = gym.get_asset_dof_names(asset)
        missing = [name for name in names if not any(part in name for part in self.cfg.stance)]
        if missing:
            raise ValueError(f"the stance says nothing about the joints {', '.join(missing)}")
        stance = [next(angle for part, angle in self.cfg.stance.items() if part in name) for name in names]
        self.num_actions, self.stance = len(names), torch.tensor(stance)
        bodies = gym.get_asset_rigid_body_names(asset)
        self.feet = [index for index, name in enumerate(bodies) if self.cfg.foot in name]
        self.efforts_limit = torch.from_numpy(gym.get_asset_dof_properties(asset)["effort"].copy())
        shapes = gym.get_asset_rigid_shape_properties(asset)
        start = gymapi.Transform(gymapi.Vec3(0.0, 0.0, self.cfg.height))
        for index in range(self.num_envs):
            env = gym.create_env(self.sim, gymapi.Vec3(), gymapi.Vec3(), 1)
            for shape in shapes:
                shape.friction = 0.5 + 0.75 * (index % 64) / 63.0
            gym.set_asset_rigid_shape_properties(asset, shapes)
            actor = gym.create_actor(env, asset, start, "walker", index, 1, 0)
            trunk = gym.get_actor_rigid_body_properties(env, actor)
            trunk[0].mass *= 0.9 + 0.2 * (index % 16) / 15.0
            gym.set_actor_rigid_body_properties(env, actor, trunk, recomputeInertia=True)

    def _wrap(self) -> None:
        gym, sim, n = self.gym, self.sim, self.num_envs
        self.root_states = gymtorch.wrap_tensor(gym.acquire_actor_root_state_tensor(sim))
        self.dof_state = gymtorch.wrap_tensor(gym.acquire_dof_state_tensor(sim))
        self.contacts = gymtorch.wrap_tensor(gym.acquire_net_contact_force_tensor(sim)).view(n, -1, 3)
        states = self.dof_state.view(n, self.num_actions, 2)
        self.dof_pos, self.dof_vel = states[..., 0], states[..., 1]
        self.base_quat = self.root_states[:, 3:7]
        self.down = torch.tensor([0.0, 0.0, -1.0]).expand(n, 3).contiguous()
        self.efforts, self.last_actions = torch.zeros(n, self.num_actions), torch.zeros(n, self.num_actions)
        self.last_dof_vel = torch.zeros(n, self.num_actions)
        self.commands, self.air_time = torch.zeros(n, 3), torch.zeros(n, len(self.feet))
        self.age = torch.zeros(n, dtype=torch.long)

    # ---------------------------------------------------------------- stepping

    def step(self, actions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return observations (N, 12 + 3 A), rewards (N,) and which episodes ended (N,), for actions (N, A)."""
        gym, sim = self.gym, self.sim
        for _ in range(self.cfg.decimation):
            self.efforts = self._pd(actions)
            gym.set_dof_actuation_force_tensor(sim, gymtorch.unwrap_tensor(self.efforts))
            gym.simulate(sim)
            gym.fetch_results(sim, True)
            gym.refresh_dof_state_tensor(sim)
        gym.refresh_actor_root_state_tensor(sim)
        gym.refresh_net_contact_force_tensor(sim)
        self.age += 1
        self.base_lin_vel = quat_rotate_inverse(self.base_quat, self.root_states[:, 7:10])
        self.base_ang_vel = quat_rotate_inverse(self.base_quat, self.root_states[:, 10:13])
        self.gravity = quat_rotate_inverse(self.base_quat, self.down)
        ended = (self.contacts[:, 0].norm(dim=-1) > 1.0) | (self.age >= self.cfg.episode_steps)
        reward = self._reward(actions)
        self.reset(ended.nonzero().flatten())
        self.last_actions[:], self.last_dof_vel[:] = actions, self.dof_vel
        return self._observe(actions), reward, ended

    def _pd(self, actions: Tensor) -> Tensor:
        wanted = self.stance + self.cfg.action_scale * actions
        efforts = self.cfg.stiffness * (wanted - self.dof_pos) - self.cfg.damping * self.dof_vel
        return torch.clip(efforts, -self.efforts_limit, self.efforts_limit)

    def _reward(self, actions: Tensor) -> Tensor:
        planar = (self.commands[:, :2] - self.base_lin_vel[:, :2]).square().sum(1)
        turning = (self.commands[:, 2] - self.base_ang_vel[:, 2]).square()
        touches = self.contacts[:, self.feet, 2] > 1.0
        self.air_time += self.cfg.dt * self.cfg.decimation
        steps = ((self.air_time - 0.5) * (touches & (self.air_time > 0.0))).sum(1)
        self.air_time *= ~touches
        reward = torch.exp(-planar / 0.25) + 0.5 * torch.exp(-turning / 0.25) + steps
        reward -= 2.0 * self.base_lin_vel[:, 2].square() + 0.05 * self.base_ang_vel[:, :2].square().sum(1)
        reward -= 1e-5 * self.efforts.square().sum(1) + 0.01 * (actions - self.last_actions).square().sum(1)
        acceleration = (self.dof_vel - self.last_dof_vel) / (self.cfg.dt * self.cfg.decimation)
        return (reward - 2.5e-7 * acceleration.square().sum(1)).clip(min=0.0)

    def _observe(self, actions: Tensor) -> Tensor:
        parts = (self.base_lin_vel, self.base_ang_vel, self.gravity, self.commands, self.dof_pos - self.stance)
        obs = torch.cat((*parts, 0.05 * self.dof_vel, actions), dim=-1)
        return obs + 0.02 * (2.0 * torch.rand_like(obs) - 1.0)

    def reset(self, ids: Tensor) -> None:
        """Put some robots back to their start, with new commands."""
        count = len(ids)
        if count == 0:
            return
        self.dof_pos[ids] = self.stance * torch_rand_float(0.5, 1.5, (count, self.num_actions), device="cpu")
        self.dof_vel[ids] = 0.0
        self.root_states[ids] = torch.tensor([0.0, 0.0, self.cfg.height, 0.0, 0.0, 0.0, 1.0] + [0.0] * 6)
        self.root_states[ids, 7:] = torch_rand_float(-0.5, 0.5, (count, 6), device="cpu")
        which = gymtorch.unwrap_tensor(ids.to(torch.int32))
        self.gym.set_dof_state_tensor_indexed(self.sim, gymtorch.unwrap_tensor(self.dof_state), which, count)
        self.gym.set_actor_root_state_tensor_indexed(self.sim, gymtorch.unwrap_tensor(self.root_states), which, count)
        self.commands[ids] = torch_rand_float(-1.0, 1.0, (count, 3), device="cpu")
        self.last_actions[ids] = self.last_dof_vel[ids] = self.air_time[ids] = 0.0
        self.age[ids] = 0

    def close(self) -> None:
        """Free the worlds."""
        self.gym.destroy_sim(self.sim)
