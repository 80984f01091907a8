"""Adversarial motion priors: a discriminator that tells reference motion from the policy's own.

After Peng et al. 2021, "AMP: Adversarial Motion Priors for Stylized Physics-Based Character Control" (arXiv
2104.02180).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from st_rl.modules.actor_critic import ActorCritic
from st_rl.modules.actor_critic_recurrent import ActorCriticRecurrent
from st_rl.modules.mlp import MlpModel
from st_rl.modules.policy_cfg import MotionPriorCfg, MotionPriorRecurrentCfg
from st_rl.modules.utils import MissingDefinitionError, as_sizes, orthogonal_

_Policy = ActorCritic if TYPE_CHECKING else object


class AMPDiscriminator(nn.Module):
    """State transition -> score, trained toward +1 for the reference motion and -1 for the policy's."""

    def __init__(
        self,
        input_dim: int,
        style_reward_coef: float,
        hidden_dims: Sequence[int] | int,
        task_reward_lerp: float = 0.0,
        discriminator_grad_pen: float = 5.0,
    ) -> None:
        """``task_reward_lerp``: share of the task reward in the mixed one; the rest is style."""
        super().__init__()
        widths = as_sizes(hidden_dims)
        self.input_dim = input_dim
        self.style_reward_coef = style_reward_coef
        self.task_reward_lerp = task_reward_lerp
        self.discriminator_grad_pen = discriminator_grad_pen
        self.trunk = MlpModel(input_dim, widths)
        self.linear = nn.Linear(self.trunk.output_size, 1)
        orthogonal_(self, last_gain=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Scores ``(..., 1)`` of transitions ``x (..., input_dim)``."""
        return self.linear(self.trunk(x))

    def compute_grad_pen(self, amp_obs: Tensor) -> Tensor:
        """Gradient penalty, a scalar: ``discriminator_grad_pen * mean |grad D|^2`` at ``amp_obs (N, input_dim)``.

        Taken at samples of the reference motion (Peng et al. 2021, equation 8; the paper's weight 10 with its factor
        1/2 is the default 5 here).
        """
        samples = amp_obs.detach().requires_grad_(True)
        with torch.enable_grad():
            scores = self(samples)
            (gradient,) = torch.autograd.grad(scores.sum(), samples, create_graph=True)
        return self.discriminator_grad_pen * gradient.square().sum(-1).mean()

    @torch.no_grad()
    def predict_style_reward(self, state: Tensor, task_reward: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """``(mixed reward, style reward)``, both ``(N,)``, of ``state (N, input_dim)`` and ``task_reward (N,)``.

        The style reward is ``style_reward_coef * max(0, 1 - (D - 1)^2 / 4)`` (Peng et al. 2021, equation 7), the mixed
        one ``(1 - task_reward_lerp) * style + task_reward_lerp * task``.
        """
        score = self(state).squeeze(-1)
        style = self.style_reward_coef * (1.0 - 0.25 * (score - 1.0).square()).clamp(min=0.0)
        if task_reward is None:
            return style, style
        return torch.lerp(style, task_reward.reshape(style.shape).to(style.dtype), self.task_reward_lerp), style


class AmpMixin(_Policy):
    """Adds ``discriminator`` to a policy; the policy's own computations do not change."""

    def __init__(self, *args: Any, amp_discriminator: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        """``amp_discriminator``: arguments of ``AMPDiscriminator``."""
        if amp_discriminator is None:
            raise MissingDefinitionError(
                f"{type(self).__name__} needs the argument 'amp_discriminator' with input_dim, style_reward_coef "
                "and hidden_dims"
            )
        super().__init__(*args, **kwargs)
        self.discriminator = AMPDiscriminator(**amp_discriminator)


class AmpActorCritic(AmpMixin, ActorCritic):
    """Feed-forward policy with a discriminator."""

    cfg_class = MotionPriorCfg


class AmpActorCriticRecurrent(AmpMixin, ActorCriticRecurrent):
    """Recurrent policy with a discriminator, which itself remembers nothing."""

    cfg_class = MotionPriorRecurrentCfg
