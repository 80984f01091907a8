"""``onboard``: the walk of ``walk`` on what a robot measures, and on what it makes of that.

The actor has no base velocity, and what it has is noisy and late; so are its actions. A memory estimates the base
velocity from the measurements, by supervision (Ji et al. 2022, arXiv 2202.05481), and the actor, which has a memory of
its own, reads the estimate beside the measurements. The critic observes the true velocity.
"""

from __future__ import annotations

from dataclasses import replace

from legged_gym_ext.envs.cfg import ProprioceptionCfg
from legged_gym_ext.mdp.proprioception import MEASURED
from legged_gym_ext.sensors.latency import LatencyCfg
from legged_gym_ext.tasks.cfg import TaskCfg, with_algorithm
from legged_gym_ext.tasks.walk import walk
from st_rl.modules import EstimatorRecurrentCfg, MlpKwargs

ONBOARD_POLICY = EstimatorRecurrentCfg(
    class_name="StateAcRecurrent",
    actor_hidden_dims=(128, 64),
    critic_hidden_dims=(128, 64),
    rnn_type="gru",
    rnn_hidden_size=128,
    estimator_obs_components=("onboard",),
    estimator_target_components=("base_lin_vel",),
    estimator_kwargs=MlpKwargs(hidden_sizes=(64,), nonlinearity="ELU"),
)
"""The policy that estimates what it cannot measure."""


def onboard(robot: str) -> TaskCfg:
    """The task of ``robot`` that teaches it to walk without a sensor of its velocity."""
    task = walk(robot)
    env = replace(
        task.env,
        latency=LatencyCfg(),
        observations={"onboard": ProprioceptionCfg(MEASURED)},
        # What is estimated is a segment of its own, so that its true value can be found.
        critic_observations=task.env.critic_observations | {"base_lin_vel": ProprioceptionCfg(("base_lin_vel",))},
    )
    # Learned as the walk is, only longer: there is more to find out.
    train = with_algorithm(task.train, "EstimatorPPO")
    algorithm = replace(train.algorithm, cool_down_updates=(150, 240))
    train = replace(train, max_iterations=240, policy=ONBOARD_POLICY, algorithm=algorithm)
    return replace(task, name=f"{robot}_onboard", env=env, train=train)
