"""Evaluation on obstacle tracks: the protocols ``rpl``, ``levels`` and ``course``.

``rpl``: one obstacle an episode at the test ranges of Zhuang et al. 2023 (Robot Parkour Learning, CoRL), drawn
uniformly. ``levels``: one obstacle an episode, success for every tenth of the range of difficulty. ``course``: tracks
of several obstacles of all types. Obstacles are solid; dynamics are randomized, and commands drawn, as in training.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from torch import Tensor

from legged_gym_ext.envs.cfg import EnvCfg, EventTermCfg, TerminationTermCfg
from legged_gym_ext.evaluation.episodes import MEANS, PEAKS, TrackEpisodes, episode_metrics, join, run_track_episodes
from legged_gym_ext.evaluation.statistics import wilson_interval
from legged_gym_ext.evaluation.walk import EpisodeClock, MakePolicy
from legged_gym_ext.mdp import track_terms as tracks
from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.mdp.events import arrive
from legged_gym_ext.robots.registry import get_robot
from legged_gym_ext.runs.folders import environment
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.terrain import queries
from legged_gym_ext.terrain.blocks import BLOCKS
from legged_gym_ext.terrain.tracks import TrackCfg
from st_rl.runners.progress import Countdown
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.ranges import Bounds, Checked, Ends, Share

MAX_WORLDS = 256
"""Episodes that run at the same time."""
TEST_DISTANCE = 3.6
"""``rpl``: distances are counted up to here, m."""
TEST_RANGES: dict[str, Ends] = {
    "jump": (0.25, 0.50),
    "down": (-0.25, -0.60),
    "leap": (0.30, 0.90),
    "crawl": (0.30, 0.20),
    "tilt": (0.30, 0.26),
    "hurdle": (0.25, 0.45),
}
"""``rpl``: parameters of the obstacles, in m; other types are tested over their whole range."""
FINER = 4
"""Evaluations take so many physics steps for one of training: how deep a hard landing goes into an obstacle, and how
far a joint beyond its limit, is mostly what happens within one step."""
NUM_LEVELS = 10
"""``levels``: equal parts of the range of difficulty."""


NUM_PARTS = 5
"""``rpl``: equal parts of the test range for which success is told too."""


@dataclass(frozen=True)
class TrackOptions(Checked):
    """What a protocol leaves open."""

    blocks: tuple[str, ...] = ()
    """Types of obstacle; none stands for those of the task."""
    num_blocks: Annotated[int, Bounds(ge=1, le=100)] = 5
    """``course``: obstacles of a track."""
    difficulty: Share = 0.5
    """``course``: 0 is the easiest and 1 the hardest obstacle of each type."""


def covered(env: EnvState, distance: float) -> Tensor:
    """The last obstacle has been passed, and the base is ``distance`` m along the track."""
    x = env.base_pos[:, 0]
    return (x > queries.finish_line(tracks.track_of(env).tracks) + 0.2) & (x > distance)


def every_level(env: EnvState, mask: Tensor) -> None:
    """Each level of difficulty in every ``NUM_LEVELS``-th world."""
    track = tracks.track_of(env)
    track.levels = (torch.arange(env.num_envs, device=env.device) % NUM_LEVELS)[:, None].expand_as(track.levels)


def _rpl_track(track: TrackCfg, options: TrackOptions) -> TrackCfg:
    parameters = {name: TEST_RANGES[name] for name in track.blocks if name in TEST_RANGES}
    return replace(track, num_blocks=1, difficulty=(0.0, 1.0), parameters=parameters)


def _levels_track(track: TrackCfg, options: TrackOptions) -> TrackCfg:
    return replace(track, num_blocks=1, difficulty=(0.0, 1.0), parameters={})


def _course_track(track: TrackCfg, options: TrackOptions) -> TrackCfg:
    exact = (options.difficulty, options.difficulty)
    return replace(track, num_blocks=options.num_blocks, order="random", difficulty=exact, parameters={})


TRACK_PROTOCOLS: dict[str, Callable[[TrackCfg, TrackOptions], TrackCfg]] = {
    "rpl": _rpl_track,
    "levels": _levels_track,
    "course": _course_track,
}
"""Name of a protocol -> the tracks it evaluates on."""


def track_evaluation_cfg(
    cfg: EnvCfg, protocol: str, options: TrackOptions | None = None, device: str = "cpu"
) -> EnvCfg:
    """``cfg`` as it is evaluated by ``protocol``.

    Raises:
        UserError: the task has no tracks, or an option is impossible.
    """
    options = options or TrackOptions()
    if protocol not in TRACK_PROTOCOLS:
        raise UnknownNameError("protocol", protocol, ["walk", *TRACK_PROTOCOLS])
    if cfg.track is None:
        raise UserError(f"the protocol '{protocol}' needs a task with obstacles; use --protocol walk, or another task")
    for name in options.blocks:
        if name not in BLOCKS:
            raise UnknownNameError("block", name, sorted(BLOCKS))
    # Training may show some types more often than others.
    blocks = options.blocks or tuple(dict.fromkeys(cfg.track.blocks))
    track = TRACK_PROTOCOLS[protocol](replace(cfg.track, blocks=blocks), options)
    events = {"evaluation_solid": EventTermCfg(tracks.solid_obstacles, "reset")} | cfg.events
    how: dict[str, Any] = {"uniform": True}
    if protocol == "levels":
        events = {"evaluation_levels": EventTermCfg(every_level, "reset")} | events
        how = {"uniform": False, "num_levels": NUM_LEVELS}
    # Every episode begins on the start platform; where skills are combined they hand over by themselves.
    elsewhere = (arrive, tracks.start_before_obstacle)
    events = {name: term for name, term in events.items() if term.func not in elsewhere}
    for name, term in events.items():
        if term.func is tracks.new_track:
            events[name] = replace(term, params=term.params | how)
    only_in_training = (tracks.finished, tracks.stuck)
    terminations = {name: term for name, term in cfg.terminations.items() if term.func not in only_in_training}
    distance = TEST_DISTANCE if protocol == "rpl" else 0.0
    terminations["covered"] = TerminationTermCfg(covered, time_out=True, params={"distance": distance})
    return replace(
        cfg,
        track=track,
        events=events,
        terminations=terminations,
        curriculum={},
        metrics=episode_metrics(get_robot(cfg.robot), device),
        commands=replace(cfg.commands, standing_fraction=0.0),
        sim=replace(cfg.sim, dt=cfg.sim.dt / FINER, decimation=cfg.sim.decimation * FINER),
    )


def run_protocol(
    task: TaskCfg,
    make_policy: MakePolicy,
    protocol: str,
    *,
    episodes: int,
    seed: int,
    options: TrackOptions | None = None,
    where: Where = Where(),
) -> tuple[TrackCfg, TrackEpisodes]:
    """The tracks of the protocol and ``episodes`` episodes on them, at most ``MAX_WORLDS`` at a time.

    The result depends on the arguments and the policy only; torch's global generator is left as it was.
    """
    if episodes < 1:
        raise UserError(f"an evaluation needs at least one episode, not {episodes}")
    cfg = track_evaluation_cfg(task.env, protocol, options, where.device)
    assert cfg.track is not None
    rounds = math.ceil(episodes / MAX_WORLDS)
    worlds = math.ceil(episodes / rounds)
    with environment(cfg, where, num_envs=worlds, seed=seed) as env:
        policy = make_policy(env)
        countdown = Countdown(f"{episodes} episodes", rounds * env.max_episode_length)
        done = join([run_track_episodes(env, policy, clock=EpisodeClock(countdown, i)) for i in range(rounds)])
        countdown.close()
    return cfg.track, done.first(episodes)


def share(successes: Tensor) -> dict[str, Any]:
    """Number, rate and 95 % Wilson interval of the true ones of ``successes (n,)``."""
    trials, won = successes.numel(), int(successes.sum())
    return {
        "episodes": trials,
        "passed": won,
        "success_rate": won / trials if trials else 0.0,
        "success_ci": list(wilson_interval(won, trials)),
    }


def track_report(protocol: str, track: TrackCfg, done: TrackEpisodes) -> dict[str, Any]:
    """The published figures of ``episodes`` by ``protocol``; rates in [0, 1], SI units."""
    total = done.means.sum(dim=0) / max(int(done.steps.sum()), 1)
    mean = dict(zip(MEANS, total.tolist(), strict=True))
    peak = dict(zip(PEAKS, done.peaks.amax(dim=0).tolist(), strict=True))
    overall = share(done.passed == track.num_blocks)
    falls, episodes = int(done.failed.sum()), len(done.failed)
    report: dict[str, Any] = {
        "protocol": protocol,
        "episodes": episodes,
        "success_rate": overall["success_rate"],
        "success_ci": overall["success_ci"],
        "mean_distance": float(done.distance.clamp_max(TEST_DISTANCE if protocol == "rpl" else math.inf).mean()),
        "per_block": _per_block(track, done, NUM_PARTS if protocol == "rpl" else 0),
        "mean_power": mean["power"],
        **peak,
        "edge_violation": mean["edge_violation"],
        "fall_rate": falls / episodes,
        "fall_rate_interval": list(wilson_interval(falls, episodes)),
        "tracking_rmse_lin": mean["lin_vel_mse"] ** 0.5,
        "tracking_rmse_yaw": mean["yaw_rate_mse"] ** 0.5,
        "cost_of_transport": mean["power_over_weight"] / max(mean["planar_speed"], 1e-6),
        "mean_speed": mean["planar_speed"],
        "steps": int(done.steps.sum()),
    }
    if protocol == "levels":
        report["levels"] = _per_level(done)
    if protocol == "course":
        passed = float(done.passed.sum()) / (episodes * track.num_blocks)
        report["blocks_passed_rate"] = passed
        report["finish_rate"] = overall["success_rate"]
        report["mean_x_displacement"] = float((done.distance / done.finish).clamp(0.0, 1.0).mean())
        report["difficulty"] = track.difficulty[0]
    return report


def _per_block(track: TrackCfg, done: TrackEpisodes, parts: int) -> dict[str, Any]:
    """Success at the obstacles of each type that were attempted, overall and in ``parts`` parts of its range."""
    succeeded, attempted = done.succeeded(), done.attempted()
    result = {}
    for index, name in enumerate(track.blocks):
        low, high = track.parameters.get(name, BLOCKS[name].parameter)
        ends = [low + (high - low) * part for part in track.difficulty]
        counts = attempted & (done.kind == index)
        result[name] = share(succeeded[counts]) | {"parameter": [round(end, 6) for end in ends]}
        if parts and low != high:
            won, difficulty = succeeded[counts], done.difficulty[counts]
            result[name]["parts"] = [
                {"parameter": [round(low + (high - low) * (i + end) / parts, 6) for end in (0, 1)]} | share(won[chosen])
                for i, chosen in enumerate(_in_parts(difficulty, parts))
            ]
    return result


def _per_level(done: TrackEpisodes) -> list[dict[str, Any]]:
    """Success at each level of difficulty, easiest first."""
    succeeded, difficulty = done.succeeded()[:, 0], done.difficulty[:, 0]
    return [
        {"difficulty": [i / NUM_LEVELS, (i + 1) / NUM_LEVELS]} | share(succeeded[chosen])
        for i, chosen in enumerate(_in_parts(difficulty, NUM_LEVELS))
    ]


def _in_parts(difficulty: Tensor, parts: int) -> list[Tensor]:
    """For each of equal parts of [0, 1], which of ``difficulty (n,)`` are in it, (n,) bool."""
    place = (difficulty * parts).long().clamp_max(parts - 1)
    return [place == index for index in range(parts)]
