"""The worlds of every backend: separate, repeatable, restorable, and guarded against broken states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from backend_cases import (
    CASES,
    assert_same,
    box,
    default_pose,
    draw,
    everyone,
    make,
    only,
    place,
    run,
    settle,
    snapshot,
    upright,
    wobble,
)

from legged_gym_ext.robots.registry import ROBOTS
from legged_gym_ext.sim.interface import DynamicsSample, SceneCfg, SimCfg, Simulator
from legged_gym_ext.sim.registry import BACKENDS, make_simulator
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.rotations import quat_from_euler_xyz

each_case = pytest.mark.parametrize(("backend", "robot"), CASES)


@each_case
def test_shapes_and_types(backend: str, robot: str) -> None:
    sim = make(backend, robot, 3, num_boxes=2)
    bodies, substeps = len(sim.robot.body_names), sim.cfg.decimation
    shapes = {name: tuple(value.shape) for name, value in snapshot(sim).items()}
    assert shapes == {
        "root_states": (3, 13),
        "dof_pos": (3, 12),
        "dof_vel": (3, 12),
        "torques": (3, substeps, 12),
        "substep_dof_vel": (3, substeps, 12),
        "body_states": (3, bodies, 13),
        "contact_forces": (3, bodies, 3),
        "invalid": (3,),
    }
    assert sim.boxes.shape == (3, 2, 10) and sim.solid.shape == (3, 2)
    assert {value.dtype for value in snapshot(sim).values()} == {torch.float32, torch.bool}


@each_case
def test_a_masked_reset_touches_only_its_worlds(backend: str, robot: str) -> None:
    sim, twin = make(backend, robot, 3), make(backend, robot, 3)
    for each in (sim, twin):
        wobble(each, 20)
    before = snapshot(sim)
    root = upright(sim, 0.5, x=7.0)
    sim.reset(only(sim, 1), root, default_pose(sim), torch.full_like(sim.dof_vel, 0.3))
    assert_same(before, snapshot(sim), [0, 2])
    torch.testing.assert_close(sim.root_states[1], root[1])
    torch.testing.assert_close(sim.dof_pos[1], default_pose(sim)[1])
    torch.testing.assert_close(sim.dof_vel[1], torch.full((12,), 0.3))
    assert sim.contact_forces[1].abs().max() == 0 and sim.torques[1].abs().max() == 0
    for each in (sim, twin):
        wobble(each, 10, seed=1)
    assert_same(snapshot(twin), snapshot(sim), [0, 2])
    assert abs(float(sim.root_states[1, 0]) - 7.0) < 0.3


@each_case
def test_nothing_masked_means_nothing_done(backend: str, robot: str) -> None:
    sim = make(backend, robot, num_boxes=1)
    wobble(sim, 5)
    before, nobody = snapshot(sim), torch.zeros(2, dtype=torch.bool)
    sim.reset(nobody, upright(sim, 3.0), default_pose(sim), sim.dof_vel + 1.0)
    sim.push(nobody, torch.ones(2, 6))
    sim.set_dynamics(nobody, DynamicsSample(friction=torch.zeros(2)))
    sim.set_boxes(nobody, torch.ones(2, 1, 10), torch.ones(2, 1, dtype=torch.bool))
    assert_same(before, snapshot(sim), [0, 1])
    assert sim.dynamics.friction is not None and (sim.dynamics.friction == sim.robot.friction).all()
    assert not sim.solid.any() and not sim.boxes.any()


@each_case
def test_a_push_adds_velocity_in_the_world_frame(backend: str, robot: str) -> None:
    sim = make(backend, robot, 3)
    root = upright(sim, 3.0)
    root[:, 3:7] = quat_from_euler_xyz(*torch.tensor([0.2, -0.3, 1.4]).unbind())
    root[:, 7:13] = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    place(sim, root)
    kick = torch.tensor([1.0, -0.5, 0.25, 0.3, -0.2, 0.7])
    sim.push(only(sim, 1), kick.repeat(3, 1))
    expected = root.clone()
    expected[1, 7:13] += kick
    torch.testing.assert_close(sim.root_states, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(sim.body_states[:, 0], expected, atol=1e-5, rtol=0)
    run(sim, 1)
    moved = sim.root_states[1, 0] - sim.root_states[0, 0]
    assert moved.item() == pytest.approx(0.02, abs=2e-3)


@each_case
def test_a_push_keeps_the_contact_forces_of_the_last_step(backend: str, robot: str) -> None:
    sim = make(backend, robot)
    settle(sim)
    forces = sim.contact_forces.clone()
    sim.push(everyone(sim), torch.ones(2, 6))
    assert torch.equal(sim.contact_forces, forces)


def break_by_targets(sim: Simulator) -> None:
    targets = default_pose(sim)
    targets[1, 4] = float("nan")
    sim.step(targets)


def break_by_speed(sim: Simulator) -> None:
    root = upright(sim, sim.robot.base_height)
    root[1, 7] = 1e12
    sim.reset(only(sim, 1), root, default_pose(sim), torch.zeros_like(sim.dof_vel))
    run(sim, 1)


def break_by_nan(sim: Simulator) -> None:
    root = upright(sim, sim.robot.base_height)
    root[1, 2] = float("nan")
    sim.reset(only(sim, 1), root, default_pose(sim), torch.zeros_like(sim.dof_vel))
    run(sim, 1)


@each_case
@pytest.mark.parametrize("break_world", [break_by_targets, break_by_speed, break_by_nan])
def test_a_broken_world_is_noticed_contained_and_mended(
    backend: str,
    robot: str,
    break_world,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    sim, twin = make(backend, robot, 3), make(backend, robot, 3)
    break_world(sim)
    run(twin, 1)
    assert sim.invalid.tolist() == [False, True, False] and sim.num_invalid == 1
    assert_same(snapshot(twin), snapshot(sim), [0, 2])
    for name, value in snapshot(sim).items():
        assert value.isfinite().all(), name
    sim.reset(only(sim, 1), upright(sim, sim.robot.base_height), default_pose(sim), torch.zeros_like(sim.dof_vel))
    assert not sim.invalid.any()
    for each in (sim, twin):
        run(each, 20)
    assert_same(snapshot(twin), snapshot(sim), [0, 2])
    assert not sim.invalid.any() and sim.num_invalid == 1
    torch.testing.assert_close(sim.root_states[1], sim.root_states[0], atol=0.05, rtol=0)
    assert not list(tmp_path.iterdir()) and not capfd.readouterr().err  # the engine leaves no log of its own


@each_case
def test_last_inputs_replay_the_step(backend: str, robot: str) -> None:
    sim = make(backend, robot)
    wobble(sim, 3)
    height = sim.root_states[1, 2].item()
    targets = default_pose(sim) + 0.1
    sim.step(targets)
    inputs = sim.last_inputs(1)
    assert inputs["qpos"][2] == pytest.approx(height, abs=1e-6)
    np.testing.assert_allclose(inputs["targets"], targets[1].expand(sim.cfg.decimation, -1).cpu().numpy())


@each_case
def test_equal_inputs_give_equal_bits_whatever_the_threads(backend: str, robot: str) -> None:
    first, again, threaded = (make(backend, robot, 5, num_threads=threads) for threads in (1, 1, 2))
    for sim in (first, again, threaded):
        wobble(sim, 30, amplitude=0.6)
    assert_same(snapshot(first), snapshot(again), list(range(5)))
    assert_same(snapshot(first), snapshot(threaded), list(range(5)))


@each_case
def test_worlds_do_not_depend_on_their_neighbors(backend: str, robot: str) -> None:
    one, many = make(backend, robot, 1), make(backend, robot, 4)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        targets = default_pose(many) + 0.4 * draw(generator, 4, 12)
        many.step(targets)
        one.step(targets[2:3])
    assert_same({"root_states": one.root_states}, {"root_states": many.root_states[2:3]}, [0])


@each_case
def test_a_restored_simulator_continues_bit_for_bit(backend: str, robot: str) -> None:
    sim, fresh = make(backend, robot, 3, num_boxes=1), make(backend, robot, 3, num_boxes=1)
    generator = torch.Generator().manual_seed(0)
    friction, mass = draw(generator, 2, 3).unbind()
    sim.set_dynamics(everyone(sim), DynamicsSample(friction=0.3 + friction, added_mass=mass))
    boxes = box((0.3, 0.0, 0.02), (0.2, 0.4, 0.02)).repeat(3, 1, 1)
    sim.set_boxes(only(sim, 1), boxes, torch.ones(3, 1, dtype=torch.bool))
    wobble(sim, 15)
    fresh.load_state_dict(sim.state_dict())
    assert_same(snapshot(sim), snapshot(fresh), [0, 1, 2])
    assert torch.equal(sim.boxes, fresh.boxes) and torch.equal(sim.solid, fresh.solid)
    for each in (sim, fresh):
        wobble(each, 15, seed=1)
    assert_same(snapshot(sim), snapshot(fresh), [0, 1, 2])


@each_case
def test_saved_states_do_not_change_afterwards(backend: str, robot: str) -> None:
    sim = make(backend, robot)
    state = sim.state_dict()
    copies = {name: value.clone() for name, value in state.items()}
    wobble(sim, 3)
    assert all(torch.equal(state[name], copies[name]) for name in copies)


def test_an_unknown_backend_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="mujoco"):
        make_simulator("bullet", ROBOTS["go1"], 1, sim=SimCfg(), scene=SceneCfg())


@pytest.mark.skipif("mujoco" not in BACKENDS, reason="no mujoco backend")
def test_mujoco_refuses_other_devices() -> None:
    with pytest.raises(UserError, match="CPU"):
        make_simulator("mujoco", ROBOTS["go1"], 1, sim=SimCfg(), scene=SceneCfg(), device="cuda:0")
