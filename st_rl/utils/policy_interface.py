"""What the numbers between a policy and a robot mean, beside its weights, and how one meaning is turned into another.

The entries of ``config.json`` that say so: ``robot``, ``control.action_scale`` (rad per unit of action, one number or
one for each joint), ``normalization.obs_scales``, ``env.observations`` and ``env.critic_observations`` (factor of each
segment, parts of ``proprioception``), ``proprioception`` (which of the ``obs_scales`` each column of each part has;
``USUAL_PARTS`` where it is missing), ``env.sim``. Another entry that is missing is unknown, and nothing is converted by
it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout

Settings = Mapping[str, Any]
"""The contents of ``config.json``, or the same entries of an environment."""

FORWARD_COMMAND = "commands[0]"
"""The column of ``proprioception`` that asks for a forward velocity."""
_PROPRIOCEPTION = "proprioception"
_ACTIONS = "actions"
USUAL_PARTS: Mapping[str, tuple[str, ...]] = {
    "base_lin_vel": ("lin_vel",) * 3,
    "base_ang_vel": ("ang_vel",) * 3,
    "projected_gravity": ("gravity",) * 3,
    "commands": ("lin_vel", "lin_vel", "ang_vel"),
    "dof_pos": ("dof_pos",),
    "dof_vel": ("dof_vel",),
    _ACTIONS: ("",),
}
"""The entry ``proprioception`` of settings that lack it, as those of older runs do: part -> the name in ``obs_scales``
of the factor of each of its columns, empty for the last actions, which are not scaled; a part with a single name has
as many columns as there are joints."""
_CONTROL = {
    "stiffness": ("a stiffness", " N m/rad"),
    "damping": ("a damping", " N m s/rad"),
}


@dataclass(frozen=True)
class Column:
    """One number of an observation."""

    part: str
    """What it is: a part of ``proprioception`` and the place in it, or the segment's own name and the place in it."""
    scale: float | None
    """Observation over physical value; ``None`` is unknown."""
    joint: int | None = None
    """The joint whose last action it is."""


@dataclass(frozen=True)
class PolicyInterface:
    """Meaning of the observations and actions of a policy, or of the environment it acts in."""

    layout: ObsLayout
    columns: Mapping[str, tuple[Column, ...]]
    """Segment -> its columns."""
    action_scale: tuple[float, ...] | None = None
    """(A,) rad per unit of action."""
    robot: str | None = None
    control_dt: float | None = None
    """Seconds between two actions."""
    gains: Mapping[str, Any] = field(default_factory=dict)
    """Gains of the joint controllers where they are known: one number where all joints have the same."""

    @classmethod
    def from_settings(
        cls, settings: Settings, layout: ObsLayout, num_actions: int, source: object, *, critic: bool = False
    ) -> PolicyInterface:
        """The meaning of the columns of ``layout``, the actor's or the ``critic``'s.

        Raises:
            UserError: an entry is of the wrong type or contradicts another one; the message names ``source``.
        """
        _check_copies(settings, source)
        control = _object(settings, "control", source)
        env = _object(settings, "env", source)
        scale = control.get("action_scale")
        terms = _object(env, "critic_observations" if critic else "observations", source)
        scales = _object(_object(settings, "normalization", source), "obs_scales", source)
        known = _known_parts(settings, num_actions, source)
        robot = settings.get("robot")
        return cls(
            layout=layout,
            columns={
                name: _columns(name, layout.size_of(name), _object(terms, name, source), scales, known, source)
                for name in layout
            },
            action_scale=None if scale is None else action_scales(scale, num_actions, source),
            robot=robot if isinstance(robot, str) else None,
            control_dt=_control_dt(_object(env, "sim", source)),
            gains={name: _gains(control[name]) for name in _CONTROL if control.get(name) is not None},
        )


