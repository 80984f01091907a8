"""Training that begins with recorded data and goes on in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from st_rl.algorithms import distributed
from st_rl.algorithms.tppo import TPPO, StoredTransition
from st_rl.env import VecEnv
from st_rl.runners.on_policy_runner import OnPolicyRunner
from st_rl.storage.rollout_files import DatasetStep, RolloutDataset
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout


class TwoStageRunner(OnPolicyRunner):
    """The first ``dataset_iterations`` iterations learn from trajectory files, the others on-policy.

    Collectors may go on writing files meanwhile. The first stage ends early when the data set has no more steps. A
    run that is resumed in its first stage reads the data set from its beginning.
    """

    def __init__(
        self,
        env: VecEnv,
        *,
        dataset: Path | str,
        dataset_iterations: int,
        dataset_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """As ``OnPolicyRunner``, with an algorithm of the TPPO family.

        Args:
            dataset: folder of trajectories.
            dataset_options: further arguments of ``RolloutDataset``; by default it is played without end.

        Raises:
            UserError: the algorithm cannot learn from data, or the trajectories are of another environment.
        """
        super().__init__(env, **kwargs)
        if not isinstance(self.alg, TPPO):
            raise UserError(f"learning from a data set needs TPPO or one of its kind, not {type(self.alg).__name__}")
        self.dataset_iterations = dataset_iterations
        options = {"dataset_loops": -1, "seed": self.seed + distributed.rank(), **(dataset_options or {})}
        self.dataset = RolloutDataset(dataset, env.num_envs, device=self.device, **options)
        self._check_layouts()
        self.stage = 1
        """1 while learning from data, then 2."""
        self._upcoming: DatasetStep | None = None

    def learn(self, num_iterations: int, init_at_random_ep_len: bool = False, trial: Any = None) -> dict[str, float]:
        """As ``OnPolicyRunner``; ``UserError``, before anything is done, if a teacher will be missed afterward."""
        algorithm: Any = self.alg
        if algorithm.teacher is None and self.iteration + num_iterations > self.dataset_iterations:
            raise UserError(
                f"after {self.dataset_iterations} iterations from the data set the algorithm needs a teacher; "
                "set its teacher_run, or learn from the data set to the end"
            )
        return super().learn(num_iterations, init_at_random_ep_len, trial)

    def _check_layouts(self) -> None:
        metadata = self.dataset.metadata
        pairs: list[tuple[str, ObsLayout, ObsLayout | None]] = [
            ("observations", self.obs_segments, metadata.obs_segments)
        ]
        if self.alg.separate_critic and self.critic_obs_segments is not None:
            pairs.append(("critic observations", self.critic_obs_segments, metadata.critic_obs_segments))
        for name, own, theirs in pairs:
            if theirs is None:
                raise UserError(f"the trajectories in {self.dataset.data_dir} lack {name}; collect them with this task")
            if own != theirs:
                raise UserError(
                    f"the trajectories in {self.dataset.data_dir} have other {name} "
                    f"({own.difference(theirs, 'this task', 'the trajectories')}); collect them with this task"
                )

    def rollout_step(self) -> None:
        """One step of every world, from the data set in the first stage, in the environment in the second."""
        if self.stage == 1 and not self._play_recorded():
            self._begin_second_stage()
        if self.stage == 2:
            super().rollout_step()

    def _play_recorded(self) -> bool:
        """Record one step of the data set; whether the first stage goes on and there was one."""
        if self.iteration >= self.dataset_iterations:
            return False
        step = self.dataset.next_step() if self._upcoming is None else self._upcoming
        if step is None:
            return False
        self._upcoming = self.dataset.next_step()
        if self._upcoming is None:
            # Whatever is recorded next has nothing to do with this step.
            step.time_outs, step.dones = step.time_outs | ~step.dones, torch.ones_like(step.dones)
        critic_obs = step.critic_obs if self.alg.separate_critic else None
        transition = StoredTransition(
            obs=step.obs,
            actions=step.actions,
            rewards=step.rewards,
            dones=step.dones,
            action_labels=step.fields.get("action_labels"),
            critic_obs=critic_obs,
        )
        algorithm: Any = self.alg
        algorithm.collect_transition_from_dataset(transition, {"time_outs": step.time_outs})
        self.metrics.add(step.rewards, step.dones, {})
        following = step if self._upcoming is None else self._upcoming
        self._observations = following.obs, None if critic_obs is None else following.critic_obs
        return True

    def _begin_second_stage(self) -> None:
        """Turn to the environment; memories and running episodes of the data are forgotten."""
        self.stage = 2
        self._upcoming = None
        self.alg.actor_critic.reset()
        if isinstance(self.alg, TPPO) and self.alg.teacher is not None:
            self.alg.teacher.reset()
        self.metrics.returns = torch.zeros_like(self.metrics.returns)
        self.metrics.lengths = torch.zeros_like(self.metrics.lengths)
        obs, extras = self.env.get_observations()
        self._observations = obs, extras.get("observations", {}).get("critic")

    def _run_state(self) -> dict[str, Any]:
        return super()._run_state() | {"stage": self.stage}

    def _load_run_state(self, state: dict[str, Any]) -> None:
        super()._load_run_state(state)
        self.stage = int(state["stage"])
