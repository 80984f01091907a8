"""Skills on obstacle tracks: one task per type of obstacle, learned with privileged observations from the walk on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from legged_gym_ext.envs.cfg import (
    CurriculumTermCfg,
    EnvCfg,
    EventTermCfg,
    MetricTermCfg,
    ObservationCfg,
    ObsTermCfg,
    ProprioceptionCfg,
    RewardTermCfg,
    TerminationTermCfg,
)
from legged_gym_ext.mdp import events, metrics, observations, rewards, terminations, track_terms as tracks
from legged_gym_ext.mdp.commands import VelocityCommandCfg
from legged_gym_ext.tasks.cfg import LOCOMOTION_PPO, LoadCfg, PolicyCfg, TaskCfg, TrainCfg
from legged_gym_ext.terrain.blocks import BLOCKS
from legged_gym_ext.terrain.tracks import TrackCfg
from st_rl.algorithms import PPOCfg
from st_rl.utils.ranges import Checked, Count, Interval, NonNegative, Positive, Share, ShareInterval, Whole

NUM_LEVELS = 10
"""Levels of difficulty of every type of block."""


@dataclass(frozen=True)
class SkillCfg(Checked):
    """What distinguishes one skill from another."""

    blocks: tuple[str, ...]
    num_blocks: Count = 2
    speed: Interval = (0.8, 1.2)
    """Forward velocity command, m/s."""
    episode_length_s: Positive = 10.0
    max_tilt: Positive = 1.2
    """The episode ends where the trunk leans more than this, rad."""
    max_iterations: Count = 400
    donated_iterations: Count = 30
    """Iterations that make another robot's policy this one's."""
    finish_iterations: Whole = 0
    """Iterations of a second training, on all levels and solid from the start (``legged-train-skills``)."""
    start: str = "walk"
    """The skill whose policy it is learned from (by ``legged-train-skills``)."""
    start_levels: Count = 1
    """Levels that the worlds draw from at the start of a training."""
    start_solid_probability: Share = 0.0
    """Probability of solid obstacles at the start, in tasks whose obstacles can be soft."""
    weights: tuple[tuple[str, float], ...] = ()
    """Rewards whose weight is not that of the other skills."""
    difficulty: ShareInterval = (0.0, 1.0)
    """Part of the range of difficulty that it is learned on."""
    clean: tuple[NonNegative, NonNegative] = (0.03, 0.03)
    """Depth in soft obstacles, in m, up to which an episode counts for the next level, and for solid obstacles."""
    algorithm: PPOCfg = LOCOMOTION_PPO
    rewards: tuple[tuple[str, RewardTermCfg], ...] = ()
    """Rewards that the other skills do not have."""
    arriving: Share = 0.0
    """Share of the episodes that begin as another skill leaves the robot."""


_TILT_WEIGHTS = (
    ("roll", 0.0),
    ("default_pose", 0.0),
    ("dof_pos_limits", -1.0),
    ("collision", -0.1),
    ("penetration_depth", -2.0),
    ("penetration_volume", -1.0),
)
"""Hips at the end of their range, and rubbing against the walls, are what a narrow slot needs."""
_TILT_REWARDS = (
    ("rolled_progress", RewardTermCfg(tracks.rolled_progress, 5.0, params={"target": 0.85})),
    ("wider_than_slot", RewardTermCfg(tracks.wider_than_slot, -2.0)),
)

SKILLS: dict[str, SkillCfg] = {
    "jump": SkillCfg(("jump",), num_blocks=3, speed=(1.0, 1.4), max_iterations=230),
    "down": SkillCfg(("down",), max_iterations=100),
    "leap": SkillCfg(("leap",), speed=(1.4, 1.8), max_iterations=250),
    "crawl": SkillCfg(
        ("crawl",),
        max_iterations=200,
        donated_iterations=60,
        weights=(("penetration_depth", -2.0), ("penetration_volume", -2.0)),
        arriving=0.3,
    ),
    "tilt": SkillCfg(
        ("tilt",),
        speed=(0.6, 1.0),
        max_tilt=1.5,
        max_iterations=700,
        donated_iterations=120,
        finish_iterations=160,
        start_levels=NUM_LEVELS,
        weights=_TILT_WEIGHTS,
        rewards=_TILT_REWARDS,
        difficulty=(0.6, 1.0),
        clean=(1.0, 0.06),
        algorithm=PPOCfg(entropy_coef=0.001, desired_kl=0.015),
        arriving=0.5,
    ),
    "hurdle": SkillCfg(
        ("hurdle", "jump"),
        speed=(1.0, 1.4),
        max_iterations=120,
        donated_iterations=120,
        finish_iterations=120,
        start="jump",
        start_levels=5,
        start_solid_probability=1.0,
    ),
    "stairs": SkillCfg(
        ("stairs_up", "stairs_down", "slope", "rubble"), num_blocks=3, speed=(0.6, 1.0), max_iterations=220
    ),
    "climb": SkillCfg(("jump", "down"), num_blocks=4, speed=(1.0, 1.4), episode_length_s=12.0),
    "field": SkillCfg(tuple(BLOCKS), num_blocks=5, episode_length_s=20.0, max_tilt=1.5),
}
"""Tasks by their name without the robot's."""


