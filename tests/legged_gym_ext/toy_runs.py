"""Run folders of small policies that nobody has trained, or hardly."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from legged_gym_ext.runs import folders as runs, mutex
from legged_gym_ext.runs.command_line import parse_task
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from st_rl.modules import ActorCritic, RecurrentCfg
from st_rl.runners import checkpoint

HIDDEN = [8]


def write_toy_run(folder: Path, task_name: str, seed: int = 0) -> Path:
    """A run of ``task_name`` with an untrained ``ActorCritic`` as its only checkpoint."""
    task = get_task(task_name)
    actor, critic = mutex.task_layouts(task)
    networks = {"actor_hidden_dims": HIDDEN, "critic_hidden_dims": HIDDEN}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = ActorCritic(actor.size, critic.size, 12, obs_segments=actor, critic_obs_segments=critic, **networks)
    layouts = {"obs_segments": actor.to_json(), "critic_obs_segments": critic.to_json()}
    config = runs.run_config(task, "mujoco") | layouts
    folder.mkdir(parents=True)
    checkpoint.write_json(
        folder / "config.json", config | {"num_actions": 12, "policy": {"class_name": "ActorCritic"} | networks}
    )
    state = {"model_state_dict": policy.state_dict(), "optimizer_state_dict": {"step": torch.ones(1000)}}
    checkpoint.save_tensors(folder / "model_3.pt", state)
    return folder


def write_toy_skills(root: Path, robot: str = "go1") -> dict[str, Path]:
    """A toy run for every skill of a mutex, by skill, in ``root/<robot>_<skill>``."""
    return {
        skill: write_toy_run(root / f"{robot}_{skill}", f"{robot}_{skill}", seed=index)
        for index, skill in enumerate(mutex.MUTEX_ORDER)
    }


@dataclass
class _Options:
    """Options of a training."""

    task: str = ""


def train_toy_run(folder: Path, *arguments: str) -> Path:
    """A run of one short iteration of the task, and with the settings, that ``arguments`` name on a command line."""
    _, task = parse_task(_Options, list(arguments))
    policy = replace(task.train.policy, actor_hidden_dims=(8,), critic_hidden_dims=(8,))
    if isinstance(policy, RecurrentCfg):
        policy = replace(policy, rnn_hidden_size=8)
    train = replace(task.train, policy=policy, num_steps_per_env=2)
    env = runs.make_env(task.env, Where(num_threads=1), num_envs=4, seed=1)
    try:
        runner = make_runner(replace(task, train=train), env, folder)
        runner.stream = io.StringIO()
        runner.learn(1)
    finally:
        env.close()
    return folder
