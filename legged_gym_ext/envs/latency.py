"""Latency of sensors and motors in the step loop."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.sensors.latency import DelayLine, LatencyCfg, held, interpolated, num_samples
from st_rl.utils.errors import UserError


class Latency:
    """Delays of N worlds, and the past that they look back to."""

    def __init__(self, cfg: LatencyCfg, env: EnvState, num_sensed: int) -> None:
        """``num_sensed`` columns of the observation are late. Draws the first delays from the generator of ``env``."""
        self._cfg, self._env = cfg, env
        n, device = env.num_envs, env.device
        self._sensed = DelayLine(num_samples(cfg.proprioception[1], env.control_dt), n, num_sensed, device)
        self._acted = DelayLine(num_samples(cfg.action[1], env.control_dt), n, env.robot.num_dof, device)
        self._fresh = torch.ones(n, dtype=torch.bool, device=device)
        """(N,) bool, worlds that have not been observed since their reset."""
        self.sensor_delay, self.action_delay, self._clock = self._draw()
        """(N,) s each; the clock counts down to the next draw."""

    def _draw(self) -> tuple[Tensor, Tensor, Tensor]:
        cfg, rand = self._cfg, self._env.rand
        ranges = (cfg.proprioception, cfg.action, cfg.interval)
        sensor, action, clock = (rand(low=low, high=high) for low, high in ranges)
        return sensor, action, clock

    def act(self, actions: Tensor) -> Tensor:
        """Actions (N, S, D) in force in each physics step of the control step that ``actions (N, D)`` begin."""
        self._acted.push(actions)
        return held(self._acted.history, self.action_delay, self._env.control_dt, self._env.sim.cfg.decimation)

    def sense(self, values: Tensor) -> Tensor:
        """What has arrived by now of the measurements ``values (N, num_sensed)``; to be called once an observation."""
        self._sensed.push(values, self._fresh)
        self._fresh = torch.zeros_like(self._fresh)
        return interpolated(self._sensed.history, self.sensor_delay / self._env.control_dt)

    def advance(self) -> None:
        """One control step has passed: draw the delays anew where that is due."""
        clock = self._clock - self._env.control_dt
        due, (sensor, action, fresh) = clock <= 0.0, self._draw()
        self.sensor_delay = torch.where(due, sensor, self.sensor_delay)
        self.action_delay = torch.where(due, action, self.action_delay)
        self._clock = torch.where(due, fresh, clock)

    def reset(self, mask: Tensor) -> None:
        """Forget the past of the worlds in ``mask (N,)``: they held the default pose and looked as they do now."""
        self._fresh = self._fresh | mask
        self._acted.history = self._acted.history.masked_fill(mask[:, None], 0.0)

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that later steps depend on."""
        return {name: value.clone() for name, value in self._carried().items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore ``state_dict``; ``UserError`` where other columns were late."""
        if state["sensed"].shape != self._sensed.history.shape:
            raise UserError("the saved environment delays other measurements than this one; start a new run")
        self._sensed.history, self._acted.history = state["sensed"].clone(), state["acted"].clone()
        self._fresh, self._clock = state["fresh"].clone(), state["clock"].clone()
        self.sensor_delay, self.action_delay = state["sensor_delay"].clone(), state["action_delay"].clone()

    def _carried(self) -> dict[str, Tensor]:
        return {
            "sensed": self._sensed.history,
            "acted": self._acted.history,
            "fresh": self._fresh,
            "clock": self._clock,
            "sensor_delay": self.sensor_delay,
            "action_delay": self.action_delay,
        }
