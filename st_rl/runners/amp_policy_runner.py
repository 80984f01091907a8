"""Training with a motion prior, in environments that bring no reference of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from st_rl.algorithms import distributed
from st_rl.algorithms.appo import APPOAlgoMixin
from st_rl.datasets import AMPLoader
from st_rl.env import VecEnv
from st_rl.runners.on_policy_runner import OnPolicyRunner
from st_rl.utils.errors import UserError


class AmpPolicyRunner(OnPolicyRunner):
    """Adds ``infos["ref_motion"]`` to every step: transitions drawn from motion files.

    A transition is a state and the state a control step later, one after the other, M numbers in all. The environment
    says what the robot did in the same form, ``infos["observations"]["ref_obs"] (N, M)``. Without motions the
    environment has to bring ``ref_motion`` itself.
    """

    def __init__(
        self,
        env: VecEnv,
        *,
        motions: Sequence[Path | str] = (),
        time_between_frames: float = 0.02,
        motion_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """As ``OnPolicyRunner``, with APPO or one of its kind.

        Args:
            motions: reference-motion files.
            time_between_frames: seconds of a control step.
            motion_options: further arguments of ``AMPLoader``.

        Raises:
            UserError: the algorithm has no discriminator, or the motions do not fit it.
        """
        super().__init__(env, **kwargs)
        if not isinstance(self.alg, APPOAlgoMixin):
            raise UserError(f"a motion prior needs APPO or one of its kind, not {type(self.alg).__name__}")
        self.loader: AMPLoader | None = None
        if motions:
            options = {"seed": self.seed + distributed.rank(), **(motion_options or {})}
            self.loader = AMPLoader(motions, time_between_frames, device=self.device, **options)
            size = self.alg.discriminator.input_dim
            if 2 * self.loader.observation_dim != size:
                raise UserError(
                    f"two states of the motions have {2 * self.loader.observation_dim} numbers and the discriminator "
                    f"reads {size}; set its input_dim or choose other fields of the motions"
                )

    def _answer(self, infos: dict[str, Any]) -> dict[str, Any]:
        """``infos`` of a step, with the reference where the environment has none."""
        if self.loader is None:
            return infos
        return {**infos, "ref_motion": torch.cat(self.loader.sample(self.env.num_envs), dim=-1)}

    def _run_state(self) -> dict[str, Any]:
        generator = None if self.loader is None else self.loader.generator.get_state()
        return super()._run_state() | {"motion_generator": generator}

    def _load_run_state(self, state: dict[str, Any]) -> None:
        super()._load_run_state(state)
        if self.loader is not None and state["motion_generator"] is not None:
            self.loader.generator.set_state(state["motion_generator"].cpu())
