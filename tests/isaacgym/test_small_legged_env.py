"""A whole environment in the style of legged-robot repositories: robots stand, are pushed, fall, are reset."""

from __future__ import annotations

import pytest
import torch
from gym_worlds import engine
from small_legged_env import SmallLeggedEnv

from isaacgym import gymapi, gymtorch
from isaacgym.engine import mujoco_engine
from isaacgym.engine.gl import find_gl_library

assert engine  # a fixture


@pytest.mark.parametrize("terrain", ["plane", "trimesh", "heightfield"])
def test_robots_stand_on_every_kind_of_ground(terrain: str) -> None:
    torch.manual_seed(0)
    env = SmallLeggedEnv(8, terrain)
    with torch.inference_mode():
        for _ in range(50):
            observations, reward, done = env.step(torch.zeros(8, 12))
            assert not done.any()
    assert observations.shape == (8, 33) and torch.isfinite(observations).all()
    assert reward.min() > 0.9
    assert env.root_states[:, 2].min() > 0.22 and env.projected_gravity[:, 2].max() < -0.98
    assert torch.allclose(env.root_states[:, :2], env.origins[:, :2], atol=0.1)
    assert env.heading().abs().max() < 0.1
    weights = env.contact_forces.sum(1)[:, 2]
    # Every robot is 0.1 kg heavier than the one before.
    masses = [
        sum(body.mass for body in env.gym.get_actor_rigid_body_properties(*pair))
        for pair in zip(env.envs, env.actors, strict=True)
    ]
    assert weights.tolist() == pytest.approx([9.81 * mass for mass in masses], rel=0.05)
    feet = env.contact_forces[:, env.feet]
    assert torch.allclose(feet.sum(1), env.contact_forces.sum(1), atol=1e-3)
    # A sensor counts the weight of its body, 0.06 kg, beside the contacts, and has the axes of the body.
    sensed = env.foot_sensors[..., :3].norm(dim=-1)
    assert torch.allclose(sensed, feet.norm(dim=-1), atol=1.0)


def test_a_push_moves_robots_and_a_fall_resets_them() -> None:
    env = SmallLeggedEnv(4, "plane")
    with torch.inference_mode():
        for _ in range(20):
            env.step(torch.zeros(4, 12))
        env.push(0.5)
        env.step(torch.zeros(4, 12))
        assert env.root_states[:, 8].min() > 0.05
        env.root_states[1, 3:7] = torch.tensor([1.0, 0.0, 0.0, 0.0])
        ids = gymtorch.unwrap_tensor(torch.tensor([1], dtype=torch.int32))
        env.gym.set_actor_root_state_tensor_indexed(env.sim, gymtorch.unwrap_tensor(env.root_states), ids, 1)
        fell = [env.step(torch.zeros(4, 12))[2] for _ in range(60)]
    assert torch.stack(fell).any(0).tolist() == [False, True, False, False]
    assert env.root_states[1, 2] > 0.2


def test_both_engines_give_the_same_rollout(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Friction is stiffer on one of them by default.
    monkeypatch.setattr(mujoco_engine, "FRICTION_STIFFNESS", 1.0)
    torch.manual_seed(1)
    env = SmallLeggedEnv(2, "plane")
    generator = torch.Generator().manual_seed(5)
    for _ in range(10):
        env.step(torch.rand(2, 12, generator=generator) - 0.5)
    reference = _reference_rollout()
    assert torch.allclose(env.root_states[:, :7], reference[0], atol=2e-3)
    assert torch.allclose(env.dof_pos, reference[1], atol=5e-3)


def _reference_rollout() -> tuple[torch.Tensor, torch.Tensor]:
    """The same rollout on MuJoCo's batch, whatever the engine of the test is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISAACGYM_ENGINE", "mujoco")
        torch.manual_seed(1)
        env = SmallLeggedEnv(2, "plane")
        generator = torch.Generator().manual_seed(5)
        for _ in range(10):
            env.step(torch.rand(2, 12, generator=generator) - 0.5)
        return env.root_states[:, :7].clone(), env.dof_pos.clone()


@pytest.mark.skipif(find_gl_library() is None, reason="no OpenGL library")
def test_a_camera_on_the_robot_sees_the_ground_ahead() -> None:
    env = SmallLeggedEnv(2, "trimesh", camera=True)
    image = env.gym.get_camera_image_gpu_tensor(env.sim, env.envs[1], env.cameras[1], 1)
    depth = gymtorch.wrap_tensor(image)
    before = depth.clone()
    for _ in range(20):
        env.step(torch.zeros(2, 12))
    env.gym.step_graphics(env.sim)
    env.gym.render_all_camera_sensors(env.sim)
    assert depth.shape == (24, 32)
    pose = env.gym.get_camera_transform(env.sim, env.envs[1], env.cameras[1])
    forward = pose.r.rotate(gymapi.Vec3(1, 0, 0))
    assert forward.z < -0.2
    # The axis meets the ground, which is within 2 cm of z = 0, where its height is used up.
    assert depth[12, 16].item() == pytest.approx(pose.p.z / forward.z, abs=0.03 / -forward.z)
    assert not torch.equal(depth, before)
