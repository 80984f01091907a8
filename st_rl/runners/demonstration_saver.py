"""A process that plays a policy and writes what it does into a folder of trajectories."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from st_rl.algorithms.teacher import Teacher
from st_rl.env import DescribedVecEnv, VecEnv
from st_rl.runners.signals import GracefulStop
from st_rl.storage.rollout_files import Compression, Metadata, TrajectoryWriter
from st_rl.utils.obs_layout import ObsLayout, layouts_of
from st_rl.utils.policy_interface import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EnvDescription:
    """What an environment shows to a policy: what a teacher has to know of the student whose world it acts in."""

    obs_segments: ObsLayout
    critic_obs_segments: ObsLayout | None
    num_actions: int
    env_settings: Settings | None = None
    """What the numbers mean, where the environment says so."""

    @classmethod
    def of(cls, env: VecEnv) -> EnvDescription:
        """Return the description of ``env``."""
        own, critic = layouts_of(env.obs_segments, env.critic_obs_segments, env.num_critic_obs == env.num_obs)
        return cls(own, critic, env.num_actions, settings_of(env))


def settings_of(env: VecEnv) -> Settings | None:
    """What the numbers of ``env`` mean, where it says so."""
    return env.settings if isinstance(env, DescribedVecEnv) else None


class DemonstrationSaver:
    """Plays a teacher in an environment of its own; its actions are taken and are the labels.

    It shares nothing with a trainer but the folder, may run on another machine that sees the folder, and can be
    killed and started again at any time: the trajectories in flight are lost, nothing else.
    """

    def __init__(
        self,
        env: VecEnv,
        teacher: Teacher,
        folder: Path | str,
        *,
        collector: str = "collector",
        compression: Mapping[str, Compression] | None = None,
        action_noise: float = 0.0,
        max_length: int | None = None,
        min_length: int = 2,
        log_interval: float = 30.0,
    ) -> None:
        """Take over one collector's place in ``folder``.

        Args:
            collector: a name that no other process writing to the folder has.
            compression: how segments of the observation are stored (depth images as ``uint8``, for example).
            action_noise: deviation of noise on the actions taken, not on the labels, so that the data holds
                recoveries (Laskey et al. 2017, "DART").
            max_length: steps after which a trajectory is cut; by default the environment's episode.
            log_interval: seconds between two lines in the log.

        Raises:
            UserError: the folder holds other trajectories or cannot be written.
        """
        self.env, self.teacher, self.action_noise, self.log_interval = env, teacher, action_noise, log_interval
        described = EnvDescription.of(env)
        obs, extras = env.get_observations()
        self.obs, self.critic_obs = obs, extras.get("observations", {}).get("critic")
        metadata = Metadata(
            obs_segments=described.obs_segments,
            num_actions=env.num_actions,
            critic_obs_segments=None if self.critic_obs is None else described.critic_obs_segments,
            compression=dict(compression or {}),
            fields={"action_labels": (env.num_actions,)},
        )
        self.writer = TrajectoryWriter(
            Path(folder), metadata, env.num_envs, collector, max_length or int(env.max_episode_length), min_length
        )
        self.num_steps = 0
        """Steps of every world so far."""

    @torch.no_grad()
    def step(self) -> list[Path]:
        """Play one step of every world; returns the trajectories that were completed by it."""
        labels = self.teacher.act(self.teacher.observe(self.obs, self.critic_obs))
        actions = self.choose_actions(labels)
        if self.action_noise > 0.0:
            actions = actions + self.action_noise * torch.randn_like(actions)
        before, critic_before = self.obs, self.critic_obs
        obs, rewards, dones, infos = self.env.step(actions)
        self.obs, self.critic_obs = obs, infos.get("observations", {}).get("critic")
        record: dict[str, torch.Tensor] = {
            "actions": actions,
            "action_labels": labels,
            "rewards": rewards,
            "dones": dones,
            "time_outs": infos.get("time_outs", torch.zeros_like(dones)),
        }
        if critic_before is not None:
            record["critic_obs"] = critic_before
        written = self.writer.add(before, record)
        self.after_step(dones)
        self.num_steps += 1
        return written

    def choose_actions(self, labels: torch.Tensor) -> torch.Tensor:
        """Actions to take (N, A), given the teacher's (N, A)."""
        return labels

    def after_step(self, dones: torch.Tensor) -> None:
        """Let memories forget the worlds in ``dones (N,)``."""
        self.teacher.reset(dones)

    def collect(self, num_steps: int | None = None, num_trajectories: int | None = None) -> dict[str, Any]:
        """Play until that many steps (of every world) or trajectories are done, or SIGINT or SIGTERM arrives.

        Where steps or a signal end it, the trajectories in flight are written as cut off there.

        Returns:
            ``steps`` and ``trajectories`` of this call, and ``signal``, the number of the one that ended it or 0.
        """
        first_step, first_file = self.num_steps, self.writer.num_written
        began = logged = time.monotonic()
        with GracefulStop() as stop:
            while stop.requested is None:
                steps, trajectories = self.num_steps - first_step, self.writer.num_written - first_file
                if steps == num_steps or (num_trajectories is not None and trajectories >= num_trajectories):
                    break
                self.step()
                if time.monotonic() - logged > self.log_interval:
                    logged = time.monotonic()
                    rate = (steps + 1) * self.env.num_envs / (logged - began)
                    logger.info("%s: %d trajectories, %.0f steps/s", self.writer.collector, trajectories, rate)
        if num_trajectories is None or self.writer.num_written - first_file < num_trajectories:
            self.writer.flush()
        for name, share in self.writer.clipped().items():
            if share > 0.0:
                bounds = self.writer.metadata.compression[name]
                logger.warning(
                    "%s: %.1f %% of the numbers of '%s' lay outside %g to %g and were clipped",
                    *(self.writer.collector, 100.0 * share, name, bounds.low, bounds.high),
                )
        return {
            "steps": self.num_steps - first_step,
            "trajectories": self.writer.num_written - first_file,
            "signal": int(stop.requested or 0),
        }
