"""A recorded episode, seen again: moment by moment for a viewer, or as the pictures of a film."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from legged_gym_ext.envs.episode import Ended, Episode
from legged_gym_ext.robots import kinematics
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.sim.interface import CameraCfg, SceneCfg, SimCfg
from legged_gym_ext.sim.registry import make_simulator
from legged_gym_ext.terrain.height_field import HeightField
from legged_gym_ext.viewing.overlay import put_in_corner, write_text
from legged_gym_ext.viewing.requests import Requests
from legged_gym_ext.viewing.sight import Cameraman
from legged_gym_ext.viewing.video import TRACK_CAMERA, write_video
from st_rl.utils.rotations import quat_rotate_inverse

_WAYS: dict[Ended, str] = {
    "fell": "it ends with a fall",
    "over": "it ends by its time or with its course",
    "broken": "it ends with a state or an action that is not finite",
    "cut": "the recording ends before the episode",
}
_FRAME_RATE = 25
"""Pictures per second of a film, at most."""


def describe(episode: Episode) -> str:
    """Return what an episode is, in one line."""
    facts = episode.facts
    names = " by ".join(str(facts.about[key]) for key in ("task", "policy") if facts.about.get(key))
    seconds = episode.num_steps * facts.control_dt
    return f"{names or facts.robot}, {episode.num_steps} steps, {seconds:.1f} s; {_WAYS[facts.ended]}"


class ReplaySession(Requests):
    """An episode at one of its moments; see ``Shown``. Every control of a viewer is a method here."""

    def __init__(self, episode: Episode) -> None:
        """Raises ``UserError`` where the robot of the episode is not registered."""
        self.cfg = episode
        self._robot = episode.robot
        self.playing, self.speed = True, 1.0
        self.index = 0
        """The step that is shown."""
        self._ground = None if episode.facts.height_field is None else HeightField(episode.facts.height_field)
        states = [torch.from_numpy(part) for part in (episode.root_states, episode.dof_pos, episode.dof_vel)]
        self._poses = kinematics.body_states(self._robot, *states)[:, :, :7]
        self._boxes, self._obstacle = torch.from_numpy(episode.boxes), torch.from_numpy(episode.obstacle)
        self._limits = torch.tensor([joint.torque_limit for joint in self._robot.joints])
        quat, linear, angular = states[0].split((3, 4, 3, 3), dim=1)[1:]
        forward, turn = quat_rotate_inverse(quat, linear), quat_rotate_inverse(quat, angular)
        self._measured = torch.cat((forward[:, :2], turn[:, 2:]), dim=1).numpy()
        super().__init__()
        self.lanes = (self,)

    @property
    def last(self) -> int:
        """The last step."""
        return self.cfg.num_steps - 1

    @property
    def control_dt(self) -> float:
        """Seconds of one control step."""
        return self.cfg.facts.control_dt

    @property
    def time(self) -> float:
        """s of the episode when the step that is shown was over."""
        return (self.cfg.facts.first_step + self.index + 1) * self.control_dt

    @property
    def has_track(self) -> bool:
        """Whether there are obstacles."""
        return bool(len(self._boxes))

    # ---------------------------------------------------------------- controls

    def seek(self, index: int) -> None:
        """Show another step, the nearest that there is."""
        self.index = min(max(index, 0), self.last)

    def step(self) -> None:
        """Show the next step; at the last one stop."""
        if self.index == self.last:
            self.playing = False
        self.seek(self.index + 1)

    def set_speed(self, speed: float) -> None:
        """Play ``speed`` times as fast as real time, at least a hundredth."""
        self.speed = max(speed, 0.01)

    def close(self) -> None:
        """There is nothing to release."""

    # ---------------------------------------------------------------- what is shown

    def robot(self, lane: int) -> RobotCfg:
        """The robot."""
        return self._robot

    def ground(self) -> HeightField | None:
        """The rough ground; ``None`` where it is flat."""
        return self._ground

    def title(self, lane: int) -> str:
        """Which step is shown, and whether it is the one at which the world broke."""
        broke = ", **broken here**" if self.index == self.last and self.cfg.facts.ended == "broken" else ""
        return f"step {self.cfg.facts.first_step + self.index + 1}{broke}"

    def body_poses(self, lane: int) -> Tensor:
        """(B, 7) position in m and quaternion xyzw of the bodies, world frame."""
        return self._poses[self.index].clone()

    def boxes(self, lane: int) -> Tensor:
        """(K, 10) center, quaternion xyzw and half extents in m."""
        return self._boxes

    def obstacles(self, lane: int) -> Tensor:
        """(K,) bool: which boxes belong to obstacles."""
        return self._obstacle

    def contact_forces(self, lane: int) -> Tensor:
        """(B, 3) N, world frame."""
        return torch.from_numpy(self.cfg.contact_forces[self.index].copy())

    def skill(self, lane: int) -> str:
        """Skill and obstacle as they were noted."""
        return self.cfg.captions[self.index].replace("\n", ", ")

    def obstacle(self, lane: int) -> str:
        """Nothing: ``skill`` tells it too."""
        return ""

    def tracking(self, lane: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(T,) s; (T, 3) commanded and actual velocity, m/s, m/s, rad/s, from the first step to the one shown."""
        end = self.index + 1
        return np.arange(1, end + 1) * self.control_dt, self.cfg.commands[:end], self._measured[:end]

    def rewards(self, lane: int) -> dict[str, float]:
        """Weighted reward of the step by term, per second."""
        return dict(zip(self.cfg.facts.reward_names, self.cfg.reward_terms[self.index].tolist(), strict=True))

    def torque_shares(self, lane: int) -> dict[str, float]:
        """Torque of every joint over its limit."""
        shares = torch.from_numpy(self.cfg.torques[self.index]) / self._limits
        return dict(zip(self._robot.dof_names, shares.tolist(), strict=True))

    def depth_image(self, lane: int) -> Tensor | None:
        """(H, W) in [0, 1], 0 near; ``None`` without a camera."""
        depth = self.cfg.depth
        return None if depth is None else torch.from_numpy(depth[self.index]).float() / 255.0


