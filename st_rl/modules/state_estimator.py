"""Policies that estimate a part of the state from other segments of the observation.

The estimate can replace the true segments in what the actor reads, so that a policy trained with privileged
segments can act without them. It is cut off from the graph there: the estimator learns by its supervised loss alone,
on ``get_estimated_state()``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from st_rl.modules.actor_critic import ActorCritic, StatePrediction
from st_rl.modules.actor_critic_recurrent import ActorCriticRecurrent, Memory
from st_rl.modules.mlp import MlpModel
from st_rl.modules.policy_cfg import EstimatorCfg, EstimatorRecurrentCfg
from st_rl.modules.utils import MissingDefinitionError
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.namedarraytuple import namedarraytuple
from st_rl.utils.obs_layout import (
    ObsLayout,
    Segments,
    as_layout,
    get_subobs_by_components,
    get_subobs_size,
    layouts_of,
    substitute_estimated_state,
)
from st_rl.utils.padding import unpad_trajectories

_Policy = ActorCriticRecurrent if TYPE_CHECKING else object

EstimatorActorHiddenState = namedarraytuple("EstimatorActorHiddenState", ["estimator", "actor"], __name__)


class EstimatorConflictError(UserError, AssertionError):
    """The estimate cannot replace an input of the very network that it is made from."""


class EstimatorMixin(_Policy):
    """Adds a state estimator to a policy."""

    def __init__(
        self,
        num_actor_obs: int,
        num_critic_obs: int,
        num_actions: int,
        *,
        obs_segments: Segments | None = None,
        critic_obs_segments: Segments | None = None,
        estimator_obs_components: str | Sequence[str] | None = None,
        estimator_target_components: str | Sequence[str] | None = None,
        estimator_kwargs: Mapping[str, Any] | None = None,
        estimator_classes: Mapping[str, Sequence[int]] | None = None,
        estimator_gradient: bool = False,
        use_actor_rnn: bool = False,
        replace_state_prob: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """``estimator_kwargs``: arguments of the ``MlpModel`` (default ``hidden_sizes`` 128 and 64).

        In a recurrent policy the estimator has a memory of its own kind and size of the actor's, or with
        ``use_actor_rnn`` reads the actor's memory. ``replace_state_prob`` is the probability, drawn per world and
        step, that ``act`` replaces the target segments by the estimate. Inference draws nothing: it replaces them
        whenever the probability is above zero, since what is estimated is not there when the policy is deployed.

        A target that the actor does not observe, but the critic does, is always estimated: the estimate stands behind
        the actor's own segments. ``estimator_classes``: target -> first and last column plus one of a one-hot in it,
        for which the estimate is probabilities. With ``estimator_gradient`` the estimator learns from the actions too.
        """
        if obs_segments is None or not estimator_target_components or not (estimator_obs_components or use_actor_rnn):
            raise MissingDefinitionError(
                f"{type(self).__name__} needs obs_segments, estimator_obs_components and estimator_target_components"
            )
        layout, critic_layout = layouts_of(obs_segments, critic_obs_segments, num_actor_obs == num_critic_obs)
        self.estimator_targets: Targets = Targets.of(
            layout, critic_layout, as_names(estimator_target_components), estimator_classes, estimator_gradient
        )
        appended = ObsLayout() if use_actor_rnn else self.estimator_targets.appended
        super().__init__(
            num_actor_obs + appended.size,
            num_critic_obs,
            num_actions,
            obs_segments=joined(layout, appended),
            critic_obs_segments=critic_layout,
            **kwargs,
        )
        self._set_inputs(num_actor_obs, num_critic_obs, layout, critic_layout)
        self._estimator_layout: ObsLayout = layout
        if use_actor_rnn:
            self._check_actor_rnn(replace_state_prob)
        self.estimator_obs_components = as_names(estimator_obs_components or ())
        self.estimator_target_components = as_names(estimator_target_components)
        self.estimator_kwargs = dict(estimator_kwargs or {"hidden_sizes": [128, 64]})
        self.use_actor_rnn = use_actor_rnn
        self.replace_state_prob = replace_state_prob
        self.build_estimator()
        self._estimated_state: Tensor | None = None

    def _check_actor_rnn(self, replace_state_prob: float) -> None:
        if not isinstance(self, ActorCriticRecurrent):
            raise UserError(f"{type(self).__name__} has no actor RNN; set use_actor_rnn to false")
        if replace_state_prob > 0.0:
            raise EstimatorConflictError(
                "use_actor_rnn and replace_state_prob > 0 exclude each other: the estimate would replace what the "
                "actor's RNN has already read; set one of them to false or 0"
            )

    def build_estimator(self) -> None:
        """Make ``estimator``, and ``memory_s`` if it has a memory of its own."""
        output_size = self.estimator_targets.layout.size
        self.memory_s: Memory | None = None
        if self.use_actor_rnn:
            input_size = self.memory_a.rnn.hidden_size
        else:
            input_size = get_subobs_size(self._estimator_layout, self.estimator_obs_components)
            if isinstance(self, ActorCriticRecurrent):
                self.memory_s = Memory(input_size, **self.rnn_args)
                input_size = self.memory_s.rnn.hidden_size
        self.estimator = MlpModel(input_size, output_size=output_size, **self.estimator_kwargs)

    def reset(self, dones: Tensor | None = None) -> None:
        """Reset the policy's memories and the estimator's."""
        super().reset(dones)
        if self.memory_s is not None:
            self.memory_s.reset(dones)

    def act(
        self, observations: Tensor, masks: Tensor | None = None, hidden_states: Any = None, inference: bool = False
    ) -> Tensor:
        """Actions ``(..., A)``: samples, or with ``inference`` the mean; shapes as in the policy class behind it."""
        states_s, states_a = own_states(self, hidden_states)
        if self.use_actor_rnn:
            actions = self._act_behind(observations, masks, states_a, inference)
            features = self.actor_features
            assert features is not None  # the recurrent policy has just set it
            self._estimated_state = self.estimator_targets.as_estimate(self.estimator(features))
            return actions
        targets, layout = self.estimator_targets, self._estimator_layout
        components = get_subobs_by_components(observations, self.estimator_obs_components, layout)
        padded, self._estimated_state = predict(self.estimator, self.memory_s, components, masks, states_s, targets)
        observations = targets.put(observations, layout, padded, self.replace_state_prob, inference)
        return self._act_behind(observations, masks, states_a, inference)

    def act_inference(self, observations: Tensor) -> Tensor:
        """Mean actions ``(N, A)``."""
        return EstimatorMixin.act(self, observations, inference=True)

    def get_estimated_state(self) -> Tensor:
        """Estimate of the last act, ``(..., size of the target components)``, unpadded; ``RuntimeError`` before."""
        if self._estimated_state is None:
            raise RuntimeError("there is no estimated state yet; call act() first")
        return self._estimated_state

    def state_predictions(self) -> dict[str, StatePrediction]:
        """What the policy's supervised networks predicted in the last act, by network (``"estimator"``)."""
        estimate = EstimatorMixin.get_estimated_state(self)
        return {
            **super().state_predictions(),
            "estimator": StatePrediction(estimate, self.estimator_target_components, self.estimator_targets.columns()),
        }

    def actor_memories(self) -> list[nn.Module]:
        """The memories that ``act_inference`` advances, in a fixed order."""
        return super().actor_memories() + ([] if self.memory_s is None else [self.memory_s])

    def input_layouts(self, obs_segments: Segments, critic_obs_segments: Segments) -> dict[str, ObsLayout]:
        """As in ``ActorCritic``; and the estimator's input."""
        appended = ObsLayout() if self.use_actor_rnn else self.estimator_targets.appended
        layouts = super().input_layouts(joined(as_layout(obs_segments), appended), critic_obs_segments)
        if not self.use_actor_rnn:
            first = "estimator.model.0.weight" if self.memory_s is None else "memory_s.rnn.weight_ih_l0"
            layouts[first] = sublayout_present(as_layout(obs_segments), self.estimator_obs_components)
        return layouts

    def _act_behind(self, observations: Tensor, masks: Tensor | None, states: Any, inference: bool) -> Tensor:
        if inference:
            return super().act_inference(observations)
        return super().act(observations, masks=masks, hidden_states=states)

    def _actor_states(self) -> Any:
        own = None if self.memory_s is None else self.memory_s.hidden_states
        return EstimatorActorHiddenState(own, super()._actor_states())

    def _set_actor_states(self, states: Any) -> None:
        own, behind = (None, None) if states is None else states
        if self.memory_s is not None:
            self.memory_s.hidden_states = own
        super()._set_actor_states(behind)

    def _zero_actor_states(self, batch_size: int) -> Any:
        own = None if self.memory_s is None else self.memory_s.zero_state(batch_size)
        return EstimatorActorHiddenState(own, super()._zero_actor_states(batch_size))

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_estimated_state": None}


