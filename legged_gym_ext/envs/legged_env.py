"""``LeggedEnv``: the step loop. It implements ``st_rl.env.vec_env.VecEnv`` and ``StatefulVecEnv``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.envs.control import robot_of
from legged_gym_ext.envs.latency import Latency
from legged_gym_ext.envs.managers import (
    CurriculumManager,
    EventManager,
    MetricManager,
    RewardManager,
    TerminationManager,
)
from legged_gym_ext.envs.memory import require_worlds
from legged_gym_ext.envs.observation_manager import ObservationManager
from legged_gym_ext.envs.recording import StepRecorder
from legged_gym_ext.envs.settings import settings_of
from legged_gym_ext.mdp.commands import resample_due, steer_along_track, velocity_commands
from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.sim.interface import Simulator
from legged_gym_ext.sim.observed import ObservedSimulator, Observer
from legged_gym_ext.sim.registry import make_simulator, require_backend
from legged_gym_ext.sim.where import Where
from legged_gym_ext.terrain.height_field import HeightField
from legged_gym_ext.terrain.tracks import num_boxes
from st_rl.utils.errors import UserError
from st_rl.utils.threads import OneThread


class LeggedEnv:
    """N robots, each in a world of its own. See ``VecEnv`` for what ``step`` takes and returns.

    Nothing in ``step`` synchronizes with the host when the simulator runs on a GPU; on the CPU, work that no world
    needs in this step is skipped.
    """

    def __init__(
        self,
        cfg: EnvCfg,
        where: Where = Where(),
        *,
        seed: int = 0,
        observer: Observer | None = None,
    ) -> None:
        """``observer`` is shown every physics step, which makes them slower but not different.

        Raises ``UserError`` for an unknown robot or backend, and for more worlds than there is memory for.
        """
        device = where.device
        require_backend(where.backend, device)
        require_worlds(cfg, where)
        self.cfg, self.where, self.seed = cfg, where, seed
        self.num_envs, self.device = cfg.num_envs, torch.device(device)
        field_cfg = cfg.scene.height_field
        scene = cfg.scene if cfg.track is None else replace(cfg.scene, num_boxes=num_boxes(cfg.track))
        height_field = HeightField(field_cfg, device) if field_cfg is not None else None
        robot = robot_of(cfg)
        make = partial(make_simulator, where.backend, robot, cfg.num_envs)
        make = partial(make, scene=scene, height_field=height_field, device=device)
        sim_cfg = replace(cfg.sim, num_threads=where.num_threads) if where.num_threads else cfg.sim
        if observer is None:
            self.sim: Simulator = make(sim=sim_cfg)
        else:
            self.sim = ObservedSimulator(lambda sim: make(sim=sim), sim_cfg, observer)
        control_dt = cfg.sim.dt * cfg.sim.decimation
        self.settings = settings_of(cfg)
        """What the numbers of observations and actions mean; see ``DescribedVecEnv``."""
        self.max_episode_length = round(cfg.episode_length_s / control_dt)
        self.generator = torch.Generator(device=device).manual_seed(seed)
        self.state = EnvState(
            self.sim,
            height_field,
            action_scale=robot.action_scale,
            max_episode_length=self.max_episode_length,
            generator=self.generator,
            track_cfg=cfg.track,
            camera_cfg=cfg.camera,
            gait=cfg.gait,
        )
        self._build_managers()
        self.num_actions = self.state.robot.num_dof
        self._motion_before = self._motion()
        """(N, motion_size) what a motion prior sees, before the step in progress."""
        self.motion_size = self._motion_before.shape[1]
        self.obs_segments = self._observations.layout
        self.critic_obs_segments = self._critic_observations.layout
        self.num_obs, self.num_critic_obs = self.obs_segments.size, self.critic_obs_segments.size
        # What is large has threads of its own: the engine's, and those of the compiled kernels.
        self._one_thread = OneThread(self.device)
        everyone = torch.ones(self.num_envs, dtype=torch.bool, device=self.device)
        self._events.run("startup", everyone)
        self._recorders: tuple[StepRecorder, ...] = ()
        self.metric_values = torch.zeros(self.num_envs, len(self.metrics.names), device=self.device)
        """(N, metrics) of the last step, before resets; the columns are ``metrics.names``."""
        self.reset()

    def _build_managers(self) -> None:
        cfg, state = self.cfg, self.state
        self._observations = ObservationManager(state, cfg.observations, cfg.normalization, cfg.noise)
        num_late = len(self._observations.late_columns)
        self.latency = None if cfg.latency is None else Latency(cfg.latency, state, num_late)
        self._critic_observations = ObservationManager(state, cfg.critic_observations, cfg.normalization, None)
        self.rewards = RewardManager(state, cfg.rewards, cfg.only_positive_rewards)
        self._terminations = TerminationManager(state, cfg.terminations)
        self._events = EventManager(state, cfg.events)
        self._curriculum = CurriculumManager(state, cfg.curriculum)
        self.metrics = MetricManager(state, cfg.metrics)

    # ---------------------------------------------------------------- VecEnv

    @property
    def episode_length_buf(self) -> Tensor:
        """(N,) int64, control steps since the last reset."""
        return self.state.episode_length

    @episode_length_buf.setter
    def episode_length_buf(self, value: Tensor) -> None:
        self.state.episode_length.copy_(value)

    def get_observations(self) -> tuple[Tensor, dict[str, Any]]:
        """The current observation (N, num_obs) and extras; see ``VecEnv``."""
        return self._obs, {"observations": {"critic": self._critic_obs}}

    def reset(self) -> tuple[Tensor, dict[str, Any]]:
        """Start a new episode in every world."""
        with self._one_thread:
            answer = self._reset()
        for recorder in self._recorders:
            recorder.begin(self)
        return answer

    def record(self, *recorders: StepRecorder) -> None:
        """Tell these recorders, beside those that are told already, what happens from now on."""
        self._recorders += recorders

    def _reset(self) -> tuple[Tensor, dict[str, Any]]:
        self._reset_worlds(torch.ones(self.num_envs, dtype=torch.bool, device=self.device))
        self._steer()
        self._compute_observations()
        return self.get_observations()

    def step(self, actions: Tensor) -> tuple[Tensor, Tensor, Tensor, dict[str, Any]]:
        """Advance every world by one control step under ``actions (N, 12)``; see ``VecEnv``."""
        with self._one_thread:
            for recorder in self._recorders:
                recorder.act(self, actions)
            self.sim.step(self._before_physics(actions))
            return self._after_physics()

    def _before_physics(self, actions: Tensor) -> Tensor:
        """Take over the actions of a step; joint targets (N, D) or, with latency, (N, S, D), rad."""
        state, limit = self.state, self.cfg.normalization.clip_actions
        self._motion_before = self._motion()
        state.begin_step(actions.to(self.device).clamp(-limit, limit))
        in_force = state.actions if self.latency is None else self.latency.act(state.actions)
        return state.default_dof_pos + state.action_scale * in_force

    def _after_physics(self) -> tuple[Tensor, Tensor, Tensor, dict[str, Any]]:
        """What ``step`` returns, and resets where episodes have ended."""
        state = self.state
        state.update_kinematics()
        state.update_contacts()
        if state.track is not None:
            state.track.advance()
        failed, time_outs = self._terminations.compute()
        state.fell = failed
        rewards = self.rewards.compute()
        infos = self._infos(time_outs)
        final = self._final_observations(failed | time_outs)
        self._add_tracking_score()
        transition = torch.cat((self._motion_before, self._motion()), dim=1) if self.motion_size else None
        dones = failed | time_outs
        for recorder in self._recorders:
            recorder.result(self, rewards, dones)
        if not self.state.skip_empty or bool(dones.any()):
            self._curriculum.update(dones & state.whole_episode)
            self._reset_worlds(dones)
        self._resample_commands(resample_due(state, self.cfg.commands) & ~dones)
        if self._events.advance():
            state.update_kinematics()
        self._steer()
        if self.latency is not None:
            self.latency.advance()
        self._compute_observations()
        infos["observations"] = {"critic": self._critic_obs}
        if final is not None:
            infos["final_observation"] = final
        if transition is not None:
            infos["observations"]["ref_obs"] = transition
        return self._obs, rewards, dones, infos

    # ---------------------------------------------------------------- parts of a step

    def _infos(self, time_outs: Tensor) -> dict[str, Any]:
        log = self.rewards.log()
        self.metric_values = self.metrics.compute()
        log |= zip(self.metrics.names, self.metric_values.mean(dim=0).unbind(), strict=True)
        return {"time_outs": time_outs, "log": log}

    def _final_observations(self, dones: Tensor) -> dict[str, Tensor] | None:
        """What actor and critic see at the end of their episodes; ``None`` where nobody asks or none ends."""
        if not self.cfg.final_observations or (self.state.skip_empty and not bool(dones.any())):
            return None
        return {"actor": self._observations.final(), "critic": self._critic_observations.final()}

    def _motion(self) -> Tensor:
        """(N, motion_size): the reference observations one after the other."""
        parts = [term.func(self.state, **term.params) for term in self.cfg.ref_obs.values()]
        return torch.cat(parts, dim=1) if parts else torch.zeros(self.num_envs, 0, device=self.device)

    def _add_tracking_score(self) -> None:
        term, state = self.cfg.tracking_score, self.state
        if term is not None:
            state.tracking_score.add_(term.func(state, **term.params), alpha=1.0 / state.max_episode_length)

    def _reset_worlds(self, mask: Tensor) -> None:
        state = self.state
        state.clear(mask)
        if self.latency is not None:
            self.latency.reset(mask)
        self._events.run("reset", mask)
        state.update_kinematics()
        self._resample_commands(mask)

    def _resample_commands(self, mask: Tensor) -> None:
        if self.state.skip_empty and not bool(mask.any()):
            return
        fresh = velocity_commands(self.state, self.cfg.commands)
        self.state.commands = torch.where(mask[:, None], fresh, self.state.commands)

    def _steer(self) -> None:
        if self.cfg.commands.along_track:
            self.state.commands = steer_along_track(self.state)

    def _compute_observations(self) -> None:
        self.state.update_camera()
        known: dict[str, Tensor] = {}
        late = None if self.latency is None else self.latency.sense
        self._obs = self._observations.compute(known, late)
        self._critic_obs = self._critic_observations.compute(known)

    # ---------------------------------------------------------------- StatefulVecEnv

    def state_dict(self) -> dict[str, Any]:
        """Everything that later steps depend on, the random generator included."""
        return {
            "sim": self.sim.state_dict(),
            "state": self.state.state_dict(),
            "clocks": [clock.clone() for clock in self._events.clocks],
            "latency": {} if self.latency is None else self.latency.state_dict(),
            "history": {"actor": self._observations.history, "critic": self._critic_observations.history},
            "generator": self.generator.get_state(),
            "obs": self._obs.clone(),
            "critic_obs": self._critic_obs.clone(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore ``state_dict`` in an environment of the same configuration; ``UserError`` where the sizes differ."""
        found = state["obs"].shape
        if found != self._obs.shape:
            raise UserError(
                f"the saved environment has {found[0]} worlds and {found[1]} observations, this one {self.num_envs} "
                f"and {self.num_obs}; resume with the settings of the run"
            )
        self.sim.load_state_dict(state["sim"])
        self.state.load_state_dict(state["state"])
        self._events.clocks = [clock.clone() for clock in state["clocks"]]
        if self.latency is not None:
            self.latency.load_state_dict(state["latency"])
        history = state.get("history", {})  # what was saved before there were any has none
        self._observations.load_history(history.get("actor", {}))
        self._critic_observations.load_history(history.get("critic", {}))
        self.generator.set_state(state["generator"].cpu())
        self._obs, self._critic_obs = state["obs"].clone(), state["critic_obs"].clone()

    def close(self) -> None:
        """Release the simulator."""
        self.sim.close()
