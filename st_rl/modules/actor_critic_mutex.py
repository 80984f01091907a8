"""Several trained policies in one, of which one acts at a time in each world."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from st_rl.modules.actor_critic import ActorCritic
from st_rl.modules.mutex_cfg import MutexCfg
from st_rl.modules.normalizer import EmpiricalNormalization
from st_rl.modules.registry import get_policy_class
from st_rl.utils.errors import UnknownNameError, UserError, say_once
from st_rl.utils.obs_layout import ObsLayout, Segments, as_layout
from st_rl.utils.policy_interface import (
    FORWARD_COMMAND,
    Conversion,
    PolicyInterface,
    action_scales,
    columns_elsewhere,
    conversion_between,
    rearranged,
)
from st_rl.utils.run_folder import (
    config_entry,
    config_layout,
    load_newest_whole,
    load_weights,
    read_config,
    run_folder_of,
)

logger = logging.getLogger(__name__)

_SUB_POLICIES = ("submodules.", "sub_normalizers.")
"""How the names of weights begin that belong to sub-policies."""


class SubPolicy(NamedTuple):
    """A policy loaded from its run folder."""

    policy: ActorCritic
    normalizer: EmpiricalNormalization | None
    """Statistics of the observation, where the run trained with them."""
    layout: ObsLayout
    config: dict[str, Any]
    interface: PolicyInterface
    """What its numbers mean."""
    conversion: Conversion
    """From the environment's numbers to its own, and back."""
    checkpoint: Path
    """The file its weights are from."""
    columns: Tensor | None = None
    """``(D,)`` columns of the environment's observation that it reads, where its segments are not all there by name."""

    def select(self, observations: Tensor, env_layout: ObsLayout) -> Tensor:
        """The policy's segments, in the environment's numbers, of ``observations (N, size of env_layout)``."""
        return select_segments(observations, env_layout, self.layout, self.columns)

    def observe(self, observations: Tensor) -> Tensor:
        """What the policy reads, of its segments in the environment's numbers ``(N, D)``: ``(N, D)``."""
        seen = self.conversion.observation(observations)
        return seen if self.normalizer is None else self.normalizer(seen)

    def to(self, device: torch.device | str) -> SubPolicy:
        """Move all of it to ``device``, ready to be played; returns itself."""
        self.policy.to(device).eval()
        if self.normalizer is not None:
            self.normalizer.to(device).eval()
        self.conversion.to(device)
        return self if self.columns is None else self._replace(columns=self.columns.to(device))


