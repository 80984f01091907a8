"""What the tests of the simulator contract share: robots, worlds and how to run them."""

from __future__ import annotations

import importlib.util
import math

import torch
from torch import Tensor

from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.registry import ROBOTS
from legged_gym_ext.sim.interface import SceneCfg, SimCfg, Simulator
from legged_gym_ext.sim.registry import BACKENDS, make_simulator
from legged_gym_ext.terrain.height_field import HeightField

GRAVITY = 9.81
ROUNDING = 1e-3
"""What rounding becomes in the tests' runs, in the units of the state."""


def _testable() -> list[str]:
    """Backends that run here, ``<name>`` on the CPU or ``<name>:<device>``."""
    warp = importlib.util.find_spec("mujoco_warp") is not None
    names = [name for name in sorted(BACKENDS) if warp or name != "warp"]
    return names + (["warp:cuda"] if warp and torch.cuda.is_available() else [])


CASES = [(backend, robot) for backend in _testable() for robot in sorted(ROBOTS)]


def make(
    backend: str,
    robot: str,
    num_envs: int = 2,
    *,
    num_boxes: int = 0,
    height_field: HeightField | None = None,
    **sim: float,
) -> Simulator:
    """A simulator on one thread; ``sim`` overrides fields of ``SimCfg``."""
    cfg = SimCfg(**({"num_threads": 1} | sim))  # pyright: ignore[reportArgumentType]
    name, _, device = backend.partition(":")
    scene = SceneCfg(num_boxes=num_boxes, height_field=height_field.cfg if height_field is not None else None)
    return make_simulator(
        name, ROBOTS[robot], num_envs, sim=cfg, scene=scene, height_field=height_field, device=device or "cpu"
    )


def draw(generator: torch.Generator, *size: int) -> Tensor:
    """Uniform random numbers in [0, 1), the same on every device."""
    return torch.rand(size, generator=generator, device="cpu").to(torch.get_default_device())


def everyone(sim: Simulator) -> Tensor:
    """(N,) all true."""
    return torch.ones(sim.num_envs, dtype=torch.bool, device=sim.device)


def only(sim: Simulator, world: int) -> Tensor:
    """(N,) true for ``world`` alone."""
    return torch.arange(sim.num_envs, device=sim.device) == world


def default_pose(sim: Simulator) -> Tensor:
    """(N, D) rad."""
    return torch.tensor(sim.robot.default_dof_pos, device=sim.device).repeat(sim.num_envs, 1)


def upright(sim: Simulator, height: float, x: float = 0.0) -> Tensor:
    """(N, 13) root states at rest at ``height`` m."""
    root = torch.zeros(sim.num_envs, 13, device=sim.device)
    root[:, 0], root[:, 2], root[:, 6] = x, height, 1.0
    return root


def place(sim: Simulator, root: Tensor, dof_vel: Tensor | None = None) -> None:
    """Reset every world to ``root`` and the default pose."""
    pose = default_pose(sim)
    sim.reset(everyone(sim), root, pose, torch.zeros_like(pose) if dof_vel is None else dof_vel)


def run(sim: Simulator, steps: int, targets: Tensor | None = None) -> None:
    """Hold ``targets`` (default: the default pose) for ``steps`` control steps."""
    targets = default_pose(sim) if targets is None else targets
    for _ in range(steps):
        sim.step(targets)


def settle(sim: Simulator, seconds: float = 1.6) -> None:
    """Let the robots come to rest."""
    run(sim, round(seconds / (sim.cfg.dt * sim.cfg.decimation)))


def wobble(sim: Simulator, steps: int, seed: int = 0, amplitude: float = 0.3) -> None:
    """Steps with random targets around the default pose, the same for the same seed and number of worlds."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        noise = draw(generator, sim.num_envs, sim.robot.num_dof) * 2 - 1
        sim.step(default_pose(sim) + amplitude * noise)


def snapshot(sim: Simulator) -> dict[str, Tensor]:
    """Copies of every tensor of the contract."""
    return {
        "root_states": sim.root_states.clone(),
        "dof_pos": sim.dof_pos.clone(),
        "dof_vel": sim.dof_vel.clone(),
        "torques": sim.torques.clone(),
        "substep_dof_vel": sim.substep_dof_vel.clone(),
        "body_states": sim.body_states.clone(),
        "contact_forces": sim.contact_forces.clone(),
        "invalid": sim.invalid.clone(),
    }


def assert_same(left: dict[str, Tensor], right: dict[str, Tensor], worlds: list[int]) -> None:
    """Every tensor is identical in ``worlds``: bit for bit, but on a GPU, where the engine adds up in any order."""
    for name, value in left.items():
        tolerance = ROUNDING if value.is_cuda else 0.0
        pair = value[worlds].float(), right[name][worlds].float()
        torch.testing.assert_close(*pair, atol=tolerance, rtol=tolerance, msg=lambda text, name=name: f"{name}: {text}")


def mass(robot: RobotCfg) -> float:
    """kg of the whole robot."""
    return math.fsum(link.mass for link in robot.links)


def box(center: tuple[float, float, float], half: tuple[float, float, float], yaw: float = 0.0) -> Tensor:
    """One box (10,), turned by ``yaw`` rad about z."""
    return torch.tensor([*center, 0.0, 0.0, math.sin(0.5 * yaw), math.cos(0.5 * yaw), *half])


def motor_torque(sim: Simulator, targets: Tensor, dof_pos: Tensor, dof_vel: Tensor) -> Tensor:
    """(N, D) N m of the PD law within the motors' speed-torque curve (robots/model.py)."""
    now = sim.dynamics
    assert now.stiffness is not None and now.damping is not None and now.motor_strength is not None
    joints = sim.robot.joints
    limit = torch.tensor([joint.torque_limit for joint in joints])
    speed = dof_vel / torch.tensor([joint.velocity_limit for joint in joints])
    lower = torch.maximum(-limit * (1 + speed), -limit)
    upper = torch.minimum(limit * (1 - speed), limit)
    torque = now.stiffness * (targets - dof_pos) - now.damping * dof_vel
    return now.motor_strength * torch.minimum(torch.maximum(torque, lower), upper)
