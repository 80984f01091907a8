"""Mutex policies as run folders: trained skills combined into one policy that chooses by the obstacle ahead."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch

from legged_gym_ext.envs.control import robot_of
from legged_gym_ext.envs.settings import settings_of
from legged_gym_ext.mdp.proprioception import PROPRIOCEPTION
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.modules import get_policy_class
from st_rl.modules.actor_critic_mutex import ActorCriticMutex
from st_rl.runners import checkpoint
from st_rl.runners.code_state import code_state, versions
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.policy_interface import PolicyInterface
from st_rl.utils.ranges import Bounds, Checked
from st_rl.utils.run_folder import config_entry, read_config, run_folder_of

MUTEX = "mutex"
"""The name that stands for a mutex of the robot's skills where a policy is asked for."""
MUTEX_ORDER = ("walk", "tilt", "crawl", "jump", "leap", "down")
"""Sub-policies in their order: the obstacle ids 0 to 4, then the one that jumps down."""
_RESET_MODES: dict[str, str | bool] = {"all": "all", "when_skill": "when_skill", "none": False}
_SMOOTHING = 10
"""Control steps over which a mutex switches unless told otherwise (docs/notes/combine_skills.md)."""
_CRITIC = [16]
"""Hidden units of the critic, which every policy has; that of a mutex is never used."""


@dataclass
class MutexOptions(Checked):
    """Options of commands that can combine skills into a mutex. What they leave open is as in the shipped mutex."""

    sub_policies: tuple[str, ...] = ()
    """With 'mutex': the policy of each skill as skill=RUN, for walk, tilt, crawl, jump, leap and down. Skills that are
    left out are those of the robot's shipped mutex; walk to leap without down make a mutex that never jumps down."""
    skill_velocity: tuple[str, ...] = ()
    """With 'mutex': the forward command while a skill is selected, as skill=m/s or skill=low:high. By default that of
    the shipped mutex, or of the skill's training, and for walk the task's."""
    smoothing: Annotated[int, Bounds(ge=1, le=10000)] | None = None
    """With 'mutex': number of control steps over which a switch between skills is blended; by default as in the
    shipped mutex, or 10."""
    reset_mode: Literal["all", "when_skill", "none"] | None = None
    """With 'mutex': which skills forget what they remember: 'all' that are not selected, the other skills but never
    walk 'when_skill' is selected, or 'none'. By default as in the shipped mutex, or all."""

    def given(self) -> list[str]:
        """Return the options that are not at their defaults, by their names on a command line."""
        # A command's options are those of a derived class, with fields of its own.
        own = MutexOptions(self.sub_policies, self.skill_velocity, self.smoothing, self.reset_mode)
        changed = [name for name, _ in asdict(own).items() - asdict(MutexOptions()).items()]
        return [f"--{name.replace('_', '-')}" for name in sorted(changed)]


def resolve_policy(
    policy: str, task: TaskCfg | None, options: MutexOptions, *, root: Path, only: str | None = None
) -> Path:
    """The run folder of ``policy``; for ``mutex`` the shipped mutex of the task's robot, or a new one below ``root``.

    Args:
        policy: as for ``runs.resolve_run``, or ``mutex``.
        task: where a mutex is to act.
        options: what a new mutex has otherwise than the shipped one; none asks for the shipped one.
        root: where runs lie.
        only: look at the runs of the task of this name only.

    Raises:
        UserError: nothing of that name, or no mutex can be made.
    """
    if policy != MUTEX:
        if options.given():
            raise UserError(f"{', '.join(options.given())}: only --policy {MUTEX} is put together from skills")
        return runs.resolve_run(policy, root=root, task=only)
    if task is None or task.env.track is None:
        raise UserError(f"--policy {MUTEX} needs a task with obstacles, such as --task go1_field")
    shipped = runs.SHIPPED / f"{task.env.robot}_{MUTEX}"
    if not options.given() and shipped.is_dir():
        return shipped
    options = completed(options, shipped)
    chosen = sub_policy_folders(task.env.robot, options.sub_policies, root)
    layout = task_layouts(task)
    folder = runs.new_run_folder(root, task.name, MUTEX)
    with runs.removed_if_refused(folder):
        return make_mutex(folder, task, chosen, options, layout)


