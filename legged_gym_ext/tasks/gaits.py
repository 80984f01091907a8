"""``gaits``: follow velocity commands on flat ground in the manner of reference motions (adversarial motion priors).

``env.gait`` chooses the gait: trot, pace, bound, or the mixture that follows the speed.
"""

from __future__ import annotations

from legged_gym_ext.envs.cfg import (
    EnvCfg,
    EventTermCfg,
    MetricTermCfg,
    ObsTermCfg,
    ProprioceptionCfg,
    RefObsTermCfg,
    RewardTermCfg,
    TerminationTermCfg,
)
from legged_gym_ext.mdp import events, gait_start, motion, observations, rewards, terminations
from legged_gym_ext.mdp.commands import VelocityCommandCfg
from legged_gym_ext.tasks.cfg import LoadCfg, TaskCfg, TrainCfg
from legged_gym_ext.tasks.walk import walk_metrics
from st_rl.algorithms.appo import APPOCfg
from st_rl.modules import DiscriminatorKwargs, MotionPriorCfg


def gaits(robot: str) -> TaskCfg:
    """The task of ``robot`` that teaches it a reference gait, a trot unless told otherwise."""
    env = EnvCfg(
        robot=robot,
        num_envs=1024,
        episode_length_s=8.0,
        gait="trot",
        observations={"proprioception": ProprioceptionCfg()},
        critic_observations={
            "proprioception": ProprioceptionCfg(),
            "robot_config": ObsTermCfg(observations.robot_config),
            "foot_contacts": ObsTermCfg(observations.foot_contacts),
        },
        ref_obs=_ref_obs(),
        rewards=_rewards(),
        terminations={
            "time_out": TerminationTermCfg(terminations.time_out, time_out=True),
            "trunk_contact": TerminationTermCfg(terminations.trunk_contact),
            "bad_orientation": TerminationTermCfg(terminations.bad_orientation),
            "broken_state": TerminationTermCfg(terminations.broken_state),
        },
        events=_events(),
        curriculum={},
        metrics=_metrics(),
        commands=VelocityCommandCfg(
            lin_vel_x=(0.3, 1.7),
            lin_vel_y=(0.0, 0.0),
            ang_vel_yaw=(-0.4, 0.4),
            standing_fraction=0.0,
            resampling_time_s=4.0,
        ),
    )
    return TaskCfg(name=f"{robot}_gaits", env=env, train=_train())


def _ref_obs() -> dict[str, RefObsTermCfg]:
    return {
        "dof_pos": RefObsTermCfg(motion.dof_pos),
        "foot_pos_b": RefObsTermCfg(motion.foot_pos_b),
        "base_lin_vel_b": RefObsTermCfg(motion.base_lin_vel_b),
        "projected_gravity": RefObsTermCfg(motion.projected_gravity),
        "base_height": RefObsTermCfg(motion.base_height),
    }


def _rewards() -> dict[str, RewardTermCfg]:
    return {
        "track_lin_vel": RewardTermCfg(rewards.track_lin_vel, 1.5, {"sigma": 0.15}),
        "track_yaw_rate": RewardTermCfg(rewards.track_yaw_rate, 0.9, {"sigma": 0.2}),
        "power": RewardTermCfg(rewards.mechanical_power, -0.004),
        "dof_acc": RewardTermCfg(rewards.dof_acc, -1e-7),
        "action_rate": RewardTermCfg(rewards.action_rate, -0.01),
        "dof_pos_limits": RewardTermCfg(rewards.dof_pos_limits, -5.0),
        "collision": RewardTermCfg(rewards.collision, -1.0),
        "termination": RewardTermCfg(rewards.termination, -2.0),
    }


def _events() -> dict[str, EventTermCfg]:
    return {
        "dynamics": EventTermCfg(events.randomize_dynamics, "reset"),
        "pose": EventTermCfg(events.reset_root_and_joints, "reset"),
        "gait_start": EventTermCfg(gait_start.start_in_gait, "reset", params={"share": 0.7}),
        "push": EventTermCfg(events.push, "interval", interval_s=(3.0, 5.0)),
    }


def _train() -> TrainCfg:
    algorithm = APPOCfg(
        entropy_coef=0.005,
        desired_kl=0.03,
        num_learning_epochs=4,
        adapting_epochs=1,
        adapting_factor=1.2,
        cool_down_updates=(60, 110),
        cool_down_to=0.5,
        cool_down_std=0.2,
        discriminator_learning_rate=1e-4,
        replay_buffer_size=100_000,
    )
    # Rewards are rates times a control step of 0.02 s: full tracking earns 0.05 in a step, full style 0.08.
    discriminator = DiscriminatorKwargs(style_reward_coef=0.08, hidden_dims=(128, 64), task_reward_lerp=0.5)
    return TrainCfg(
        max_iterations=110,
        num_steps_per_env=12,
        policy=MotionPriorCfg(class_name="AmpActorCritic", init_noise_std=0.4, amp_discriminator=discriminator),
        algorithm=algorithm,
        algorithm_class="APPO",
        runner_class="AmpPolicyRunner",
        load=LoadCfg(match_segments=True, manipulators=("new_critic", "reset_std")),
    )


def _metrics() -> dict[str, MetricTermCfg]:
    return {name: term for name, term in walk_metrics().items() if name != "terrain_level"}