def replay_pictures(episode: Episode, camera: CameraCfg, every: int) -> Iterator[np.ndarray]:
    """Yield a picture (height, width, 3), uint8 RGB, of every ``every``-th step, and of the last one."""
    facts, robot = episode.facts, episode.robot
    ground = None if facts.height_field is None else HeightField(facts.height_field)
    scene = SceneCfg(num_boxes=len(episode.boxes), height_field=facts.height_field)
    sim = make_simulator("mujoco", robot, 1, sim=SimCfg(num_threads=1), scene=scene, height_field=ground)
    everyone, cameraman = torch.ones(1, dtype=torch.bool), Cameraman(camera)
    try:
        if len(episode.boxes):
            boxes, solid = torch.from_numpy(episode.boxes), torch.from_numpy(episode.solid)
            sim.set_boxes(everyone, boxes[None], solid[None])
        for index in sorted({*range(0, episode.num_steps, every), episode.num_steps - 1}):
            states = (episode.root_states, episode.dof_pos, episode.dof_vel)
            sim.reset(everyone, *(torch.from_numpy(part[index : index + 1]) for part in states))
            image = sim.render(0, cameraman.view(sim.root_states[0, :3], sim.boxes[0]))
            if episode.depth is not None:
                image = put_in_corner(image, 255 - episode.depth[index][..., None].repeat(3, axis=-1))
            yield write_text(image, _lines(episode, index))
    finally:
        sim.close()


def _lines(episode: Episode, index: int) -> list[str]:
    time = (episode.facts.first_step + index + 1) * episode.facts.control_dt
    broke = index == episode.num_steps - 1 and episode.facts.ended == "broken"
    return [*episode.captions[index].splitlines(), f"{time:.2f} s" + (", broken here" if broke else "")]


def film_episode(episode: Episode, path: Path, camera: CameraCfg | None = None) -> int:
    """Film an episode into ``path`` in real time, and return the number of pictures."""
    if camera is None:
        camera = TRACK_CAMERA if len(episode.boxes) else CameraCfg()
    rate = 1.0 / episode.facts.control_dt
    every = max(1, round(rate / _FRAME_RATE))
    return write_video(path, replay_pictures(episode, camera, every), max(1, round(rate / every)))
