"""The tensor interface: addresses, refreshing, indexed setters, several actors, and what wrong use raises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from gym_worlds import GYM, World, add_env, add_plane, engine, inertial, make_sim, options, pendulum, set_drive, urdf

from isaacgym import gymapi, gymtorch

assert engine  # a fixture


def _two_link(tmp_path: Path) -> tuple[str, str, gymapi.AssetOptions]:
    """A floating body with a hinge about y, offset along x, and a slider along z below it; masses off center."""
    text = f"""<robot name="r"><link name="base">{inertial(2.0, 0.02, "0.05 0 0.02")}</link>
    <link name="arm">{inertial(0.5, 0.004, "0 0.1 -0.1")}</link>
    <link name="rod">{inertial(0.3, 0.002, "0 0 -0.05")}</link>
    <joint name="hinge" type="revolute"><origin xyz="0.2 0 0"/><parent link="base"/><child link="arm"/>
    <axis xyz="0 1 0"/>    <limit lower="-2" upper="2" effort="10" velocity="20"/></joint>
    <joint name="slide" type="prismatic"><origin xyz="0 0 -0.2"/><parent link="arm"/><child link="rod"/>
    <axis xyz="0 0 1"/>    <limit lower="-1" upper="1" effort="10" velocity="20"/></joint></robot>"""
    return urdf(tmp_path, text, default_dof_drive_mode=3)


def _two_actors(tmp_path: Path, num_envs: int = 3) -> World:
    """Environments with a pendulum on a fixed base and a free box."""
    world = World(make_sim(gravity=0.0))
    arm = GYM.load_asset(world.sim, *urdf(tmp_path, pendulum(0.5, 1.0), fix_base_link=True, default_dof_drive_mode=3))
    box = GYM.create_box(world.sim, 0.1, 0.1, 0.1, options())
    for index in range(num_envs):
        env = GYM.create_env(world.sim, gymapi.Vec3(-1, -1, 0), gymapi.Vec3(1, 1, 1), num_envs)
        world.envs.append(env)
        GYM.create_actor(env, arm, gymapi.Transform(gymapi.Vec3(0, 0, 1)), "arm", index, 0)
        GYM.create_actor(env, box, gymapi.Transform(gymapi.Vec3(0.5, 0, 2)), "box", index, 0)
    return world.prepare()


def test_buffers_keep_their_addresses_and_change_only_when_refreshed(engine: str, tmp_path: Path) -> None:
    world = World(make_sim())
    add_env(world, GYM.load_asset(world.sim, *_two_link(tmp_path)), z=1.0)
    world.prepare()
    tensors = (world.root, world.dof, world.bodies, world.contacts)
    before = [(tensor.data_ptr(), tensor.clone()) for tensor in tensors]
    for _ in range(3):
        GYM.simulate(world.sim)
    for tensor, (address, values) in zip(tensors, before, strict=True):
        assert tensor.data_ptr() == address
        assert torch.equal(tensor, values)
    world.refresh()
    assert world.root[0, 0, 2] < before[0][1][0, 0, 2]
    assert gymtorch.wrap_tensor(GYM.acquire_dof_state_tensor(world.sim)).data_ptr() == before[1][0]


def test_everything_works_inside_inference_mode(engine: str, tmp_path: Path) -> None:
    world = World(make_sim())
    add_env(world, GYM.load_asset(world.sim, *_two_link(tmp_path)), z=1.0)
    world.prepare()
    with torch.inference_mode():
        world.efforts(torch.ones(2))
        world.step()
        world.root[:, 0, 2] = 3.0
        world.set_root(0)
        world.step()
    world.root[:, 0, 2] += 0.0
    assert world.root[0, 0, 2].item() == pytest.approx(3.0, abs=0.01)


def test_indexed_setters_count_actors_and_leave_the_others_alone(engine: str, tmp_path: Path) -> None:
    world = _two_actors(tmp_path)
    before = world.root.clone()
    world.root[...] = 9.0
    world.root[:, :, 3:7] = torch.tensor([0.0, 0.0, 0.0, 1.0])
    world.root[:, :, 7:] = 0.0
    world.root[1, 1, 0:3] = torch.tensor([1.0, 2.0, 3.0])
    world.set_root(3)
    world.step()
    expected = before.clone()
    expected[1, 1, 0:3] = torch.tensor([1.0, 2.0, 3.0])
    assert torch.allclose(world.root[..., 0:7], expected[..., 0:7], atol=1e-4)


def test_a_fixed_base_moves_only_when_it_is_set(engine: str, tmp_path: Path) -> None:
    world = _two_actors(tmp_path)
    world.root[2, 0, 0:3] = torch.tensor([5.0, 0.0, 2.0])
    world.set_root(4)
    world.dof[2, 0, 0] = 0.5
    world.set_dof(4)
    world.step()
    assert world.root[2, 0, 0:3].tolist() == pytest.approx([5.0, 0.0, 2.0])
    assert world.bodies[2, 1, 0:3].tolist() == pytest.approx([5.0, 0.0, 2.0], abs=1e-4)
    assert world.dof[:, 0, 0].tolist() == pytest.approx([0.0, 0.0, 0.5], abs=1e-3)


def test_indexed_efforts_and_targets_reach_the_actors_that_are_named(engine: str, tmp_path: Path) -> None:
    world = _two_actors(tmp_path)
    index = gymtorch.unwrap_tensor(torch.tensor([2], dtype=torch.int32))
    efforts = gymtorch.unwrap_tensor(torch.tensor([1.0, 2.0, 3.0]))
    GYM.set_dof_actuation_force_tensor_indexed(world.sim, efforts, index, 1)
    world.step()
    moved = world.dof[:, 0, 1]
    assert moved[1].item() == pytest.approx(2.0 / 0.25 * 0.005, rel=0.01)
    assert moved[0].item() == moved[2].item() == 0.0


def test_environments_stand_in_rows_and_tensors_are_global(engine: str, tmp_path: Path) -> None:
    world = World(make_sim(gravity=0.0))
    box = GYM.create_box(world.sim, 0.1, 0.1, 0.1, options())
    for index in range(4):
        env = GYM.create_env(world.sim, gymapi.Vec3(-1, -1, 0), gymapi.Vec3(1, 1, 1), 2)
        world.envs.append(env)
        GYM.create_actor(env, box, gymapi.Transform(gymapi.Vec3(0.25, 0, 1)), "box", index, 0)
    world.prepare()
    assert GYM.get_env_origin(world.envs[3]) == gymapi.Vec3(2, 2, 0)
    assert world.root[3, 0, 0:3].tolist() == pytest.approx([2.25, 2.0, 1.0])
    local = GYM.get_actor_rigid_body_states(world.envs[3], 0, gymapi.STATE_ALL)
    assert local["pose"]["p"]["x"][0] == pytest.approx(0.25)


def test_body_states_follow_from_roots_and_joints(engine: str, tmp_path: Path) -> None:
    world = World(make_sim(gravity=0.0))
    add_env(world, GYM.load_asset(world.sim, *_two_link(tmp_path)), z=1.0)
    world.prepare()
    world.root[0, 0, 7:13] = torch.tensor([0.3, -0.2, 0.1, 0.0, 0.0, 2.0])
    world.dof[0, :, 0] = torch.tensor([np.pi / 2, 0.1])
    world.dof[0, :, 1] = torch.tensor([1.0, 0.5])
    world.set_root(0)
    world.set_dof(0)
    world.refresh()
    # The arm turned by 90 degrees about y: its z axis points along x. The rod is 0.2 - 0.1 along -z of it.
    assert world.bodies[0, 1, 0:3].tolist() == pytest.approx([0.2, 0.0, 1.0], abs=1e-5)
    assert world.bodies[0, 2, 0:3].tolist() == pytest.approx([0.1, 0.0, 1.0], abs=1e-5)
    assert world.bodies[0, 1, 10:13].tolist() == pytest.approx([0.0, 1.0, 2.0], abs=1e-5)
    # The rod's center of mass is at 0.15 - 0.1 from the arm's origin: at x = 0.05. Its velocity: that of the base's
    # center of mass at (0.05, 0, 0.02) plus the spin about z, the hinge's spin, and the slide along x.
    base = np.array([0.3, -0.2, 0.1])
    spin, center = np.array([0.0, 0.0, 2.0]), np.array([0.05, 0.0, 0.0])
    hinge = np.cross([0.0, 1.0, 0.0], center - np.array([0.2, 0.0, 0.0]))
    velocity = base + np.cross(spin, center - np.array([0.05, 0.0, 0.02])) + hinge + np.array([0.5, 0.0, 0.0])
    assert world.bodies[0, 2, 7:10].tolist() == pytest.approx(velocity.tolist(), abs=1e-4)


def test_jacobians_turn_joint_velocities_into_body_velocities(engine: str, tmp_path: Path) -> None:
    world = World(make_sim(gravity=0.0))
    add_env(world, GYM.load_asset(world.sim, *_two_link(tmp_path)), z=1.0)
    world.prepare()
    jacobian = gymtorch.wrap_tensor(GYM.acquire_jacobian_tensor(world.sim, "actor"))
    matrix = gymtorch.wrap_tensor(GYM.acquire_mass_matrix_tensor(world.sim, "actor"))
    assert jacobian.shape == (1, 3, 6, 8) and matrix.shape == (1, 8, 8)
    world.root[0, 0, 7:13] = torch.tensor([0.3, -0.2, 0.1, 0.4, -0.7, 2.0])
    world.dof[0, :, 0] = torch.tensor([0.7, 0.1])
    world.dof[0, :, 1] = torch.tensor([1.0, 0.5])
    world.set_root(0)
    world.set_dof(0)
    world.refresh()
    GYM.refresh_jacobian_tensors(world.sim)
    GYM.refresh_mass_matrix_tensors(world.sim)
    rates = torch.cat((world.root[0, 0, 7:13], world.dof[0, :, 1]))
    assert torch.allclose(jacobian[0] @ rates, world.bodies[0, :, 7:13], atol=1e-5)
    # Kinetic energy: half of m v^2 plus I w^2 over the bodies, whose inertias are the same about every axis.
    mass, inertia = torch.tensor([2.0, 0.5, 0.3]), torch.tensor([0.02, 0.004, 0.002])
    speed, turn = world.bodies[0, :, 7:10], world.bodies[0, :, 10:13]
    energy = 0.5 * (mass * speed.pow(2).sum(-1) + inertia * turn.pow(2).sum(-1)).sum()
    assert (0.5 * rates @ matrix[0] @ rates).item() == pytest.approx(energy.item(), rel=1e-4)


def test_a_force_sensor_measures_the_contact_of_its_body_in_its_own_axes(engine: str) -> None:
    world = World(make_sim())
    add_plane(world.sim)
    box = GYM.create_box(world.sim, 0.2, 0.2, 0.2, options(density=500.0))
    props = gymapi.ForceSensorProperties()
    props.enable_forward_dynamics_forces = False
    turned = gymapi.Transform(gymapi.Vec3(0.1, 0, 0), gymapi.Quat.from_axis_angle(gymapi.Vec3(1, 0, 0), np.pi / 2))
    GYM.create_asset_force_sensor(box, 0, turned, props)
    GYM.create_asset_force_sensor(box, 0, gymapi.Transform())
    add_env(world, box, z=0.1)
    world.prepare()
    world.step(200)
    sensors = gymtorch.wrap_tensor(GYM.acquire_force_sensor_tensor(world.sim))
    GYM.refresh_force_sensor_tensor(world.sim)
    weight = 500.0 * 0.008 * 9.81
    # World z is y of the first sensor's axes. About its origin, 0.1 m beside the center, the force has the torque
    # -0.1 x times W z, which is +0.1 W about y of the world and -z of the sensor.
    assert sensors[0].tolist() == pytest.approx([0.0, weight, 0.0, 0.0, 0.0, -0.1 * weight], abs=0.05)
    assert sensors[1].abs().max().item() < 0.05


def test_collision_filters_decide_who_meets(engine: str) -> None:
    """Two boxes one above the other in an environment: groups and filters keep them apart or let them fall through."""
    rests: dict[tuple[int, int, int, int], bool] = {}
    for groups, filters in (((0, 0), (0, 0)), ((0, 0), (1, 1)), ((0, 0), (1, 2)), ((0, 1), (0, 0)), ((0, -1), (0, 0))):
        world = World(make_sim())
        add_plane(world.sim)
        box = GYM.create_box(world.sim, 0.2, 0.2, 0.2, options())
        env = GYM.create_env(world.sim, gymapi.Vec3(), gymapi.Vec3(), 1)
        world.envs.append(env)
        for level, (group, bits) in enumerate(zip(groups, filters, strict=True)):
            pose = gymapi.Transform(gymapi.Vec3(0, 0, 0.1 + 0.2 * level))
            GYM.create_actor(env, box, pose, f"box{level}", group, bits)
        world.prepare()
        world.step(80)
        rests[(*groups, *filters)] = bool(world.root[0, 1, 2] > 0.25)
    assert rests == {
        (0, 0, 0, 0): True,
        (0, 0, 1, 1): False,
        (0, 0, 1, 2): True,
        (0, 1, 0, 0): False,
        (0, -1, 0, 0): True,
    }


def test_properties_differ_between_environments_and_change_while_running(engine: str) -> None:
    world = World(make_sim())
    add_plane(world.sim, friction=0.0)
    box = GYM.create_box(world.sim, 0.2, 0.2, 0.2, options(density=125.0))
    for friction in (0.0, 0.6):
        props = GYM.get_asset_rigid_shape_properties(box)
        props[0].friction = friction
        GYM.set_asset_rigid_shape_properties(box, props)
        add_env(world, box, z=0.0995)
    body = GYM.get_actor_rigid_body_properties(world.envs[1], 0)
    body[0].mass += 1.0
    body[0].com += gymapi.Vec3(0.0, 0.0, -0.02)
    GYM.set_actor_rigid_body_properties(world.envs[1], 0, body, recomputeInertia=True)
    world.prepare()
    world.step(100)
    assert world.contacts[:, 0, 2].tolist() == pytest.approx([9.81, 2 * 9.81], rel=2e-3)
    assert GYM.get_actor_rigid_body_properties(world.envs[1], 0)[0].inertia.x.x == pytest.approx(2 / 150, rel=1e-4)
    world.root[:, 0, 7] = 0.3
    world.set_root(0, 1)
    world.step(60)
    # The least friction of a contact is 0.01: 0.1 m/s^2 for 0.3 s.
    assert world.root[0, 0, 7].item() == pytest.approx(0.27, rel=0.05)
    assert abs(world.root[1, 0, 7].item()) < 0.01
    props = GYM.get_actor_rigid_shape_properties(world.envs[0], 0)
    props[0].friction = 1.0
    GYM.set_actor_rigid_shape_properties(world.envs[0], 0, props)
    world.step(60)
    assert abs(world.root[0, 0, 7].item()) < 0.01


def test_a_world_that_is_not_finite_is_put_back_to_where_it_started(engine: str) -> None:
    world = World(make_sim())
    add_plane(world.sim)
    for index in range(2):
        add_env(world, GYM.create_box(world.sim, 0.2, 0.2, 0.2, options()) if not index else _asset(world), z=0.1)
    world.prepare()
    world.step(5)
    world.root[1, 0, 7] = torch.nan
    world.set_root(1)
    world.step(5)
    assert torch.isfinite(world.root).all()
    assert world.root[:, 0, 2].tolist() == pytest.approx([0.1, 0.1], abs=2e-3)


def _asset(world: World) -> gymapi.Asset:
    return GYM.get_actor_asset(world.envs[0], 0)


def test_gravity_can_change_while_running(engine: str) -> None:
    world = World(make_sim())
    add_env(world, GYM.create_box(world.sim, 0.2, 0.2, 0.2, options()), z=1.0)
    world.prepare()
    params = GYM.get_sim_params(world.sim)
    params.gravity = gymapi.Vec3(1.0, 0.0, 0.0)
    GYM.set_sim_params(world.sim, params)
    world.step(20)
    assert world.root[0, 0, 7:10].tolist() == pytest.approx([0.1, 0.0, 0.0], abs=1e-4)


def test_what_callers_do_wrong_is_said_in_a_sentence(tmp_path: Path) -> None:
    sim = make_sim()
    with pytest.raises(FileNotFoundError, match="nothing"):
        GYM.load_asset(sim, str(tmp_path), "nothing.urdf", options())
    box = GYM.create_box(sim, 0.1, 0.1, 0.1, options())
    with pytest.raises(gymapi.GymError, match="prepare_sim"):
        GYM.acquire_dof_state_tensor(sim)
    with pytest.raises(gymapi.GymError, match="at least one environment"):
        GYM.prepare_sim(sim)
    world = World(sim)
    add_env(world, box, z=1.0)
    with pytest.raises(ValueError, match="1 shapes, and properties for 0"):
        GYM.set_asset_rigid_shape_properties(box, [])
    with pytest.raises(IndexError, match="none has the handle 3"):
        GYM.get_actor_rigid_body_properties(world.envs[0], 3)
    world.prepare()
    with pytest.raises(gymapi.GymError, match="must come before prepare_sim"):
        GYM.create_env(sim, gymapi.Vec3(), gymapi.Vec3(), 1)
    root = world.root.view(-1, 13)
    with pytest.raises(TypeError, match="unwrap_tensor"):
        GYM.set_actor_root_state_tensor(sim, root)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match=r"torch\.float32, and is torch\.float64"):
        GYM.set_actor_root_state_tensor(sim, gymtorch.unwrap_tensor(root.double()))
    with pytest.raises(ValueError, match="13 elements"):
        GYM.set_actor_root_state_tensor(sim, gymtorch.unwrap_tensor(torch.zeros(2, 13)))
    ids = torch.zeros(1, dtype=torch.int64)
    with pytest.raises(TypeError, match=r"torch\.int32"):
        GYM.set_actor_root_state_tensor_indexed(
            sim, gymtorch.unwrap_tensor(root.contiguous()), gymtorch.unwrap_tensor(ids), 1
        )
    with pytest.raises(IndexError, match="within 0 and 0"):
        world.set_root(7)
    with pytest.raises(ValueError, match="contiguous"):
        gymtorch.unwrap_tensor(torch.zeros(3, 2).t())
    with pytest.raises(NotImplementedError, match=r"create_cloth_grid .*rigid bodies"):
        GYM.create_cloth_grid(sim, 1, 1, 0.1, 0.1)
    assert GYM.find_actor_rigid_body_handle(world.envs[0], 0, "nobody") == -1
    GYM.destroy_sim(sim)
    with pytest.raises(gymapi.GymError, match="destroyed"):
        GYM.simulate(sim)


def test_environments_with_different_assets_are_refused() -> None:
    world = World(make_sim())
    for size in (0.1, 0.2):
        add_env(world, GYM.create_box(world.sim, size, size, size, options()), z=1.0)
    with pytest.raises(gymapi.GymError, match="environment 1 holds other assets"):
        GYM.prepare_sim(world.sim)


def test_the_older_interface_reads_and_writes_single_actors(engine: str, tmp_path: Path) -> None:
    world = World(make_sim(gravity=0.0))
    asset = GYM.load_asset(world.sim, *urdf(tmp_path, pendulum(0.5, 1.0), fix_base_link=True))
    for _ in range(2):
        add_env(world, asset, z=1.0)
        set_drive(world, len(world.envs) - 1, gymapi.DOF_MODE_POS, 50.0, 10.0)
    states = np.zeros(1, dtype=gymapi.DofState.dtype)
    states["pos"] = 0.4
    GYM.set_actor_dof_states(world.envs[1], 0, states, gymapi.STATE_ALL)
    world.prepare()
    assert world.dof[:, 0, 0].tolist() == pytest.approx([0.0, 0.4])
    states["pos"] = 0.1
    GYM.set_actor_dof_states(world.envs[0], 0, states, gymapi.STATE_POS)
    assert GYM.get_dof_position(world.envs[0], 0) == pytest.approx(0.1)
    GYM.set_actor_dof_position_targets(world.envs[0], 0, np.array([0.2]))
    world.step(400)
    assert world.dof[:, 0, 0].tolist() == pytest.approx([0.2, 0.0], abs=1e-3)
    frame = GYM.get_dof_frame(world.envs[0], 0)
    assert frame.origin.z == pytest.approx(1.0) and frame.axis.y == pytest.approx(1.0)
