"""Evaluation of walking: falls, how well commands are followed, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from legged_gym_ext.envs.cfg import EnvCfg, EventTermCfg, MetricTermCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation.estimates import EstimateErrors, EstimateFigures, Estimating
from legged_gym_ext.evaluation.statistics import wilson_interval
from legged_gym_ext.mdp import curriculum, events, metrics
from legged_gym_ext.runs.folders import environment
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.runners.progress import Countdown
from st_rl.utils.errors import UnknownNameError, UserError

MAX_WORLDS = 256
"""Episodes that run at the same time."""
EPISODE_S = 20.0
"""Length of an episode, s."""
COMMAND_TIME_S = 10.0
"""How long a command is held, s."""
PUSH_INTERVAL_S = (6.0, 10.0)
"""Time between pushes, s."""
ROUGHNESS = (0.0, 0.06)
"""Peak-to-peak height of the ground on the easiest and on the hardest level, m."""

HARD_DYNAMICS = {"friction": (0.2, 1.2), "added_mass": (5.0, 5.0), "motor_strength": (0.8, 0.9)}
"""Slippery ground, a load of 5 kg, and weak motors, as parameters of ``events.randomize_dynamics``."""
WALK_CONDITIONS = ("hard_dynamics", "zero_estimate")
"""Under which a walk can be run once more: ``HARD_DYNAMICS``, or zeros for what the policy estimates."""

_METRICS = {
    "lin_vel_mse": MetricTermCfg(metrics.lin_vel_error_squared),
    "yaw_rate_mse": MetricTermCfg(metrics.yaw_rate_error_squared),
    "planar_speed": MetricTermCfg(metrics.planar_speed),
    "power_over_weight": MetricTermCfg(metrics.power_over_weight),
}


class Policy(Protocol):
    """What is evaluated."""

    def __call__(self, observations: Tensor) -> Tensor:
        """Actions (N, A) for ``observations (N, num_obs)``."""
        ...

    def reset(self, dones: Tensor | None = None) -> None:
        """Forget the memory of the worlds in ``dones (N,)``, or of all."""
        ...


MakePolicy = Callable[[LeggedEnv], Policy]
Watch = Callable[[LeggedEnv, Tensor], None]
"""Is shown the environment after every step, and in which worlds the episode goes on, (N,) bool."""


class EpisodeClock:
    """Tells a countdown how many steps are done, in the ``round``-th of several rounds of episodes."""

    def __init__(self, countdown: Countdown, round: int = 0) -> None:
        self._countdown, self._round, self._steps = countdown, round, 0

    def tick(self, length: int) -> None:
        """One more step is done of a round of ``length`` steps."""
        self._steps += 1
        self._countdown.report(self._round * length + self._steps)


@dataclass(frozen=True)
class WalkFigures:
    """Results over ``episodes`` episodes, each counted until its end."""

    episodes: int
    falls: int
    steps: int
    """Control steps of all episodes."""
    lin_vel_mse: float
    """(m/s)^2, planar."""
    yaw_rate_mse: float
    """(rad/s)^2."""
    planar_speed: float
    """m/s, mean."""
    power_over_weight: float
    """m/s, mean."""
    estimate: EstimateFigures | None = None
    """Of the base velocity, for policies that estimate it."""

    def to_json(self) -> dict[str, Any]:
        """The published figures."""
        low, high = wilson_interval(self.falls, self.episodes)
        return {
            "episodes": self.episodes,
            "fall_rate": self.falls / self.episodes,
            "fall_rate_interval": [low, high],
            "tracking_rmse_lin": self.lin_vel_mse**0.5,
            "tracking_rmse_yaw": self.yaw_rate_mse**0.5,
            "cost_of_transport": self.power_over_weight / max(self.planar_speed, 1e-6),
            "mean_speed": self.planar_speed,
            "steps": self.steps,
            **({} if self.estimate is None else self._of_estimate(self.estimate)),
        }

    @staticmethod
    def _of_estimate(estimate: EstimateFigures) -> dict[str, float]:
        return {"estimate_rmse_lin": estimate.rmse, "estimate_r2": estimate.r2}


def evaluation_cfg(cfg: EnvCfg) -> EnvCfg:
    """``cfg`` as it is evaluated: levels uniform instead of a curriculum, no commands to stand still.

    How rough the ground is, how long an episode, and how often commands change and the robot is pushed, do not depend
    on how it was trained.
    """
    field = cfg.scene.height_field
    ground = None if field is None else replace(field, roughness=ROUGHNESS)
    levels = {"evaluation_levels": EventTermCfg(curriculum.random_level, "reset")}
    push = cfg.events.get("push")
    pushes = {} if push is None else {"push": replace(push, interval_s=PUSH_INTERVAL_S)}
    return replace(
        cfg,
        scene=replace(cfg.scene, height_field=ground),
        curriculum={},
        episode_length_s=EPISODE_S,
        events=levels | cfg.events | pushes,
        metrics=_METRICS,
        commands=replace(cfg.commands, standing_fraction=0.0, resampling_time_s=COMMAND_TIME_S),
    )


def with_hard_dynamics(cfg: EnvCfg) -> EnvCfg:
    """``cfg`` with ``HARD_DYNAMICS`` wherever it draws dynamics, and with an event that draws them where none does."""
    changed = {
        name: replace(term, params=term.params | HARD_DYNAMICS)
        for name, term in cfg.events.items()
        if term.func is events.randomize_dynamics
    }
    added = {} if changed else {"hard_dynamics": EventTermCfg(events.randomize_dynamics, "reset", params=HARD_DYNAMICS)}
    return replace(cfg, events=cfg.events | changed | added)


def evaluate_walk(
    task: TaskCfg,
    make_policy: MakePolicy,
    *,
    episodes: int,
    seed: int,
    where: Where = Where(),
    hard_dynamics: bool = False,
    watch: Callable[[], Watch] | None = None,
) -> WalkFigures:
    """Run ``episodes`` full episodes, at most ``MAX_WORLDS`` at a time, with ``HARD_DYNAMICS`` or those of the task.

    The figures depend on the arguments and the policy only; torch's global generator is left as it was. ``watch`` makes
    what is shown every step, for each round of episodes anew.
    """
    if episodes < 1:
        raise UserError(f"an evaluation needs at least one episode, not {episodes}")
    worlds = min(episodes, MAX_WORLDS)
    cfg = evaluation_cfg(task.env)
    with environment(with_hard_dynamics(cfg) if hard_dynamics else cfg, where, num_envs=worlds, seed=seed) as env:
        policy = make_policy(env)
        errors = EstimateErrors(env.device)
        totals = torch.zeros(len(_METRICS) + 2, dtype=torch.float64, device=env.device)
        countdown = Countdown(f"{episodes} episodes", math.ceil(episodes / worlds) * env.max_episode_length)
        for start in range(0, episodes, worlds):
            clock, watching = EpisodeClock(countdown, start // worlds), None if watch is None else watch()
            totals += run_episodes(env, policy, min(worlds, episodes - start), clock, errors, watching)
        countdown.close()
    sums = totals.tolist()
    falls, steps = round(sums[-2]), round(sums[-1])
    means = {name: total / max(steps, 1) for name, total in zip(_METRICS, sums, strict=False)}
    return WalkFigures(episodes, falls, steps, **means, estimate=errors.figures())


def walk_report(
    task: TaskCfg,
    make_policy: MakePolicy,
    conditions: Sequence[str] = (),
    *,
    episodes: int,
    seed: int,
    where: Where = Where(),
) -> dict[str, Any]:
    """The figures of ``evaluate_walk`` and, under ``conditions``, those of the same episodes under each of them.

    Raises:
        UnknownNameError: a condition is none of ``WALK_CONDITIONS``.
        UserError: the policy has no estimate that could be zeroed.
    """
    for name in conditions:
        if name not in WALK_CONDITIONS:
            raise UnknownNameError("condition of the protocol 'walk'", name, list(WALK_CONDITIONS))

    def run(make: MakePolicy, *, hard_dynamics: bool = False) -> dict[str, Any]:
        figures = evaluate_walk(task, make, episodes=episodes, seed=seed, where=where, hard_dynamics=hard_dynamics)
        return figures.to_json()

    # The condition that may not exist for this policy comes first, so that nobody waits for the refusal.
    found = {}
    if "zero_estimate" in conditions:
        found["zero_estimate"] = run(lambda env: _without_estimates(make_policy(env)))
    plain = run(make_policy)
    if "hard_dynamics" in conditions:
        found["hard_dynamics"] = run(make_policy, hard_dynamics=True)
    return plain | ({"conditions": found} if found else {})


def _without_estimates(policy: Policy) -> Policy:
    if not isinstance(policy, Estimating):
        raise UserError("the policy estimates nothing that could be zeroed; leave the condition 'zero_estimate' out")
    policy.zero_estimates()
    return policy


@torch.inference_mode()
def run_episodes(
    env: LeggedEnv,
    policy: Policy,
    count: int,
    clock: EpisodeClock | None = None,
    errors: EstimateErrors | None = None,
    watch: Watch | None = None,
) -> Tensor:
    """One episode in each of the first ``count`` worlds; ``clock`` shows how far it is, ``watch`` is shown each step.

    ``errors`` takes in what the policy estimates, if it does.

    Returns:
        (metrics + 2,) float64: sums of the environment's metrics over the steps of these episodes, the number of
        episodes that ended by failure, and the number of steps.
    """
    obs, _ = env.reset()
    policy.reset()
    active = torch.arange(env.num_envs, device=env.device) < count
    fell = torch.zeros_like(active)
    sums = torch.zeros(len(env.metrics.names), dtype=torch.float64, device=env.device)
    steps = torch.zeros((), dtype=torch.float64, device=env.device)
    for _ in range(env.max_episode_length):
        actions = policy(obs)
        estimate = policy.estimated_velocity() if errors is not None and isinstance(policy, Estimating) else None
        if errors is not None and estimate is not None:
            errors.add(estimate, env.state.base_lin_vel, active)
        obs, _, dones, infos = env.step(actions)
        policy.reset(dones)
        if clock is not None:
            clock.tick(env.max_episode_length)
        sums += torch.where(active[:, None], env.metric_values, 0.0).double().sum(dim=0)
        steps += active.sum()
        fell |= active & dones & ~infos["time_outs"]
        active &= ~dones
        if watch is not None:
            watch(env, active)
        if env.device.type == "cpu" and not bool(active.any()):
            break
    return torch.cat((sums, fell.sum().double().view(1), steps.view(1)))
