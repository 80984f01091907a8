"""Programs that know nothing but an exported file run the policy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import call

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.resource_folder import resource_folder
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.deployment import deployment
from legged_gym_ext.runs.outputs import DEPLOYMENT
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.viewing.disturbances import DisturbanceOptions, shown_cfg
from st_rl.utils.policy_interface import PolicyInterface

pytestmark = pytest.mark.skipif(not (runs.SHIPPED / "go1_walk").is_dir(), reason="needs the shipped policies")
SHIPPED = sorted(path for path in runs.SHIPPED.iterdir() if path.is_dir()) if runs.SHIPPED.is_dir() else []


class Consumer:
    """Runs an exported ONNX file on a robot whose motors are numbered as the manufacturer does.

    All that it knows is in the metadata of the file.
    """

    def __init__(self, path: Path) -> None:
        onnx = pytest.importorskip("onnx")
        from onnx.reference import ReferenceEvaluator

        model = onnx.load(str(path))
        known = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
        self.session = ReferenceEvaluator(model)
        self.rate = known["rate_hz"]
        self.joint_of_motor = known["motors"]["joint_of_motor"]
        self.motor_of_joint = known["motors"]["motor_of_joint"]
        self.motor_names = known["motors"]["names"]
        for name in ("default_dof_pos", "action_scale", "stiffness", "damping", "torque_limit"):
            setattr(self, name, np.array(known[name]))
        self.clip_actions, self.clip_observations = known["clip_actions"], known["clip_observations"]
        self.segments = known["observations"]
        self.last = np.zeros(len(self.default_dof_pos))

    def observe(self, measured: dict[str, np.ndarray]) -> np.ndarray:
        """The observation from physical values by the names of the parts; joints in the manufacturer's order."""
        parts = dict(measured)
        parts["dof_pos"] = measured["motor_pos"][self.motor_of_joint] - self.default_dof_pos
        parts["dof_vel"] = measured["motor_vel"][self.motor_of_joint]
        parts["actions"] = self.last
        numbers = [
            np.broadcast_to(part["scale"], part["size"]) * parts[part["name"]]
            for segment in self.segments
            for part in segment["parts"]
        ]
        return np.clip(np.concatenate(numbers), -self.clip_observations, self.clip_observations)

    def act(self, measured: dict[str, np.ndarray]) -> np.ndarray:
        """Targets of the motors, rad, in the manufacturer's order."""
        observations = self.observe(measured)[None].astype(np.float32)
        (actions,) = self.session.run(None, {"observations": observations})
        self.last = np.clip(actions[0], -self.clip_actions, self.clip_actions)
        return (self.default_dof_pos + self.action_scale * self.last)[self.joint_of_motor]

    def torques(self, targets: np.ndarray, position: np.ndarray, velocity: np.ndarray) -> np.ndarray:
        """N m of the motors, in the manufacturer's order."""
        order = self.joint_of_motor
        wanted = self.stiffness[order] * (targets - position) - self.damping[order] * velocity
        return np.clip(wanted, -self.torque_limit[order], self.torque_limit[order])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx")
    out = tmp_path_factory.mktemp("exported") / "go1_walk"
    assert call("export", "--policy", "go1_walk", "--out", str(out)) == 0
    return out


def measured(root: torch.Tensor, joints: tuple[torch.Tensor, torch.Tensor], command: Any, env: LeggedEnv) -> Any:
    state, order = env.state, [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]  # FR, FL, RR, RL
    return {
        "base_lin_vel": state.base_lin_vel[0].numpy(),
        "base_ang_vel": state.base_ang_vel[0].numpy(),
        "projected_gravity": state.projected_gravity[0].numpy(),
        "commands": np.array(command),
        "motor_pos": joints[0][0].numpy()[order],
        "motor_vel": joints[1][0].numpy()[order],
    }


def test_a_consumer_does_what_the_environment_does(exported: Path) -> None:
    cfg = shown_cfg(replace(get_task("go1_walk").env, num_envs=1, curriculum={}), DisturbanceOptions())
    env = LeggedEnv(cfg, seed=4)
    policy, consumer = runs.RunPolicy(runs.SHIPPED / "go1_walk", env), Consumer(exported / "policy.onnx")
    assert consumer.motor_names[:3] == ["FR_hip_joint", "FR_thigh_joint", "FR_calf_joint"] and consumer.rate == 50.0
    obs, _ = env.reset()
    for _ in range(40):
        seen = measured(env.sim.root_states, (env.sim.dof_pos, env.sim.dof_vel), env.state.commands[0].tolist(), env)
        np.testing.assert_allclose(consumer.observe(seen), obs[0].numpy(), atol=1e-4)
        targets = consumer.act(seen)
        actions = policy(obs)
        expected = env.state.default_dof_pos + env.state.action_scale * actions[0]
        np.testing.assert_allclose(targets[consumer.motor_of_joint], expected.numpy(), atol=2e-4)
        obs, _, _, _ = env.step(actions)
    env.close()


