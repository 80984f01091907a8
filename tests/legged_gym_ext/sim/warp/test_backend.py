"""The ``warp`` backend beside ``mujoco``: same physics, own constraint weights, recorded launches, clear refusals."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.runs.folders import make_env
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.sim.interface import CameraCfg, DynamicsSample, SceneCfg, SimCfg, Simulator
from legged_gym_ext.sim.mujoco import gl
from legged_gym_ext.sim.registry import make_simulator
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UserError

needs_warp = pytest.mark.skipif(importlib.util.find_spec("mujoco_warp") is None, reason="MuJoCo Warp is missing")
WORLDS = 3


def make(backend: str, **scene: int) -> Simulator:
    return make_simulator(backend, GO1, WORLDS, sim=SimCfg(num_threads=1), scene=SceneCfg(**scene))


def pair(**scene: int) -> tuple[Simulator, Simulator]:
    """The same worlds on both engines, each with dynamics of its own."""
    generator = torch.Generator().manual_seed(0)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(WORLDS, *shape, generator=generator)

    sample = DynamicsSample(
        friction=uniform(0.4, 1.2),
        added_mass=uniform(-0.5, 2.0),
        com_shift=uniform(-0.04, 0.04, 3),
        motor_strength=uniform(0.9, 1.1, 12),
        stiffness=uniform(18.0, 22.0, 12),
        damping=uniform(0.4, 0.6, 12),
        joint_friction=uniform(0.0, 0.3, 12),
        armature=uniform(0.008, 0.012, 12),
    )
    sims = make("mujoco", **scene), make("warp", **scene)
    for sim in sims:
        sim.set_dynamics(torch.ones(WORLDS, dtype=torch.bool), sample)
    return sims


def targets(generator: torch.Generator, amplitude: float) -> Tensor:
    noise = torch.rand(WORLDS, 12, generator=generator) * 2 - 1
    return torch.tensor(GO1.default_dof_pos) + amplitude * noise


@needs_warp
def test_a_short_rollout_agrees_with_mujoco() -> None:
    reference, sim = pair()
    root = torch.zeros(WORLDS, 13)
    # Just above the ground: the feet touch it at once, before small differences can grow.
    root[:, 2], root[:, 6] = GO1.base_height, 1.0
    pose = torch.tensor(GO1.default_dof_pos).repeat(WORLDS, 1)
    generator = torch.Generator().manual_seed(1)
    for each in (reference, sim):
        each.reset(torch.ones(WORLDS, dtype=torch.bool), root, pose, torch.zeros_like(pose))
    for _ in range(10):
        action = targets(generator, 0.05)
        reference.step(action)
        sim.step(action)
    # A contact may begin a physics step earlier on one side, so speeds and forces may differ for a moment.
    torch.testing.assert_close(sim.root_states[:, :7], reference.root_states[:, :7], atol=2e-3, rtol=0)
    torch.testing.assert_close(sim.dof_pos, reference.dof_pos, atol=2e-3, rtol=0)
    torch.testing.assert_close(sim.torques, reference.torques, atol=0.3, rtol=0)
    torch.testing.assert_close(sim.body_states[..., :3], reference.body_states[..., :3], atol=2e-3, rtol=0)


@needs_warp
def test_a_step_in_the_air_agrees_to_rounding() -> None:
    reference, sim = pair()
    root = torch.zeros(WORLDS, 13)
    root[:, 2], root[:, 6], root[:, 7:13] = 3.0, 1.0, torch.tensor([0.3, -0.2, 0.1, 0.5, -0.4, 0.8])
    pose = torch.tensor(GO1.default_dof_pos).repeat(WORLDS, 1)
    generator = torch.Generator().manual_seed(1)
    for each in (reference, sim):
        each.reset(torch.ones(WORLDS, dtype=torch.bool), root, pose, torch.zeros_like(pose))
    for _ in range(5):
        action = targets(generator, 0.3)
        reference.step(action)
        sim.step(action)
    torch.testing.assert_close(sim.root_states, reference.root_states, atol=2e-4, rtol=0)
    torch.testing.assert_close(sim.dof_vel, reference.dof_vel, atol=2e-3, rtol=0)
    torch.testing.assert_close(sim.torques, reference.torques, atol=2e-3, rtol=0)
    torch.testing.assert_close(sim.body_states, reference.body_states, atol=1e-3, rtol=0)


@needs_warp
def test_constraint_weights_follow_the_masses_as_set_const_would_have_them() -> None:
    import mujoco
    import warp as wp

    from legged_gym_ext.sim.mujoco.model import compile_scene
    from legged_gym_ext.sim.warp.backend import WarpSimulator

    _, sim = pair()
    assert isinstance(sim, WarpSimulator)
    now, fields = sim.dynamics, vars(sim._engine)
    assert now.added_mass is not None and now.com_shift is not None and now.armature is not None
    for world in range(WORLDS):
        model = compile_scene(GO1, SimCfg(), SceneCfg(), None)
        trunk = model.body(GO1.trunk_name).id
        model.body_mass[trunk] += float(now.added_mass[world])
        model.body_ipos[trunk] += now.com_shift[world].numpy()
        model.dof_armature[6:] = now.armature[world].numpy()
        mujoco.mj_setConst(model, mujoco.MjData(model))
        for name in ("body_invweight0", "dof_invweight0", "body_subtreemass"):
            found = wp.to_torch(fields[name])[world].numpy()
            np.testing.assert_allclose(found, getattr(model, name), rtol=2e-5, atol=1e-6, err_msg=name)


@needs_warp
def test_worlds_out_of_the_mask_keep_their_weights() -> None:
    import warp as wp

    from legged_gym_ext.sim.warp.backend import WarpSimulator

    _, sim = pair()
    assert isinstance(sim, WarpSimulator)
    weights = wp.to_torch(sim._engine.body_invweight0)
    before = weights.clone()
    mask = torch.tensor([False, True, False])
    sim.set_dynamics(mask, DynamicsSample(added_mass=torch.full((WORLDS,), 5.0)))
    assert torch.equal(weights[~mask], before[~mask]) and not torch.equal(weights[mask], before[mask])


@needs_warp
def test_a_recorded_launch_does_what_the_launch_did() -> None:
    import warp as wp

    from legged_gym_ext.sim.warp.model import Launches

    count, runs = wp.zeros(1, dtype=wp.int32, device="cpu"), []

    def copy_twice() -> None:
        runs.append(1)
        scratch = wp.clone(count)
        wp.copy(count, scratch)

    launches = Launches(torch.device("cpu"))
    for _ in range(5):
        launches(copy_twice)
    assert len(runs) == 2  # once as it is, once to record it
    launches.clear()
    launches(copy_twice)
    assert len(runs) == 3


@needs_warp
def test_lost_contacts_are_reported_and_a_hard_working_solver_is_not(caplog: pytest.LogCaptureFixture) -> None:
    import warp as wp

    from legged_gym_ext.sim.warp.backend import WarpSimulator
    from legged_gym_ext.sim.warp.model import mjw

    sim = make("warp")
    assert isinstance(sim, WarpSimulator)
    flags = wp.to_torch(sim._data.overflow)
    flags.copy_(torch.tensor([0, int(mjw.OverflowType.ITERATIONS), 0]))
    assert sim.num_overflows() == 0
    flags[2] = int(mjw.OverflowType.NARROWPHASE)
    sim.state_dict()
    assert sim.num_overflows() == 1 and "1 worlds" in caplog.text


@needs_warp
@pytest.mark.skipif(gl.find_gl_library() is None, reason="no OpenGL library (EGL or OSMesa) is installed")
def test_a_picture_is_that_of_the_mujoco_backend() -> None:
    camera = CameraCfg(width=160, height=120)
    box = torch.tensor([0.8, 0.0, 0.2, 0.0, 0.0, 0.0, 1.0, 0.1, 0.3, 0.2]).repeat(WORLDS, 1, 1)
    pictures = []
    for backend in ("mujoco", "warp"):
        sim = make(backend, num_boxes=1)
        everyone = torch.ones(WORLDS, dtype=torch.bool)
        sim.set_boxes(everyone, box, torch.ones(WORLDS, 1, dtype=torch.bool))
        pictures.append(sim.render(1, camera).astype(int))
        sim.close()
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.5 and pictures[0].std() > 5


@needs_warp
def test_walking_is_trained_on_it() -> None:
    task = get_task("go1_walk")
    train = replace(task.train, num_steps_per_env=8)
    task = replace(task, train=train)
    env = make_env(task.env, where=Where("warp"), num_envs=8, seed=1)
    try:
        runner = make_runner(task, env, None)
        before = [p.detach().clone() for p in runner.alg.parameters]
        runner.learn(2, init_at_random_ep_len=True)
        assert any(not torch.equal(p, old) for p, old in zip(runner.alg.parameters, before, strict=True))
        assert all(p.isfinite().all() for p in runner.alg.parameters)
        assert env.sim.num_invalid == 0
    finally:
        env.close()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_cuda_is_refused_in_one_sentence() -> None:
    with pytest.raises(UserError, match="needs an NVIDIA GPU"):
        make_simulator("warp", GO1, 1, sim=SimCfg(), scene=SceneCfg(), device="cuda")
    with pytest.raises(UserError, match="needs an NVIDIA GPU"):
        make_env(get_task("go1_walk").env, where=Where("warp", "cuda"), num_envs=1)


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:-1", ""])
def test_unknown_devices_are_refused(device: str) -> None:
    with pytest.raises(UserError, match="no device"):
        make_simulator("warp", GO1, 1, sim=SimCfg(), scene=SceneCfg(), device=device)


def test_without_the_engine_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"\[warp\]"):
        make_simulator("warp", GO1, 1, sim=SimCfg(), scene=SceneCfg())