class ActorCriticMutex(ActorCritic):
    """Loads trained sub-policies and keeps them frozen; how they act together is up to the classes derived from it.

    The mutex has a critic of its own and a noise level, which stand for those of a policy where one is asked for; it
    has no actor network.
    """

    cfg_class = MutexCfg

    def __init__(
        self,
        num_actor_obs: int,
        num_critic_obs: int,
        num_actions: int,
        sub_policy_class_name: str,
        sub_policy_paths: Sequence[str | Path],
        obs_segments: Segments | None = None,
        critic_obs_segments: Segments | None = None,
        env_action_scale: float | Sequence[float] = 0.5,
        *,
        env_interface: PolicyInterface | None = None,
        actor_hidden_dims: Sequence[int] | int | None = None,
        init_noise_std: float | Sequence[float] = 1.0,
        **kwargs: Any,
    ) -> None:
        """``sub_policy_paths``: run folders, or checkpoints in them, in the order of the selection.

        ``sub_policy_class_name`` is for runs whose ``config.json`` does not name the class. ``env_action_scale`` is
        the environment's action scale, and ``env_interface`` says what its observations mean, for sub-policies that
        were trained with other scales. A sub-policy may read a part of the environment's segments.
        ``actor_hidden_dims`` is accepted as for every policy and has no effect.
        """
        if obs_segments is None:
            raise UserError(f"{type(self).__name__} needs obs_segments")
        layout = as_layout(obs_segments)
        super().__init__(
            num_actor_obs,
            num_critic_obs,
            num_actions,
            actor_hidden_dims=None,
            init_noise_std=init_noise_std,
            obs_segments=layout,
            critic_obs_segments=critic_obs_segments,
            **kwargs,
        )
        self.actor = _Noise(self.actor.log_std.detach())
        if not sub_policy_paths:
            raise UserError(f"{type(self).__name__} needs sub_policy_paths with at least one run folder")
        self.sub_policy_paths = [str(path) for path in sub_policy_paths]
        self.env_interface = env_interface
        self.skip_empty = True
        """On a CPU, run sub-policies only for the worlds that need them, which the host must know for that."""
        subs = [
            load_sub_policy(path, layout, num_actions, sub_policy_class_name, env_interface)
            for path in self.sub_policy_paths
        ]
        self.submodules = nn.ModuleList(sub.policy for sub in subs)
        self.sub_normalizers = nn.ModuleList(sub.normalizer or nn.Identity() for sub in subs)
        self.sub_layouts = [sub.layout for sub in subs]
        self._sub_gathers = [sub.columns is not None for sub in subs]
        self.sub_configs = [sub.config for sub in subs]
        self.is_recurrent = any(sub.policy.is_recurrent for sub in subs)
        self.register_buffer("env_action_scale", torch.tensor(env_action_scale, dtype=torch.float32))
        self._note_numbers(subs, num_actions)
        self.converts_observations = any(_is_converted(self.observation_factor_of(i)) for i in range(len(subs)))
        """Whether a sub-policy was trained with other scales of observations than the environment has."""
        self.submodules.requires_grad_(False)
        self.train(self.training)

    def _note_numbers(self, subs: Sequence[SubPolicy], num_actions: int) -> None:
        """Keep the scales and columns of the sub-policies as buffers, which move with the module."""
        for index, (path, sub) in enumerate(zip(self.sub_policy_paths, subs, strict=True)):
            scale = _action_scale(config_entry(sub.config, "control.action_scale", path), num_actions, path)
            self.register_buffer(f"subpolicy_action_scale_{index}", scale)
            factor = _observation_factor(sub, self.env_interface)
            self.register_buffer(f"_sub_obs_factor_{index}", factor, persistent=False)
            self.register_buffer(f"_sub_columns_{index}", sub.columns, persistent=False)

    def action_scale_of(self, index: int) -> Tensor:
        """Action scale of a sub-policy, a scalar or ``(A,)``, in radians per unit of action."""
        return self.get_buffer(f"subpolicy_action_scale_{index}")

    def observation_factor_of(self, index: int) -> Tensor:
        """What the environment's observations are multiplied with for a sub-policy, ``(D_i,)``; 1 for last actions and
        commands, which derived classes set."""
        return self.get_buffer(f"_sub_obs_factor_{index}")

    def own_state_dict(self) -> dict[str, Tensor]:
        """The part of ``state_dict`` that is not the sub-policies': enough for a checkpoint, as their run folders hold
        the rest."""
        return {name: value for name, value in self.state_dict().items() if not name.startswith(_SUB_POLICIES)}

    def sub_policy_state_dict(self) -> dict[str, Tensor]:
        """The part of ``state_dict`` that is the sub-policies'."""
        return {name: value for name, value in self.state_dict().items() if name.startswith(_SUB_POLICIES)}

    def reset(self, dones: Tensor | None = None) -> None:
        """Reset every sub-policy for the worlds in ``dones (N,)``, or for all."""
        for module in self.submodules:
            module.reset(dones)  # type: ignore[operator]

    def act(self, observations: Tensor, **kwargs: Any) -> Tensor:  # type: ignore[override]
        """Not defined here: derive a class that decides which sub-policy acts."""
        raise NotImplementedError(f"{type(self).__name__} does not say which sub-policy acts; derive a class that does")

    def act_inference(self, observations: Tensor) -> Tensor:
        """Not defined here: derive a class that decides which sub-policy acts."""
        raise NotImplementedError(f"{type(self).__name__} does not say which sub-policy acts; derive a class that does")

    def step_states(self, batch_size: int) -> dict[str, Tensor]:
        """Not defined here: derive a class that decides which sub-policy acts."""
        raise UserError(f"{type(self).__name__} does not say which sub-policy acts; export one of its sub-policies")

    def sub_policy_actions(
        self, observations: Tensor, active: Tensor | None = None, forget_inactive: bool = False
    ) -> Tensor:
        """Mean actions ``(N, P, A)`` of the P sub-policies, each in its own action scale, at ``observations (N, D)``.

        ``active (N, P)`` says which of them matter; the others may be zero. A sub-policy with a memory runs on all
        worlds, so that it misses no step, unless ``forget_inactive`` allows to reset it where it is not active.
        """
        # Picking rows pays off on a CPU; on a GPU it would wait for the device, and whole batches cost little there.
        on_cpu = self.skip_empty and observations.device.type == "cpu"
        outputs = []
        for index, module in enumerate(self.submodules):
            if active is not None and on_cpu and (forget_inactive or not module.is_recurrent):
                outputs.append(self._run_rows(index, observations, active[:, index].nonzero().squeeze(1)))
            else:
                outputs.append(self._run(index, observations))
        return torch.stack(outputs, dim=1)

    def _run_rows(self, index: int, observations: Tensor, rows: Tensor) -> Tensor:
        """``_run`` on the given rows of ``observations (N, D)``; zero actions, and empty memories, in the others."""
        num_envs = observations.shape[0]
        memories: Any = self.submodules[index].actor_memories()  # type: ignore[operator]
        for memory in memories:
            states = memory.flat_state()
            if states:
                memory.set_flat_state([state[:, rows] for state in states])
        output = observations.new_zeros(num_envs, self.num_actions)
        if len(rows):
            output = output.index_copy(0, rows, self._run(index, observations[rows]))
        for memory in memories:
            advanced = memory.flat_state() if len(rows) else []
            memory.hidden_states = memory.zero_state(num_envs)
            if advanced:
                states = zip(memory.flat_state(), advanced, strict=True)
                memory.set_flat_state([empty.index_copy(1, rows, state) for empty, state in states])
        return output

    def _run(self, index: int, observations: Tensor) -> Tensor:
        """Mean actions ``(n, A)`` of one sub-policy."""
        return self.submodules[index].act_inference(self._seen(index, observations))  # type: ignore[operator]

    def _seen(self, index: int, observations: Tensor) -> Tensor:
        """What one sub-policy reads of ``observations (n, D)``: its own segments, scaled and normalized as in its
        run."""
        assert self.obs_segments is not None  # checked by the constructor
        columns = self.get_buffer(f"_sub_columns_{index}") if self._sub_gathers[index] else None
        observations = select_segments(observations, self.obs_segments, self.sub_layouts[index], columns)
        if self.converts_observations:
            observations = observations * self.observation_factor_of(index)
        return self.sub_normalizers[index](observations)

    def input_layouts(self, obs_segments: Segments, critic_obs_segments: Segments) -> dict[str, ObsLayout]:
        """As in ``ActorCritic``, of the critic; the sub-policies keep the layouts of their runs."""
        return {"critic.fc.0.weight": as_layout(critic_obs_segments)}

    def train(self, mode: bool = True) -> ActorCriticMutex:
        """Only the critic is ever in training mode."""
        super().train(mode)
        self.submodules.eval()
        self.sub_normalizers.eval()
        return self


