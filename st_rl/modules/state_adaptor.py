"""Policies that estimate privileged segments by an adaptor, apart from their state estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from st_rl.modules.actor_critic import StatePrediction
from st_rl.modules.actor_critic_recurrent import ActorCriticRecurrent, Memory
from st_rl.modules.mlp import MlpModel
from st_rl.modules.policy_cfg import PrivilegeCfg
from st_rl.modules.state_estimator import (
    EstimatorMixin,
    Targets,
    as_names,
    joined,
    own_states,
    predict,
    sublayout_present,
)
from st_rl.modules.utils import MissingDefinitionError
from st_rl.utils.namedarraytuple import namedarraytuple
from st_rl.utils.obs_layout import (
    ObsLayout,
    Segments,
    as_layout,
    get_subobs_by_components,
    get_subobs_size,
    layouts_of,
)

_Policy = ActorCriticRecurrent if TYPE_CHECKING else object

AdaptorActorHiddenState = namedarraytuple("AdaptorActorHiddenState", ["adaptor", "actor"], __name__)


class PrivilegeEstimatorMixin(_Policy):
    """Adds an adaptor that estimates privileged segments to a policy, recurrent or not.

    The adaptor learns by its supervised loss alone, as the state estimator does.
    """

    def __init__(
        self,
        num_actor_obs: int,
        num_critic_obs: int,
        num_actions: int,
        *,
        obs_segments: Segments | None = None,
        critic_obs_segments: Segments | None = None,
        adaptor_obs_components: str | Sequence[str] | None = None,
        adaptor_target_components: str | Sequence[str] | None = None,
        adaptor_kwargs: Mapping[str, Any] | None = None,
        adaptor_classes: Mapping[str, Sequence[int]] | None = None,
        adaptor_gradient: bool = False,
        privilege_replace_state_prob: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """``adaptor_kwargs``: arguments of the ``MlpModel`` (default ``hidden_sizes`` 128 and 64).

        ``privilege_replace_state_prob``, ``adaptor_classes`` and ``adaptor_gradient``: like ``replace_state_prob``,
        ``estimator_classes`` and ``estimator_gradient`` of ``EstimatorMixin``, for the adaptor's targets; and as
        there, targets that only the critic observes are always estimated.
        """
        if obs_segments is None or not adaptor_obs_components or not adaptor_target_components:
            raise MissingDefinitionError(
                f"{type(self).__name__} needs obs_segments, adaptor_obs_components and adaptor_target_components"
            )
        layout, critic_layout = layouts_of(obs_segments, critic_obs_segments, num_actor_obs == num_critic_obs)
        self.adaptor_targets: Targets = Targets.of(
            layout, critic_layout, as_names(adaptor_target_components), adaptor_classes, adaptor_gradient
        )
        appended = self.adaptor_targets.appended
        super().__init__(
            num_actor_obs + appended.size,
            num_critic_obs,
            num_actions,
            obs_segments=joined(layout, appended),
            critic_obs_segments=critic_layout,
            **kwargs,
        )
        self._set_inputs(num_actor_obs, num_critic_obs, layout, critic_layout)
        self._adaptor_layout: ObsLayout = layout
        self.adaptor_obs_components = as_names(adaptor_obs_components)
        self.adaptor_target_components = as_names(adaptor_target_components)
        self.adaptor_kwargs = dict(adaptor_kwargs or {"hidden_sizes": [128, 64]})
        self.privilege_replace_state_prob = privilege_replace_state_prob
        self.build_adaptor()
        self._estimated_privilege: Tensor | None = None

    def build_adaptor(self) -> None:
        """Make ``adaptor``, and ``memory_p`` in a recurrent policy."""
        input_size = get_subobs_size(self._adaptor_layout, self.adaptor_obs_components)
        output_size = self.adaptor_targets.layout.size
        self.memory_p: Memory | None = None
        if isinstance(self, ActorCriticRecurrent):
            self.memory_p = Memory(input_size, **self.rnn_args)
            input_size = self.memory_p.rnn.hidden_size
        self.adaptor = MlpModel(input_size, output_size=output_size, **self.adaptor_kwargs)

    def reset(self, dones: Tensor | None = None) -> None:
        """Reset the policy's memories and the adaptor's."""
        super().reset(dones)
        if self.memory_p is not None:
            self.memory_p.reset(dones)

    def act(
        self, observations: Tensor, masks: Tensor | None = None, hidden_states: Any = None, inference: bool = False
    ) -> Tensor:
        """Actions ``(..., A)``: samples, or with ``inference`` the mean; shapes as in the policy class behind it."""
        states_p, states_a = own_states(self, hidden_states)
        layout, targets = self._adaptor_layout, self.adaptor_targets
        components = get_subobs_by_components(observations, self.adaptor_obs_components, layout)
        padded, self._estimated_privilege = predict(self.adaptor, self.memory_p, components, masks, states_p, targets)
        observations = targets.put(observations, layout, padded, self.privilege_replace_state_prob, inference)
        if inference:
            return super().act_inference(observations)
        return super().act(observations, masks=masks, hidden_states=states_a)

    def act_inference(self, observations: Tensor) -> Tensor:
        """Mean actions ``(N, A)``."""
        return PrivilegeEstimatorMixin.act(self, observations, inference=True)

    def get_estimated_state(self) -> Tensor:
        """The adaptor's estimate of the last act, ``(..., size of its targets)``, unpadded; ``RuntimeError`` before.

        ``state_predictions`` has the state estimator's as well.
        """
        if self._estimated_privilege is None:
            raise RuntimeError("there is no estimated state yet; call act() first")
        return self._estimated_privilege

    def state_predictions(self) -> dict[str, StatePrediction]:
        """What the supervised networks predicted in the last act, by network (``"adaptor"``, ``"estimator"``)."""
        estimate = PrivilegeEstimatorMixin.get_estimated_state(self)
        own = StatePrediction(estimate, self.adaptor_target_components, self.adaptor_targets.columns())
        return {**super().state_predictions(), "adaptor": own}

    def actor_memories(self) -> list[nn.Module]:
        """The memories that ``act_inference`` advances, in a fixed order."""
        return super().actor_memories() + ([] if self.memory_p is None else [self.memory_p])

    def input_layouts(self, obs_segments: Segments, critic_obs_segments: Segments) -> dict[str, ObsLayout]:
        """As in ``ActorCritic``; and the adaptor's input."""
        behind = joined(as_layout(obs_segments), self.adaptor_targets.appended)
        layouts = super().input_layouts(behind, critic_obs_segments)
        first = "adaptor.model.0.weight" if self.memory_p is None else "memory_p.rnn.weight_ih_l0"
        layouts[first] = sublayout_present(as_layout(obs_segments), self.adaptor_obs_components)
        return layouts

    def _actor_states(self) -> Any:
        own = None if self.memory_p is None else self.memory_p.hidden_states
        return AdaptorActorHiddenState(own, super()._actor_states())

    def _set_actor_states(self, states: Any) -> None:
        own, behind = (None, None) if states is None else states
        if self.memory_p is not None:
            self.memory_p.hidden_states = own
        super()._set_actor_states(behind)

    def _zero_actor_states(self, batch_size: int) -> Any:
        own = None if self.memory_p is None else self.memory_p.zero_state(batch_size)
        return AdaptorActorHiddenState(own, super()._zero_actor_states(batch_size))

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_estimated_privilege": None}


class PrivilegeStateAcRecurrent(PrivilegeEstimatorMixin, EstimatorMixin, ActorCriticRecurrent):
    """Recurrent policy with a privilege adaptor and, behind it, a state estimator."""

    cfg_class = PrivilegeCfg
