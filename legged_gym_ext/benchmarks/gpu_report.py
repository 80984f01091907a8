"""What a GPU makes of this suite: speed at several numbers of worlds, memory, and the time until a robot walks."""

from __future__ import annotations

import io
import json
import logging
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from legged_gym_ext.benchmarks.environment import measure, memory_mib, now
from legged_gym_ext.envs.cfg import ObsTermCfg
from legged_gym_ext.evaluation.walk import WalkFigures, evaluate_walk
from legged_gym_ext.mdp import observations
from legged_gym_ext.runs.folders import make_env
from legged_gym_ext.runs.training import make_runner
from legged_gym_ext.sensors.depth_camera import DepthCameraCfg
from legged_gym_ext.sim.where import Where, check_device_name
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.modules import EncoderCfg
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Checked, Count, Positive, Share

log = logging.getLogger(__name__)

MJLAB_SCRIPT = Path(__file__).with_name("beside_mjlab.py")
"""Runs in an interpreter of its own, because mjlab needs another version of the engine."""


@dataclass(frozen=True)
class WalkGoal(Checked):
    """What counts as walking, in an evaluation of ``episodes`` episodes."""

    episodes: Count = 256
    falls: Share = 0.02
    """At most this share of the episodes ends in a fall."""
    lin_error: Positive = 0.2
    """m/s, RMS of the planar velocity error."""
    yaw_error: Positive = 0.25
    """rad/s, RMS of the yaw rate error."""
    max_seconds: Positive = 300.0
    """s of training, after which it is given up."""
    every: Count = 10
    """Iterations between two evaluations, whose time does not count."""

    def reached_by(self, figures: WalkFigures) -> bool:
        """Whether ``figures`` are as good."""
        published = figures.to_json()
        return (
            published["fall_rate"] <= self.falls
            and published["tracking_rmse_lin"] <= self.lin_error
            and published["tracking_rmse_yaw"] <= self.yaw_error
        )


def sweep(
    task: TaskCfg,
    worlds: Sequence[int],
    *,
    where: Where,
    rounds: int,
    steps: int,
    graphed: bool = False,
) -> list[dict[str, Any]]:
    """``measure`` at each number of worlds; what fails says why, and where the memory ends the sweep does.

    Args:
        graphed: whole control steps are replayed.
    """
    results = []
    for count in worlds:
        log.info("%s: %d worlds%s", task.name, count, ", steps replayed" if graphed else "")
        try:
            results.append(measure(task, worlds=count, rounds=rounds, steps=steps, where=where, graphed=graphed))
        except RuntimeError as error:
            # A report of many measurements must not be lost for one of them.
            results.append({"worlds": count, "graphed": graphed, "error": str(error).splitlines()[0]})
            # torch has a class of its own for it, Warp only words.
            if isinstance(error, torch.OutOfMemoryError) or "allocate" in str(error):
                break
    return results


def graphs_pay(results: Sequence[Mapping[str, Any]]) -> bool:
    """Whether training is faster with replayed steps, at the largest number of worlds measured both ways."""
    rates = {
        (result["worlds"], result["graphed"]): result["train_steps_per_second"]
        for result in results
        if "error" not in result
    }
    both = [worlds for worlds, graphed in rates if graphed and (worlds, False) in rates]
    return bool(both) and rates[max(both), True] > rates[max(both), False]


SEEING_POLICY = EncoderCfg(
    class_name="EncoderActorCritic",
    encoder_component_names=("forward_depth",),
    encoder_class_name=("Conv2dHeadModel",),
    encoder_output_size=32,
)
"""A policy that reads the image through a convolutional encoder."""


def seeing(task: TaskCfg) -> TaskCfg:
    """``task`` with a depth image in the actor's observation, and an encoder for it."""
    image = {"forward_depth": ObsTermCfg(observations.forward_depth)}
    env = replace(task.env, camera=DepthCameraCfg(), observations=task.env.observations | image)
    return replace(task, env=env, train=replace(task.train, policy=SEEING_POLICY))


def memory_of(task: TaskCfg, worlds: int, where: Where) -> dict[str, Any]:
    """GiB in use on the device in an iteration of training of ``task`` in ``worlds`` worlds."""
    torch.cuda.empty_cache()  # of what was measured before
    env = make_env(task.env, where, num_envs=worlds, seed=task.train.seed)
    try:
        runner = make_runner(replace(task, env=env.cfg), env, None)
        runner.stream = io.StringIO()
        runner.learn(1)
        used = memory_mib(where.device)
    finally:
        env.close()
    return {"task": task.name, "worlds": worlds, "memory_gib": None if used is None else used / 1024.0}


def time_to_walk(
    task: TaskCfg,
    goal: WalkGoal,
    *,
    worlds: int,
    where: Where,
    graphed: bool = False,
) -> dict[str, Any]:
    """Train from scratch until an evaluation reaches ``goal``.

    Args:
        graphed: whole control steps are replayed in training.

    Returns:
        ``seconds`` of training (``None`` if the goal was not reached), iterations, steps, and the last figures.
    """
    seed = task.train.seed
    env = make_env(task.env, where, num_envs=worlds, seed=seed, graphed=graphed)
    seconds, reached, figures = 0.0, False, None
    try:
        runner = make_runner(replace(task, env=env.cfg), env, None)
        runner.stream = io.StringIO()
        while seconds < goal.max_seconds and not reached:
            begin = now(env.device)
            runner.learn(goal.every, init_at_random_ep_len=runner.iteration == 0)
            seconds += now(env.device) - begin
            policy = _Acting(runner.get_inference_policy())
            figures = evaluate_walk(task, lambda _, policy=policy: policy, episodes=goal.episodes, seed=1, where=where)
            runner.alg.train_mode()
            reached = goal.reached_by(figures)
            log.info("%.0f s, %d iterations: %s", seconds, runner.iteration, figures.to_json())
    finally:
        env.close()
    return {
        "goal": asdict(goal),
        "worlds": worlds,
        "graphed": graphed,
        "seconds": seconds if reached else None,
        "seconds_trained": seconds,
        "iterations": runner.iteration,
        "steps": runner.iteration * runner.num_steps_per_env * worlds,
        "figures": None if figures is None else figures.to_json(),
    }


class _Acting:
    """A policy without memory as an evaluation wants it."""

    def __init__(self, act: Any) -> None:
        self._act = act

    def __call__(self, observations: torch.Tensor) -> torch.Tensor:
        return self._act(observations)

    def reset(self, dones: torch.Tensor | None = None) -> None:
        """Nothing to forget."""


def mjlab_rates(python: Path | None, worlds: Sequence[int], *, steps: int, device: str) -> list[dict[str, Any]] | str:
    """Environment steps per second of mjlab's task ``Mjlab-Velocity-Flat-Unitree-Go1``, or why there are none.

    Args:
        python: an interpreter that can import mjlab; ``None`` if there is none.
    """
    if python is None:
        return "not measured: name an interpreter that has mjlab with --mjlab-python"
    command = [str(python), str(MJLAB_SCRIPT), device, str(steps), *map(str, worlds)]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(answer.stdout.splitlines()[-1])
    except OSError as error:
        return f"not measured: {error}"
    except subprocess.CalledProcessError as error:
        return "not measured: " + (error.stderr.strip().splitlines() or ["no message"])[-1]


def require_gpu(device: str) -> None:
    """``UserError`` unless ``device`` is a GPU of this machine."""
    check_device_name(device)
    if not device.startswith("cuda") or not torch.cuda.is_available():
        raise UserError(f"the report needs an NVIDIA GPU that torch can use, and there is none at '{device}'")
