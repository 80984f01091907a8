"""``informed`` and ``adapted``: the walk of a robot that is told its dynamics, and of one that finds them out.

Rapid motor adaptation in two steps (Kumar et al. 2021, arXiv 2107.04034): a policy reads friction, masses and motor
strengths through an encoder; another one learns to find the same latent vector in what it has measured lately.
"""

from __future__ import annotations

from dataclasses import replace

from legged_gym_ext.envs.cfg import ObsTermCfg, ProprioceptionCfg
from legged_gym_ext.mdp import observations
from legged_gym_ext.mdp.proprioception import MEASURED
from legged_gym_ext.tasks.cfg import TaskCfg, with_algorithm
from legged_gym_ext.tasks.onboard import onboard
from legged_gym_ext.tasks.walk import walk
from st_rl.algorithms import TPPOCfg
from st_rl.modules import EncoderCfg, EncoderKwargs, MlpKwargs

LATENT = 8
"""Numbers that stand for the dynamics."""
STEPS = 15
"""Control steps of the past that the dynamics are found in."""
_ENCODER = EncoderKwargs(mlp=MlpKwargs(hidden_sizes=(64, 32), nonlinearity="ELU"))


def informed(robot: str) -> TaskCfg:
    """The walk of ``robot`` on what it measures and on its dynamics, which an encoder reads."""
    task = walk(robot)
    env = replace(
        task.env,
        observations={
            "onboard": ProprioceptionCfg(MEASURED),
            "robot_config": ObsTermCfg(observations.robot_config),
        },
    )
    policy = EncoderCfg(
        class_name="EncoderActorCritic",
        encoder_component_names=("robot_config",),
        encoder_kwargs=_ENCODER,
        encoder_output_size=LATENT,
    )
    return replace(task, name=f"{robot}_informed", env=env, train=replace(task.train, policy=policy))


def adapted(robot: str) -> TaskCfg:
    """The walk of ``robot`` that finds its dynamics in the past; ``train.algorithm.teacher-run`` is one of
    ``informed``."""
    task = onboard(robot)
    env = replace(
        task.env,
        observations={
            "onboard": ProprioceptionCfg(MEASURED),
            "past": ProprioceptionCfg(MEASURED, history=STEPS),
        },
        # The teacher reads what is, neither noisy nor late.
        critic_observations=task.env.critic_observations | {"onboard": ProprioceptionCfg(MEASURED)},
    )
    policy = EncoderCfg(
        class_name="EncoderActorCritic",
        encoder_component_names=("past",),
        encoder_kwargs=_ENCODER,
        encoder_output_size=LATENT,
        init_noise_std=0.5,
    )
    train = with_algorithm(task.train, "TPPO")
    assert isinstance(train.algorithm, TPPOCfg)
    algorithm = replace(
        train.algorithm,
        cool_down_updates=None,
        cool_down_std=None,
        using_ppo=False,
        teacher_run=f"{robot}_informed",
        teacher_decay_updates=30.0,
        distill_latent_components={"past": "robot_config"},
    )
    train = replace(train, max_iterations=160, policy=policy, algorithm=algorithm)
    return replace(task, name=f"{robot}_adapted", env=env, train=train)
