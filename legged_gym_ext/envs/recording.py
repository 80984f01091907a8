"""Recording what robots did: one episode as it goes on, or the last moments of any world that breaks."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor

from legged_gym_ext.envs.episode import SUFFIX, Ended, Episode, EpisodeFacts, save_episode
from st_rl.utils.errors import UserError

if TYPE_CHECKING:
    from legged_gym_ext.envs.legged_env import LeggedEnv

log = logging.getLogger(__name__)

Frame = dict[str, Any]
"""What is kept of one world in one control step, by the names of the fields of ``Episode``."""
Deliver = Callable[[Episode], None]


class StepRecorder(Protocol):
    """Is told what happens in an environment; see ``LeggedEnv.record``."""

    def begin(self, env: LeggedEnv) -> None:
        """A new episode begins in every world, because ``env.reset`` was called."""

    def act(self, env: LeggedEnv, actions: Tensor) -> None:
        """The policy answers the present observation with ``actions (N, A)``; the physics comes next."""

    def result(self, env: LeggedEnv, rewards: Tensor, dones: Tensor) -> None:
        """The physics is done, and the worlds in ``dones (N,)`` will be reset; ``rewards (N,)``."""


def measured(env: LeggedEnv, rewards: Tensor) -> dict[str, Tensor]:
    """Return what an episode keeps of the state after the physics, of every world, (N, ...); not copied."""
    sim = env.sim
    return {
        "root_states": sim.root_states,
        "dof_pos": sim.dof_pos,
        "dof_vel": sim.dof_vel,
        "torques": sim.torques[:, -1],
        "contact_forces": sim.contact_forces,
        "commands": env.state.commands,
        "rewards": rewards,
        "reward_terms": env.rewards.rates,
    }


def scene_of(env: LeggedEnv, world: int) -> dict[str, np.ndarray]:
    """Return the boxes of ``world``, which stay as they are during an episode."""
    track = env.state.track
    boxes = _numpy(env.sim.boxes[world])
    obstacle = np.zeros(len(boxes), bool) if track is None else _numpy(track.tracks.obstacle[world])
    return {"boxes": boxes, "solid": _numpy(env.sim.solid[world]), "obstacle": obstacle}


def depth_picture(env: LeggedEnv, world: int) -> np.ndarray | None:
    """Return what the depth camera of ``world`` has delivered, (H, W) uint8, 0 near; ``None`` without a camera."""
    camera = env.state.camera
    if camera is None:
        return None
    gray = (camera.delivered()[world, 0] + 0.5).clamp(0.0, 1.0).mul(255.0).round()
    return gray.to(torch.uint8).cpu().numpy()


def how_it_ended(env: LeggedEnv, world: int) -> Ended:
    """Return how the episode of ``world`` ends in this step; to be called before the world is reset."""
    state = env.state
    if bool(state.broken_actions[world]) or bool(env.sim.invalid[world]):
        return "broken"
    return "fell" if bool(state.fell[world]) else "over"


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().copy()


class EpisodeTape:
    """Collects the steps of one world; only the last ``max_steps`` of them, if that is given."""

    def __init__(
        self,
        about: Mapping[str, Any],
        world: int = 0,
        *,
        caption: Callable[[], str] | None = None,
        max_steps: int | None = None,
    ) -> None:
        """``about``: names and settings for ``EpisodeFacts.about``; ``caption`` returns the text of a step."""
        self.about, self.world = dict(about), world
        self._caption = caption
        self._frames: deque[Frame] = deque(maxlen=max_steps)
        self._asked: Frame = {}
        self._scene: Frame = {}
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._frames)

    def clear(self) -> None:
        """Forget everything, as a new episode begins."""
        self._frames.clear()
        self._asked, self._dropped = {}, 0

    def act(self, env: LeggedEnv, actions: Tensor) -> None:
        """See ``StepRecorder.act``."""
        seen, _ = env.get_observations()
        if not self._frames:
            self._scene = scene_of(env, self.world)
        self._asked = {"observations": _numpy(seen[self.world]), "actions": _numpy(actions[self.world])}

    def result(self, env: LeggedEnv, rewards: Tensor) -> None:
        """See ``StepRecorder.result``."""
        frame: Frame = {name: _numpy(value[self.world]) for name, value in measured(env, rewards).items()}
        frame |= self._asked
        frame["depth"] = depth_picture(env, self.world)
        frame["caption"] = "" if self._caption is None else self._caption()
        self._dropped += len(self._frames) == self._frames.maxlen
        self._frames.append(frame)

    def episode(self, env: LeggedEnv, ended: Ended) -> Episode:
        """Return the steps as an episode; there must be one."""
        names = (*measured(env, torch.empty(0)), "observations", "actions")
        arrays = self._scene | {name: np.stack([frame[name] for frame in self._frames]) for name in names}
        pictures = [frame["depth"] for frame in self._frames]
        captions = tuple(frame["caption"] for frame in self._frames)
        depth = None if pictures[0] is None else np.stack(pictures)
        return assemble(env, self.world, arrays, ended, about=self.about, captions=captions, depth=depth,
                        first_step=self._dropped)  # fmt: skip


def assemble(
    env: LeggedEnv,
    world: int,
    arrays: Mapping[str, np.ndarray],
    ended: Ended,
    *,
    about: Mapping[str, Any],
    captions: tuple[str, ...],
    depth: np.ndarray | None = None,
    first_step: int = 0,
    before: Mapping[str, np.ndarray] | None = None,
) -> Episode:
    """Return what was recorded of ``world``, by the names of the fields of ``Episode``, as an episode."""
    facts = EpisodeFacts(
        robot=env.cfg.robot,
        seed=env.seed,
        world=world,
        control_dt=env.state.control_dt,
        ended=ended,
        reward_names=env.rewards.names,
        segments=env.obs_segments.to_json(),
        height_field=env.cfg.scene.height_field,
        first_step=first_step,
        about=about,
    )
    return Episode(facts, **arrays, captions=captions, depth=depth, before=before or {})


class EpisodeRecorder:
    """Records one episode: that of ``world`` after the ``round``-th reset, 0 for the first one."""

    def __init__(self, tape: EpisodeTape, deliver: Deliver, round: int = 0) -> None:
        """``deliver`` is given the episode when it has ended, or when ``close`` is called before."""
        self._tape, self._deliver, self._resets_left = tape, deliver, round + 1
        self._env: LeggedEnv | None = None

    def begin(self, env: LeggedEnv) -> None:
        """See ``StepRecorder``; a reset in the middle of the episode ends it."""
        self.close()
        self._resets_left -= 1
        if self._resets_left == 0:
            self._env = env

    def act(self, env: LeggedEnv, actions: Tensor) -> None:
        """See ``StepRecorder``."""
        if self._env is env:
            self._tape.act(env, actions)

    def result(self, env: LeggedEnv, rewards: Tensor, dones: Tensor) -> None:
        """See ``StepRecorder``."""
        if self._env is not env:
            return
        self._tape.result(env, rewards)
        if bool(dones[self._tape.world]):
            self._end(how_it_ended(env, self._tape.world))

    def close(self) -> None:
        """Deliver what there is of an episode that has not ended."""
        if self._env is not None:
            self._end("cut")

    def _end(self, ended: Ended) -> None:
        env, self._env = self._env, None
        if env is not None and len(self._tape):
            self._deliver(self._tape.episode(env, ended))


class LastEpisode:
    """Keeps the episode in progress of one world, and the one before it, to be asked for at any moment."""

    def __init__(self, tape: EpisodeTape) -> None:
        self.tape = tape
        self._finished: Episode | None = None

    def begin(self, env: LeggedEnv) -> None:
        """See ``StepRecorder``."""
        self.tape.clear()

    def act(self, env: LeggedEnv, actions: Tensor) -> None:
        """See ``StepRecorder``."""
        self.tape.act(env, actions)

    def result(self, env: LeggedEnv, rewards: Tensor, dones: Tensor) -> None:
        """See ``StepRecorder``."""
        self.tape.result(env, rewards)
        if bool(dones[self.tape.world]):
            self._finished = self.tape.episode(env, how_it_ended(env, self.tape.world))
            self.tape.clear()

    def episode(self, env: LeggedEnv) -> Episode | None:
        """Return the episode in progress, or just after one has ended, that; ``None`` before the first step."""
        return self.tape.episode(env, "cut") if len(self.tape) else self._finished


class BrokenWorlds:
    """Writes the last moments of every world that breaks: whose state or action is not finite.

    It keeps the last ``seconds`` of every world, or less where that takes more than ``max_bytes`` of memory.
    """

    def __init__(
        self,
        folder: Path,
        about: Mapping[str, Any],
        *,
        seconds: float = 2.0,
        max_files: int = 10,
        max_bytes: int = 256 * 2**20,
    ) -> None:
        """At most ``max_files`` are written, ``broken_<n>.npz`` in ``folder``."""
        self.folder, self.about = folder, dict(about)
        self.files: list[Path] = []
        """What was written."""
        self._seconds, self._max_files, self._max_bytes = seconds, max_files, max_bytes
        self._rings: dict[str, Tensor] = {}
        self._length, self._next, self._filled = 0, 0, 0

    def begin(self, env: LeggedEnv) -> None:
        """See ``StepRecorder``."""

    def act(self, env: LeggedEnv, actions: Tensor) -> None:
        """See ``StepRecorder``."""
        seen, _ = env.get_observations()
        self._put(env, {"observations": seen, "actions": actions.to(seen.device)})

    def result(self, env: LeggedEnv, rewards: Tensor, dones: Tensor) -> None:
        """See ``StepRecorder``."""
        self._put(env, measured(env, rewards))
        self._next, self._filled = (self._next + 1) % self._length, min(self._filled + 1, self._length)
        broken = env.state.broken_actions | env.sim.invalid
        if len(self.files) < self._max_files and bool(broken.any()):
            for world in broken.nonzero().flatten().tolist()[: self._max_files - len(self.files)]:
                self._write(env, world)

    def _put(self, env: LeggedEnv, values: Mapping[str, Tensor]) -> None:
        if not self._length:
            known = measured(env, env.state.steps_lived.float())
            numbers = env.num_obs + env.num_actions + sum(value[0].numel() for value in known.values())
            steps = round(self._seconds / env.state.control_dt)
            self._length = max(2, min(steps, self._max_bytes // (4 * numbers * env.num_envs)))
        for name, value in values.items():
            if name not in self._rings:
                self._rings[name] = torch.zeros(self._length, *value.shape, device=value.device)
            self._rings[name][self._next] = value

    def _write(self, env: LeggedEnv, world: int) -> None:
        count = min(int(env.state.steps_lived[world]), self._filled)
        steps = [(self._next - count + index) % self._length for index in range(count)]
        arrays = scene_of(env, world) | {name: _numpy(ring[steps, world]) for name, ring in self._rings.items()}
        lived = int(env.state.steps_lived[world]) - count
        episode = assemble(
            env, world, arrays, "broken", about=self.about, captions=("",) * count, first_step=lived,
            before=env.sim.last_inputs(world),
        )  # fmt: skip
        path = self._free_path()
        try:
            save_episode(path, episode)
        except UserError as error:
            self._max_files = 0
            log.warning("the broken world %d was not recorded: %s", world, error)
            return
        self.files.append(path)
        log.warning("world %d broke and was recorded; see it with: legged-play --replay %s", world, path)

    def _free_path(self) -> Path:
        number = 1
        while (path := self.folder / f"broken_{number}{SUFFIX}").exists():
            number += 1
        return path