class StateAc(EstimatorMixin, ActorCritic):
    """Feed-forward policy with a state estimator."""

    cfg_class = EstimatorCfg


class StateAcRecurrent(EstimatorMixin, ActorCriticRecurrent):
    """Recurrent policy with a state estimator."""

    cfg_class = EstimatorRecurrentCfg


def as_names(names: str | Sequence[str]) -> tuple[str, ...]:
    """Segment names as a tuple; one name stands for itself."""
    return (names,) if isinstance(names, str) else tuple(names)


def joined(layout: ObsLayout, behind: ObsLayout) -> ObsLayout:
    """The segments of ``layout`` and, behind them, those of the other that it does not have."""
    return ObsLayout([*layout.items(), *((name, behind[name]) for name in behind if name not in layout)])


def own_states(policy: Any, hidden_states: Any) -> Any:
    """The state of an estimator's own memory and those of the policy behind it; ``None`` twice where there are none."""
    return hidden_states if hidden_states is not None and isinstance(policy, ActorCriticRecurrent) else (None, None)


@dataclass(frozen=True)
class Targets:
    """What an estimator estimates, and what becomes of it in the observation of the policy behind."""

    layout: ObsLayout
    """The target segments."""
    appended: ObsLayout
    """Those that the actor does not observe."""
    classes: Mapping[str, Sequence[int]]
    """Target -> columns, the first and the last plus one, of a one-hot in it."""
    gradient: bool
    """Whether what reads the estimates teaches the estimator."""

    @classmethod
    def of(
        cls,
        layout: ObsLayout,
        critic_layout: ObsLayout | None,
        names: Sequence[str],
        classes: Mapping[str, Sequence[int]] | None,
        gradient: bool,
    ) -> Targets:
        """The targets ``names`` of an actor that observes ``layout``; ``UserError`` where nobody observes one."""
        outside = [name for name in names if name not in layout]
        if outside and critic_layout is None:
            layout[outside[0]]  # says what there is
        appended = ObsLayout() if critic_layout is None else critic_layout.sublayout(outside)
        known = joined(layout, appended)
        unknown = [name for name in classes or {} if name not in names]
        if unknown:
            raise UnknownNameError("estimated segment with classes", unknown[0], list(names))
        return cls(known.sublayout(names), appended, dict(classes or {}), gradient)

    def columns(self) -> tuple[slice, ...]:
        """The columns of the one-hots among those of all targets."""
        starts = [(self.layout.slice_of(name).start, bounds) for name, bounds in self.classes.items()]
        return tuple(sorted((slice(at + first, at + stop) for at, (first, stop) in starts), key=lambda s: s.start))

    def as_estimate(self, output: Tensor) -> Tensor:
        """``output (..., C)`` of the network with its classes as probabilities."""
        pieces, done = [], 0
        for columns in self.columns():
            pieces += [output[..., done : columns.start], output[..., columns].softmax(dim=-1)]
            done = columns.stop
        return torch.cat([*pieces, output[..., done:]], dim=-1) if pieces else output

    def put(
        self, observations: Tensor, layout: ObsLayout, estimate: Tensor, probability: float, inference: bool
    ) -> Tensor:
        """``observations (..., D)`` of ``layout`` with the ``estimate (..., C)``.

        Targets among the observed segments are replaced with that ``probability``, drawn per leading index, or with
        ``inference`` wherever it is above zero; the others are appended.
        """
        estimate = estimate if self.gradient else estimate.detach()
        inside = [name for name in self.layout if name in layout]
        if inside and probability > 0.0:
            replaced = substitute_estimated_state(observations, inside, self.layout.select(estimate, inside), layout)
            if not inference and probability < 1.0:
                chosen = torch.rand(observations.shape[:-1], device=observations.device) < probability
                replaced = torch.where(chosen.unsqueeze(-1), replaced, observations)
            observations = replaced
        if self.appended:
            observations = torch.cat((observations, self.layout.select(estimate, self.appended.names)), dim=-1)
        return observations


def predict(
    head: nn.Module, memory: Memory | None, components: Tensor, masks: Tensor | None, states: Any, targets: Targets
) -> tuple[Tensor, Tensor]:
    """Run an estimator on ``components (..., C)``: its output as padded as the input, and the same unpadded."""
    features = components if memory is None else memory(components, masks, states, unpad=False)
    padded = targets.as_estimate(head(features))
    return padded, padded if masks is None or memory is None else unpad_trajectories(padded, masks)


def sublayout_present(layout: ObsLayout, components: Sequence[str]) -> ObsLayout:
    """The layout of those components that ``layout`` has."""
    return layout.sublayout([name for name in components if name in layout])
