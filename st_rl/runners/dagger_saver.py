"""A process that plays a student while it is being trained elsewhere, and has its teacher label every step."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from st_rl.algorithms.teacher import Teacher, env_interface
from st_rl.env import VecEnv
from st_rl.modules.actor_critic_mutex import SubPolicy, load_sub_policy
from st_rl.runners.demonstration_saver import DemonstrationSaver, EnvDescription
from st_rl.utils.run_folder import checkpoint_iterations, load_newest_whole, load_weights

logger = logging.getLogger(__name__)


class DaggerSaver(DemonstrationSaver):
    """Plays the newest checkpoint of a run; the teacher drives some episodes, and all before the first checkpoint.

    The labels are always the teacher's (Ross et al. 2011, "DAgger").
    """

    def __init__(
        self,
        env: VecEnv,
        teacher: Teacher,
        folder: Path | str,
        *,
        training_run: Path | str | Callable[[], Path | None],
        teacher_probability: float = 0.0,
        check_interval: int = 100,
        sample_actions: bool = False,
        **kwargs: Any,
    ) -> None:
        """As ``DemonstrationSaver``.

        Args:
            training_run: the trainer's run folder, which need not exist yet; or what finds it, once it is there.
            teacher_probability: of an episode to be driven by the teacher.
            check_interval: steps between two looks for a newer checkpoint.
            sample_actions: let the student explore instead of taking its mean actions.
        """
        super().__init__(env, teacher, folder, **kwargs)
        self._find_run = training_run if callable(training_run) else lambda: Path(training_run)
        self.training_run: Path | None = None
        """The trainer's run folder, once it is found."""
        self.teacher_probability = teacher_probability
        self.check_interval, self.sample_actions = check_interval, sample_actions
        self.student: SubPolicy | None = None
        self.iteration = -1
        """Iteration of the student's checkpoint; -1 before the first."""
        self.driven = torch.ones(env.num_envs, dtype=torch.bool, device=torch.device(env.device))
        """(N,) bool, whether the teacher drives the current episode."""
        self.refresh()

    def refresh(self) -> bool:
        """Load the newest checkpoint if there is a newer one than the student's; whether there was.

        Raises:
            UserError: the run is of another environment, or its checkpoint is damaged.
        """
        if self.training_run is None:
            self.training_run = self._find_run()
        run = self.training_run
        iterations = checkpoint_iterations(run) if run is not None and run.is_dir() else []
        if run is None or not iterations or iterations[-1] <= self.iteration:
            return False
        if self.student is None:
            self._build_student(run)
        else:
            state, path = load_newest_whole(run)
            load_weights(self.student.policy, state["model_state_dict"], path)
            if self.student.normalizer is not None:
                load_weights(self.student.normalizer, state.get("obs_normalizer_state_dict", {}), path)
        self.iteration = iterations[-1]
        logger.info("%s: playing iteration %d", self.writer.collector, self.iteration)
        return True

    def _build_student(self, run: Path) -> None:
        described, device = EnvDescription.of(self.env), torch.device(self.env.device)
        layout = described.obs_segments
        interface = env_interface(described, layout, critic=False)
        student = load_sub_policy(run, layout, self.env.num_actions, "ActorCritic", interface)
        self.student = student.to(device)
        # Who has driven until now drives on until the episodes end.

    def choose_actions(self, labels: torch.Tensor) -> torch.Tensor:
        """The student's actions (N, A) in the episodes that it drives, the teacher's ``labels (N, A)`` elsewhere."""
        if self.num_steps % self.check_interval == 0:
            self.refresh()
        student = self.student
        if student is None:
            return labels
        seen = student.observe(student.select(self.obs, EnvDescription.of(self.env).obs_segments))
        # It acts in every world, so that its memory is up to date wherever it takes over.
        actions = student.policy.act(seen) if self.sample_actions else student.policy.act_inference(seen)
        actions = student.conversion.action(actions)
        return torch.where(self.driven.unsqueeze(-1), labels, actions)

    def after_step(self, dones: torch.Tensor) -> None:
        """Also draw who drives the episodes that begin."""
        super().after_step(dones)
        if self.student is not None:
            self.student.policy.reset(dones)
            fresh = torch.rand(len(dones), device=dones.device) < self.teacher_probability
            self.driven = torch.where(dones, fresh, self.driven)
