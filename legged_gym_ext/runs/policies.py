"""From a task's policy configuration to the arguments that its policy is built with."""

from __future__ import annotations

from typing import Any

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.mdp.proprioception import PROPRIOCEPTION
from legged_gym_ext.runs.folders import resolve_run
from legged_gym_ext.tasks.cfg import TaskCfg, with_policy
from st_rl.modules import FieldMutexCfg, MotionPriorCfg, MutexCfg
from st_rl.utils.errors import UserError


def policy_arguments(task: TaskCfg, env: LeggedEnv) -> dict[str, Any]:
    """Return class name and constructor arguments of the policy that ``task`` trains in ``env``.

    What a policy needs to know of the environment is filled in: the size of a motion, the action scale.

    Raises:
        UserError: the policy needs something that the task does not have.
    """
    policy = with_policy(task.train, task.train.policy.class_name).policy
    arguments = policy.arguments()
    if isinstance(policy, MotionPriorCfg):
        if not env.motion_size:
            raise UserError(
                "a motion prior compares the robot's motion with a reference, and this task has no ref_obs; train "
                f"{task.env.robot}_gaits, or a task of your own with ref_obs"
            )
        arguments["amp_discriminator"].setdefault("input_dim", 2 * env.motion_size)
    if isinstance(policy, MutexCfg):
        arguments |= _of_mutex(policy, env)
    return arguments


def _of_mutex(policy: MutexCfg, env: LeggedEnv) -> dict[str, Any]:
    """Where the sub-policies are, from names as commands take them, and what the environment's actions mean."""
    more: dict[str, Any] = {
        "sub_policy_paths": [str(resolve_run(path).resolve()) for path in policy.sub_policy_paths],
        "env_action_scale": env.state.action_scale if policy.env_action_scale is None else policy.env_action_scale,
    }
    if isinstance(policy, FieldMutexCfg):
        more["proprioception_parts"] = PROPRIOCEPTION.to_json()
    path = policy.arguments().get("jump_down_policy_path")
    return more if path is None else more | {"jump_down_policy_path": str(resolve_run(path).resolve())}