def completed(options: MutexOptions, base: Path) -> MutexOptions:
    """``options`` with what they leave open as in the mutex in ``base``, if there is one."""
    if not base.is_dir():
        return options
    config = read_config(base)
    policy = config_entry(config, "policy", base)
    given = dict(_pair(text, "sub-policies", "RUN") for text in options.sub_policies)
    if not set(MUTEX_ORDER[:-1]) <= given.keys():
        given = {skill: str(path) for skill, path in skill_folders(config, base).items()} | given
    asked = {skill for skill, _ in (_pair(text, "skill-velocity", "m/s") for text in options.skill_velocity)}
    names = list(skill_folders(config, base))
    velocities = [(names[int(index)], value) for index, value in policy.get("cmd_vel_mapping", {}).items()]
    kept = [f"{skill}={_spelled(value)}" for skill, value in velocities if skill in given and skill not in asked]
    modes = {value: name for name, value in _RESET_MODES.items()}
    smoothing, mode = policy.get("action_smoothing_buffer_len"), policy.get("reset_non_selected")
    return MutexOptions(
        sub_policies=tuple(f"{skill}={run}" for skill, run in given.items()),
        skill_velocity=(*options.skill_velocity, *kept),
        smoothing=smoothing if options.smoothing is None else options.smoothing,
        reset_mode=modes.get(mode) if options.reset_mode is None else options.reset_mode,  # type: ignore[arg-type]
    )


def _spelled(velocity: float | Sequence[float]) -> str:
    """Return a velocity as it is written on a command line."""
    return ":".join(repr(float(v)) for v in ([velocity] if isinstance(velocity, int | float) else velocity))


def skill_folders(config: Mapping[str, Any], run: Path) -> dict[str, Path]:
    """The run folders of the skills of a mutex, in its order; empty for other policies.

    Raises:
        UserError: its configuration does not name them.
    """
    if "skills" not in config:
        return {}
    skills, paths = config["skills"], config_entry(config, "policy.sub_policy_paths", run)
    lists = all(isinstance(each, list) and all(isinstance(item, str) for item in each) for each in (skills, paths))
    if not lists or len(skills) != len(paths):
        raise UserError(f"config.json of run folder '{run}': 'skills' do not fit 'policy.sub_policy_paths'")
    return {skill: run_folder_of(run) / path for skill, path in zip(skills, paths, strict=True)}


def sub_policy_folders(robot: str, given: Sequence[str], root: Path) -> dict[str, Path]:
    """Run folders by skill, in the order of ``MUTEX_ORDER``, from ``skill=RUN`` or, if none is given, the shipped ones.

    Raises:
        UserError: a skill is unknown, missing, or of another robot.
    """
    pairs = dict(_pair(text, "sub-policies", "RUN") for text in given)
    if given:
        folders = {skill: runs.resolve_run(run, root=root) for skill, run in pairs.items()}
    else:
        folders = {skill: runs.SHIPPED / f"{robot}_{skill}" for skill in MUTEX_ORDER}
        folders = {skill: folder for skill, folder in folders.items() if folder.is_dir()}
    # The last one tells a field mutex from a climb mutex; the others must all be there.
    missing = [skill for skill in MUTEX_ORDER[:-1] if skill not in folders]
    if missing:
        where = "--sub-policies" if given else f"the shipped policies of {robot}"
        raise UserError(
            f"a mutex needs the skills {', '.join(MUTEX_ORDER[:-1])}; {where} lack: {', '.join(missing)}; give "
            f"{' '.join(f'{skill}=RUN' for skill in missing)} among all others to --sub-policies"
        )
    for skill, folder in folders.items():
        found = config_entry(read_config(folder), "robot", folder)
        if found != robot:
            raise UserError(f"the policy '{folder}' for {skill} is of the robot {found}, and the task of {robot}")
    return {skill: folders[skill] for skill in MUTEX_ORDER if skill in folders}


def skill_velocities(folders: Mapping[str, Path], given: Sequence[str]) -> dict[int, float | list[float]]:
    """Place of the sub-policy -> forward command in m/s, or its range: as given, else as the skill was trained."""
    asked = {skill: _velocity(skill, text) for skill, text in (_pair(t, "skill-velocity", "m/s") for t in given)}
    result: dict[int, float | list[float]] = {}
    for index, (skill, folder) in enumerate(folders.items()):
        if skill in asked:
            result[index] = asked.pop(skill)
        elif index > 0:
            config = read_config(folder)
            result[index] = list(config_entry(config, "env.commands.lin_vel_x", folder))
    if asked:
        raise UserError(f"--skill-velocity names {', '.join(asked)}, which the mutex does not have")
    return result


