"""Times the inference of a mutex policy against that of one of its sub-policies, side by side in one process."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from legged_gym_ext.benchmarks.update import HIDDEN
from legged_gym_ext.mdp.proprioception import PROPRIOCEPTION
from st_rl.modules import ActorCritic, ActorCriticFieldMutex, ActorCriticRecurrent
from st_rl.utils.files import write_atomically
from st_rl.utils.obs_layout import ObsLayout

NUM_ACTIONS = 12


def field_layout(num_skills: int) -> ObsLayout:
    """What a mutex policy of that many skills observes: body and obstacle ahead."""
    return ObsLayout({"proprioception": PROPRIOCEPTION.size, "engaging_block": (1 + num_skills + 2,)})


def write_skill(folder: Path, layout: ObsLayout, recurrent: bool) -> Path:
    """A run folder of an untrained policy."""
    networks: dict[str, Any] = {"actor_hidden_dims": HIDDEN, "critic_hidden_dims": HIDDEN, "activation": "elu"}
    class_ = ActorCriticRecurrent if recurrent else ActorCritic
    policy = class_(layout.size, layout.size, NUM_ACTIONS, obs_segments=layout, **networks)
    config = {
        "policy": {"class_name": class_.__name__, **networks},
        "control": {"action_scale": 0.25},
        "normalization": {"obs_scales": {"lin_vel": 2.0}},
        "obs_segments": layout.to_json(),
        "critic_obs_segments": layout.to_json(),
    }
    write_atomically(folder / "config.json", json.dumps(config).encode())
    torch.save({"model_state_dict": policy.state_dict()}, folder / "model_0.pt")
    return folder


def make_mutex(num_skills: int, recurrent: bool) -> ActorCriticFieldMutex:
    """A mutex policy of that many untrained skills, with a velocity command of its own for each."""
    layout = field_layout(num_skills)
    with tempfile.TemporaryDirectory() as folder:
        paths = [write_skill(Path(folder) / f"skill_{index}", layout, recurrent) for index in range(num_skills)]
        return ActorCriticFieldMutex(
            layout.size,
            layout.size,
            NUM_ACTIONS,
            "ActorCritic",
            paths,
            obs_segments=layout,
            cmd_vel_mapping=dict.fromkeys(range(num_skills), (0.5, 1.0)),
            env_action_scale=0.25,
        )


def observations(num_envs: int, num_skills: int) -> torch.Tensor:
    """Random ones ``(num_envs, D)``, with each obstacle before an equal share of the worlds."""
    layout = field_layout(num_skills)
    obs = torch.randn(num_envs, layout.size)
    columns = layout.slice_of("engaging_block")
    one_hot = torch.eye(num_skills)[torch.arange(num_envs) % num_skills]
    obs[:, columns.start + 1 : columns.stop - 2] = one_hot
    return obs


@torch.inference_mode()
def mutex_over_sub_policy(
    num_envs: int = 1024,
    num_skills: int = 6,
    recurrent: bool = False,
    repetitions: int = 7,
    steps: int = 20,
) -> dict[str, float]:
    """Time of ``act_inference`` of a mutex policy over that of one of its sub-policies, in the same worlds.

    Returns:
        ``ratio`` (median over alternated pairs of ``steps`` calls each), ``mutex_ms`` and ``sub_policy_ms`` per call.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        mutex, obs = make_mutex(num_skills, recurrent), observations(num_envs, num_skills)
        single: Any = mutex.submodules[0]
        times: tuple[list[float], list[float]] = ([], [])
        for repetition in range(repetitions + 1):
            for policy, seconds in zip((mutex, single), times, strict=True):
                begin = time.perf_counter()
                for _ in range(steps):
                    policy.act_inference(obs)
                # The first round only warms up.
                seconds += [(time.perf_counter() - begin) / steps] if repetition else []
            # A mutex resets the memory of sub-policies that it does not use; the single one starts over as well.
            mutex.reset()
    return {
        "ratio": statistics.median(a / b for a, b in zip(*times, strict=True)),
        "mutex_ms": 1e3 * statistics.median(times[0]),
        "sub_policy_ms": 1e3 * statistics.median(times[1]),
    }
