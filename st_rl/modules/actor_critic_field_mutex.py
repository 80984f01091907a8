"""The mutex policy that chooses the sub-policy by the obstacle ahead.

The ``engaging_block`` segment is ``[signed distance, one-hot over obstacle ids, block info (2)]`` with the obstacle ids
walk, tilt, crawl, jump, leap; sub-policy i is for obstacle i. The part ``commands`` of ``proprioception`` begins with
the forward velocity command, and its part ``actions`` is the last action.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from st_rl.modules.actor_critic import ActorCritic
from st_rl.modules.actor_critic_mutex import ActorCriticMutex
from st_rl.modules.mutex_cfg import FieldMutexCfg
from st_rl.modules.velocity_commands import VelocityCommand, as_range, velocities_by_index
from st_rl.utils.errors import UserError
from st_rl.utils.gaussian import DiagonalGaussian
from st_rl.utils.obs_layout import ObsLayout, Segments, as_layout, get_obs_slice
from st_rl.utils.policy_interface import FORWARD_COMMAND
from st_rl.utils.run_folder import config_entry

logger = logging.getLogger(__name__)

_NUM_BLOCK_INFO = 2


def usual_proprioception(size: int, num_actions: int) -> ObsLayout:
    """The layout of ``size`` columns of ``proprioception`` unless told otherwise.

    Nine columns of velocities and gravity, the commands (at most three, at 9 to 11), the joints, the last actions.
    """
    before = 9
    rest = size - before - num_actions
    if rest < 1:
        raise UserError(f"{size} columns of proprioception hold no command and last action; name its parts")
    commands = min(rest, 3)
    parts = [("velocities", before), ("commands", commands), ("joints", rest - commands), ("actions", num_actions)]
    return ObsLayout((name, width) for name, width in parts if width)


class ActorCriticFieldMutex(ActorCriticMutex):
    """Runs the sub-policies on the batch and lets the obstacle ahead decide which of them acts in which world.

    ``act`` returns what ``act_inference`` does: the sub-policies are played, not trained.
    """

    cfg_class = FieldMutexCfg

    env_action_scale: Tensor
    cmd_scales: Tensor
    cmd_factors: Tensor
    _cmd_range: Tensor

    def __init__(
        self,
        *args: Any,
        cmd_vel_mapping: Mapping[int | str, VelocityCommand] | None = None,
        reset_non_selected: str | bool = "all",
        action_smoothing_buffer_len: int = 1,
        proprioception_parts: Segments | None = None,
        **kwargs: Any,
    ) -> None:
        """``cmd_vel_mapping``: sub-policy index -> forward velocity that replaces the command while it is selected.

        ``reset_non_selected``: ``"all"`` (or true) resets the memory of every sub-policy that was not selected within
        the smoothing window; ``"when_skill"`` resets, in worlds where a skill is selected, the other skills, but never
        the first sub-policy (walk); ``False`` resets none. ``action_smoothing_buffer_len``: number of last steps whose
        selections are averaged to blend the actions. ``proprioception_parts``: layout of the columns of
        ``proprioception``, with the parts ``commands`` and ``actions``; by default ``usual_proprioception``.
        """
        super().__init__(*args, **kwargs)
        if reset_non_selected not in ("all", True, "when_skill", False):
            raise UserError(f"reset_non_selected must be 'all', 'when_skill' or False, not {reset_non_selected!r}")
        if action_smoothing_buffer_len < 1:
            raise UserError(f"action_smoothing_buffer_len must be at least 1, not {action_smoothing_buffer_len}")
        self.reset_non_selected = reset_non_selected
        self.action_smoothing_buffer_len = action_smoothing_buffer_len
        self.cmd_vel_mapping = velocities_by_index(cmd_vel_mapping or {}, len(self.submodules))
        self._check_layout()
        self._find_columns(proprioception_parts)
        scales = [self._lin_vel_scale(index) for index in range(len(self.submodules))]
        self.register_buffer("cmd_scales", torch.tensor(scales))
        factors = self._command_factors(scales)
        self.register_buffer("cmd_factors", torch.tensor(factors), persistent=False)
        self.converts_commands = any(factor != 1.0 for factor in factors)
        """Whether a sub-policy was trained with another scale of velocities than the environment has."""
        self.register_buffer("_cmd_range", self._command_ranges(), persistent=False)
        self._overrides_commands = not bool(self._cmd_range.isnan().all())
        # Per-world state, made when the number of worlds is known.
        self.cmd_vel_current: Tensor | None = None  # (N, P) m/s, nan where the command is not overridden
        self.action_smoothing_buffer: Tensor | None = None  # (length, N, P) one-hot selections, newest last
        self._restarted: Tensor | None = None  # (N,) bool: no selection since the last reset

    # -- selection and observation -----------------------------------------------------------------------------

    def get_policy_selection(self, observations: Tensor) -> Tensor:
        """One-hot bool ``(..., P)``: which sub-policy acts; the first where no obstacle (that has one) is ahead."""
        one_hot = self._engaging_block(observations)[..., 1:-_NUM_BLOCK_INFO] > 0.5
        # The environment may know obstacles beyond the last sub-policy.
        skills = one_hot[..., 1 : self._num_obstacle_policies()]
        walk = ~skills.any(dim=-1, keepdim=True)
        return torch.cat([walk, skills], dim=-1)

    def recover_last_action(self, observations: Tensor, policy_selection: Tensor) -> Tensor:
        """A new observation with the last action in the action scale of the selected sub-policy.

        The environment reports it in its own scale; ``observations (..., D)``, ``policy_selection (..., P)``.
        """
        factor = policy_selection.to(observations.dtype) @ self._scale_ratio().reciprocal()  # (..., A)
        columns = self._last_action
        return _with_columns(observations, columns, observations[..., columns] * factor)

    def override_cmd_vel(self, observations: Tensor, policy_selection: Tensor) -> Tensor:
        """A new observation with the forward command of the selected sub-policy, in that sub-policy's scale.

        Where ``cmd_vel_mapping`` has none, the command stays. ``observations (N, D)``, ``policy_selection (N, P)``.
        """
        if self.cmd_vel_current is None or self.cmd_vel_current.shape[0] != observations.shape[0]:
            self._begin(observations)
        assert self.cmd_vel_current is not None  # _begin has made it
        return self._with_commands(observations, policy_selection, self.cmd_vel_current)

    def _with_commands(self, observations: Tensor, selection: Tensor, commands: Tensor) -> Tensor:
        """``override_cmd_vel`` with the ``commands (N, P)`` in m/s, which are not finite where there are none."""
        command = self._forward_command
        overridden = selection & ~self._cmd_range[:, 0].isnan()
        scaled = torch.where(overridden, commands * self.cmd_scales, 0.0).sum(-1, keepdim=True)
        kept = observations[..., command]
        if self.converts_commands:
            kept = kept * (selection.to(kept.dtype) @ self.cmd_factors).unsqueeze(-1)
        value = torch.where(overridden.any(-1, keepdim=True), scaled.to(observations.dtype), kept)
        return _with_columns(observations, command, value)

    @torch.no_grad()
    def resample_cmd_vel_current(self, dones: Tensor | None = None) -> None:
        """Draw the velocity commands ``cmd_vel_current (N, P)`` anew for the worlds in ``dones (N,)``, or for all."""
        if self.cmd_vel_current is None:
            return
        low, high = self._cmd_range.unbind(-1)
        fresh = torch.lerp(low.expand_as(self.cmd_vel_current), high, torch.rand_like(self.cmd_vel_current))
        if dones is not None:
            fresh = torch.where(dones.bool().view(-1, 1), fresh, self.cmd_vel_current)
        self.cmd_vel_current = fresh

    # -- acting ------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def act_inference(self, observations: Tensor) -> Tensor:
        """Actions ``(N, A)`` in the environment's action scale at ``observations (N, D)``, which stay as they are."""
        if self._restarted is None or self._restarted.shape[0] != observations.shape[0]:
            self._begin(observations)
        selection = self.get_policy_selection(observations)
        weights = self._smooth(selection)  # (N, P)
        recovered = self.recover_last_action(observations, selection)
        if self._overrides_commands or self.converts_commands:
            recovered = self.override_cmd_vel(recovered, selection)
        # "all" resets what is not within the smoothing window anyway.
        forget = self.reset_non_selected in ("all", True)
        outputs = self.sub_policy_actions(recovered, active=weights > 0.0, forget_inactive=forget)  # (N, P, A)
        self._reset_non_selected(selection)
        return (outputs * self._scale_ratio() * weights.unsqueeze(-1)).sum(dim=1)

    @torch.no_grad()
    def act(self, observations: Tensor, masks: Tensor | None = None, hidden_states: Any = None) -> Tensor:  # type: ignore[override]
        """The same as ``act_inference``; the distribution around it has the noise level of the mutex."""
        mean = self.act_inference(observations)
        self._distribution = DiagonalGaussian(mean, self.actor.log_std)
        return mean

    @torch.no_grad()
    def reset(self, dones: Tensor | None = None) -> None:
        """Draw new velocity commands, forget past selections, and reset the sub-policies: in ``dones (N,)`` or all."""
        self.resample_cmd_vel_current(dones)
        if self._restarted is not None:
            restarted = torch.ones_like(self._restarted) if dones is None else dones.bool().flatten()
            self._restarted = self._restarted | restarted
        super().reset(dones)

    def world_state(self) -> list[Tensor]:
        """Commands, past selections and fresh resets of the worlds, copied; an empty list before the first act."""
        states = (self.cmd_vel_current, self.action_smoothing_buffer, self._restarted)
        return [state.clone() for state in states if state is not None]

    def set_world_state(self, states: Sequence[Tensor]) -> None:
        """The inverse of ``world_state``; an empty list lets every world begin anew."""
        self.cmd_vel_current, self.action_smoothing_buffer, self._restarted = states or (None, None, None)

    # -- acting as a pure function, for exported files ---------------------------------------------------------

    def step_states(self, batch_size: int) -> dict[str, Tensor]:
        """As in ``ActorCritic`` for every sub-policy, and the states of the mutex itself:

        ``selections (length, N, P)``: the last selections, newest last; all zero begins an episode. ``commands (1, N,
        P)``: where in its range each velocity command lies, from -0.5 at the low to 0.5 at the high end, kept as it is
        given; draw it uniformly at the beginning of an episode, or leave it at zero for the middle.
        """
        num_policies = len(self.submodules)
        states = {
            "selections": torch.zeros(self.action_smoothing_buffer_len, batch_size, num_policies),
            "commands": torch.zeros(1, batch_size, num_policies),
        }
        for index, module in enumerate(self.submodules):
            assert isinstance(module, ActorCritic)
            states |= {f"skill_{index}_{name}": value for name, value in module.step_states(batch_size).items()}
        return states

    def pure_step(self, observations: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """As ``act_inference``, from the values of ``step_states`` alone."""
        buffer, places, *remaining = states
        low, high = self._cmd_range.nan_to_num().unbind(-1)
        commands = low + (high - low) * (places[0] + 0.5)
        selection = self.get_policy_selection(observations)
        newest = selection.to(buffer.dtype).unsqueeze(0)
        fresh = (buffer[-1].sum(dim=-1) == 0).view(1, -1, 1)
        buffer = torch.where(fresh, newest, torch.cat([buffer[1:], newest]))
        recovered = self.recover_last_action(observations, selection)
        if self._overrides_commands or self.converts_commands:
            recovered = self._with_commands(recovered, selection, commands)
        outputs, memories = [], []
        for index, module in enumerate(self.submodules):
            assert isinstance(module, ActorCritic)
            number = len(module.step_states(1))
            action, own = module.pure_step(self._seen(index, recovered), remaining[:number])
            remaining = remaining[number:]
            forget = self._forgets(index, selection, buffer)
            if forget is not None:
                own = [torch.where(forget.view(1, -1, 1), 0.0, state) for state in own]
            outputs.append(action)
            memories += own
        weights = buffer.mean(dim=0).unsqueeze(-1)
        actions = (torch.stack(outputs, dim=1) * self._scale_ratio() * weights).sum(dim=1)
        return actions, [buffer, places, *memories]

    def begin_as_exported(self, batch_size: int) -> None:
        """As in ``ActorCritic``; the velocity commands are the middles of their ranges."""
        self.reset()
        self._begin(self._cmd_range.new_zeros(batch_size, self.num_actor_obs))
        low, high = self._cmd_range.unbind(-1)
        self.cmd_vel_current = torch.lerp(low, high, 0.5).repeat(batch_size, 1)

    def example_observations(self, num_steps: int, batch_size: int, generator: torch.Generator) -> Tensor:
        """As in ``ActorCritic``; every tenth step some world meets another obstacle, or none."""
        observations = super().example_observations(num_steps, batch_size, generator)
        columns = self._layout.slice_of("engaging_block")
        num_obstacles = columns.stop - columns.start - 1 - _NUM_BLOCK_INFO
        spans = -(-num_steps // 10)
        obstacle = torch.randint(num_obstacles + 1, (spans, batch_size), generator=generator)
        one_hot = torch.eye(num_obstacles + 1)[obstacle][..., :num_obstacles].repeat_interleave(10, dim=0)
        observations[..., columns.start + 1 : columns.stop - _NUM_BLOCK_INFO] = one_hot[:num_steps]
        return observations

    # -- inner workings ----------------------------------------------------------------------------------------

    @property
    def _layout(self) -> Any:
        return self.obs_segments

    def _num_obstacle_policies(self) -> int:
        """Number of sub-policies that belong to an obstacle id, from the first on."""
        return len(self.submodules)

    def _engaging_block(self, observations: Tensor) -> Tensor:
        return observations[..., self._layout.slice_of("engaging_block")]

    def _scale_ratio(self) -> Tensor:
        """Action scale of each sub-policy over the environment's, ``(P, A)``."""
        scales = [self.action_scale_of(index).expand(self.num_actions) for index in range(len(self.submodules))]
        return torch.stack(scales) / self.env_action_scale

    def _begin(self, observations: Tensor) -> None:
        """Make the per-world state for the worlds of ``observations (N, D)``."""
        num_envs, num_policies = observations.shape[0], len(self.submodules)
        self._restarted = torch.ones(num_envs, dtype=torch.bool, device=observations.device)
        self.action_smoothing_buffer = observations.new_zeros(self.action_smoothing_buffer_len, num_envs, num_policies)
        self.cmd_vel_current = observations.new_zeros(num_envs, num_policies)
        self.resample_cmd_vel_current()

    def _smooth(self, selection: Tensor) -> Tensor:
        """Push ``selection (N, P)`` into the buffer and average it: weights ``(N, P)`` that sum to one.

        In a world that was reset the whole window is the present selection: nothing of the last episode blends in.
        """
        assert self.action_smoothing_buffer is not None and self._restarted is not None  # _begin has made them
        newest = selection.to(self.action_smoothing_buffer.dtype).unsqueeze(0)
        shifted = torch.cat([self.action_smoothing_buffer[1:], newest])
        self.action_smoothing_buffer = torch.where(self._restarted.view(1, -1, 1), newest, shifted)
        self._restarted = torch.zeros_like(self._restarted)
        return self.action_smoothing_buffer.mean(dim=0)

    def _reset_non_selected(self, selection: Tensor) -> None:
        assert self.action_smoothing_buffer is not None  # the selection has been pushed
        for index, module in enumerate(self.submodules):
            forget = self._forgets(index, selection, self.action_smoothing_buffer) if module.is_recurrent else None
            if forget is not None:
                module.reset(forget)  # type: ignore[operator]

    def _forgets(self, index: int, selection: Tensor, buffer: Tensor) -> Tensor | None:
        """``(N,)`` bool, where a sub-policy forgets what it remembers; ``None`` where it never does."""
        if not self.reset_non_selected or (self.reset_non_selected == "when_skill" and index == 0):
            return None
        if self.reset_non_selected == "when_skill":
            return ~selection[:, index] & ~selection[:, 0]
        return buffer[..., index].sum(dim=0) == 0

    def _command_ranges(self) -> Tensor:
        """``(P, 2)`` low and high of each sub-policy's command in m/s, nan where it is not overridden."""
        ranges = torch.full((len(self.submodules), 2), torch.nan)
        for index, velocity in self.cmd_vel_mapping.items():
            ranges[index] = torch.tensor(as_range(velocity))
        return ranges

    def _lin_vel_scale(self, index: int) -> float:
        folder = self.sub_policy_paths[index]
        scale = config_entry(self.sub_configs[index], "normalization.obs_scales.lin_vel", folder)
        if not isinstance(scale, int | float):
            raise UserError(f"config.json of run folder '{folder}': obs_scales.lin_vel must be a number, not {scale}")
        return float(scale)

    def _command_factors(self, scales: Sequence[float]) -> list[float]:
        """What the environment's forward command is multiplied with for each sub-policy."""
        columns = () if self.env_interface is None else self.env_interface.columns["proprioception"]
        own = next((column.scale for column in columns if column.part == FORWARD_COMMAND), None)
        return [1.0 if not own else scale / own for scale in scales]

    def _find_columns(self, proprioception_parts: Segments | None) -> None:
        """Where in the observation the forward command and the last action are."""
        columns, shape = get_obs_slice(self._layout, "proprioception")
        size = columns.stop - columns.start
        if proprioception_parts is None:
            parts = usual_proprioception(size, self.num_actions)
        else:
            parts = as_layout(proprioception_parts)
        command, last_action = parts.slice_of("commands"), parts.slice_of("actions")
        if len(shape) != 1 or parts.size != size or parts.size_of("actions") != self.num_actions:
            raise UserError(
                f"the parts of proprioception are {parts!r}, which does not fit its shape {list(shape)} and "
                f"{self.num_actions} actions"
            )
        self._forward_command = slice(columns.start + command.start, columns.start + command.start + 1)
        self._last_action = slice(columns.start + last_action.start, columns.start + last_action.stop)

    def _check_layout(self) -> None:
        engaging = self._layout["engaging_block"]
        if len(engaging) != 1 or engaging[0] < 2 + _NUM_BLOCK_INFO:
            raise UserError(f"engaging_block must be [distance, one-hot, info (2)], not of the shape {list(engaging)}")
        num_obstacles, num_policies = engaging[0] - 1 - _NUM_BLOCK_INFO, self._num_obstacle_policies()
        if num_policies > num_obstacles:
            raise UserError(
                f"engaging_block tells {num_obstacles} obstacles apart, but there are {num_policies} sub-policies for "
                "them; give one run folder per obstacle id, walk first"
            )
        if num_policies < num_obstacles:
            logger.warning("no sub-policy for obstacle ids from %d on: the first one walks there", num_policies)


def _with_columns(observations: Tensor, columns: slice, value: Tensor) -> Tensor:
    """A new tensor with ``value`` in the given columns of ``observations (..., D)``."""
    return torch.cat([observations[..., : columns.start], value, observations[..., columns.stop :]], dim=-1)
