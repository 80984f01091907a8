"""What a program needs to know that runs a policy on a robot and has nothing of this suite."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from legged_gym_ext.envs.cfg import ObservationCfg, ObsTermCfg
from legged_gym_ext.envs.control import robot_of
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.runs.folders import checkpoint_facts, load_run
from legged_gym_ext.runs.mutex import mutex_skills
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.modules.actor_critic_mutex import SubPolicy
from st_rl.utils.policy_interface import Column

MOTOR_LEGS: dict[str, tuple[str, ...]] = {
    "a1": ("FR", "FL", "RR", "RL"),
    "go1": ("FR", "FL", "RR", "RL"),
    "go2": ("FR", "FL", "RR", "RL"),
}
"""Order of the legs in the manufacturer's own interface, in which motors are numbered: hip, thigh, calf of each."""
_PARTS = {
    "base_lin_vel": "linear velocity of the trunk, m/s, in the trunk's frame (x forward, y left, z up)",
    "base_ang_vel": "angular velocity of the trunk, rad/s, in the trunk's frame",
    "projected_gravity": "unit vector of gravity in the trunk's frame; upright it is (0, 0, -1)",
    "commands": "wanted forward velocity, m/s, lateral velocity, m/s, and yaw rate, rad/s",
    "dof_pos": "joint positions minus default_dof_pos, rad",
    "dof_vel": "joint velocities, rad/s",
    "actions": "the last action, as the policy gave it and clipped by clip_actions; zero before the first",
}
"""Parts of ``proprioception`` in words."""


def deployment(run: Path, loaded: SubPolicy) -> dict[str, Any]:
    """The description of the policy of ``run``, as plain JSON values.

    A program that knows nothing else can run the policy: what its inputs are, in which order and scale, and what is
    done with its outputs, at which rate. Every tuple per joint is in the order of ``joint_names``.
    """
    task = load_run(run).task
    robot, env = robot_of(task.env), task.env
    scale = loaded.interface.action_scale
    assert scale is not None  # every run has one
    description: dict[str, Any] = {
        "task": task.name,
        **checkpoint_facts(loaded.checkpoint),
        "robot": robot.name,
        "rate_hz": 1.0 / (env.sim.dt * env.sim.decimation),
        "joint_names": list(robot.dof_names),
        "motors": _motors(robot),
        "default_dof_pos": list(robot.default_dof_pos),
        "action_scale": list(scale),
        "clip_actions": env.normalization.clip_actions,
        "stiffness": list(robot.stiffness),
        "damping": list(robot.damping),
        "torque_limit": [joint.torque_limit for joint in robot.joints],
        "position_limits": [[joint.lower, joint.upper] for joint in robot.joints],
        "control": (
            "rate_hz times a second: action = policy(observations), clipped to [-clip_actions, clip_actions]; target = "
            "default_dof_pos + action_scale * action, rad. At every motor all the time: torque = stiffness * (target - "
            "position) - damping * velocity, N m, clipped to torque_limit"
        ),
        "clip_observations": env.normalization.clip_observations,
        "observations": _observations(task, loaded),
        "observation": (
            "the segments one after the other, each flattened in row-major order; every number is its physical value "
            "times its scale, clipped to [-clip_observations, clip_observations]"
        ),
        "commands": {
            "forward_m_s": list(env.commands.lin_vel_x),
            "lateral_m_s": list(env.commands.lin_vel_y),
            "yaw_rad_s": list(env.commands.ang_vel_yaw),
        },
        "inputs": {
            "observations": ["N", loaded.layout.size],
            **{name: [value.shape[0], "N", value.shape[2]] for name, value in loaded.policy.step_states(1).items()},
        },
        "outputs": "actions (N, joints); where there are states, each again as new_<name>, for the next step. An "
        "episode begins with states of zeros",
    }
    skills = mutex_skills(run)
    return description | ({"skills": list(skills)} if skills else {})


def _motors(robot: RobotCfg) -> dict[str, Any]:
    """The manufacturer's numbering of the joints, and how to get from one order to the other."""
    legs = MOTOR_LEGS.get(robot.name)
    if legs is None:
        names = list(robot.dof_names)
    else:
        names = [name for leg in legs for name in robot.dof_names if name.startswith(f"{leg}_")]
    return {
        "names": names,
        "joint_of_motor": [robot.dof_names.index(name) for name in names],
        "motor_of_joint": [names.index(name) for name in robot.dof_names],
        "how": "in the manufacturer's numbers: value of motor i = value of joint joint_of_motor[i]",
    }


def _observations(task: TaskCfg, loaded: SubPolicy) -> list[dict[str, Any]]:
    """The segments in order, each with its parts in order."""
    segments = []
    for name in loaded.layout:
        columns = loaded.layout.slice_of(name)
        term = task.env.observations.get(name)
        segments.append(
            {
                "name": name,
                "shape": list(loaded.layout[name]),
                "columns": [columns.start, columns.stop],
                "parts": list(_parts(loaded.interface.columns[name], term)),
            }
            | ({} if term is None or term.history == 1 else {"steps": term.history, "order": "the newest step first"})
        )
    return segments


def _parts(columns: tuple[Column, ...], term: ObservationCfg | None) -> Iterator[dict[str, Any]]:
    for part, group in groupby(columns, key=lambda column: column.part.rpartition("[")[0]):
        scales = [column.scale for column in group]
        what = _PARTS.get(part)
        if what is None and isinstance(term, ObsTermCfg):
            what = " ".join((inspect.getdoc(term.func) or "").split("\n\n")[0].split())
        same = len(set(scales)) == 1
        yield {"name": part, "size": len(scales), "scale": scales[0] if same else scales, "what": what or ""}


def onnx_properties(description: Mapping[str, Any]) -> dict[str, Any]:
    """``description`` with the names that deployment code for other suites looks for as well."""
    return {
        **description,
        "joint_stiffness": description["stiffness"],
        "joint_damping": description["damping"],
        "default_joint_pos": description["default_dof_pos"],
        "observation_names": [segment["name"] for segment in description["observations"]],
    }
