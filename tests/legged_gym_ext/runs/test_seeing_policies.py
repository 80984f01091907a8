"""Policies that see, beyond their training: exported, and taught by collectors."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import call

from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.teachers import with_teacher_folders
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from st_rl.storage.rollout_files import Metadata
from st_rl.utils.export import export_onnx, export_torchscript

STEPS = 120


def _torchscript(policy: Any, path: Path) -> Any:
    export_torchscript(policy, path)
    loaded = torch.jit.load(str(path))
    return lambda obs, states: loaded(obs, *states)


def _onnx(policy: Any, path: Path) -> Any:
    export_onnx(policy, path)
    from onnx.reference import ReferenceEvaluator

    if importlib.util.find_spec("onnxruntime") is not None:
        import onnxruntime  # type: ignore[import-not-found]

        session: Any = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    else:
        session = ReferenceEvaluator(str(path))

    def run(obs: torch.Tensor, states: list[torch.Tensor]) -> list[torch.Tensor]:
        feeds = {"observations": obs.numpy(), "hidden_0": states[0].numpy(), "seen_0": states[1].numpy()}
        return [torch.from_numpy(value) for value in session.run(None, feeds)]

    return run


@pytest.mark.parametrize("form", [_torchscript, _onnx])
def test_an_exported_student_does_the_same_in_every_step_of_an_episode(form: Any, tmp_path: Path) -> None:
    task = with_teacher_folders(get_task("go1_vision"))
    env = runs.make_env(task.env, Where(num_threads=1), num_envs=1, seed=3)
    policy: Any = make_runner(replace(task, env=env.cfg), env, None).alg.actor_critic.eval()
    with torch.no_grad():
        # What a fresh student sees does not move it yet; here it is to.
        start = policy.input_layouts(policy.obs_segments, policy.critic_obs_segments)["actor.fc.0.weight"]
        policy.actor.fc[0].weight[:, start.slice_of("forward_depth")].normal_(std=0.1)
    exported = form(policy, tmp_path / "policy.pt")
    policy.reset()
    obs, _ = env.reset()
    states = [torch.zeros(1, 1, 128), torch.zeros(1, 1, 1)]
    arrivals, largest, ended = 0, 0.0, 0
    for _ in range(STEPS):
        with torch.no_grad():
            expected = policy.act_inference(obs)
            before = states[0]
            actions, *states = exported(obs, states)
        arrivals += not torch.equal(before, states[0])
        largest = max(largest, float((actions - expected).abs().max()))
        obs, _, dones, _ = env.step(expected)
        if bool(dones.any()):
            policy.reset(dones)
            states = [torch.zeros_like(state) for state in states]
            ended += 1
    env.close()
    assert largest < 1e-4
    # The memory moved with the images, about ten times a second, and not with every step.
    assert STEPS / 5 - 6 <= arrivals <= STEPS / 5 + 6 + 2 * ended


def test_two_collectors_and_a_trainer_teach_it_from_files(tmp_path: Path) -> None:
    data = tmp_path / "data"
    worlds = ["--env.num-envs", "6", "--env.episode-length-s", "1.2", "--num-threads", "1"]
    images = ["--compress", "forward_depth:-0.5:0.5", "--teacher", "go1_field", "--data", str(data)]
    for name in ("first", "second"):
        assert call("collect", "go1_vision", *worlds, *images, "--name", name, "--trajectories", "8") == 0
    stored = Metadata.load(data)
    assert stored.compression["forward_depth"].dtype == "uint8" and "base_lin_vel" in (stored.critic_obs_segments or {})
    arguments = ["--log-root", str(tmp_path), "--name", "student", "--no-evaluate", "--no-video", *worlds]
    short = ["--train.num-steps-per-env", "65", "--train.max-iterations", "3", "--train.save-interval", "1"]
    short += ["--train.algorithm.num-gradient-steps", "1", "--train.algorithm.num-sequences", "4"]
    stages = ["--train.runner-class", "TwoStageRunner", "--train.dataset.folder", str(data)]
    stages += ["--train.dataset.iterations", "2", "--train.algorithm.sequence-length", "5"]
    assert call("train", "go1_vision", *arguments, *short, *stages) == 0
    run = next((tmp_path / "go1_vision").iterdir())
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert all("Loss/distillation_loss" in line for line in lines)
    # Collectors go on with what the trainer has saved, and label what it does.
    again = [*images, "--training-run", str(run), "--name", "third", "--steps", "20"]
    assert call("collect", "go1_vision", *worlds, *again) == 0
