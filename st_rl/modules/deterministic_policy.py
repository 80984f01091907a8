"""Policies that act without noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from st_rl.modules.actor_critic import ActorCritic
from st_rl.modules.utils import MissingDefinitionError

_Policy = ActorCritic if TYPE_CHECKING else object


class DeterministicPolicyMixin(_Policy):
    """``act`` returns the mean of the action distribution, with gradient, instead of a sample.

    Combine it with a policy class that has ``act`` and ``action_mean``; ``MissingDefinitionError`` (an
    ``AttributeError``) otherwise. Learning by policy gradient is impossible without noise: such policies are trained
    by imitation.
    """

    def act(self, *args: Any, **kwargs: Any) -> Tensor:
        """Mean actions ``(..., A)``; arguments as for the policy class behind it."""
        if not hasattr(super(), "act"):
            raise MissingDefinitionError(self._missing("act"))
        super().act(*args, **kwargs)
        try:
            return self.action_mean
        except AttributeError as error:
            raise MissingDefinitionError(self._missing("action_mean")) from error

    def _missing(self, name: str) -> str:
        return f"{type(self).__name__} has no '{name}'; combine DeterministicPolicyMixin with a policy class"
