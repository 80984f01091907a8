"""The physics that every backend owes: gravity, contact, motors, frames, boxes, dynamics."""

from __future__ import annotations

import math

import pytest
import torch
from backend_cases import (
    CASES,
    GRAVITY,
    ROUNDING,
    assert_same,
    box,
    default_pose,
    draw,
    everyone,
    make,
    mass,
    motor_torque,
    only,
    place,
    run,
    settle,
    snapshot,
    upright,
    wobble,
)

from legged_gym_ext.robots.kinematics import foot_positions
from legged_gym_ext.sim.interface import DynamicsSample, Simulator
from legged_gym_ext.terrain.height_field import HeightField, HeightFieldCfg
from st_rl.utils.rotations import quat_from_euler_xyz, quat_rotate

pytestmark = pytest.mark.parametrize(("backend", "robot"), CASES)


def feet(sim: Simulator) -> list[int]:
    return [sim.robot.body_names.index(name) for name in sim.robot.foot_names]


def quaternion(roll: float, pitch: float, yaw: float) -> torch.Tensor:
    return quat_from_euler_xyz(*torch.tensor([roll, pitch, yaw]).unbind())


def test_a_robot_in_the_air_falls_with_g(backend: str, robot: str) -> None:
    sim = make(backend, robot)
    place(sim, upright(sim, 3.0))
    run(sim, 5)
    steps = 5 * sim.cfg.decimation
    # Semi-implicit Euler: after n steps z = z0 - g dt^2 n (n + 1) / 2.
    fallen = GRAVITY * sim.cfg.dt**2 * steps * (steps + 1) / 2
    torch.testing.assert_close(sim.root_states[:, 2], torch.full((2,), 3.0 - fallen), atol=1e-5, rtol=0)
    torch.testing.assert_close(sim.root_states[:, 9], torch.full((2,), -GRAVITY * steps * sim.cfg.dt))
    assert sim.root_states[:, [7, 8, 10, 11, 12]].abs().max() < 1e-5
    assert sim.contact_forces.abs().max() == 0.0


def test_a_standing_robot_stands(backend: str, robot: str) -> None:
    sim = make(backend, robot)
    place(sim, upright(sim, sim.robot.base_height + 0.01))
    settle(sim)
    before = sim.root_states.clone()
    settle(sim)
    after = sim.root_states
    assert (after[:, 2] - sim.robot.base_height).abs().max() < 0.05  # it sags a little under its weight
    assert (after[:, 0:3] - before[:, 0:3]).abs().max() < 4e-3  # joints creep to rest
    assert after[:, 7:13].abs().max() < 0.02
    assert not sim.invalid.any() and sim.num_invalid == 0


def test_foot_forces_carry_the_weight(backend: str, robot: str) -> None:
    sim = make(backend, robot)
    settle(sim)
    forces = sim.contact_forces[:, feet(sim)]
    weight = mass(sim.robot) * GRAVITY
    torch.testing.assert_close(forces[..., 2].sum(dim=1), torch.full((2,), weight), rtol=0.01, atol=0)
    assert (forces[..., 2] > 0.1 * weight).all()
    others = [i for i in range(len(sim.robot.body_names)) if i not in feet(sim)]
    assert sim.contact_forces[:, others].abs().max() == 0.0


def test_orientation_is_xyzw_and_spin_is_in_the_world_frame(backend: str, robot: str) -> None:
    sim = make(backend, robot, dt=5e-4, decimation=1)
    root = upright(sim, 3.0)
    root[:, 3:7] = quaternion(0.3, -0.4, 1.2)
    root[:, 7:13] = torch.tensor([0.4, -0.2, 0.1, 0.5, -1.0, 2.0])
    place(sim, root)
    torch.testing.assert_close(sim.root_states, root, atol=1e-6, rtol=0)
    start = root[:, 3:7].clone()
    vectors = torch.eye(3)[None]
    before = quat_rotate(start[:, None], vectors)
    steps = 10
    spin = torch.zeros(2, 3)
    for _ in range(steps):
        run(sim, 1)
        spin += sim.root_states[:, 10:13] / steps
    after = quat_rotate(sim.root_states[:, None, 3:7], vectors)
    # d/dt of a vector fixed to the trunk is w x vector; the middle of the interval makes it second order.
    rate = (after - before) / (steps * sim.cfg.dt)
    expected = torch.linalg.cross(spin[:, None].expand(-1, 3, -1), 0.5 * (after + before))
    torch.testing.assert_close(rate, expected, atol=2e-3, rtol=0)


