"""Episodes on tracks: one per world, with what happened in each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from legged_gym_ext.envs.cfg import MetricTermCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation.body_probe import BodyProbe
from legged_gym_ext.evaluation.walk import EpisodeClock, Policy
from legged_gym_ext.mdp import metrics, rewards, track_terms as tracks
from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.terrain import queries
from st_rl.utils.attributes import field_values


def passed_blocks(env: EnvState) -> Tensor:
    """Number of obstacles passed so far."""
    return tracks.track_of(env).passed.float()


def peak_torque(env: EnvState) -> Tensor:
    """Largest torque of a joint in any physics step of this control step, N m."""
    return env.sim.torques.abs().amax(dim=(1, 2))


def peak_joint_speed(env: EnvState) -> Tensor:
    """Largest speed of a joint after any physics step of this control step, rad/s."""
    return env.sim.substep_dof_vel.abs().amax(dim=(1, 2))


def solid_penetration(env: EnvState, probe: BodyProbe) -> Tensor:
    """Deepest penetration of a body into a solid box at the end of this control step, m."""
    return probe.depths(env.sim, tracks.track_of(env)).amax(dim=1)


MEANS = ("power", "lin_vel_mse", "yaw_rate_mse", "planar_speed", "power_over_weight", "edge_violation")
"""Metrics that are averaged over the steps of an episode."""
PEAKS = ("peak_torque", "peak_joint_speed", "worst_penetration")
"""Metrics of which the largest value of an episode counts."""
PROGRESS = ("passed", "distance")
"""Metrics whose value before a failure counts."""


def episode_metrics(robot: RobotCfg, device: str) -> dict[str, MetricTermCfg]:
    """What is measured in every step: first ``MEANS``, then ``PEAKS``, then ``PROGRESS``."""
    return {
        "power": MetricTermCfg(rewards.mechanical_power),
        "lin_vel_mse": MetricTermCfg(metrics.lin_vel_error_squared),
        "yaw_rate_mse": MetricTermCfg(metrics.yaw_rate_error_squared),
        "planar_speed": MetricTermCfg(metrics.planar_speed),
        "power_over_weight": MetricTermCfg(metrics.power_over_weight),
        "edge_violation": MetricTermCfg(tracks.edge_violation),
        "peak_torque": MetricTermCfg(peak_torque),
        "peak_joint_speed": MetricTermCfg(peak_joint_speed),
        "worst_penetration": MetricTermCfg(solid_penetration, {"probe": BodyProbe(robot, device)}),
        "passed": MetricTermCfg(passed_blocks),
        "distance": MetricTermCfg(tracks.distance_covered),
    }


@dataclass
class TrackEpisodes:
    """What happened in E episodes on tracks of M blocks."""

    kind: Tensor
    """(E, M) long, place of the block's type in ``TrackCfg.blocks``."""
    parameter: Tensor
    """(E, M) in the unit of the type."""
    difficulty: Tensor
    """(E, M) in [0, 1], difficulty within the range that the evaluation covers."""
    finish: Tensor
    """(E,) m, x at which the last obstacle is passed."""
    steps: Tensor
    """(E,) control steps."""
    failed: Tensor
    """(E,) bool: ended by a fall, beside or below the track."""
    passed: Tensor
    """(E,) long, obstacles passed before any failure."""
    distance: Tensor
    """(E,) m, how far along the track the base was before any failure."""
    means: Tensor
    """(E, len(MEANS)) sums over the steps."""
    peaks: Tensor
    """(E, len(PEAKS))."""

    def first(self, count: int) -> TrackEpisodes:
        """The first ``count`` episodes."""
        return TrackEpisodes(*(value[:count] for value in field_values(self).values()))

    def succeeded(self) -> Tensor:
        """(E, M) bool: which obstacles were passed."""
        blocks = torch.arange(self.kind.shape[1], device=self.kind.device)
        return blocks < self.passed[:, None]

    def attempted(self) -> Tensor:
        """(E, M) bool: the obstacles that were passed and the one at which the episode ended."""
        blocks = torch.arange(self.kind.shape[1], device=self.kind.device)
        return blocks <= self.passed[:, None]


def join(parts: list[TrackEpisodes]) -> TrackEpisodes:
    """All episodes of ``parts``."""
    columns = zip(*(field_values(part).values() for part in parts), strict=True)
    return TrackEpisodes(*(torch.cat(column) for column in columns))


@torch.inference_mode()
def run_track_episodes(
    env: LeggedEnv,
    policy: Policy,
    before_step: Callable[[Tensor], None] | None = None,
    clock: EpisodeClock | None = None,
) -> TrackEpisodes:
    """One episode in every world of an environment whose metrics are ``episode_metrics``.

    ``before_step`` is told before every control step in which worlds the episode is not over, (N,) bool;
    ``clock`` shows how far it is.
    """
    obs, _ = env.reset()
    policy.reset()
    assert env.state.track is not None, "an evaluation on tracks needs EnvCfg.track"
    now = env.state.track.tracks
    n, device = env.num_envs, env.device
    result = TrackEpisodes(
        kind=now.kind.clone(),
        parameter=now.parameter.clone(),
        difficulty=now.difficulty.clone(),
        finish=queries.finish_line(now),
        steps=torch.zeros(n, dtype=torch.long, device=device),
        failed=torch.zeros(n, dtype=torch.bool, device=device),
        passed=torch.zeros(n, device=device),
        distance=torch.zeros(n, device=device),
        means=torch.zeros(n, len(MEANS), dtype=torch.float64, device=device),
        peaks=torch.zeros(n, len(PEAKS), device=device),
    )
    active = torch.ones(n, dtype=torch.bool, device=device)
    for _ in range(env.max_episode_length):
        if before_step is not None:
            before_step(active)
        obs, _, dones, infos = env.step(policy(obs))
        policy.reset(dones)
        if clock is not None:
            clock.tick(env.max_episode_length)
        take_in(result, env.metric_values, active, dones & ~infos["time_outs"])
        active = active & ~dones
        if device.type == "cpu" and not bool(active.any()):
            break
    result.passed = result.passed.round().long()
    return result


def take_in(result: TrackEpisodes, values: Tensor, active: Tensor, failed: Tensor) -> None:
    """Add the ``values (N, metrics)`` of one step of the episodes that are ``active (N,)``, in place.

    Progress in a step that ended in failure, ``failed (N,)``, does not count.
    """
    means, peaks, progress = values.split((len(MEANS), len(PEAKS), len(PROGRESS)), dim=1)
    result.means += torch.where(active[:, None], means, 0.0)
    result.peaks = torch.maximum(result.peaks, torch.where(active[:, None], peaks, 0.0))
    counts = active & ~failed
    result.passed = torch.maximum(result.passed, torch.where(counts, progress[:, 0], 0.0))
    result.distance = torch.maximum(result.distance, torch.where(counts, progress[:, 1], 0.0))
    result.steps += active
    result.failed |= active & failed
