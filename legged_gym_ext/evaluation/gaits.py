"""Evaluation of walking in a reference gait: as any walk, how much of the time in that gait, and what speeds cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from torch import Tensor

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation.gait_phases import TEMPLATES, phase_errors, strides_of
from legged_gym_ext.evaluation.walk import MakePolicy, evaluate_walk, evaluation_cfg, run_episodes
from legged_gym_ext.motions.gaits import gait_at
from legged_gym_ext.runs.folders import environment
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from st_rl.runners.progress import Countdown

SETTLING_S = 1.0
"""What an episode begins with and is not counted, s: robots start standing, rolled and in any pose."""
SPEEDS = (0.4, 0.8, 1.2, 1.6)
"""Commanded forward speeds of ``at_speed``, m/s."""
SPEED_EPISODES = 32
"""Episodes at each of these speeds."""
SPEED_EPISODE_S = 10.0
"""Their length, s."""


class ContactTape:
    """Notes in every step which feet touch the ground and how fast the robot is to go."""

    def __init__(self) -> None:
        self.contacts: list[np.ndarray] = []
        self.commands: list[np.ndarray] = []
        self.active: list[np.ndarray] = []

    def __call__(self, env: LeggedEnv, active: Tensor) -> None:
        """Note a step of the worlds whose episode goes on, ``active (N,)``."""
        self.contacts.append(env.state.contacts.cpu().numpy().copy())
        self.commands.append(env.state.commands[:, 0].cpu().numpy().copy())
        self.active.append(active.cpu().numpy().copy())


@dataclass
class GaitCount:
    """What the strides of many episodes were."""

    reference: str
    """Reference gait, or the mixture."""
    steps: Counter[str] = field(default_factory=Counter)
    """Gait -> control steps."""
    in_reference: int = 0
    """Control steps in the reference gait."""
    errors: list[float] = field(default_factory=list)
    """Of every stride with phases, mean distance of three feet from their phase in the reference gait."""
    lengths: list[int] = field(default_factory=list)
    """Control steps of every stride with phases."""
    contact_steps: int = 0
    """Foot steps on the ground."""
    foot_steps: int = 0
    """Foot steps in all."""

    def add(self, contacts: np.ndarray, commands: np.ndarray, step_s: float) -> None:
        """Count one episode: ``contacts (T, 4)`` and commanded forward speeds ``commands (T,)`` in m/s."""
        self.contact_steps += int(contacts.sum())
        self.foot_steps += contacts.size
        for stride in strides_of(contacts, step_s):
            self.steps[stride.gait] += stride.length
            if not self.reference:
                continue
            wanted = gait_at(self.reference, float(commands[min(stride.start, len(commands) - 1)])).name
            self.in_reference += stride.length if stride.gait == wanted else 0
            if stride.phases is not None:
                self.errors.append(float(np.mean(phase_errors(stride.phases, TEMPLATES[wanted]))))
                self.lengths.append(stride.length)

    def add_tape(self, tape: ContactTape, step_s: float) -> None:
        """Count all episodes on ``tape`` from ``SETTLING_S`` on."""
        skipped = round(SETTLING_S / step_s)
        contacts, commands, active = (np.stack(part) for part in (tape.contacts, tape.commands, tape.active))
        for world in range(contacts.shape[1]):
            length = int(active[:, world].sum())
            if length > skipped:
                self.add(contacts[skipped:length, world], commands[skipped:length, world], step_s)

    def to_json(self, step_s: float) -> dict[str, Any]:
        """The published figures; those that compare with a reference only where there is one."""
        total = sum(self.steps.values())
        shares = {name: self.steps[name] / max(total, 1) for name in sorted(self.steps)}
        figures: dict[str, Any] = {
            "gait_shares": shares,
            "duty_factor": self.contact_steps / max(self.foot_steps, 1),
        }
        if not self.reference:
            return figures
        return {
            "reference_gait": self.reference,
            "gait_share": self.in_reference / max(total, 1),
            "phase_error": float(np.mean(self.errors)) if self.errors else 0.5,
            "stride_s": float(np.mean(self.lengths)) * step_s if self.lengths else 0.0,
        } | figures


class SteadyWalk:
    """Sums what moving costs in the steps from ``SETTLING_S`` on, and keeps the contacts."""

    def __init__(self) -> None:
        self.tape, self._step = ContactTape(), 0
        self.speed = self.power = self.steps = 0.0

    def __call__(self, env: LeggedEnv, active: Tensor) -> None:
        """Take in a step of the worlds whose episode goes on, ``active (N,)``."""
        self.tape(env, active)
        self._step += 1
        if self._step <= round(SETTLING_S / env.state.control_dt):
            return
        values = dict(zip(env.metrics.names, env.metric_values.unbind(dim=1), strict=True))
        self.speed += float((values["planar_speed"] * active).sum())
        self.power += float((values["power_over_weight"] * active).sum())
        self.steps += float(active.sum())


def speed_cfg(cfg: EnvCfg, speed: float) -> EnvCfg:
    """``cfg`` as it is evaluated at one forward ``speed`` in m/s: straight ahead, without pushes."""
    cfg = evaluation_cfg(cfg)
    ahead = replace(cfg.commands, lin_vel_x=(speed, speed), lin_vel_y=(0.0, 0.0), ang_vel_yaw=(0.0, 0.0))
    events = {name: term for name, term in cfg.events.items() if name != "push"}
    return replace(cfg, commands=ahead, events=events, episode_length_s=SPEED_EPISODE_S)


def at_speed(
    task: TaskCfg, make_policy: MakePolicy, speed: float, *, episodes: int, seed: int, where: Where
) -> dict[str, Any]:
    """Return what walking at ``speed`` m/s costs, how fast it is, how much is in the reference gait, and falls."""
    watch = SteadyWalk()
    with environment(speed_cfg(task.env, speed), where, num_envs=episodes, seed=seed) as env:
        falls = float(run_episodes(env, make_policy(env), episodes, watch=watch)[-2])
        step_s = env.state.control_dt
    count = GaitCount(task.env.gait)
    count.add_tape(watch.tape, step_s)
    figures = count.to_json(step_s)
    return {
        "command": speed,
        "speed": watch.speed / max(watch.steps, 1.0),
        "cost_of_transport": watch.power / max(watch.speed, 1e-6),
        **{name: figures[name] for name in ("gait_share",) if name in figures},
        "fall_rate": falls / episodes,
    }


def evaluate_gaits(
    task: TaskCfg, make_policy: MakePolicy, *, episodes: int, seed: int, where: Where = Where()
) -> dict[str, Any]:
    """The figures of a walk, those of its gait, and ``at_speed``, a list with one entry for each of ``SPEEDS``.

    All figures depend on the arguments and the policy only.
    """
    tapes: list[ContactTape] = []

    def new_tape() -> ContactTape:
        tapes.append(ContactTape())
        return tapes[-1]

    walked = evaluate_walk(task, make_policy, episodes=episodes, seed=seed, where=where, watch=new_tape)
    step_s = task.env.sim.dt * task.env.sim.decimation
    count = GaitCount(task.env.gait)
    for tape in tapes:
        count.add_tape(tape, step_s)
    countdown, costs = Countdown("speeds", len(SPEEDS)), []
    for speed in SPEEDS:
        costs.append(at_speed(task, make_policy, speed, episodes=min(episodes, SPEED_EPISODES), seed=seed, where=where))
        countdown.report(len(costs))
    countdown.close()
    return walked.to_json() | count.to_json(step_s) | {"at_speed": costs}


def gait_rows(report: Mapping[str, Any]) -> list[str]:
    """Lines of text with the figures that other walks do not have."""
    lines = [f"  {f'time in a {name}':<30} {share:>14.1%}" for name, share in report["gait_shares"].items()]
    for row in report["at_speed"]:
        cost = f"cost of transport {row['cost_of_transport']:.3f} at {row['speed']:.2f} m/s"
        share = f", {row['gait_share']:.1%} in its gait" if "gait_share" in row else ""
        told = f"told {row['command']:g} m/s"
        lines.append(f"  {told:<30} {cost}{share}, {row['fall_rate']:.1%} falls")
    return lines
