"""Whether obstacles are as solid and motors as strong as real ones, checked at every physics step of episodes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation.body_probe import BodyProbe
from legged_gym_ext.evaluation.episodes import run_track_episodes
from legged_gym_ext.evaluation.tracks import TrackOptions, track_evaluation_cfg
from legged_gym_ext.evaluation.walk import EpisodeClock, MakePolicy
from legged_gym_ext.mdp.env_state import CONTACT_FORCE, EnvState
from legged_gym_ext.mdp.track_terms import track_of
from legged_gym_ext.runs.folders import environment
from legged_gym_ext.sim.interface import Simulator
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.runners.progress import Countdown
from st_rl.utils.errors import UserError

_MARGIN = 0.6
"""Ground this far before and behind an obstacle counts as part of it, m: legs may touch the obstacle."""


class StepWatch:
    """Observes every physics step of N worlds; see ``Observer``. Nothing is recorded before ``begin``."""

    def __init__(self) -> None:
        self._state: EnvState | None = None
        self.depths: list[Tensor] = []
        """Per physics step, the deepest penetration of each running episode, m."""
        self.worst_depth, self.worst_body = 0.0, ""
        self.peak_torque = self.peak_joint_speed = 0.0
        self.torque_excess = self.curve_excess = self.limit_excess = 0.0
        """N m beyond the limit of a motor and beyond its speed-torque curve, rad beyond the range of a joint."""
        self.steps = self.flat_steps = self.knee_steps = 0
        """Physics steps of all episodes, those on flat ground, and those of them in which a thigh or calf touched."""

    def begin(self, env: LeggedEnv) -> None:
        """Record from now on; ``env`` is the environment that this observes."""
        self._state, self._probe = env.state, BodyProbe(env.state.robot, env.device)
        self.active = torch.ones(env.num_envs, dtype=torch.bool, device=env.device)
        """(N,) the worlds whose episode is not over."""

    def set_active(self, active: Tensor) -> None:
        """Record only the worlds in ``active (N,)`` bool."""
        self.active = active

    def __call__(self, sim: Simulator, speed_before: Tensor) -> None:
        """Take in a physics step; ``speed_before (N, D)`` rad/s."""
        if self._state is None:
            return
        active = self.active
        forces = sim.contact_forces[active].clone()  # read before the poses, which may overwrite them
        self._penetration(sim, self._state)
        self._motors(sim, self._state, speed_before)
        self._knees(sim, self._state, forces)
        self.steps += int(active.sum())

    def _penetration(self, sim: Simulator, state: EnvState) -> None:
        depths = self._probe.depths(sim, track_of(state))[self.active]
        if not len(depths):
            return
        worst, points = depths.max(dim=1)
        self.depths.append(worst)
        deepest = int(worst.argmax())
        if float(worst[deepest]) > self.worst_depth:
            self.worst_depth = float(worst[deepest])
            self.worst_body = state.robot.body_names[int(self._probe.bodies[points[deepest]])]

    def _motors(self, sim: Simulator, state: EnvState, speed_before: Tensor) -> None:
        active = self.active
        strength = sim.dynamics.motor_strength
        assert strength is not None
        torque, speed, limit = sim.torques[active, 0], speed_before[active], (strength * state.torque_limit)[active]
        self.peak_torque = max(self.peak_torque, _largest(torque.abs()))
        self.peak_joint_speed = max(self.peak_joint_speed, _largest(sim.dof_vel[active].abs()))
        self.torque_excess = max(self.torque_excess, _largest(torque.abs() - limit))
        self.curve_excess = max(self.curve_excess, _largest(curve_excess(torque, speed, limit, state.velocity_limit)))
        q = sim.dof_pos[active]
        self.limit_excess = max(self.limit_excess, _largest(torch.maximum(state.dof_lower - q, q - state.dof_upper)))

    def _knees(self, sim: Simulator, state: EnvState, forces: Tensor) -> None:
        """``forces (n, B, 3)`` N of the active worlds."""
        tracks = track_of(state).tracks
        x = sim.root_states[:, 0:1]
        near = ((x > tracks.start - _MARGIN) & (x < tracks.end + _MARGIN)).any(dim=1)
        flat = ~near[self.active]
        legs = torch.cat((state.thigh_ids, state.calf_ids))
        touching = (forces[:, legs].norm(dim=-1) > CONTACT_FORCE).any(dim=1)
        self.flat_steps += int(flat.sum())
        self.knee_steps += int((flat & touching).sum())

    def to_json(self) -> dict[str, Any]:
        """The published figures."""
        depths = torch.cat(self.depths) if self.depths else torch.zeros(1)
        return {
            "physics_steps": self.steps,
            "worst_penetration": self.worst_depth,
            "worst_penetration_body": self.worst_body,
            "penetration_p999": _p999(depths),
            "joint_limit_excess": self.limit_excess,
            "torque_excess": self.torque_excess,
            "speed_torque_excess": self.curve_excess,
            "peak_torque": self.peak_torque,
            "peak_joint_speed": self.peak_joint_speed,
            "knee_contact_on_flat": self.knee_steps / max(self.flat_steps, 1),
            "flat_share": self.flat_steps / max(self.steps, 1),
        }


def _p999(values: Tensor) -> float:
    """The value below which 99.9 % of ``values (n,)`` are."""
    return float(values.kthvalue(max(1, round(0.999 * len(values)))).values)


def _largest(values: Tensor) -> float:
    """The largest of ``values``, 0 where there are none or all are below."""
    return max(0.0, float(values.max())) if values.numel() else 0.0


def curve_excess(torque: Tensor, speed: Tensor, limit: Tensor, no_load_speed: Tensor) -> Tensor:
    """Torque in N m beyond the speed-torque curve of the motors, at most 0 where they keep to it.

    The curve is linear from ``limit`` N m at standstill to nothing at ``no_load_speed`` rad/s, in the direction of
    motion; against it the limit alone holds. All of one shape, or broadcast.
    """
    highest = (limit * (1.0 - speed / no_load_speed)).clamp(-limit, limit)
    lowest = (-limit * (1.0 + speed / no_load_speed)).clamp(-limit, limit)
    return torch.maximum(torque - highest, lowest - torque)


def measure_solidity(
    task: TaskCfg,
    make_policy: MakePolicy,
    protocol: str,
    *,
    episodes: int = 100,
    seed: int = 1,
    options: TrackOptions | None = None,
    where: Where = Where(),
) -> dict[str, Any]:
    """Run ``episodes`` episodes of ``protocol`` side by side and check every physics step of each.

    The result depends on the arguments and the policy only; torch's global generator is left as it was.
    """
    if episodes < 1:
        raise UserError(f"an evaluation needs at least one episode, not {episodes}")
    cfg = track_evaluation_cfg(task.env, protocol, options, where.device)
    watch = StepWatch()
    with environment(cfg, where, num_envs=episodes, seed=seed, observer=watch) as env:
        policy = make_policy(env)
        watch.begin(env)
        countdown = Countdown(f"{episodes} episodes, every physics step", env.max_episode_length)
        done = run_track_episodes(env, policy, before_step=watch.set_active, clock=EpisodeClock(countdown))
        countdown.close()
    success = float((done.passed == done.kind.shape[1]).float().mean())
    return {"protocol": protocol, "episodes": episodes, "seed": seed, "success_rate": success} | watch.to_json()
