"""Options of the commands that record what robots do, and the recorders that they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legged_gym_ext.envs.episode import SUFFIX, Episode, save_episode
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.envs.recording import BrokenWorlds, EpisodeRecorder, EpisodeTape
from legged_gym_ext.runs.config_io import to_dict
from legged_gym_ext.runs.outputs import require_own_episode
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.utils.errors import UserError
from st_rl.utils.files import require_suffix

MakeCaption = Callable[[int], Callable[[], str]]
"""Number of a world -> what returns the text of its steps."""


@dataclass
class RecordingOptions:
    """Options of the commands that record what robots do."""

    record_episode: Path | None = None
    """File to record an episode in, NAME.npz: states, observations, actions, rewards. legged-play --replay shows it."""
    record_broken: Path | None = None
    """Folder for the last two seconds of every world that breaks, whose state or action is not finite; none of them
    is recorded by default."""

    def check_recording(self) -> None:
        """``UserError`` where what should be written cannot be, before any work is done."""
        if self.record_episode is not None:
            require_suffix(self.record_episode, (SUFFIX,), "--record-episode")
            require_own_episode(self.record_episode)
        if self.record_broken is not None and self.record_broken.exists() and not self.record_broken.is_dir():
            raise UserError(f"--record-broken {self.record_broken} is no folder; name one")


def about_episode(task: TaskCfg, policy: str) -> dict[str, Any]:
    """Return what a recorded episode says about where it comes from."""
    return {"task": task.name, "policy": policy, "env": to_dict(task.env)}


class Recordings:
    """The recorders that a command's options ask for."""

    def __init__(self, options: RecordingOptions, about: Mapping[str, Any]) -> None:
        """``about``: see ``about_episode``."""
        self._options, self._about = options, about
        self._episode: EpisodeRecorder | None = None
        self._path: Path | None = None
        self._broken: BrokenWorlds | None = None

    def attach(self, env: LeggedEnv, caption: MakeCaption | None = None, number: int = 0) -> None:
        """Record ``env`` from now on.

        Args:
            caption: returns what returns the text of the steps of a world.
            number: of the episode, where every reset begins one in each of the worlds.
        """
        for recorder in self.recorders(env.num_envs, caption, number):
            env.record(recorder)

    def recorders(
        self, num_envs: int = 1, caption: MakeCaption | None = None, number: int = 0
    ) -> tuple[EpisodeRecorder | BrokenWorlds, ...]:
        """Return the recorders for an environment of ``num_envs`` worlds; see ``attach``."""
        found: list[EpisodeRecorder | BrokenWorlds] = []
        if self._options.record_episode is not None:
            round, world = divmod(number, num_envs)
            tape = EpisodeTape(self._about, world, caption=None if caption is None else caption(world))
            self._episode = EpisodeRecorder(tape, self._save, round)
            found.append(self._episode)
        if self._options.record_broken is not None:
            self._broken = BrokenWorlds(self._options.record_broken, self._about)
            found.append(self._broken)
        return tuple(found)

    def _save(self, episode: Episode) -> None:
        assert self._options.record_episode is not None
        save_episode(self._options.record_episode, episode)
        self._path = self._options.record_episode

    def close(self) -> list[str]:
        """Write what has not been written, and return a line about every file."""
        if self._episode is not None:
            self._episode.close()
        written = [] if self._path is None else [self._path]
        if self._broken is not None:
            written += self._broken.files
        return [f"recorded: {path} (legged-play --replay {path})" for path in written]
