"""Small simulations for the tests of the Isaac Gym interface, on either engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from isaacgym import gymapi, gymtorch

GRAVITY = 9.81
GYM = gymapi.acquire_gym()


def make_sim(dt: float = 0.005, substeps: int = 1, gravity: float = GRAVITY) -> gymapi.Sim:
    """Return a simulation with z up."""
    params = gymapi.SimParams()
    params.dt, params.substeps, params.up_axis = dt, substeps, gymapi.UP_AXIS_Z
    params.gravity = gymapi.Vec3(0.0, 0.0, -gravity)
    params.physx.num_threads = 1
    return GYM.create_sim(0, -1, gymapi.SIM_PHYSX, params)


def add_plane(sim: gymapi.Sim, friction: float = 1.0, restitution: float = 0.0) -> None:
    """Add the ground z = 0."""
    plane = gymapi.PlaneParams()
    plane.normal = gymapi.Vec3(0.0, 0.0, 1.0)
    plane.static_friction = plane.dynamic_friction = friction
    plane.restitution = restitution
    GYM.add_ground(sim, plane)


def options(**values: Any) -> gymapi.AssetOptions:
    """Return asset options without damping, with the given fields."""
    result = gymapi.AssetOptions()
    result.angular_damping = 0.0
    for name, value in values.items():
        assert hasattr(result, name)
        setattr(result, name, value)
    return result


def urdf(tmp_path: Path, text: str, name: str = "robot.urdf", **values: Any) -> tuple[str, str, gymapi.AssetOptions]:
    """Write an URDF file; return the arguments of ``load_asset``."""
    (tmp_path / name).write_text(text)
    return str(tmp_path), name, options(**values)


def inertial(mass: float, inertia: float = 0.01, xyz: str = "0 0 0") -> str:
    """Return the URDF text of a mass with equal moments of inertia."""
    return (
        f'<inertial><origin xyz="{xyz}"/><mass value="{mass}"/>'
        f'<inertia ixx="{inertia}" iyy="{inertia}" izz="{inertia}" ixy="0" ixz="0" iyz="0"/></inertial>'
    )


def pendulum(length: float, mass: float, *, limit: str = "", dynamics: str = "") -> str:
    """Return the URDF text of a fixed base with a point-like mass that swings about y, hanging down at zero."""
    return f"""<robot name="pendulum"><link name="base">{inertial(1.0)}</link>
    <link name="bob">{inertial(mass, 1e-6, f"0 0 {-length}")}</link>
    <joint name="swing" type="revolute"><parent link="base"/><child link="bob"/><axis xyz="0 1 0"/>
    <limit lower="-3.1" upper="3.1" {limit or 'effort="1000" velocity="1000"'}/>{dynamics}</joint></robot>"""


@dataclass
class World:
    """A prepared simulation of ``num`` environments and views of its tensors."""

    sim: gymapi.Sim
    envs: list[gymapi.Env] = field(default_factory=list)

    def prepare(self) -> World:
        """Prepare the simulation and wrap its tensors."""
        GYM.prepare_sim(self.sim)
        n = len(self.envs)
        self.root = gymtorch.wrap_tensor(GYM.acquire_actor_root_state_tensor(self.sim)).view(n, -1, 13)
        self.dof = gymtorch.wrap_tensor(GYM.acquire_dof_state_tensor(self.sim)).view(n, -1, 2)
        self.bodies = gymtorch.wrap_tensor(GYM.acquire_rigid_body_state_tensor(self.sim)).view(n, -1, 13)
        self.contacts = gymtorch.wrap_tensor(GYM.acquire_net_contact_force_tensor(self.sim)).view(n, -1, 3)
        return self

    def step(self, count: int = 1) -> None:
        """Simulate and refresh everything."""
        for _ in range(count):
            GYM.simulate(self.sim)
            GYM.fetch_results(self.sim, True)
        self.refresh()

    def refresh(self) -> None:
        """Refresh everything."""
        GYM.refresh_actor_root_state_tensor(self.sim)
        GYM.refresh_dof_state_tensor(self.sim)
        GYM.refresh_rigid_body_state_tensor(self.sim)
        GYM.refresh_net_contact_force_tensor(self.sim)

    def set_root(self, *ids: int) -> None:
        """Hand the roots of some actors to the engine."""
        index = torch.tensor(ids, dtype=torch.int32)
        flat = self.root.view(-1, 13)
        GYM.set_actor_root_state_tensor_indexed(
            self.sim, gymtorch.unwrap_tensor(flat), gymtorch.unwrap_tensor(index), len(ids)
        )

    def set_dof(self, *ids: int) -> None:
        """Hand the degrees of freedom of some actors to the engine."""
        index = torch.tensor(ids, dtype=torch.int32)
        flat = self.dof.view(-1, 2)
        GYM.set_dof_state_tensor_indexed(
            self.sim, gymtorch.unwrap_tensor(flat), gymtorch.unwrap_tensor(index), len(ids)
        )

    def efforts(self, values: torch.Tensor) -> None:
        """Give efforts for the next ``simulate``."""
        GYM.set_dof_actuation_force_tensor(self.sim, gymtorch.unwrap_tensor(values))


def add_env(world: World, asset: gymapi.Asset, z: float, x: float = 0.0, filter: int = 0) -> int:
    """Add an environment with one actor; return the actor's handle."""
    env = GYM.create_env(world.sim, gymapi.Vec3(), gymapi.Vec3(), 1)
    world.envs.append(env)
    pose = gymapi.Transform(gymapi.Vec3(x, 0.0, z))
    return GYM.create_actor(env, asset, pose, "actor", len(world.envs) - 1, filter, 0)


def set_drive(world: World, env: int, mode: gymapi.DofDriveMode, stiffness: float = 0.0, damping: float = 0.0) -> None:
    """Set mode and gains of an environment's only actor."""
    props = GYM.get_actor_dof_properties(world.envs[env], 0)
    props["driveMode"].fill(mode)
    props["stiffness"].fill(stiffness)
    props["damping"].fill(damping)
    GYM.set_actor_dof_properties(world.envs[env], 0, props)


@pytest.fixture(params=["mujoco", "warp"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test on both engines; Warp's runs on its CPU device."""
    if request.param == "warp":
        pytest.importorskip("mujoco_warp")
    monkeypatch.setenv("ISAACGYM_ENGINE", request.param)
    return request.param
