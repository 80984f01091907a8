"""What a trained policy estimates of the robot's velocity, in physical units, and the policy without its estimates."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from st_rl.modules.actor_critic import ActorCritic
from st_rl.modules.actor_critic_mutex import SubPolicy
from st_rl.modules.normalizer import EmpiricalNormalization
from st_rl.modules.state_adaptor import PrivilegeEstimatorMixin
from st_rl.modules.state_estimator import EstimatorMixin
from st_rl.utils.errors import UserError
from st_rl.utils.policy_interface import Column, PolicyInterface
from st_rl.utils.run_folder import config_layout, load_newest_whole

VELOCITY = tuple(f"base_lin_vel[{axis}]" for axis in range(3))
"""The columns of observations that are the base velocity."""


def estimates(policy: nn.Module) -> bool:
    """Whether ``policy`` has a state estimator or an adaptor."""
    return isinstance(policy, EstimatorMixin | PrivilegeEstimatorMixin)


class _Number(NamedTuple):
    """What one column of an observation means: ``(value * factor + shift)`` is its physical value."""

    part: str
    factor: float
    shift: float


class VelocityEstimate:
    """Reads the base velocity from what a policy predicted in its last act."""

    def __init__(self, loaded: SubPolicy, folder: Path) -> None:
        """``folder``: the run, or the checkpoint in it, that ``loaded`` is from."""
        self._policy: ActorCritic = loaded.policy
        seen = _numbers(loaded.interface, loaded.normalizer)
        algorithm = loaded.config.get("algorithm", {})
        known = _critic_numbers(loaded, folder)
        # The algorithm takes its targets from the critic's observation unless told otherwise (EstimatorAlgoMixin).
        self._numbers = seen | known if algorithm.get("target_source", "critic") == "critic" else known | seen

    def read(self) -> Tensor | None:
        """(N, 3) m/s in the base frame, as of the last act; ``None`` where the policy does not estimate it."""
        for found in self._policy.state_predictions().values():
            numbers = [number for name in found.components for number in self._numbers.get(name, ())]
            places = {number.part: place for place, number in enumerate(numbers)}
            if all(part in places for part in VELOCITY):
                return torch.stack(
                    [
                        found.prediction[..., places[part]] * numbers[places[part]].factor + numbers[places[part]].shift
                        for part in VELOCITY
                    ],
                    dim=-1,
                )
        return None


def _numbers(interface: PolicyInterface, normalizer: EmpiricalNormalization | None) -> dict[str, list[_Number]]:
    """Segment -> the meaning of its columns, which were normalized before the policy saw them."""
    size = interface.layout.size
    factors, shifts = torch.ones(size), torch.zeros(size)
    if normalizer is not None:
        factors, shifts = normalizer.std + normalizer.eps, normalizer.mean
    columns: list[Column] = [column for name in interface.layout for column in interface.columns[name]]
    numbers = [
        _Number(column.part, factor / (column.scale or 1.0), shift / (column.scale or 1.0))
        for column, factor, shift in zip(columns, factors.tolist(), shifts.tolist(), strict=True)
    ]
    return {name: numbers[interface.layout.slice_of(name)] for name in interface.layout}


def _critic_numbers(loaded: SubPolicy, folder: Path) -> dict[str, list[_Number]]:
    layout = config_layout(loaded.config, "critic_obs_segments", folder)
    interface = PolicyInterface.from_settings(loaded.config, layout, loaded.policy.num_actions, folder, critic=True)
    state = load_newest_whole(folder)[0].get("critic_obs_normalizer_state_dict")
    if state is None:
        # A critic that reads what the actor does has no statistics of its own.
        return _numbers(interface, loaded.normalizer if layout == loaded.layout else None)
    normalizer = EmpiricalNormalization(layout.size)
    normalizer.load_state_dict(state)
    return _numbers(interface, normalizer)


def zero_estimates(policy: nn.Module) -> None:
    """Let the state estimator and the adaptor of ``policy`` predict zero from now on, whatever they read.

    Raises:
        UserError: it has neither.
    """
    heads: list[nn.Sequential] = []
    if isinstance(policy, EstimatorMixin):
        heads.append(policy.estimator.model)
    if isinstance(policy, PrivilegeEstimatorMixin):
        heads.append(policy.adaptor.model)
    if not heads:
        raise UserError(
            f"the class {type(policy).__name__} estimates nothing that could be set to zero; use a policy with a state "
            "estimator or an adaptor"
        )
    for head in heads:
        last = head[-1]
        assert isinstance(last, nn.Linear)  # estimators have an output size, so they end in a linear layer
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
