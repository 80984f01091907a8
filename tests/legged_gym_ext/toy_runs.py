"""Run folders of small policies that nobody has trained."""

from __future__ import annotations

from pathlib import Path

import torch

from legged_gym_ext.runs import folders as runs, mutex
from legged_gym_ext.tasks.registry import get_task
from st_rl.modules import ActorCritic
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