def make_mutex(
    folder: Path,
    task: TaskCfg,
    sub_policies: Mapping[str, Path],
    options: MutexOptions | None = None,
    layouts: tuple[ObsLayout, ObsLayout] | None = None,
) -> Path:
    """Write a mutex of ``sub_policies``, by skill in the order of ``MUTEX_ORDER``, into ``folder``; returns ``folder``.

    Its configuration names the sub-policies' folders relative to its own; its checkpoint holds nothing of them.

    Args:
        task: where it acts; its observation must have what the sub-policies read.
        options: velocities, smoothing and reset mode.
        layouts: of the actor's and the critic's observation of ``task``; found out if not given.

    Raises:
        UserError: a sub-policy does not fit, with the difference.
    """
    options = options or MutexOptions()
    actor, critic = layouts or task_layouts(task)
    class_name = "ActorCriticClimbMutex" if MUTEX_ORDER[-1] in sub_policies else "ActorCriticFieldMutex"
    arguments: dict[str, Any] = {
        "sub_policy_class_name": "ActorCritic",
        "sub_policy_paths": [str(path.resolve()) for path in sub_policies.values()],
        "env_action_scale": robot_of(task.env).action_scale,
        "cmd_vel_mapping": {str(k): v for k, v in skill_velocities(sub_policies, options.skill_velocity).items()},
        "action_smoothing_buffer_len": _SMOOTHING if options.smoothing is None else options.smoothing,
        "reset_non_selected": _RESET_MODES[options.reset_mode or "all"],
        "critic_hidden_dims": _CRITIC,
        "proprioception_parts": PROPRIOCEPTION.to_json(),
    }
    interface = PolicyInterface.from_settings(settings_of(task.env), actor, 12, task.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # so that the same skills give the same files
        policy: ActorCriticMutex = get_policy_class(class_name)(
            actor.size,
            critic.size,
            12,
            obs_segments=actor,
            critic_obs_segments=critic,
            env_interface=interface,
            **arguments,
        )
    here = folder.resolve()
    relative = [os.path.relpath(path, here) for path in arguments["sub_policy_paths"]]
    state, _ = code_state()
    config = runs.run_config(task, "mujoco") | {
        "policy": {"class_name": class_name} | arguments | {"sub_policy_paths": relative},
        "skills": list(sub_policies),
        "num_actions": policy.num_actions,
        "obs_segments": actor.to_json(),
        "critic_obs_segments": critic.to_json(),
        "versions": versions(),
        "code": state,
    }
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint.write_json(folder / "config.json", config)
    checkpoint.save_tensors(folder / "model_0.pt", {"model_state_dict": policy.own_state_dict(), "iteration": 0})
    return folder


def task_layouts(task: TaskCfg) -> tuple[ObsLayout, ObsLayout]:
    """What actor and critic see in ``task``."""
    with runs.environment(task.env, Where(num_threads=1), num_envs=1) as env:
        return ObsLayout(env.obs_segments), ObsLayout(env.critic_obs_segments)


def mutex_skills(folder: Path) -> tuple[str, ...]:
    """The skills of a mutex, in the order of its sub-policies; empty for other policies."""
    return tuple(read_config(folder).get("skills", ()))


def policy_facts(folder: Path) -> dict[str, Any]:
    """``runs.checkpoint_facts`` of a policy and, under ``sub_policies``, of each skill of a mutex."""
    facts: dict[str, Any] = dict(runs.checkpoint_facts(folder))
    skills = skill_folders(read_config(folder), folder)
    if skills:
        facts["sub_policies"] = {skill: runs.checkpoint_facts(path) for skill, path in skills.items()}
    return facts


def _pair(text: str, option: str, what: str) -> tuple[str, str]:
    skill, equals, value = text.partition("=")
    if not equals or not value:
        raise UserError(f"--{option}: write skill={what}, not '{text}'")
    if skill not in MUTEX_ORDER:
        raise UnknownNameError("skill", skill, list(MUTEX_ORDER))
    return skill, value


def _velocity(skill: str, text: str) -> float | list[float]:
    try:
        values = [float(part) for part in text.split(":")]
    except ValueError:
        values = []
    if len(values) not in (1, 2) or values != sorted(values):
        raise UserError(f"--skill-velocity: write {skill}=1.2 or {skill}=1.0:1.4, in m/s, not '{skill}={text}'")
    return values[0] if len(values) == 1 else values