class _Noise(nn.Module):
    """What is left of an actor when others give the mean."""

    def __init__(self, log_std: Tensor) -> None:
        super().__init__()
        self.log_std = nn.Parameter(log_std)


def select_segments(observations: Tensor, env_layout: ObsLayout, layout: ObsLayout, columns: Tensor | None) -> Tensor:
    """What a policy of ``layout`` reads of ``observations (..., size of env_layout)``: the columns with those numbers,
    ``columns (D,)``, or without them the segments of the same names."""
    if columns is not None:
        return observations.index_select(-1, columns)
    return observations if layout == env_layout else env_layout.select(observations, layout.names)


def load_sub_policy(
    folder: str | Path,
    env_layout: ObsLayout,
    num_actions: int,
    default_class_name: str,
    env_interface: PolicyInterface | None = None,
) -> SubPolicy:
    """The policy of a run with the weights of its newest checkpoint, to act on ``env_layout`` or a part of it.

    Every loader of a policy goes through here. What the run was trained with and the environment has otherwise is
    converted (order and choice of segments, scales of observations and actions), or said in one sentence. A segment
    that the environment does not have is made of the columns that mean the same, if ``env_interface`` says where.

    Args:
        folder: the run folder, or one of its checkpoints.
        default_class_name: where the run's configuration names no class.
        env_interface: what the environment's numbers mean; without it they are taken as they come.

    Raises:
        UserError: something is missing or does not fit; the message has the folder and the difference.
    """
    config = read_config(folder)
    arguments = config_entry(config, "policy", folder)
    if not isinstance(arguments, Mapping):
        raise UserError(f"config.json of run folder '{folder}': 'policy' is no object with constructor arguments")
    layout = config_layout(config, "obs_segments", folder)
    interface = PolicyInterface.from_settings(config, layout, num_actions, folder)
    env_interface, columns = _as_read_by(interface, env_interface, env_layout, folder)
    conversion = conversion_between(env_interface, interface, folder)
    if conversion.differences:
        say_once(logger, conversion.sentence(folder))
    policy = _build(folder, config, arguments, interface, (default_class_name, num_actions))
    checkpoint, path = load_newest_whole(folder)
    weights = checkpoint["model_state_dict"]
    if isinstance(policy, ActorCriticMutex):
        weights = policy.sub_policy_state_dict() | weights
    load_weights(policy, weights, path)
    normalizer = None
    if "obs_normalizer_state_dict" in checkpoint:
        normalizer = EmpiricalNormalization(layout.size)
        load_weights(normalizer, checkpoint["obs_normalizer_state_dict"], path)
    return SubPolicy(policy, normalizer, layout, config, interface, conversion, path, columns)


