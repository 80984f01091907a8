"""Playing a policy in a window, commanded from the keyboard."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import torch

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation.walk import Policy
from legged_gym_ext.mdp.commands import VelocityCommandCfg
from legged_gym_ext.viewing.overlay import Caption
from legged_gym_ext.viewing.video import Command, TrackVideoCfg, video_cfg

HELP = "arrows: forward, back, turn; page up/down: sideways; enter: stop; close the window to end"
_STEPS: dict[int, Command] = {
    265: (0.1, 0.0, 0.0),
    264: (-0.1, 0.0, 0.0),
    263: (0.0, 0.0, 0.2),
    262: (0.0, 0.0, -0.2),
    266: (0.0, 0.1, 0.0),
    267: (0.0, -0.1, 0.0),
}
"""GLFW codes of the arrow and page keys -> change of the command (m/s, m/s, rad/s)."""
_ENTER = 257


@dataclass
class KeyboardCommand:
    """A velocity command that keys change, within the ranges that the policy was trained for and zero."""

    ranges: VelocityCommandCfg
    value: Command = field(default=(0.0, 0.0, 0.0))

    def press(self, key: int) -> None:
        """Change the command by a key, given by its GLFW code; unknown keys change nothing."""
        if key == _ENTER:
            self.value = (0.0, 0.0, 0.0)
            return
        limits = (self.ranges.lin_vel_x, self.ranges.lin_vel_y, self.ranges.ang_vel_yaw)
        change = _STEPS.get(key, (0.0, 0.0, 0.0))
        x, y, yaw = (
            round(min(max(old + step, min(low, 0.0)), high), 6)
            for old, step, (low, high) in zip(self.value, change, limits, strict=True)
        )
        self.value = (x, y, yaw)


def play_cfg(cfg: EnvCfg, track: TrackVideoCfg | None = None) -> EnvCfg:
    """Return ``cfg`` as it is played: the keyboard commands, and only a fall or the edge of the field ends an episode.

    A track ends the episode where it ends, and there the keys set the forward velocity alone.
    """
    cfg = video_cfg(cfg, (0.0, 0.0, 0.0), track)
    return replace(cfg, episode_length_s=1e6, commands=replace(cfg.commands, resampling_time_s=1e6))


def start_command(task: EnvCfg) -> Command:
    """Return the command before a key is pressed: on a track the middle of the trained speeds, elsewhere to stand."""
    low, high = task.commands.lin_vel_x
    return (0.0, 0.0, 0.0) if task.track is None else (round(0.5 * (low + high), 2), 0.0, 0.0)


@torch.inference_mode()
def play(env: LeggedEnv, policy: Policy, command: KeyboardCommand, caption: Caption | None = None) -> None:
    """Run the first world in real time until the window is closed; ``caption`` returns the text in its corner."""
    from legged_gym_ext.sim.mujoco.viewer import Viewer  # an engine is imported when it is asked for

    viewer = Viewer(env.sim, env.state.height_field, command.press)
    try:
        obs, _ = env.reset()
        policy.reset()
        due = time.perf_counter()
        while viewer.is_open():
            env.state.commands = torch.tensor([command.value], device=env.device).repeat(env.num_envs, 1)
            obs, _, dones, _ = env.step(policy(obs))
            policy.reset(dones)
            viewer.show(text="\n".join(caption()) if caption is not None else "")
            due = max(due + env.state.control_dt, time.perf_counter() - 0.1)
            time.sleep(max(0.0, due - time.perf_counter()))
    finally:
        viewer.close()
