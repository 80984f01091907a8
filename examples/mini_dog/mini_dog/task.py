"""``stand``: stay where you are for five seconds while you are pushed."""

from __future__ import annotations

from dataclasses import replace

from legged_gym_ext import TaskCfg
from legged_gym_ext.envs.cfg import EventTermCfg, RewardTermCfg
from legged_gym_ext.mdp import events
from legged_gym_ext.mdp.commands import VelocityCommandCfg
from legged_gym_ext.tasks.walk import walk
from mini_dog.rewards import drift


def stand(robot: str) -> TaskCfg:
    """The walking task of ``robot`` on flat ground, with commands to stand still, hard pushes, and ``drift``."""
    base = walk(robot)
    push = EventTermCfg(events.push, "interval", interval_s=(1.0, 2.0), params={"lin_vel": (-1.0, 1.0)})
    pose = EventTermCfg(events.reset_root_and_joints, "reset", params={"xy": (0.0, 0.0)})
    env = replace(
        base.env,
        num_envs=256,
        episode_length_s=5.0,
        rewards=base.env.rewards | {"drift": RewardTermCfg(drift, weight=-2.0)},
        commands=VelocityCommandCfg(standing_fraction=1.0),
        events=base.env.events | {"pose": pose, "push": push},
    )
    return replace(base, env=env)