def _as_read_by(
    policy: PolicyInterface, env: PolicyInterface | None, env_layout: ObsLayout, folder: str | Path
) -> tuple[PolicyInterface | None, Tensor | None]:
    """``env`` as ``policy`` reads it, and which of its columns those are unless segments of the same names do.

    ``UserError`` names the segments that the environment lacks.
    """
    known = ObsLayout((name, env_layout[name]) for name in policy.layout if name in env_layout)
    if known == policy.layout:
        return env, None
    places = None if env is None else columns_elsewhere(env, env_layout, policy)
    if env is None or places is None:
        difference = known.difference(policy.layout, "the environment", "the run")
        raise UserError(f"run folder '{folder}' was trained with other observation segments: {difference}")
    return rearranged(env, policy.layout, places), torch.tensor(places)


def _build(
    folder: str | Path,
    config: Mapping[str, Any],
    arguments: Mapping[str, Any],
    interface: PolicyInterface,
    default: tuple[str, int],
) -> ActorCritic:
    """An untrained policy as the run in ``folder`` describes it; ``default``: class name, number of actions."""
    default_class_name, num_actions = default
    # The critic is built as it was trained, and never asked: its segments need not exist in the environment.
    critic_layout = config_layout(config, "critic_obs_segments", folder)
    arguments = {
        name: value for name, value in arguments.items() if name not in ("obs_segments", "critic_obs_segments")
    }
    class_name = arguments.pop("class_name", default_class_name)
    if "sub_policy_paths" in arguments:
        # A mutex: the folders of its sub-policies are relative to its own, and it hands them what it reads itself.
        paths = arguments["sub_policy_paths"]
        if not isinstance(paths, list | tuple) or not all(isinstance(path, str) for path in paths):
            raise UserError(f"config.json of run folder '{folder}': sub_policy_paths must be a list of folders")
        arguments["sub_policy_paths"] = [str(run_folder_of(folder) / path) for path in paths]
        if arguments.get("jump_down_policy_path") is not None:
            arguments["jump_down_policy_path"] = str(run_folder_of(folder) / arguments["jump_down_policy_path"])
        arguments["env_interface"] = interface
    layout = interface.layout
    try:
        return get_policy_class(class_name)(
            layout.size,
            critic_layout.size,
            num_actions,
            obs_segments=layout,
            critic_obs_segments=critic_layout,
            **arguments,
        )
    except (UnknownNameError, UserError, TypeError, ValueError, RuntimeError, OverflowError, MemoryError) as error:
        reason = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise UserError(f"the policy '{class_name}' of run folder '{folder}' cannot be built: {reason}") from error


def _observation_factor(sub: SubPolicy, env: PolicyInterface | None) -> Tensor:
    """``(D,)`` for the sub-policy's segments, 1 in the columns that a mutex sets itself."""
    factor = sub.conversion.obs_factor
    if factor is None or env is None:
        return torch.ones(sub.layout.size)
    columns = [column for name in sub.layout for column in sub.interface.columns[name]]
    own = torch.tensor([column.joint is not None or column.part == FORWARD_COMMAND for column in columns])
    return torch.where(own, 1.0, factor)


def _is_converted(factor: Tensor) -> bool:
    return bool((factor != 1.0).any())


def _action_scale(value: Any, num_actions: int, folder: str) -> Tensor:
    scales = action_scales(value, num_actions, folder)
    return torch.tensor(scales) if isinstance(value, list | tuple) else torch.tensor(scales[0])
