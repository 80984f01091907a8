"""Physics against mathematics: every expected number is worked out here, on both engines."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
import torch
from gym_worlds import (
    GRAVITY,
    GYM,
    World,
    add_env,
    add_plane,
    engine,
    inertial,
    make_sim,
    options,
    pendulum,
    set_drive,
    urdf,
)

from isaacgym import gymapi, gymtorch

assert engine  # a fixture


def test_a_free_body_falls_half_g_t_squared_and_keeps_its_spin(engine: str) -> None:
    world = World(make_sim(dt=0.002))
    add_env(world, GYM.create_box(world.sim, 0.2, 0.2, 0.2, options()), z=5.0)
    world.prepare()
    world.root[0, 0, 7] = 1.5
    world.root[0, 0, 12] = 3.0
    world.set_root(0)
    world.step(250)
    t = 0.5
    # Semi-implicit Euler falls half a step further: z = z0 - g t (t + h) / 2.
    assert world.root[0, 0, 2].item() == pytest.approx(5.0 - 0.5 * GRAVITY * t * (t + 0.002), abs=2e-4)
    assert world.root[0, 0, 9].item() == pytest.approx(-GRAVITY * t, rel=1e-4)
    assert world.root[0, 0, 0].item() == pytest.approx(1.5 * t, rel=1e-4)
    yaw = 2.0 * math.atan2(world.root[0, 0, 5].item(), world.root[0, 0, 6].item())
    assert yaw == pytest.approx(3.0 * t, rel=1e-3)


def test_a_pendulum_swings_with_the_period_of_its_length(engine: str, tmp_path: Path) -> None:
    length = 0.5
    world = World(make_sim(dt=0.002))
    asset = GYM.load_asset(world.sim, *urdf(tmp_path, pendulum(length, 1.0), fix_base_link=True))
    add_env(world, asset, z=2.0)
    world.prepare()
    start = 0.05
    world.dof[0, 0, 0] = start
    world.set_dof(0)
    angles = []
    for _ in range(1500):
        world.step()
        angles.append(world.dof[0, 0, 0].item())
    crossings = [i + a / (a - b) for i, (a, b) in enumerate(itertools.pairwise(angles)) if a > 0.0 >= b]
    period = (crossings[-1] - crossings[0]) / (len(crossings) - 1) * 0.002
    exact = 2.0 * math.pi * math.sqrt(length / GRAVITY) * (1.0 + start**2 / 16.0)
    assert period == pytest.approx(exact, rel=2e-3)
    assert max(angles[-800:]) == pytest.approx(start, rel=0.02)


@pytest.mark.parametrize(("shape", "ground"), [(0.2, 1.0), (0.8, 0.2), (1.0, 0.0)])
def test_a_sliding_block_is_braked_by_the_mean_friction(engine: str, shape: float, ground: float) -> None:
    world = World(make_sim())
    add_plane(world.sim, friction=ground)
    asset = GYM.create_box(world.sim, 0.4, 0.4, 0.1, options(density=500.0))
    props = GYM.get_asset_rigid_shape_properties(asset)
    for prop in props:
        prop.friction = shape
    GYM.set_asset_rigid_shape_properties(asset, props)
    add_env(world, asset, z=0.0495)
    world.prepare()
    world.step(60)
    world.root[0, 0, 7:] = 0.0
    world.root[0, 0, 7] = 2.0
    world.set_root(0)
    steps = 0
    while world.root[0, 0, 7].item() > 0.02 and steps < 1000:
        world.step()
        steps += 1
    # The engine lets a block that slides fast hop, but over the whole way the ground carries its weight.
    assert 2.0 / (steps * 0.005) == pytest.approx(0.5 * (shape + ground) * GRAVITY, rel=0.06)


def test_a_block_on_a_slope_below_the_angle_of_friction_stays_where_it_is(engine: str) -> None:
    world = World(make_sim())
    add_plane(world.sim, friction=1.0)
    add_env(world, GYM.create_box(world.sim, 0.4, 0.4, 0.1, options(density=500.0)), z=0.0498)
    # The slope is the world's: gravity pulls along x with half of the force that it presses with.
    world.sim.params.gravity = gymapi.Vec3(4.4, 0.0, -8.8)
    world.prepare()
    world.step(40)
    start = world.root[0, 0, 0].item()
    world.step(200)
    # Contacts are soft: it creeps, and ten times as slowly where friction is ten times as stiff.
    assert abs(world.root[0, 0, 0].item() - start) < (3e-5 if engine == "mujoco" else 3e-4)


def test_a_ball_that_slides_ends_up_rolling_at_five_sevenths_of_its_speed(engine: str) -> None:
    radius = 0.1
    world = World(make_sim())
    add_plane(world.sim, friction=0.8)
    add_env(world, GYM.create_sphere(world.sim, radius, options()), z=radius - 5e-4)
    world.prepare()
    world.root[0, 0, 7] = 1.4
    world.set_root(0)
    world.step(200)
    speed, spin = world.root[0, 0, 7].item(), world.root[0, 0, 11].item()
    assert speed == pytest.approx(1.0, rel=0.02)
    assert spin == pytest.approx(speed / radius, rel=0.02)


def test_a_position_drive_answers_a_step_as_a_damped_oscillator(engine: str, tmp_path: Path) -> None:
    mass, length, kp, kd, h = 1.0, 0.5, 50.0, 2.0, 0.001
    world = World(make_sim(dt=h, gravity=0.0))
    asset = GYM.load_asset(world.sim, *urdf(tmp_path, pendulum(length, mass), fix_base_link=True))
    add_env(world, asset, z=2.0)
    set_drive(world, 0, gymapi.DOF_MODE_POS, kp, kd)
    world.prepare()
    GYM.set_dof_position_target_tensor(world.sim, gymtorch.unwrap_tensor(torch.tensor([0.3])))
    inertia = mass * length**2 + 1e-6
    natural, zeta = math.sqrt(kp / inertia), kd / (2.0 * math.sqrt(kp * inertia))
    damped = natural * math.sqrt(1.0 - zeta**2)
    for step in range(1, 401):
        world.step()
        if step % 40 == 0:
            t = step * h
            ringing = math.cos(damped * t) + zeta * natural / damped * math.sin(damped * t)
            expected = 0.3 * (1.0 - math.exp(-zeta * natural * t) * ringing)
            assert world.dof[0, 0, 0].item() == pytest.approx(expected, abs=0.008)


def test_a_stiff_drive_that_is_switched_on_while_the_simulation_runs_is_implicit(engine: str, tmp_path: Path) -> None:
    mass, length, kd, h = 1.0, 0.5, 500.0, 0.005
    world = World(make_sim(dt=h, gravity=0.0))
    asset = GYM.load_asset(world.sim, *urdf(tmp_path, pendulum(length, mass), fix_base_link=True))
    add_env(world, asset, z=2.0)
    set_drive(world, 0, gymapi.DOF_MODE_EFFORT)
    world.prepare()
    world.step()
    set_drive(world, 0, gymapi.DOF_MODE_VEL, 0.0, kd)
    GYM.set_dof_velocity_target_tensor(world.sim, gymtorch.unwrap_tensor(torch.tensor([1.0])))
    world.step()
    # I (w' - w) = h kd (1 - w'), from rest; an explicit step would overshoot to h kd / I = 10 rad/s.
    ratio = h * kd / (mass * length**2 + 1e-6)
    assert world.dof[0, 0, 1].item() == pytest.approx(ratio / (1.0 + ratio), rel=1e-3)


def test_a_velocity_drive_approaches_its_target_exponentially(engine: str, tmp_path: Path) -> None:
    mass, length, kd, h = 1.0, 0.5, 0.5, 0.002
    world = World(make_sim(dt=h, gravity=0.0))
    asset = GYM.load_asset(world.sim, *urdf(tmp_path, pendulum(length, mass), fix_base_link=True))
    add_env(world, asset, z=2.0)
    set_drive(world, 0, gymapi.DOF_MODE_VEL, 100.0, kd)
    world.prepare()
    GYM.set_dof_velocity_target_tensor(world.sim, gymtorch.unwrap_tensor(torch.tensor([2.0])))
    world.step(250)
    assert world.dof[0, 0, 1].item() == pytest.approx(2.0 * (1.0 - math.exp(-kd / 0.25 * 0.5)), rel=0.01)


def test_an_effort_accelerates_for_one_step_and_is_then_forgotten(engine: str, tmp_path: Path) -> None:
    world = World(make_sim(dt=0.002, gravity=0.0))
    asset = GYM.load_asset(world.sim, *urdf(tmp_path, pendulum(0.5, 2.0), fix_base_link=True))
    add_env(world, asset, z=2.0)
    set_drive(world, 0, gymapi.DOF_MODE_EFFORT)
    world.prepare()
    world.efforts(torch.tensor([3.0]))
    world.step()
    after = 3.0 / 0.5 * 0.002
    assert world.dof[0, 0, 1].item() == pytest.approx(after, rel=1e-3)
    world.step(10)
    assert world.dof[0, 0, 1].item() == pytest.approx(after, rel=1e-3)


def test_efforts_and_speeds_stay_within_the_limits_of_the_file(engine: str, tmp_path: Path) -> None:
    world = World(make_sim(dt=0.002, gravity=0.0))
    text = pendulum(0.5, 2.0, limit='effort="5" velocity="1.5"')
    add_env(world, GYM.load_asset(world.sim, *urdf(tmp_path, text, fix_base_link=True)), z=2.0)
    set_drive(world, 0, gymapi.DOF_MODE_EFFORT)
    world.prepare()
    force = gymtorch.wrap_tensor(GYM.acquire_dof_force_tensor(world.sim))
    world.efforts(torch.tensor([1000.0]))
    world.step()
    GYM.refresh_dof_force_tensor(world.sim)
    assert force[0].item() == pytest.approx(5.0)
    assert world.dof[0, 0, 1].item() == pytest.approx(5.0 / 0.5 * 0.002, rel=1e-3)
    for _ in range(200):
        world.efforts(torch.tensor([1000.0]))
        world.step()
    assert world.dof[0, 0, 1].item() == pytest.approx(1.5)


def test_a_joint_stops_at_its_limit(engine: str, tmp_path: Path) -> None:
    world = World(make_sim(gravity=0.0))
    text = pendulum(0.5, 1.0).replace('lower="-3.1" upper="3.1"', 'lower="-0.2" upper="0.4"')
    add_env(world, GYM.load_asset(world.sim, *urdf(tmp_path, text, fix_base_link=True)), z=2.0)
    set_drive(world, 0, gymapi.DOF_MODE_EFFORT)
    world.prepare()
    for _ in range(300):
        world.efforts(torch.tensor([2.0]))
        world.step()
    assert world.dof[0, 0, 0].item() == pytest.approx(0.4, abs=0.01)
    assert world.dof[0, 0, 1].item() == pytest.approx(0.0, abs=1e-2)


def test_contact_forces_at_rest_carry_the_weight(engine: str) -> None:
    world = World(make_sim())
    add_plane(world.sim)
    asset = GYM.create_box(world.sim, 0.2, 0.3, 0.1, options(density=800.0))
    add_env(world, asset, z=0.05)
    world.prepare()
    world.step(200)
    weight = 0.2 * 0.3 * 0.1 * 800.0 * GRAVITY
    assert world.contacts[0, 0].tolist() == pytest.approx([0.0, 0.0, weight], rel=1e-3, abs=1e-2)


def test_forces_that_callers_apply_are_no_contact_forces_and_act_once(engine: str) -> None:
    world = World(make_sim(dt=0.002, gravity=0.0))
    asset = GYM.create_box(world.sim, 0.2, 0.2, 0.2, options(density=125.0))
    add_env(world, asset, z=1.0)
    world.prepare()
    push = torch.tensor([[4.0, 0.0, 0.0]])
    GYM.apply_rigid_body_force_tensors(world.sim, gymtorch.unwrap_tensor(push), None, gymapi.ENV_SPACE)
    world.step()
    assert world.root[0, 0, 7].item() == pytest.approx(4.0 / 1.0 * 0.002, rel=1e-3)
    assert world.contacts[0, 0].abs().max().item() < 1e-4
    world.step(5)
    assert world.root[0, 0, 7].item() == pytest.approx(4.0 / 1.0 * 0.002, rel=1e-3)


def test_a_local_force_turns_with_its_body_and_a_force_off_center_spins_it(engine: str) -> None:
    world = World(make_sim(dt=0.002, gravity=0.0))
    add_env(world, GYM.create_box(world.sim, 0.2, 0.2, 0.2, options(density=125.0)), z=1.0)
    world.prepare()
    world.root[0, 0, 3:7] = torch.tensor([0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)])
    world.set_root(0)
    push = gymtorch.unwrap_tensor(torch.tensor([[4.0, 0.0, 0.0]]))
    GYM.apply_rigid_body_force_tensors(world.sim, push, None, gymapi.LOCAL_SPACE)
    world.step()
    assert world.root[0, 0, 7:9].tolist() == pytest.approx([0.0, 0.008], abs=1e-5)
    at = gymtorch.unwrap_tensor(torch.tensor([[0.0, 0.1, 0.0]]))
    GYM.apply_rigid_body_force_at_pos_tensors(world.sim, push, at, gymapi.LOCAL_SPACE)
    world.step()
    # Torque -0.4 N m about z; the inertia of a 1 kg cube of 0.2 m is 1 / 150 kg m^2.
    assert world.root[0, 0, 12].item() == pytest.approx(-0.4 * 150.0 * 0.002, rel=1e-3)


@pytest.mark.parametrize("restitution", [0.0, 0.4, 0.8])
def test_a_dropped_ball_rebounds_as_restitution_says(engine: str, restitution: float) -> None:
    world = World(make_sim(dt=0.002))
    add_plane(world.sim, restitution=restitution)
    asset = GYM.create_sphere(world.sim, 0.1, options())
    props = GYM.get_asset_rigid_shape_properties(asset)
    props[0].restitution = restitution
    GYM.set_asset_rigid_shape_properties(asset, props)
    add_env(world, asset, z=0.6)
    world.prepare()
    speeds = []
    for _ in range(250):
        world.step()
        speeds.append(world.root[0, 0, 9].item())
    assert max(speeds) / -min(speeds) == pytest.approx(restitution, abs=0.08)


def add_pair_of_actors(
    world: World, assets: tuple[gymapi.Asset, gymapi.Asset], poses: tuple[gymapi.Transform, gymapi.Transform]
) -> None:
    env = GYM.create_env(world.sim, gymapi.Vec3(), gymapi.Vec3(), 1)
    world.envs.append(env)
    for index, (asset, pose) in enumerate(zip(assets, poses, strict=True)):
        GYM.create_actor(env, asset, pose, f"actor{index}", 0, 0)


def set_material(asset: gymapi.Asset, friction: float = 1.0, restitution: float = 0.0) -> gymapi.Asset:
    props = GYM.get_asset_rigid_shape_properties(asset)
    props[0].friction, props[0].restitution = friction, restitution
    GYM.set_asset_rigid_shape_properties(asset, props)
    return asset


def test_a_block_slides_on_another_actor_with_the_mean_friction(engine: str) -> None:
    world = World(make_sim())
    table = set_material(GYM.create_box(world.sim, 8.0, 8.0, 0.2, options(fix_base_link=True)), friction=0.2)
    block = set_material(GYM.create_box(world.sim, 0.4, 0.4, 0.1, options()), friction=0.8)
    poses = gymapi.Transform(gymapi.Vec3(0.0, 0.0, 0.5)), gymapi.Transform(gymapi.Vec3(0.0, 0.0, 0.6495))
    add_pair_of_actors(world, (table, block), poses)
    world.prepare()
    world.step(60)
    world.root[0, 1, 7:] = 0.0
    world.root[0, 1, 7] = 2.0
    world.set_root(1)
    steps = 0
    while world.root[0, 1, 7].item() > 0.02 and steps < 1000:
        world.step()
        steps += 1
    assert 2.0 / (steps * 0.005) == pytest.approx(0.5 * (0.2 + 0.8) * GRAVITY, rel=0.06)


def test_balls_that_meet_rebound_with_the_mean_restitution(engine: str) -> None:
    world = World(make_sim(dt=0.002, gravity=0.0))
    balls = [set_material(GYM.create_sphere(world.sim, 0.1, options()), restitution=e) for e in (0.3, 0.7)]
    poses = gymapi.Transform(gymapi.Vec3(-0.2, 0.0, 1.0)), gymapi.Transform(gymapi.Vec3(0.2, 0.0, 1.0))
    add_pair_of_actors(world, (balls[0], balls[1]), poses)
    world.prepare()
    world.root[0, 0, 7], world.root[0, 1, 7] = 1.0, -1.0
    world.set_root(0, 1)
    world.step(250)
    apart = world.root[0, 1, 7].item() - world.root[0, 0, 7].item()
    assert apart / 2.0 == pytest.approx(0.5, abs=0.08)


def test_the_root_velocity_is_that_of_the_center_of_mass(engine: str, tmp_path: Path) -> None:
    world = World(make_sim(dt=0.002, gravity=0.0))
    text = f'<robot name="rod"><link name="rod">{inertial(1.0, 0.02, "0.3 0 0")}</link></robot>'
    add_env(world, GYM.load_asset(world.sim, *urdf(tmp_path, text)), z=1.0)
    world.prepare()
    world.root[0, 0, 12] = 5.0
    world.set_root(0)
    world.step(50)
    # The center of mass has no velocity and stays at x = 0.3; the origin circles around it.
    turned = 5.0 * 0.1
    assert world.root[0, 0, 7:10].abs().max().item() < 0.01
    assert world.root[0, 0, 0].item() == pytest.approx(0.3 - 0.3 * math.cos(turned), abs=2e-3)
    assert world.root[0, 0, 1].item() == pytest.approx(-0.3 * math.sin(turned), abs=2e-3)
    assert world.bodies[0, 0].tolist() == pytest.approx(world.root[0, 0].tolist(), abs=1e-5)


def test_disabled_gravity_leaves_a_body_where_it_is(engine: str) -> None:
    world = World(make_sim())
    add_env(world, GYM.create_sphere(world.sim, 0.1, options(disable_gravity=True)), z=1.0)
    world.prepare()
    world.step(100)
    assert world.root[0, 0, 2].item() == pytest.approx(1.0, abs=1e-4)


def test_linear_damping_slows_a_body_exponentially(engine: str) -> None:
    world = World(make_sim(dt=0.002, gravity=0.0))
    add_env(world, GYM.create_sphere(world.sim, 0.1, options(linear_damping=2.0)), z=1.0)
    world.prepare()
    world.root[0, 0, 7] = 1.0
    world.set_root(0)
    world.step(250)
    assert world.root[0, 0, 7].item() == pytest.approx(math.exp(-2.0 * 0.5), rel=5e-3)