def test_feet_are_where_kinematics_says(backend: str, robot: str) -> None:
    sim = make(backend, robot)
    root = upright(sim, 3.0)
    root[:, 3:7] = quaternion(0.3, -0.4, 1.2)
    place(sim, root)
    wobble(sim, 3)
    trunk = sim.root_states
    expected = trunk[:, None, 0:3] + quat_rotate(trunk[:, None, 3:7], foot_positions(sim.robot, sim.dof_pos))
    torch.testing.assert_close(sim.body_states[:, feet(sim), 0:3], expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(sim.body_states[:, 0], trunk, atol=1e-5, rtol=1e-5)


def test_body_velocities_are_the_derivatives_of_body_positions(backend: str, robot: str) -> None:
    sim = make(backend, robot, dt=5e-4, decimation=1)
    root = upright(sim, 3.0)
    root[:, 3:7] = quaternion(0.3, -0.4, 1.2)
    root[:, 7:13] = torch.tensor([0.4, -0.2, 0.1, 0.5, -1.0, 2.0])
    place(sim, root, dof_vel=torch.linspace(-2.0, 2.0, 12).repeat(2, 1))
    run(sim, 1)
    before, velocities, steps = sim.body_states.clone(), torch.zeros(2, len(sim.robot.body_names), 6), 8
    for _ in range(steps):
        run(sim, 1)
        velocities += sim.body_states[..., 7:13] / steps
    after, duration = sim.body_states, steps * sim.cfg.dt
    difference = (after[..., 0:3] - before[..., 0:3]) / duration
    torch.testing.assert_close(difference, velocities[..., 0:3], atol=5e-3, rtol=0)
    axes = torch.eye(3)[None, None]
    first, last = (quat_rotate(state[..., None, 3:7], axes) for state in (before, after))
    turned = torch.linalg.cross(velocities[..., None, 3:6].expand(-1, -1, 3, -1), 0.5 * (first + last))
    torch.testing.assert_close((last - first) / duration, turned, atol=5e-3, rtol=0)


def test_boxes_are_hit_where_they_are(backend: str, robot: str) -> None:
    sim = make(backend, robot, 4, num_boxes=2)
    boxes = torch.zeros(4, 2, 10)
    boxes[:3, 0] = box((0.0, 0.0, 0.15), (0.6, 0.6, 0.15))
    boxes[2, 0, 7:10] = 0.0  # no box at all
    boxes[3, 1] = box((0.0, 0.0, 0.1), (0.3, 0.9, 0.1), yaw=math.pi / 2)  # long side along x
    solid = torch.ones(4, 2, dtype=torch.bool)
    solid[1] = False
    sim.set_boxes(everyone(sim), boxes, solid)
    root = upright(sim, sim.robot.base_height + 0.32)
    root[3, 0] = 0.6
    place(sim, root)
    settle(sim)
    height = sim.root_states[:, 2]
    ground = height[2].item()
    assert ground == pytest.approx(sim.robot.base_height, abs=0.05)
    expected = torch.tensor([ground + 0.3, ground, ground, ground + 0.2])
    torch.testing.assert_close(height, expected, atol=5e-3, rtol=0)


def test_a_box_moved_later_is_hit_at_its_new_place_and_size(backend: str, robot: str) -> None:
    sim = make(backend, robot, num_boxes=1)
    solid = torch.ones(2, 1, dtype=torch.bool)
    sim.set_boxes(everyone(sim), box((0.0, 0.0, 0.15), (0.6, 0.6, 0.15)).expand(2, 1, -1), solid)
    run(sim, 3)
    sim.set_boxes(only(sim, 1), box((5.0, 0.0, 0.2), (0.8, 0.8, 0.2)).expand(2, 1, -1), solid)
    assert torch.equal(sim.boxes[0, 0], box((0.0, 0.0, 0.15), (0.6, 0.6, 0.15)))
    place(sim, upright(sim, sim.robot.base_height + 0.42, x=5.0))
    settle(sim)
    assert (sim.root_states[1, 2] - sim.root_states[0, 2]).item() == pytest.approx(0.4, abs=5e-3)


def test_moving_boxes_leaves_the_robots_alone(backend: str, robot: str) -> None:
    sim, twin = make(backend, robot, num_boxes=1), make(backend, robot, num_boxes=1)
    for each in (sim, twin):
        wobble(each, 4)
    far = box((50.0, 0.0, 0.2), (0.8, 0.8, 0.2)).expand(2, 1, -1)
    sim.set_boxes(everyone(sim), far, torch.ones(2, 1, dtype=torch.bool))
    for each in (sim, twin):
        assert each.contact_forces.abs().sum() > 0
    assert_same(snapshot(sim), snapshot(twin), [0, 1])
    wobble(sim, 4, seed=1)
    wobble(twin, 4, seed=1)
    tolerance = ROUNDING if sim.root_states.is_cuda else 1e-6
    torch.testing.assert_close(sim.root_states, twin.root_states, atol=tolerance, rtol=0)


def test_feet_stand_on_the_height_field(backend: str, robot: str) -> None:
    cfg = HeightFieldCfg(num_levels=2, strip_length=4.0, width=8.0, margin=4.0, roughness=(0.02, 0.1))
    ground = HeightField(cfg, torch.get_default_device())
    sim = make(backend, robot, 3, height_field=ground)
    root = upright(sim, sim.robot.base_height + 0.1)
    root[:, 0], root[:, 1] = torch.tensor([0.0, 4.0, 3.3]), torch.tensor([0.0, 1.0, -2.1])
    place(sim, root)
    settle(sim)
    foot = sim.body_states[:, feet(sim), 0:3]
    gap = foot[..., 2] - ground.height_at(foot[..., 0:2]) - sim.robot.foot_radius
    assert (gap[sim.contact_forces[:, feet(sim), 2] > 1.0].abs() < 0.02).all()  # slopes push the center of a ball up
    assert (sim.contact_forces[:, feet(sim), 2] > 1.0).sum() >= 8
    assert foot[..., 2].std() > 3e-3  # the ground is not flat here
    weight = sim.contact_forces[..., 2].sum(dim=1)
    torch.testing.assert_close(weight, torch.full((3,), mass(sim.robot) * GRAVITY), rtol=0.05, atol=0)


def test_a_loaded_robot_weighs_more(backend: str, robot: str) -> None:
    sim = make(backend, robot)
    sim.set_dynamics(everyone(sim), DynamicsSample(added_mass=torch.tensor([0.0, 3.0])))
    settle(sim)
    weight = sim.contact_forces[..., 2].sum(dim=1)
    assert (weight[1] - weight[0]).item() == pytest.approx(3.0 * GRAVITY, rel=0.02)


def test_a_shifted_center_of_mass_loads_the_feet_it_moves_to(backend: str, robot: str) -> None:
    sim = make(backend, robot, 3)
    shift = torch.tensor([[0.0, 0.0, 0.0], [0.05, 0.0, 0.0], [0.0, 0.03, 0.0]])
    sim.set_dynamics(everyone(sim), DynamicsSample(com_shift=shift))
    settle(sim)
    fl, fr, rl, rr = sim.contact_forces[:, feet(sim), 2].unbind(dim=1)
    front, left = fl + fr - rl - rr, fl + rl - fr - rr
    assert front[1] > front[0] + 5.0
    assert left[2] > left[0] + 5.0


def test_slippery_feet_slide_further(backend: str, robot: str) -> None:
    sim = make(backend, robot)
    sim.set_dynamics(everyone(sim), DynamicsSample(friction=torch.tensor([1.0, 0.05])))
    settle(sim)
    start = sim.root_states[:, 1].clone()
    sim.push(everyone(sim), torch.tensor([[0.0, 0.6, 0.0, 0.0, 0.0, 0.0]] * 2))
    run(sim, 40)
    moved = sim.root_states[:, 1] - start
    assert moved[1] > 0.1 and moved[1] > 2 * moved[0].abs()


def test_motors_follow_the_pd_law_and_are_clipped(backend: str, robot: str) -> None:
    sim = make(backend, robot)
    generator = torch.Generator().manual_seed(0)
    size = (2, sim.cfg.decimation, 12)
    scale = torch.tensor([0.1, 2.0])[:, None, None]  # the second robot's motors are driven into their limits
    sim.set_dynamics(
        everyone(sim),
        DynamicsSample(
            stiffness=20.0 + 20.0 * draw(generator, 2, 12),
            damping=0.4 + 0.4 * draw(generator, 2, 12),
            motor_strength=0.8 + 0.4 * draw(generator, 2, 12),
        ),
    )
    place(sim, upright(sim, 3.0))
    for _ in range(5):
        targets = default_pose(sim)[:, None] + scale * (draw(generator, *size) * 2 - 1)
        dof_pos, dof_vel = sim.dof_pos.clone(), sim.dof_vel.clone()
        sim.step(targets)
        for substep in range(sim.cfg.decimation):
            expected = motor_torque(sim, targets[:, substep], dof_pos, dof_vel)
            torch.testing.assert_close(sim.torques[:, substep], expected, atol=2e-3, rtol=1e-4)
            dof_vel = sim.substep_dof_vel[:, substep].clone()
            dof_pos = dof_pos + sim.cfg.dt * dof_vel
        torch.testing.assert_close(sim.dof_pos, dof_pos, atol=1e-5, rtol=0)
        assert torch.equal(sim.dof_vel, sim.substep_dof_vel[:, -1])
    limit = torch.tensor([joint.torque_limit for joint in sim.robot.joints])
    assert sim.dynamics.motor_strength is not None
    used = sim.torques.abs() / (limit * sim.dynamics.motor_strength)[:, None]
    assert used.max() <= 1.0 + 1e-5 and used[1].max() > 0.8


def test_targets_held_for_a_step_equal_the_same_target_in_each_substep(backend: str, robot: str) -> None:
    held, each = make(backend, robot), make(backend, robot)
    targets = default_pose(held) + 0.1
    held.step(targets)
    each.step(targets[:, None].repeat(1, held.cfg.decimation, 1))
    assert torch.equal(held.root_states, each.root_states) and torch.equal(held.torques, each.torques)
    late = targets[:, None].repeat(1, held.cfg.decimation, 1)
    late[:, -1] += 0.2
    held.step(targets)
    each.step(late)
    assert torch.equal(held.torques[:, :-1], each.torques[:, :-1])
    assert (each.torques[:, -1] - held.torques[:, -1]).min() > 1.0


def test_armature_and_joint_friction_slow_a_joint(backend: str, robot: str) -> None:
    sim = make(backend, robot, 3)
    factor = torch.tensor([1.0, 4.0, 1.0])[:, None]
    friction = torch.tensor([0.0, 0.0, 2.0])[:, None].expand(3, 12)
    armature = factor * sim.robot.armature * torch.ones(12)
    sim.set_dynamics(everyone(sim), DynamicsSample(armature=armature, joint_friction=friction))
    place(sim, upright(sim, 3.0))
    sim.step(default_pose(sim) + 0.2)
    moved = (sim.dof_pos - default_pose(sim)).mean(dim=1)
    assert moved[0] > moved[1] > 0 and moved[0] > moved[2] > 0
