"""Configuration of an environment: plain frozen dataclasses; terms refer to their functions directly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from legged_gym_ext.mdp.commands import VelocityCommandCfg
from legged_gym_ext.mdp.proprioception import PROPRIOCEPTION, NoiseCfg, ObsScalesCfg
from legged_gym_ext.sensors.depth_camera import DepthCameraCfg
from legged_gym_ext.sensors.latency import LatencyCfg
from legged_gym_ext.sim.interface import SceneCfg, SimCfg
from legged_gym_ext.terrain.tracks import TrackCfg

Params = dict[str, Any]


@dataclass(frozen=True)
class ObsTermCfg:
    """One named segment: ``func(env, **params) -> (N, *shape)``."""

    func: Callable[..., Tensor]
    scale: float = 1.0
    noise: float = 0.0
    """Half width of uniform noise that the actor sees, in the unit of ``func``."""
    late: bool = False
    """Whether ``EnvCfg.latency`` delays it for the actor, as it delays what the robot measures of itself."""
    params: Params = field(default_factory=dict)


@dataclass(frozen=True)
class ProprioceptionCfg:
    """A segment of parts of what the robot knows of itself (``mdp/proprioception.py``).

    Its parts are scaled by ``NormalizationCfg.obs_scales``; those that are measured have the noise of
    ``EnvCfg.noise`` and are delayed by ``EnvCfg.latency``.
    """

    parts: tuple[str, ...] = PROPRIOCEPTION.names


ObservationCfg = ObsTermCfg | ProprioceptionCfg
"""What a segment may be made from."""


@dataclass(frozen=True)
class RewardTermCfg:
    """``weight * func(env, **params)``, a rate per second."""

    func: Callable[..., Tensor]
    weight: float
    params: Params = field(default_factory=dict)


@dataclass(frozen=True)
class TerminationTermCfg:
    """The episode ends where ``func(env, **params) -> (N,)`` is true."""

    func: Callable[..., Tensor]
    time_out: bool = False
    """The end is no failure: the value of the state is bootstrapped."""
    params: Params = field(default_factory=dict)


@dataclass(frozen=True)
class EventTermCfg:
    """``func(env, mask, **params)`` changes the worlds in ``mask``."""

    func: Callable[..., None]
    mode: Literal["startup", "reset", "interval"]
    interval_s: tuple[float, float] = (0.0, 0.0)
    """For ``interval``: time between two events of a world, drawn uniformly, s."""
    params: Params = field(default_factory=dict)


@dataclass(frozen=True)
class CurriculumTermCfg:
    """``func(env, mask, **params)`` adapts worlds whose episode just ended, before they are reset."""

    func: Callable[..., None]
    params: Params = field(default_factory=dict)


@dataclass(frozen=True)
class MetricTermCfg:
    """``func(env, **params) -> (N,)`` is logged, averaged over the worlds."""

    func: Callable[..., Tensor]
    params: Params = field(default_factory=dict)


@dataclass(frozen=True)
class ControlCfg:
    """From actions to joint targets ``default + action_scale * action``, and the gains that lead to them.

    ``None`` is the robot's own (``RobotCfg``).
    """

    action_scale: float | None = None
    """rad per unit of action."""
    stiffness: tuple[float, ...] | None = None
    """Proportional gains, N m/rad: one for all joints, one each for hip, thigh and calf, or one for each joint."""
    damping: tuple[float, ...] | None = None
    """Derivative gains, N m s/rad, as ``stiffness``."""


@dataclass(frozen=True)
class NormalizationCfg:
    """Scales and clips between physical units and the policy."""

    obs_scales: ObsScalesCfg = field(default_factory=ObsScalesCfg)
    clip_observations: float = 100.0
    clip_actions: float = 10.0


@dataclass(frozen=True)
class EnvCfg:
    """Everything an environment is made from."""

    robot: str
    num_envs: int
    episode_length_s: float
    observations: dict[str, ObservationCfg]
    critic_observations: dict[str, ObservationCfg]
    rewards: dict[str, RewardTermCfg]
    terminations: dict[str, TerminationTermCfg]
    events: dict[str, EventTermCfg]
    curriculum: dict[str, CurriculumTermCfg]
    metrics: dict[str, MetricTermCfg]
    sim: SimCfg = field(default_factory=SimCfg)
    scene: SceneCfg = field(default_factory=SceneCfg)
    track: TrackCfg | None = None
    """Every world has a track of obstacles, which determines ``scene.num_boxes``."""
    control: ControlCfg = field(default_factory=ControlCfg)
    normalization: NormalizationCfg = field(default_factory=NormalizationCfg)
    noise: NoiseCfg = field(default_factory=NoiseCfg)
    commands: VelocityCommandCfg = field(default_factory=VelocityCommandCfg)
    tracking_score: MetricTermCfg | None = None
    """How well the commands are followed in a step, in [0, 1]; curricula read its mean over the episode."""
    latency: LatencyCfg | None = None
    """Delays of the actor's measurements and of the actions; ``None`` is none. The critic sees what is."""
    camera: DepthCameraCfg | None = None
    """The depth camera that ``forward_depth`` is the image of; it has a latency of its own."""
    only_positive_rewards: bool = False
    """Clip the summed reward at zero."""
