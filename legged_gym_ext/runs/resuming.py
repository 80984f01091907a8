"""What may change when a run is resumed: every field either takes effect from there on, or is refused."""

from __future__ import annotations

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.runs.config_io import leaves
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.utils.errors import UserError

_WORLDS = "it is part of the worlds, and of the policy, that the run was saved with"
_POLICY = "the policy that was saved has it"
_ONCE = "it took effect when the run began"
_STATE = "the saved state goes on with its own"

REFUSED: dict[str, str] = {
    "env.robot": _WORLDS,
    "env.num_envs": _WORLDS,
    "env.observations": _WORLDS,
    "env.critic_observations": _WORLDS,
    "env.sim": _WORLDS,
    "env.scene": _WORLDS,
    "env.track": _WORLDS,
    "env.control": _WORLDS,
    "env.normalization": _WORLDS,
    "env.latency": _WORLDS,
    "env.camera": _WORLDS,
    "env.curriculum": _STATE,
    "train.policy": _POLICY,
    "train.algorithm_class": _POLICY,
    "train.runner_class": _POLICY,
    "train.algorithm.normalize_obs": _POLICY,
    "train.algorithm.normalize_until": _POLICY,
    "train.algorithm.distill_latent_components": _POLICY,
    "train.algorithm.teacher_run": _STATE,
    "train.algorithm.teacher_policy": _STATE,
    "train.algorithm.teacher_source": _STATE,
    "train.algorithm.start_run": _ONCE,
    "train.algorithm.start_from_teacher": _ONCE,
    "train.algorithm.teacher_segments": _ONCE,
    "train.algorithm.replay_steps": _STATE,
    "train.algorithm.images_per_step": _STATE,
    "train.algorithm.image_range": _STATE,
    "train.load": _ONCE,
    "train.seed": _STATE,
}
"""Fields, and groups of fields, that a resumed run keeps -> why. All others take effect from the resume on."""
APPLIED_WITHIN = ("env.sim.num_threads",)
"""Fields of the groups above that take effect nevertheless."""
_RATE = "train.algorithm.learning_rate"
_SCHEDULE = "train.algorithm.schedule"


def changed_fields(before: TaskCfg, after: TaskCfg) -> list[str]:
    """Dotted names of the fields that differ, those that only one of them has included."""
    old, new = _values(before), _values(after)
    missing = object()
    names = dict.fromkeys([*old, *new])
    return [name for name in names if old.get(name, missing) != new.get(name, missing)]


def check_resumed(before: TaskCfg, after: TaskCfg) -> None:
    """``UserError`` where ``after``, the task that is asked for, changes what the resumed run of ``before`` keeps."""
    changed = changed_fields(before, after)
    for name in changed:
        reason = refusal(name, before.env)
        if reason is not None:
            raise UserError(
                f"--{name.replace('_', '-')} cannot change when a run is resumed: {reason}; leave it out, or start a "
                "new run from its weights with --load-run"
            )
    if _RATE in changed and after.train.algorithm.schedule == "adaptive" and _SCHEDULE not in changed:
        raise UserError(
            f"--{_RATE.replace('_', '-')} has no effect on a resumed run whose rate adapts itself; set "
            "--train.algorithm.schedule fixed as well, or change the bounds of the rate"
        )


def refusal(name: str, env: EnvCfg) -> str | None:
    """Why a resumed run keeps the field ``name``; ``None`` where a change takes effect."""
    if name in APPLIED_WITHIN:
        return None
    for kept, reason in REFUSED.items():
        if name == kept or name.startswith(f"{kept}."):
            return reason
    event = name.removeprefix("env.events.").split(".")[0]
    if name.startswith("env.events.") and event in env.events and env.events[event].mode == "startup":
        return _ONCE
    return None


def _values(task: TaskCfg) -> dict[str, object]:
    pairs = [*leaves(task.env, "env."), *leaves(task.train, "train.")]
    return {leaf.name: leaf.value for leaf in pairs}