def test_a_consumer_makes_the_robot_walk_in_a_simulator_of_its_own(exported: Path) -> None:
    mujoco: Any = pytest.importorskip("mujoco")
    consumer = Consumer(exported / "policy.onnx")
    text = (resource_folder() / "robots" / "go1" / "go1.xml").read_text()
    spec = mujoco.MjSpec.from_string(text)
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1])
    spec.option.timestep = 0.002
    spec.option.disableflags = mujoco.mjtDisableBit.mjDSBL_ACTUATION  # the torques are the consumer's alone
    model = spec.compile()
    data = mujoco.MjData(model)
    joints = [model.joint(name) for name in consumer.motor_names]
    positions, velocities = [int(j.qposadr[0]) for j in joints], [int(j.dofadr[0]) for j in joints]
    data.qpos[:3], data.qpos[3:7] = (0.0, 0.0, 0.32), (1.0, 0.0, 0.0, 0.0)
    data.qpos[positions] = consumer.default_dof_pos[consumer.joint_of_motor]  # type: ignore[attr-defined]
    steps = round(1.0 / consumer.rate / model.opt.timestep)
    for _ in range(round(4.0 * consumer.rate)):
        mujoco.mj_forward(model, data)
        rotation = data.body("trunk").xmat.reshape(3, 3)
        targets = consumer.act(
            {
                "base_lin_vel": rotation.T @ data.qvel[:3],
                "base_ang_vel": data.qvel[3:6].copy(),
                "projected_gravity": rotation.T @ np.array([0.0, 0.0, -1.0]),
                "commands": np.array([0.8, 0.0, 0.0]),
                "motor_pos": data.qpos[positions],
                "motor_vel": data.qvel[velocities],
            }
        )
        for _ in range(steps):
            data.qfrc_applied[velocities] = consumer.torques(targets, data.qpos[positions], data.qvel[velocities])
            mujoco.mj_step(model, data)
    assert data.qpos[2] > 0.2 and 1.5 < data.qpos[0] < 4.5 and abs(data.qpos[1]) < 1.0


def test_both_files_hold_the_same_description(exported: Path) -> None:
    onnx = pytest.importorskip("onnx")
    description = json.loads((exported / DEPLOYMENT).read_text())
    extra = {"policy.json": ""}
    torch.jit.load(str(exported / "policy.pt"), _extra_files=extra)
    assert json.loads(extra["policy.json"]) == description
    properties = {entry.key: json.loads(entry.value) for entry in onnx.load(exported / "policy.onnx").metadata_props}
    assert properties.items() >= description.items()
    assert properties["default_joint_pos"] == description["default_dof_pos"]


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda path: path.name)
def test_shipped_policies_carry_their_description(folder: Path) -> None:
    stored = json.loads((folder / DEPLOYMENT).read_text())
    assert stored == json.loads(json.dumps(deployment(folder, runs.load_policy(folder))))
    size = sum(part["size"] for segment in stored["observations"] for part in segment["parts"])
    assert stored["inputs"]["observations"] == ["N", size]
    assert all(part["what"] for segment in stored["observations"] for part in segment["parts"])


@pytest.mark.filterwarnings("ignore:.*torch.jit.load.*:DeprecationWarning")
def test_an_exported_mutex_switches_as_it_does_here(tmp_path: Path) -> None:
    out = tmp_path / "mutex"
    assert call("export", "--policy", "go1_mutex", "--out", str(out), "--no-onnx") == 0
    task = get_task("go1_field")
    cfg = shown_cfg(replace(task.env, num_envs=4, curriculum={}, episode_length_s=6.0), DisturbanceOptions())
    env = LeggedEnv(cfg, seed=5)
    mutex = runs.RunPolicy(runs.SHIPPED / "go1_mutex", env)
    loaded = torch.jit.load(str(out / "policy.pt"))
    obs, _ = env.reset()
    mutex.policy.begin_as_exported(4)
    states = list(mutex.policy.step_states(4).values())
    chosen, largest = set(), 0.0
    with torch.no_grad():
        for _ in range(250):
            actions = mutex(obs)
            exported, *states = loaded(obs, *states)
            largest = max(largest, float((exported - actions).abs().max()))
            chosen |= set(mutex.policy.action_smoothing_buffer[-1].argmax(dim=1).tolist())
            obs, _, dones, _ = env.step(actions)
            mutex.policy.reset(dones)
            low, high = mutex.policy._cmd_range.unbind(-1)
            mutex.policy.cmd_vel_current = torch.lerp(low, high, 0.5).repeat(4, 1)
            states = [torch.where(dones.view(1, -1, 1), 0.0, state) for state in states]
    env.close()
    assert len(chosen) >= 2 and largest < 1e-4


def test_an_export_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from st_rl.utils import export

    monkeypatch.setattr(export, "_largest_error", lambda *_: float("inf"))
    assert call("export", "--policy", "go1_walk", "--out", str(tmp_path / "out"), "--no-onnx") == 2
    assert not list((tmp_path / "out").iterdir())


def test_a_stacked_segment_says_how_many_steps_it_holds(tmp_path: Path) -> None:
    from toy_runs import write_toy_run

    task = get_task("go1_walk")
    term = replace(task.env.observations["proprioception"], history=3)
    stacked = replace(task.env, num_envs=1, observations={"proprioception": term})
    run = write_toy_run(tmp_path / "go1_walk", "go1_walk")
    config = json.loads((run / "config.json").read_text())
    config["env"]["observations"]["proprioception"]["history"] = 3
    (run / "config.json").write_text(json.dumps(config))
    loaded = runs.load_policy(run)
    (segment,) = deployment(run, loaded)["observations"]
    assert (segment["steps"], segment["order"]) == (3, "the newest step first")
    env = LeggedEnv(stacked, seed=1)
    columns = PolicyInterface.from_settings(env.settings, env.obs_segments, 12, "env").columns["proprioception"]
    env.close()
    assert len(columns) == 144 and columns[:48] == columns[48:96] == columns[96:]
