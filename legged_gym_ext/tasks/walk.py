"""``walk``: follow velocity commands on rough ground; the skill that every other one starts from."""

from __future__ import annotations

from dataclasses import replace

from legged_gym_ext.envs.cfg import (
    CurriculumTermCfg,
    EnvCfg,
    EventTermCfg,
    MetricTermCfg,
    ObsTermCfg,
    ProprioceptionCfg,
    RewardTermCfg,
    TerminationTermCfg,
)
from legged_gym_ext.mdp import curriculum, events, metrics, observations, rewards, terminations
from legged_gym_ext.mdp.commands import VelocityCommandCfg
from legged_gym_ext.sim.interface import SceneCfg
from legged_gym_ext.tasks.cfg import LOCOMOTION_PPO, TaskCfg, TrainCfg
from legged_gym_ext.terrain.height_field import HeightFieldCfg


def walk(robot: str) -> TaskCfg:
    """The walking task of ``robot``: proprioception only for the actor, the ground's difficulty in a curriculum."""
    env = EnvCfg(
        robot=robot,
        num_envs=1024,
        episode_length_s=8.0,
        # Half as rough again as the ground that walks are evaluated on: falls must not be rare while it learns.
        scene=SceneCfg(height_field=HeightFieldCfg(roughness=(0.0, 0.09))),
        observations={"proprioception": ProprioceptionCfg()},
        critic_observations={
            "proprioception": ProprioceptionCfg(),
            "robot_config": ObsTermCfg(observations.robot_config),
            "foot_contacts": ObsTermCfg(observations.foot_contacts),
        },
        rewards=_rewards(),
        terminations={
            "time_out": TerminationTermCfg(terminations.time_out, time_out=True),
            "off_the_field": TerminationTermCfg(terminations.off_the_field, time_out=True),
            "trunk_contact": TerminationTermCfg(terminations.trunk_contact),
            "bad_orientation": TerminationTermCfg(terminations.bad_orientation),
            "broken_state": TerminationTermCfg(terminations.broken_state),
        },
        events={
            "levels": EventTermCfg(curriculum.random_level, "startup"),
            "dynamics": EventTermCfg(events.randomize_dynamics, "reset"),
            "place": EventTermCfg(events.place_on_level, "reset"),
            "pose": EventTermCfg(events.reset_root_and_joints, "reset"),
            "push": EventTermCfg(events.push, "interval", interval_s=(3.0, 5.0)),
        },
        curriculum={"terrain": CurriculumTermCfg(curriculum.terrain_level, {"anywhere": 0.5})},
        metrics=walk_metrics(),
        # Wider than that of the reward, so that the ground becomes rougher before the walk is at its best.
        tracking_score=MetricTermCfg(rewards.track_lin_vel, {"sigma": 0.25}),
        # Robots fall after starts, pushes and changes of the command: training has many of them. Other falls come
        # slowly, under one and the same command, so that commands must not be too short.
        commands=VelocityCommandCfg(resampling_time_s=4.0),
    )
    # Large, even steps first; then the policy settles, and comes to do without the noise.
    algorithm = replace(
        LOCOMOTION_PPO,
        desired_kl=0.03,
        adapting_epochs=1,
        adapting_factor=1.2,
        cool_down_updates=(80, 160),
        cool_down_to=0.5,
        cool_down_std=0.2,
    )
    return TaskCfg(
        name=f"{robot}_walk",
        env=env,
        train=TrainCfg(max_iterations=160, num_steps_per_env=12, algorithm=algorithm),
    )


def _rewards() -> dict[str, RewardTermCfg]:
    return {
        "track_lin_vel": RewardTermCfg(rewards.track_lin_vel, 1.5, {"sigma": 0.15}),
        "track_yaw_rate": RewardTermCfg(rewards.track_yaw_rate, 0.9, {"sigma": 0.2}),
        "lin_vel_z": RewardTermCfg(rewards.lin_vel_z, -2.0),
        "ang_vel_xy": RewardTermCfg(rewards.ang_vel_xy, -0.05),
        # Robots that fall on rough ground have leaned further and further for a second or more.
        "tilt": RewardTermCfg(rewards.tilt, -4.0),
        "torque": RewardTermCfg(rewards.torque, -1e-4),
        "dof_acc": RewardTermCfg(rewards.dof_acc, -2.5e-7),
        "action_rate": RewardTermCfg(rewards.action_rate, -0.01),
        "dof_pos_limits": RewardTermCfg(rewards.dof_pos_limits, -5.0),
        "collision": RewardTermCfg(rewards.collision, -1.0),
        "feet_air_time": RewardTermCfg(rewards.feet_air_time, 0.1, {"threshold": 0.2}),
        # Blind walks fall to the side on rough ground: feet are to be lifted over it, and set down under the hips.
        "foot_clearance": RewardTermCfg(rewards.foot_clearance, -15.0, {"target": 0.08}),
        "default_pose": RewardTermCfg(rewards.default_pose, -0.3),
        "stand_still": RewardTermCfg(rewards.stand_still, -0.3),
        "termination": RewardTermCfg(rewards.termination, -2.0),
    }


def walk_metrics() -> dict[str, MetricTermCfg]:
    """What is logged and evaluated of walking."""
    return {
        "lin_vel_mse": MetricTermCfg(metrics.lin_vel_error_squared),
        "yaw_rate_mse": MetricTermCfg(metrics.yaw_rate_error_squared),
        "planar_speed": MetricTermCfg(metrics.planar_speed),
        "power_over_weight": MetricTermCfg(metrics.power_over_weight),
        "terrain_level": MetricTermCfg(metrics.terrain_level),
    }
