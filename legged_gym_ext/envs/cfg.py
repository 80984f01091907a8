"""Configuration of an environment: plain frozen dataclasses; terms refer to their functions directly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from torch import Tensor

from legged_gym_ext.mdp.commands import VelocityCommandCfg
from legged_gym_ext.mdp.proprioception import PROPRIOCEPTION, NoiseCfg, ObsScalesCfg
from legged_gym_ext.motions.gaits import gait_names
from legged_gym_ext.sensors.depth_camera import DepthCameraCfg
from legged_gym_ext.sensors.latency import LatencyCfg
from legged_gym_ext.sim.interface import SceneCfg, SimCfg
from legged_gym_ext.terrain.tracks import TrackCfg
from st_rl.utils.ranges import (
    Bounds,
    Checked,
    Count,
    Extent,
    NonNegative,
    NonNegativeInterval,
    Positive,
    RangeError,
    check_arguments,
)

Params = dict[str, Any]
MAX_CONTROL_STEP_S = 1.0
"""The longest control step, s; robots have fallen by then."""


@dataclass(frozen=True)
class ObsTermCfg(Checked):
    """One named segment: ``func(env, **params) -> (N, *shape)``."""

    func: Callable[..., Tensor]
    scale: float = 1.0
    noise: NonNegative = 0.0
    """Half width of uniform noise that the actor sees, in the unit of ``func``."""
    late: bool = False
    """Whether ``EnvCfg.latency`` delays it for the actor, as it delays what the robot measures of itself."""
    history: Annotated[int, Bounds(ge=1, le=1000)] = 1
    """How many of the last control steps it holds, the newest first, stacked along the first dimension."""
    params: Params = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_arguments(self.func, self.params, 1, "params")


@dataclass(frozen=True)
class ProprioceptionCfg(Checked):
    """A segment of parts of what the robot knows of itself (``mdp/proprioception.py``).

    Its parts are scaled by ``NormalizationCfg.obs_scales``; those that are measured have the noise of
    ``EnvCfg.noise`` and are delayed by ``EnvCfg.latency``.
    """

    parts: tuple[str, ...] = PROPRIOCEPTION.names
    history: Annotated[int, Bounds(ge=1, le=1000)] = 1
    """How many of the last control steps it holds, the newest first, stacked along the first dimension."""


ObservationCfg = ObsTermCfg | ProprioceptionCfg
"""What a segment may be made from."""


@dataclass(frozen=True)
class RewardTermCfg(Checked):
    """``weight * func(env, **params)``, a rate per second."""

    func: Callable[..., Tensor]
    weight: float
    params: Params = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_arguments(self.func, self.params, 1, "params")


@dataclass(frozen=True)
class TerminationTermCfg(Checked):
    """The episode ends where ``func(env, **params) -> (N,)`` is true."""

    func: Callable[..., Tensor]
    time_out: bool = False
    """The end is no failure: the value of the state is bootstrapped."""
    params: Params = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_arguments(self.func, self.params, 1, "params")


@dataclass(frozen=True)
class EventTermCfg(Checked):
    """``func(env, mask, **params)`` changes the worlds in ``mask``."""

    func: Callable[..., None]
    mode: Literal["startup", "reset", "interval"]
    interval_s: NonNegativeInterval = (0.0, 0.0)
    """For ``interval``: time between two events of a world, drawn uniformly, s."""
    params: Params = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_arguments(self.func, self.params, 2, "params")


@dataclass(frozen=True)
class RefObsTermCfg(Checked):
    """``func(env, **params) -> (N, size)``: the robot's side of a field of reference motions."""

    func: Callable[..., Tensor]
    params: Params = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_arguments(self.func, self.params, 1, "params")


@dataclass(frozen=True)
class CurriculumTermCfg(Checked):
    """``func(env, mask, **params)`` adapts worlds whose episode just ended, before they are reset."""

    func: Callable[..., None]
    params: Params = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_arguments(self.func, self.params, 2, "params")


@dataclass(frozen=True)
class MetricTermCfg(Checked):
    """``func(env, **params) -> (N,)`` is logged, averaged over the worlds."""

    func: Callable[..., Tensor]
    params: Params = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_arguments(self.func, self.params, 1, "params")


@dataclass(frozen=True)
class ControlCfg(Checked):
    """From actions to joint targets ``default + action_scale * action``, and the gains that lead to them.

    ``None`` is the robot's own (``RobotCfg``).
    """

    action_scale: Annotated[float, Bounds(gt=0.0, le=10.0)] | None = None
    """rad per unit of action."""
    stiffness: tuple[Extent, ...] | None = None
    """Proportional gains, N m/rad: one for all joints, one each for hip, thigh and calf, or one for each joint."""
    damping: tuple[Extent, ...] | None = None
    """Derivative gains, N m s/rad, as ``stiffness``."""


@dataclass(frozen=True)
class NormalizationCfg(Checked):
    """Scales and clips between physical units and the policy."""

    obs_scales: ObsScalesCfg = field(default_factory=ObsScalesCfg)
    clip_observations: Positive = 100.0
    clip_actions: Positive = 10.0


@dataclass(frozen=True)
class EnvCfg(Checked):
    """Everything an environment is made from."""

    robot: str
    num_envs: Count
    episode_length_s: Annotated[float, Bounds(gt=0.0, le=1e9)]
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
    ref_obs: dict[str, RefObsTermCfg] = field(default_factory=dict)
    """What a motion prior compares with the fields of the same names of its reference motions; none by default."""
    gait: str = ""
    """Reference gait of a motion prior: one of ``motions.gaits``, or its ``mixture``, which follows the speed. It says
    which of the suite's motions are learned from and what an evaluation compares with; empty is none."""
    camera: DepthCameraCfg | None = None
    """The depth camera that ``forward_depth`` is the image of; it has a latency of its own."""
    final_observations: bool = False
    """Report the last observations of episodes that end, so that time-outs are bootstrapped from them instead of from
    those one step earlier. Costs one more observation and one more value in every step in which an episode ends."""
    only_positive_rewards: bool = False
    """Clip the summed reward at zero."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gait and self.gait not in gait_names():
            raise RangeError("gait", f"'{self.gait}' is unknown; choose one of {', '.join(gait_names())}")
        step = self.sim.dt * self.sim.decimation
        if step > MAX_CONTROL_STEP_S:
            raise RangeError(
                "sim.decimation", f"times dt must be at most {MAX_CONTROL_STEP_S:g} s, a control step, not {step:g} s"
            )
        if self.episode_length_s < step:
            raise RangeError(
                "episode_length_s", f"must be at least a control step of {step:g} s, not {self.episode_length_s:g}"
            )
