"""A teacher for the point mass, and a collector as a process of its own.

Run as a script it collects until it is told to stop:
``python toys_collecting.py FOLDER NAME [--run RUN_FOLDER] [--slow]``; ``--slow`` takes long over every file.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import torch
from toys import PointMass

from st_rl.algorithms.teacher import Teacher
from st_rl.modules import ActorCritic
from st_rl.runners import DaggerSaver, DemonstrationSaver
from st_rl.runners.demonstration_saver import EnvDescription


def lqr_policy(env: PointMass) -> ActorCritic:
    """The best linear feedback as a policy without hidden layers."""
    layout = env.obs_segments
    policy = ActorCritic(4, 4, 2, actor_hidden_dims=None, critic_hidden_dims=[8], obs_segments=layout)
    with torch.no_grad():
        policy.actor.mean.weight.copy_(-env.lqr_gain())
        policy.actor.mean.bias.zero_()
    return policy


def lqr_teacher(env: PointMass) -> Teacher:
    return Teacher(lqr_policy(env), EnvDescription.of(env))


def mean_return(env: PointMass, policy: Any) -> float:
    """Return of one episode in every world under ``policy(obs)``."""
    obs, _ = env.reset()
    total = torch.zeros(env.num_envs)
    with torch.no_grad():
        for _ in range(env.max_episode_length):
            obs, rewards, _, _ = env.step(policy(obs))
            total += rewards
    return float(total.mean())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--slow", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.slow:
        replace = os.replace

        def slowly(*paths: Any) -> None:
            time.sleep(1.0)
            replace(*paths)

        os.replace = slowly  # type: ignore[assignment]
    env = PointMass(16, seed=os.getpid())
    if arguments.run is None:
        saver = DemonstrationSaver(env, lqr_teacher(env), arguments.folder, collector=arguments.name)
    else:
        options = {"training_run": arguments.run, "check_interval": 5}
        saver = DaggerSaver(env, lqr_teacher(env), arguments.folder, collector=arguments.name, **options)
    saver.collect()


if __name__ == "__main__":
    main()
