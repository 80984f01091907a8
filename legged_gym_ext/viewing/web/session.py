"""What is played and how it goes on: environments, policies, commands. It knows nothing of browsers."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from legged_gym_ext.envs.episode import Episode
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.envs.recording import EpisodeTape, LastEpisode, StepRecorder
from legged_gym_ext.mdp.observations import forward_depth
from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.mutex import mutex_skills
from legged_gym_ext.sensors.depth_camera import DepthCameraCfg
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.terrain.blocks import BLOCKS
from legged_gym_ext.terrain.height_field import HeightField
from legged_gym_ext.viewing.disturbances import DisturbanceOptions, shown_cfg
from legged_gym_ext.viewing.overlay import active_skill, obstacle_text
from legged_gym_ext.viewing.requests import Requests
from legged_gym_ext.viewing.video import Command, TrackVideoCfg
from legged_gym_ext.viewing.window import play_cfg, start_command
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.ranges import Checked, Count, Seed

HISTORY_S = 10.0
"""Seconds of the past that curves show."""
_KEPT_STEPS = 3000
"""Steps of an episode that can be saved: a minute."""


@dataclass(frozen=True)
class SessionCfg(Checked):
    """What a session begins with."""

    task: TaskCfg
    policies: dict[str, Path]
    """Name -> run folder, or checkpoint, of every policy that can be chosen."""
    side_by_side: tuple[str, ...]
    """The policies that play from the beginning, each in a lane of its own, on the same course."""
    course: TrackVideoCfg = field(default_factory=TrackVideoCfg)
    """Difficulty and obstacles; of no meaning to tasks without a track."""
    worlds: Count = 1
    """Worlds of each lane; one of them is shown."""
    seed: Seed = 1
    depth: bool = False
    """Give robots a depth camera whose image is shown, although their policy does not need one."""
    where: Where = field(default_factory=Where)
    recorders: tuple[StepRecorder, ...] = ()
    """Are told what the first lane does."""
    disturbances: DisturbanceOptions = field(default_factory=DisturbanceOptions)
    """Noise, pushes, randomization and sampled actions; none of them unless asked for."""


class Lane:
    """One policy in an environment of its own; the lanes of a session differ in nothing else."""

    def __init__(self, cfg: SessionCfg, name: str, course: TrackVideoCfg, seed: int) -> None:
        """Raises ``UserError`` where the policy does not fit the task."""
        env_cfg = shown_cfg(play_cfg(cfg.task.env, course), cfg.disturbances)
        self._sample = cfg.disturbances.sample_actions
        if cfg.depth and env_cfg.camera is None:
            env_cfg = replace(env_cfg, camera=DepthCameraCfg())
        self.env: LeggedEnv = runs.make_env(env_cfg, cfg.where, num_envs=cfg.worlds, seed=seed)
        self._folders = cfg.policies
        self.episodes = 0
        """Episodes that have ended in the world that is shown."""
        self.kept: LastEpisode | None = None
        """Keeps what can be saved, where somebody asks for that."""
        self.choose(name)
        self.restart(seed)

    def choose(self, name: str) -> None:
        """Let the policy called ``name`` act from now on; the robot goes on from where it is."""
        if name not in self._folders:
            raise UnknownNameError("policy", name, sorted(self._folders))
        self.policy = runs.RunPolicy(self._folders[name], self.env, sample=self._sample)
        self.skills, self.name = mutex_skills(self._folders[name]), name
        if self.kept is not None:
            self.kept.tape.about["policy"] = name

    @torch.inference_mode()
    def restart(self, seed: int) -> None:
        """Begin an episode whose course and dynamics depend on ``seed`` alone."""
        self.env.generator.manual_seed(seed)
        self.obs, _ = self.env.reset()
        self.policy.reset()

    @torch.inference_mode()
    def step(self, command: Command, world: int) -> bool:
        """Advance one control step; whether the episode of ``world`` has ended."""
        env = self.env
        env.state.commands = torch.tensor([command], device=env.device).repeat(env.num_envs, 1)
        self.obs, _, dones, _ = env.step(self.policy(self.obs))
        self.policy.reset(dones)
        return bool(dones[world])


@dataclass
class Curves:
    """The last ``HISTORY_S`` seconds of one lane."""

    time: deque[float]
    """s"""
    commanded: deque[Command]
    """m/s, m/s, rad/s"""
    measured: deque[Command]

    @classmethod
    def of(cls, control_dt: float) -> Curves:
        """Empty curves of an environment whose control step takes ``control_dt`` s."""
        length = round(HISTORY_S / control_dt)
        return cls(deque(maxlen=length), deque(maxlen=length), deque(maxlen=length))

    def clear(self) -> None:
        """Forget the past."""
        for values in (self.time, self.commanded, self.measured):
            values.clear()


class PlaySession(Requests):
    """Policies on their courses, stepped when asked to. Every control of a viewer is a method here."""

    def __init__(self, cfg: SessionCfg) -> None:
        """Raises ``UserError`` for an unknown policy, obstacle or difficulty, and for policies that do not fit."""
        if not cfg.side_by_side:
            raise UserError("a viewer needs at least one policy; name one with --policy")
        if cfg.worlds < 1:
            raise UserError(f"a viewer needs at least one world, not {cfg.worlds}")
        self.cfg, self.course, self.seed = cfg, cfg.course, cfg.seed
        self.playing, self.speed, self.world = True, 1.0, 0
        self.restart_at_end = True
        """Begin a new episode, on a new course, when one has ended; else wait."""
        self.command = start_command(cfg.task.env)
        self.lanes: list[Lane] = []
        self._make_lanes([*cfg.side_by_side])
        for recorder in cfg.recorders:
            self.lanes[0].env.record(recorder)
            recorder.begin(self.lanes[0].env)
        self.time = 0.0
        """s played since the session began."""
        super().__init__()

    def _make_lanes(self, names: Sequence[str]) -> None:
        made: list[Lane] = []
        try:
            for name in names:
                made.append(Lane(self.cfg, name, self.course, self.seed))
        except UserError:
            for lane in made:
                lane.env.close()
            raise
        # All at once, for other threads look at the lanes.
        old, self.lanes = self.lanes, made
        for lane in old:
            lane.env.close()
        self._keep_episode()
        self._curves = [Curves.of(self.control_dt) for _ in self.lanes]
        self.waiting = [False] * len(self.lanes)

    def _keep_episode(self) -> None:
        lane = self.lanes[0]

        def caption() -> str:
            return "\n".join(text for text in (self.skill(0), self.obstacle(0)) if text)

        about = {"task": self.cfg.task.name, "policy": lane.name}
        lane.kept = LastEpisode(EpisodeTape(about, self.world, caption=caption, max_steps=_KEPT_STEPS))
        lane.env.record(lane.kept)

    def episode(self) -> Episode:
        """The episode of the first lane that goes on, or that has just ended: its last minute."""
        lane = self.lanes[0]
        found = None if lane.kept is None else lane.kept.episode(lane.env)
        if found is None:
            raise UserError("no step has been played yet; there is nothing to save")
        return found

    @property
    def control_dt(self) -> float:
        """Seconds of one control step."""
        return self.lanes[0].env.state.control_dt

    @property
    def has_track(self) -> bool:
        """Whether there are obstacles to choose."""
        return self.cfg.task.env.track is not None

    def step(self) -> None:
        """Advance every lane by one control step, whether playing or not."""
        self.time += self.control_dt
        for index, lane in enumerate(self.lanes):
            if self.waiting[index]:
                continue
            if lane.step(self.command, self.world):
                lane.episodes += 1
                if self.restart_at_end:
                    # Lanes that are equally far have the same course.
                    lane.restart(self.seed + lane.episodes)
                else:
                    self.waiting[index] = True
            self._record(index)

    def _record(self, index: int) -> None:
        state, curves = self.lanes[index].env.state, self._curves[index]
        linear, angular = state.base_lin_vel[self.world].tolist(), state.base_ang_vel[self.world].tolist()
        vx, vy, yaw = state.commands[self.world].tolist()
        curves.time.append(self.time)
        curves.commanded.append((vx, vy, yaw))
        curves.measured.append((linear[0], linear[1], angular[2]))

    # ---------------------------------------------------------------- controls

    def restart(self, seed: int | None = None) -> None:
        """Begin anew in every lane, from ``seed`` if one is given."""
        self.seed = self.seed if seed is None else seed
        for index, lane in enumerate(self.lanes):
            lane.episodes = 0
            lane.restart(self.seed)
            self._curves[index].clear()
        self.waiting = [False] * len(self.lanes)

    def set_speed(self, speed: float) -> None:
        """Play ``speed`` times as fast as real time, at least a hundredth."""
        self.speed = max(speed, 0.01)

    def set_course(self, difficulty: float, blocks: Sequence[str]) -> None:
        """Build another course; ``UserError`` for an unknown obstacle or a difficulty outside [0, 1]."""
        before, self.course = self.course, TrackVideoCfg(difficulty, tuple(blocks))
        try:
            self._make_lanes([lane.name for lane in self.lanes])
        except UserError:
            self.course = before
            raise

    def choose_policy(self, lane: int, name: str) -> None:
        """Let another policy act in a lane while it runs; ``UserError`` where it does not fit."""
        self.lanes[lane].choose(name)

    def set_command(self, command: Command) -> None:
        """Command forward and lateral velocity, m/s, and yaw rate, rad/s, within what the task trains."""
        ranges = self.cfg.task.env.commands
        limits = (ranges.lin_vel_x, ranges.lin_vel_y, ranges.ang_vel_yaw)
        vx, vy, yaw = (
            min(max(value, min(low, 0.0)), max(high, 0.0)) for value, (low, high) in zip(command, limits, strict=True)
        )
        self.command = (vx, vy, yaw)

    def choose_world(self, world: int) -> None:
        """Show another world; ``UserError`` where there is none of that number."""
        if not 0 <= world < self.cfg.worlds:
            raise UserError(f"there is no world {world}; there are {self.cfg.worlds}, from 0 on")
        self.world = world
        kept = self.lanes[0].kept
        if kept is not None:
            kept.tape.clear()
            kept.tape.world = world
        for curves in self._curves:
            curves.clear()

    def push(self, forward: float, left: float) -> None:
        """Push the robots that are shown: add so many m/s to the velocity of their trunk, in the world frame."""
        for lane in self.lanes:
            sim = lane.env.sim
            mask = torch.zeros(lane.env.num_envs, dtype=torch.bool, device=lane.env.device)
            mask[self.world] = True
            velocity = torch.zeros(lane.env.num_envs, 6, device=lane.env.device)
            velocity[:, 0], velocity[:, 1] = forward, left
            sim.push(mask, velocity)

    def close(self) -> None:
        """Release the simulators."""
        for lane in self.lanes:
            lane.env.close()

    # ---------------------------------------------------------------- what is shown

    def robot(self, lane: int) -> RobotCfg:
        """The robot of a lane."""
        return self.lanes[lane].env.state.robot

    def ground(self) -> HeightField | None:
        """The rough ground that the lanes share; ``None`` where it is flat."""
        return self.lanes[0].env.state.height_field

    def obstacles(self, lane: int) -> Tensor:
        """(K,) bool: which boxes of the world shown belong to obstacles, not to the floor."""
        env = self.lanes[lane].env
        if env.state.track is None:
            return torch.zeros(env.sim.boxes.shape[1], dtype=torch.bool)
        return env.state.track.tracks.obstacle[self.world].cpu()

    def title(self, lane: int) -> str:
        """What is said about a lane beside its state."""
        return f"policy `{self.lanes[lane].name}`"

    def tracking(self, lane: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(T,) s; (T, 3) commanded and (T, 3) actual velocity, m/s, m/s and rad/s, of the last ``HISTORY_S``."""
        curves = self._curves[lane]
        asked, found = (np.array(values).reshape(-1, 3) for values in (curves.commanded, curves.measured))
        return np.array(curves.time), asked, found

    def body_poses(self, lane: int) -> Tensor:
        """(B, 7) position in m and quaternion xyzw of the bodies of the robot shown, world frame."""
        return self.lanes[lane].env.sim.body_states[self.world, :, :7].clone().cpu()

    def boxes(self, lane: int) -> Tensor:
        """(K, 10) center, quaternion xyzw and half extents in m of the boxes of the world shown."""
        return self.lanes[lane].env.sim.boxes[self.world].clone().cpu()

    def skill(self, lane: int) -> str:
        """The skill that a mutex has chosen; empty for other policies."""
        chosen = self.lanes[lane]
        return active_skill(chosen.policy, chosen.skills, self.world)

    def obstacle(self, lane: int) -> str:
        """Number, type and parameter of the obstacle ahead; empty where there is none."""
        return obstacle_text(self.lanes[lane].env, self.world)

    def rewards(self, lane: int) -> dict[str, float]:
        """Weighted reward of the last step by term, per second."""
        manager = self.lanes[lane].env.rewards
        return dict(zip(manager.names, manager.rates[self.world].tolist(), strict=True))

    def torque_shares(self, lane: int) -> dict[str, float]:
        """Torque of every joint over its limit, in [-1, 1]."""
        state = self.lanes[lane].env.state
        shares = state.sim.torques[self.world, -1] / state.torque_limit
        return dict(zip(state.robot.dof_names, shares.tolist(), strict=True))

    def contact_forces(self, lane: int) -> Tensor:
        """(B, 3) N, net force on every body of the robot shown, world frame."""
        return self.lanes[lane].env.sim.contact_forces[self.world].clone().cpu()

    def depth_image(self, lane: int) -> Tensor | None:
        """(H, W) in [0, 1], 0 near and 1 far: what the camera has delivered, late and noisy; ``None`` without one."""
        state = self.lanes[lane].env.state
        return None if state.camera is None else (forward_depth(state)[self.world, 0] + 0.5).cpu()


def known_blocks() -> list[str]:
    """Types of obstacle that a course can be made of."""
    return list(BLOCKS)