class Conversion:
    """From what an environment shows to what a policy reads, and from its actions to the environment's.

    The identity where nothing differs or nothing is known, and then bit for bit.
    """

    def __init__(
        self, obs_factor: Tensor | None = None, action_factor: Tensor | None = None, differences: Iterable[str] = ()
    ) -> None:
        """``obs_factor (D,)`` and ``action_factor (A,)`` are multiplied with; ``None`` changes nothing."""
        self.obs_factor, self.action_factor = obs_factor, action_factor
        self.differences = tuple(differences)
        """What differs and cannot be converted, a clause each."""

    def is_identity(self) -> bool:
        """Whether nothing is converted."""
        return self.obs_factor is None and self.action_factor is None

    def observation(self, observations: Tensor) -> Tensor:
        """``(N, D)`` as the environment shows the policy's segments -> ``(N, D)`` as the policy learned them."""
        return observations if self.obs_factor is None else observations * self.obs_factor

    def action(self, actions: Tensor) -> Tensor:
        """``(N, A)`` of the policy -> ``(N, A)`` in the environment's units."""
        return actions if self.action_factor is None else actions * self.action_factor

    def to(self, device: torch.device | str) -> Conversion:
        """Move it to ``device``; returns itself."""
        if self.obs_factor is not None:
            self.obs_factor = self.obs_factor.to(device)
        if self.action_factor is not None:
            self.action_factor = self.action_factor.to(device)
        return self

    def sentence(self, source: object) -> str:
        """One sentence that says what differs and stays; empty where nothing does."""
        return "" if not self.differences else f"the policy in '{source}' {'; it '.join(self.differences)}"


def columns_elsewhere(env: PolicyInterface, layout: ObsLayout, policy: PolicyInterface) -> tuple[int, ...] | None:
    """The column of an environment that observes ``layout`` for each one that ``policy`` reads.

    Segments are found by their names; one that is not there by what its columns are, such as parts of
    ``proprioception`` that make up a segment of the policy alone. ``None`` where one is not there at all, has another
    shape, or stands for several steps.
    """
    places: dict[str, int] = {}
    for name in layout:
        for place, column in enumerate(env.columns[name], layout.slice_of(name).start):
            places.setdefault(column.part, place)
    found: list[int] = []
    for name, shape in policy.layout.items():
        parts = [column.part for column in policy.columns[name]]
        if name in layout and layout[name] == shape:
            columns = layout.slice_of(name)
            found += range(columns.start, columns.stop)
        elif name not in layout and len(set(parts)) == len(parts) and all(part in places for part in parts):
            found += [places[part] for part in parts]
        else:
            return None
    return tuple(found)


def rearranged(env: PolicyInterface, layout: ObsLayout, columns: Sequence[int]) -> PolicyInterface:
    """``env``, of an environment whose columns ``columns`` are taken to be an observation of ``layout``."""
    every = [column for name in env.layout for column in env.columns[name]]
    taken = [every[place] for place in columns]
    return replace(env, layout=layout, columns={name: tuple(taken[layout.slice_of(name)]) for name in layout})


def conversion_between(env: PolicyInterface | None, policy: PolicyInterface, source: object) -> Conversion:
    """Convert what can be converted: scales of observations and actions, and with the latter the last actions.

    Args:
        env: of the environment; ``None`` is unknown.
        policy: of the policy of the run ``source``; its segments are among those of ``env``.

    Raises:
        UserError: a segment has other columns there, or is always zero here.
    """
    if env is None:
        return Conversion()
    factors = [
        _factor(env, policy, here, there, f"'{source}' reads '{name}'")
        for name in policy.layout
        for here, there in zip(env.columns[name], policy.columns[name], strict=True)
    ]
    obs = None if all(factor == 1.0 for factor in factors) else torch.tensor(factors)
    actions = None
    if env.action_scale is not None and policy.action_scale is not None and env.action_scale != policy.action_scale:
        actions = torch.tensor([a / b for a, b in zip(policy.action_scale, env.action_scale, strict=True)])
    return Conversion(obs, actions, _differences(env, policy))


def action_scales(value: Any, num_actions: int, source: object) -> tuple[float, ...]:
    """``control.action_scale`` of a run as one number for each action; ``UserError`` names ``source``."""
    values = list(value) if isinstance(value, list | tuple) else [value] * num_actions
    if len(values) != num_actions or not all(_is_number(v) and v > 0 for v in values):
        raise UserError(
            f"config.json of run folder '{source}': control.action_scale must be a positive number or {num_actions} "
            f"of them, not {value}"
        )
    return tuple(float(v) for v in values)


def _factor(env: PolicyInterface, policy: PolicyInterface, here: Column, there: Column, what: str) -> float:
    """What a column of the environment is multiplied with to become that of the policy."""
    if here.scale is None or there.scale is None:
        return 1.0
    if here.part != there.part:
        raise UserError(f"{what} as '{there.part}' where the environment has '{here.part}'; use a task with its parts")
    factor = 1.0
    if here.scale != there.scale:
        if here.scale == 0.0:
            raise UserError(f"{what}, and the environment multiplies '{here.part}' by 0; give it the run's own scale")
        factor = there.scale / here.scale
    if here.joint is not None and there.joint is not None and env.action_scale and policy.action_scale:
        factor *= env.action_scale[here.joint] / policy.action_scale[there.joint]
    return factor