def skill(name: str, robot: str) -> TaskCfg:
    """The task of ``robot`` that teaches the skill called ``name``."""
    cfg = SKILLS[name]
    track = TrackCfg(blocks=cfg.blocks, num_blocks=cfg.num_blocks, difficulty=cfg.difficulty)
    soft = any(block.soft for block in track.types())
    terms = _rewards() | (_soft_rewards() if soft else {}) | dict(cfg.rewards)
    for term, weight in cfg.weights:
        terms[term] = replace(terms[term], weight=weight)
    env = EnvCfg(
        robot=robot,
        num_envs=1024,
        episode_length_s=cfg.episode_length_s,
        track=track,
        observations=_observations(),
        critic_observations=_observations() | {"base_pose": ObsTermCfg(observations.base_pose)} | _contacts(),
        rewards=terms,
        terminations=_terminations(cfg.max_tilt),
        events=_events(cfg.start_levels, cfg.start_solid_probability, cfg.arriving),
        curriculum=_curriculum(soft, cfg.clean),
        metrics=track_metrics(),
        commands=VelocityCommandCfg(
            lin_vel_x=cfg.speed, lin_vel_y=(0.0, 0.0), ang_vel_yaw=(0.0, 0.0), standing_fraction=0.0, along_track=True
        ),
    )
    train = TrainCfg(
        max_iterations=cfg.max_iterations,
        policy=PolicyCfg(init_noise_std=0.7),
        algorithm=cfg.algorithm,
        load=LoadCfg(match_segments=True, manipulators=("new_critic", "reset_std")),
    )
    return TaskCfg(name=f"{robot}_{name}", env=env, train=train)


def _observations() -> dict[str, ObservationCfg]:
    return {
        "proprioception": ProprioceptionCfg(),
        "robot_config": ObsTermCfg(observations.robot_config),
        "engaging_block": ObsTermCfg(tracks.engaging_block),
        "sidewall_distance": ObsTermCfg(tracks.sidewall_distance),
        "height_measurements": ObsTermCfg(tracks.height_measurements, scale=3.0, noise=0.01),
    }


def _contacts() -> dict[str, ObservationCfg]:
    return {"foot_contacts": ObsTermCfg(observations.foot_contacts)}


def _rewards() -> dict[str, RewardTermCfg]:
    return {
        "forward_progress": RewardTermCfg(tracks.forward_progress, 2.0),
        "track_yaw_rate": RewardTermCfg(rewards.track_yaw_rate, 0.5),
        "lateral_velocity": RewardTermCfg(tracks.lateral_velocity, -0.5),
        "heading": RewardTermCfg(tracks.heading, -0.5),
        "roll": RewardTermCfg(tracks.roll, -1.0),
        "ang_vel_xy": RewardTermCfg(rewards.ang_vel_xy, -0.02),
        "torque": RewardTermCfg(rewards.torque, -5e-5),
        "dof_acc": RewardTermCfg(rewards.dof_acc, -1e-7),
        "action_rate": RewardTermCfg(rewards.action_rate, -0.01),
        "dof_pos_limits": RewardTermCfg(rewards.dof_pos_limits, -5.0),
        "dof_vel_limits": RewardTermCfg(tracks.dof_vel_limits, -0.05),
        "default_pose": RewardTermCfg(rewards.default_pose, -0.1),
        "collision": RewardTermCfg(rewards.collision, -0.5),
        "impact": RewardTermCfg(tracks.impact, -0.002),
        "termination": RewardTermCfg(rewards.termination, -2.0),
    }


def _soft_rewards() -> dict[str, RewardTermCfg]:
    return {
        "penetration_depth": RewardTermCfg(tracks.penetration_depth, -8.0),
        "penetration_volume": RewardTermCfg(tracks.penetration_volume, -4.0),
    }


def _terminations(max_tilt: float) -> dict[str, TerminationTermCfg]:
    return {
        "time_out": TerminationTermCfg(terminations.time_out, time_out=True),
        "finished": TerminationTermCfg(tracks.finished, time_out=True),
        "off_track": TerminationTermCfg(tracks.off_track),
        "below_track": TerminationTermCfg(tracks.below_track),
        "bad_orientation": TerminationTermCfg(terminations.bad_orientation, params={"max_tilt": max_tilt}),
        "broken_state": TerminationTermCfg(terminations.broken_state),
    }


def _events(start_levels: int, start_solid_probability: float, arriving: float) -> dict[str, EventTermCfg]:
    levels = {"num_levels": start_levels, "solid_probability": start_solid_probability}
    arrive = {"arrive": EventTermCfg(events.arrive, "reset", params={"share": arriving})} if arriving else {}
    return {
        "levels": EventTermCfg(tracks.random_track_level, "startup", params=levels),
        "dynamics": EventTermCfg(events.randomize_dynamics, "reset"),
        "track": EventTermCfg(tracks.new_track, "reset", params={"num_levels": NUM_LEVELS}),
        "pose": EventTermCfg(
            events.reset_root_and_joints,
            "reset",
            params={"xy": (-0.15, 0.15), "yaw": (-0.2, 0.2), "lin_vel": (-0.3, 0.5)},
        ),
    } | arrive


def _curriculum(soft: bool, clean: tuple[float, float]) -> dict[str, CurriculumTermCfg]:
    level = {"level": CurriculumTermCfg(tracks.track_level, {"num_levels": NUM_LEVELS, "clean": clean[0]})}
    return level | ({"solid_probability": CurriculumTermCfg(tracks.soft_to_solid, {"clean": clean[1]})} if soft else {})


def track_metrics() -> dict[str, MetricTermCfg]:
    """What is logged of every task on tracks."""
    return {
        "passed_fraction": MetricTermCfg(tracks.passed_fraction),
        "level": MetricTermCfg(tracks.mean_level),
        "solid_probability": MetricTermCfg(tracks.solid_probability),
        "planar_speed": MetricTermCfg(metrics.planar_speed),
        "power_over_weight": MetricTermCfg(metrics.power_over_weight),
    }