def _differences(env: PolicyInterface, policy: PolicyInterface) -> list[str]:
    found = []
    if env.robot is not None and policy.robot is not None and env.robot != policy.robot:
        found.append(f"was trained on the robot {policy.robot} and acts on {env.robot}")
    if env.control_dt and policy.control_dt and not math.isclose(env.control_dt, policy.control_dt, rel_tol=1e-6):
        found.append(f"was trained at {1 / policy.control_dt:g} actions a second and acts at {1 / env.control_dt:g}")
    for name, (label, unit) in _CONTROL.items():
        own, theirs = env.gains.get(name), policy.gains.get(name)
        if own is not None and theirs is not None and own != theirs and env.robot == policy.robot:
            found.append(f"was trained with {label} of {theirs}{unit} and acts with {own}")
    return found


def _known_parts(settings: Settings, num_actions: int, source: object) -> dict[str, tuple[str, ...]]:
    """Part of ``proprioception`` -> the name in ``obs_scales`` of the factor of each of its columns."""
    given = _object(settings, _PROPRIOCEPTION, source)
    if not given:
        return {part: keys * num_actions if len(keys) == 1 else keys for part, keys in USUAL_PARTS.items()}
    for part, keys in given.items():
        if not isinstance(keys, list | tuple) or not all(isinstance(key, str) for key in keys):
            raise UserError(
                f"config.json of run folder '{source}': proprioception.{part} must be the names of scales, not {keys}"
            )
    return {part: tuple(keys) for part, keys in given.items()}


def _columns(
    name: str, size: int, term: Settings, scales: Settings, known: Mapping[str, tuple[str, ...]], source: object
) -> tuple[Column, ...]:
    """The columns of the segment ``name``; of a stack of several observations, those of each in turn."""
    parts = term.get("parts")
    if name != _PROPRIOCEPTION and parts is None:
        scale = term.get("scale")
        if scale is not None and not _is_number(scale):
            raise UserError(f"config.json of run folder '{source}': the scale of '{name}' is no number: {scale}")
        return tuple(Column(f"{name}[{index}]", scale) for index in range(size))
    named = list(known) if parts is None else parts
    if not isinstance(named, list | tuple) or not all(part in known for part in named):
        raise UserError(f"config.json of run folder '{source}': '{name}' has unknown parts: {parts}")
    one: list[Column] = []
    for part in named:
        for index, key in enumerate(known[part]):
            joint = index if part == _ACTIONS else None
            one.append(Column(f"{part}[{index}]", 1.0 if key == "" else _obs_scale(scales, key, source), joint))
    if not one or size % len(one):
        # Not as this program makes it: its columns are taken as they come.
        return tuple(Column(f"{name}[{index}]", None) for index in range(size))
    return tuple(one) * (size // len(one))


def _gains(value: Any) -> Any:
    values = list(value) if isinstance(value, list | tuple) else [value]
    return values[0] if values and all(each == values[0] for each in values) else values


def _obs_scale(scales: Settings, key: str, source: object) -> float | None:
    value = scales.get(key)
    if value is not None and not _is_number(value):
        raise UserError(f"config.json of run folder '{source}': obs_scales.{key} must be a number, not {value}")
    return value


def _control_dt(sim: Settings) -> float | None:
    dt: Any = sim.get("dt")
    decimation: Any = sim.get("decimation")
    return float(dt) * decimation if _is_number(dt) and _is_number(decimation) else None


def _check_copies(settings: Settings, source: object) -> None:
    """Entries that ``config.json`` has twice say the same."""
    env = settings.get("env")
    if not isinstance(env, Mapping):
        return
    for name in ("robot", "control", "normalization"):
        if name in settings and not _agree(settings[name], env.get(name)):
            raise UserError(f"config.json of run folder '{source}': '{name}' and 'env.{name}' contradict each other")


def _agree(value: Any, copy: Any) -> bool:
    """Whether ``copy`` says nothing else than ``value``; ``None`` in it leaves a value open."""
    if isinstance(value, Mapping) and isinstance(copy, Mapping):
        return all(_agree(value[name], item) for name, item in copy.items() if name in value)
    return copy is None or value == copy


def _object(settings: Settings, name: str, source: object) -> Settings:
    """An entry that is an object; empty where it is missing."""
    value = settings.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UserError(f"config.json of run folder '{source}': '{name}' must be an object, not {str(value)[:60]}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
