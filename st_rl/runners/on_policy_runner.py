"""Training with an on-policy algorithm: collect, learn, log, save; and everything that survives a restart."""

from __future__ import annotations

import logging
import math
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import torch

from st_rl.algorithms import PPO, distributed, get_algorithm_class
from st_rl.env import StatefulVecEnv, VecEnv
from st_rl.modules import get_policy_class
from st_rl.runners import checkpoint, restore
from st_rl.runners.demonstration_saver import settings_of
from st_rl.runners.manipulators import manipulate, replaces_critic
from st_rl.runners.metrics import RolloutMetrics
from st_rl.runners.progress import Progress, by_importance
from st_rl.runners.resume import random_state, set_random_state
from st_rl.runners.run_log import RunLog
from st_rl.runners.signals import GracefulStop
from st_rl.storage.hidden import flatten_states, unflatten_states
from st_rl.utils.errors import UserError
from st_rl.utils.memory import network_bytes, require_memory
from st_rl.utils.obs_layout import layouts_of
from st_rl.utils.run_folder import load_newest_whole
from st_rl.utils.transfer import TransferReport

logger = logging.getLogger(__name__)

Observations = tuple[torch.Tensor, torch.Tensor | None]
"""What the actor sees (N, num_obs), and what the critic sees (N, num_critic_obs) where that is something else."""


class OnPolicyRunner:
    """Owns the policy, the algorithm and the run folder of one training.

    In a process group every process runs the same runner on worlds of its own; process 0 logs and saves the policy.
    """

    def __init__(
        self,
        env: VecEnv,
        *,
        policy: Mapping[str, Any],
        algorithm: Mapping[str, Any],
        algorithm_class: str = "PPO",
        num_steps_per_env: int = 24,
        save_interval: int = 50,
        log_dir: Path | None = None,
        run_config: Mapping[str, Any] | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
        stream: TextIO | None = None,
    ) -> None:
        """Build policy and algorithm; nothing is written before ``learn``.

        Args:
            policy: ``class_name`` and the constructor arguments of that class beside its sizes and layouts.
            algorithm: fields of the algorithm's configuration.
            num_steps_per_env: T, steps of every world per iteration.
            save_interval: iterations between checkpoints; one more is saved at the end of ``learn``.
            log_dir: the run folder; ``None`` writes nothing.
            run_config: further entries of ``config.json``.
            seed: of torch's generators, together with the process's rank.
            stream: where progress is shown, by process 0 only; standard output if not given.

        Raises:
            UserError: an unknown class name, or layouts that do not fit the environment.
        """
        self.env, self.device, self.seed, self.stream = env, torch.device(device), seed, stream
        self.num_steps_per_env = num_steps_per_env
        self.save_intervals: tuple[int, ...] = (save_interval,)
        """A checkpoint is saved where the number of iterations is a multiple of one of these."""
        self.log_dir = None if log_dir is None else Path(log_dir)
        self.policy_cfg, self.algorithm_cfg = dict(policy), dict(algorithm)
        self.algorithm_class, self.run_config = algorithm_class, dict(run_config or {})
        torch.manual_seed(seed + distributed.rank())
        same_size = env.num_critic_obs == env.num_obs
        self.obs_segments, self.critic_obs_segments = layouts_of(env.obs_segments, env.critic_obs_segments, same_size)
        self.alg: PPO = self._build_algorithm()
        self.metrics = RolloutMetrics(env.num_envs, self.device)
        self.iteration = 0
        """Iterations completed, those before a resume included."""
        self.interrupted: signal.Signals | None = None
        """The signal that ended ``learn`` early, if one did."""
        self.pruned = False
        """Whether the trial given to ``learn`` asked to stop."""
        self._mean_reward: float | None = None
        """Mean return of the episodes that ended in the last iteration, if any did."""
        self._observations: Observations | None = None
        self._random_state: dict[str, Any] | None = None
        self.run_log = RunLog(self.log_dir)

    def _build_algorithm(self) -> PPO:
        env = self.env
        arguments = {name: value for name, value in self.policy_cfg.items() if name != "class_name"}
        require_memory(network_bytes(arguments), self.device, "the networks of the policy", "their hidden_dims")
        actor_critic = get_policy_class(self.policy_cfg.get("class_name", "ActorCritic"))(
            env.num_obs,
            env.num_critic_obs,
            env.num_actions,
            obs_segments=self.obs_segments,
            critic_obs_segments=self.critic_obs_segments,
            **arguments,
        )
        actor_critic.env_settings = settings_of(env)
        algorithm = get_algorithm_class(self.algorithm_class)(actor_critic, device=self.device, **self.algorithm_cfg)
        algorithm.require_transitions(env.num_envs, self.num_steps_per_env)
        _, critic_obs = _observed(env.get_observations())
        num_critic_obs = None if critic_obs is None else env.num_critic_obs
        algorithm.init_storage(env.num_envs, self.num_steps_per_env, env.num_obs, num_critic_obs, env.num_actions)
        return algorithm

    # -- training ----------------------------------------------------------------------------------

    def learn(self, num_iterations: int, init_at_random_ep_len: bool = False, trial: Any = None) -> dict[str, float]:
        """Train for ``num_iterations`` more; a signal ends it after the iteration in progress, saved.

        The signals are SIGINT, SIGTERM, SIGHUP, and a reader of the progress who leaves (SIGPIPE).

        Args:
            init_at_random_ep_len: start the worlds at random times of their episodes (not in a resumed run).
            trial: an Optuna-style trial: ``report(mean episode return, iteration)``, ``should_prune()``. A pruned
                training stops and sets ``pruned``; raising what the study expects is up to the caller.

        Returns:
            The metrics of the last iteration.

        Raises:
            UserError: the run folder cannot be written or holds checkpoints of another run; a loss is not finite.
        """
        if distributed.rank() == 0:
            self.run_log.open(self._config(), self.iteration)
        if self._observations is None:
            if init_at_random_ep_len:
                lengths = self.env.episode_length_buf
                lengths.copy_(torch.randint_like(lengths, self.env.max_episode_length))
            self._observations = _observed(self.env.get_observations())
        if self._random_state is not None:
            # Only now, since whatever was built after the checkpoint was read may have drawn random numbers.
            set_random_state(self._random_state)
            self._random_state = None
        self.interrupted, self.pruned = None, False
        self.alg.train_mode()
        end = self.iteration + num_iterations
        stream = self.stream or sys.stdout
        progress = Progress(stream if distributed.rank() == 0 else None, self.iteration, end)
        metrics: dict[str, float] = {}
        try:
            with GracefulStop() as stop:
                while self.iteration < end:
                    metrics = self.iterate()
                    self._mean_reward = metrics.get("mean_reward")
                    self.log(metrics, progress)
                    if progress.reader_left:
                        stop.requested = stop.requested or signal.SIGPIPE
                    if self._should_stop(stop, trial, metrics):
                        break
                    if any(self.iteration % each == 0 for each in self.save_intervals) and self.iteration < end:
                        self.save()
                self.save()
        finally:
            self.run_log.close()
        return metrics

    def iterate(self) -> dict[str, float]:
        """One rollout and one update; returns their metrics."""
        start = time.perf_counter()
        for _ in range(self.num_steps_per_env):
            self.rollout_step()
        assert self._observations is not None
        self.alg.compute_returns(*self._observations)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        collected = time.perf_counter()
        losses = self.alg.update()
        learned = time.perf_counter()
        self.iteration += 1
        broken = [name for name, value in losses.items() if not math.isfinite(value)]
        if broken:
            raise UserError(
                f"{broken[0]} is not finite in iteration {self.iteration}; lower the learning rate or look for rewards "
                "and observations that are not finite (the last checkpoint is kept)"
            )
        steps = self.num_steps_per_env * self.env.num_envs * distributed.world_size()
        return (
            self.metrics.read()
            | {f"Loss/{name}": value for name, value in losses.items()}
            | {
                "Policy/mean_std": self.alg.actor_critic.std.mean().item(),
                "time/collection": collected - start,
                "time/update": learned - collected,
                "steps_per_second": steps / (learned - start),
            }
        )

    def rollout_step(self) -> None:
        """Let every world take one step and record it."""
        assert self._observations is not None
        actions = self.alg.act(*self._observations)
        obs, rewards, dones, infos = self.env.step(actions)
        infos = self._answer(infos)
        self.alg.process_env_step(rewards, dones, infos)
        self.metrics.add(rewards, dones, infos)
        self._observations = _observed((obs, infos))

    def _answer(self, infos: dict[str, Any]) -> dict[str, Any]:
        """What the algorithm is told of a step; a subclass may add to what the environment says."""
        return infos

    def _should_stop(self, stop: GracefulStop, trial: Any, metrics: Mapping[str, float]) -> bool:
        if trial is not None:
            trial.report(metrics.get("mean_reward", metrics["mean_step_reward"]), self.iteration)
            self.pruned = bool(trial.should_prune())
        stopping = distributed.any_process(stop.requested is not None or self.pruned, self.device)
        self.interrupted = stop.requested
        return stopping

    # -- logging -----------------------------------------------------------------------------------

    def log(self, metrics: Mapping[str, float], progress: Progress) -> None:
        """Write the metrics of the current iteration to the run folder and show the progress."""
        self.run_log.write(metrics, self.iteration)
        progress.report(self.iteration, metrics["steps_per_second"], by_importance(metrics))

    def _config(self) -> dict[str, Any]:
        """What ``config.json`` says of the run, beside versions and code."""
        critic = self.critic_obs_segments
        return self.run_config | {
            "policy": {"class_name": "ActorCritic"} | self.policy_cfg,
            "algorithm": {"class_name": self.algorithm_class} | self.algorithm_cfg,
            "num_steps_per_env": self.num_steps_per_env,
            "num_envs": self.env.num_envs * distributed.world_size(),
            "num_processes": distributed.world_size(),
            "num_actions": self.env.num_actions,
            "obs_segments": self.obs_segments.to_json(),
            "critic_obs_segments": None if critic is None else critic.to_json(),
            "seed": self.seed,
            "resumed_at": self.iteration or None,
        }

    # -- checkpoints -------------------------------------------------------------------------------

    def save(self) -> Path | None:
        """Write ``model_<iteration>.pt`` and what a resume needs beside it; ``None`` without a run folder.

        Raises:
            UserError: the folder cannot be written; earlier checkpoints are as they were.
        """
        folder, iteration = self.log_dir, self.iteration
        if folder is None:
            return None
        # The state first: whenever a model lies there, so does the state that belongs to it.
        checkpoint.save_tensors(checkpoint.state_path(folder, iteration, distributed.rank()), self._run_state())
        path = checkpoint.model_path(folder, iteration)
        distributed.barrier()
        if distributed.rank() == 0:
            checkpoint.save_tensors(path, self.alg.state_dict() | {"iteration": iteration})
            checkpoint.remove_old_states(folder)
            if self._mean_reward is not None:
                checkpoint.note_best(folder, iteration, self._mean_reward)
        distributed.barrier()
        return path

    def _run_state(self) -> dict[str, Any]:
        """All that later iterations depend on beside the algorithm: tensors and plain values."""
        states = flatten_states(self.alg.actor_critic.get_hidden_states())
        return {
            "iteration": self.iteration,
            "random": random_state(),
            "metrics": self.metrics.state_dict(),
            "hidden_states": [tensor.clone() for tensor in states],
            "observations": None if self._observations is None else list(self._observations),
            "env": self.env.state_dict() if isinstance(self.env, StatefulVecEnv) else None,
            "algorithm": self.alg.resume_state(),
        }

    def load(
        self,
        folder_or_checkpoint: Path | str,
        *,
        resume: bool,
        misaligned: bool = False,
        manipulators: Sequence[str] = (),
    ) -> TransferReport | None:
        """Load the newest whole checkpoint of a run folder, or the given one.

        Args:
            resume: continue that run exactly where it was saved (same environment, policy and algorithm); otherwise
                take over the policy and its normalization only, as the start of a new run.
            misaligned: without ``resume``, accept other observation layouts: columns are matched by segment name.
            manipulators: without ``resume``, changes to the checkpoint by name; see ``st_rl.runners.manipulators``.

        Returns:
            What was copied and what was not, if ``misaligned``.

        Raises:
            UserError: no, damaged or unfitting checkpoint; the message says what differs.
        """
        run = Path(folder_or_checkpoint)
        if manipulators and resume:
            raise UserError("manipulators change what a new run starts from; a resumed run goes on as it was")
        if resume:
            run = distributed.from_first(lambda: restore.find_resumable(run, distributed.world_size()))
        state, path = load_newest_whole(run, self.device)
        if not resume:
            state = restore.converted(state, self.alg.actor_critic, path)
        if manipulators:
            state = manipulate(state, self.alg, manipulators)
        if misaligned and not resume:
            return restore.load_misaligned(self.alg, state, path, own_critic=replaces_critic(manipulators))
        critic_layout = None if replaces_critic(manipulators) else self.critic_obs_segments
        restore.check_run(path, self.policy_cfg, self.obs_segments, critic_layout, same_class=resume)
        if resume:
            self._resume(path, state)
        else:
            restore.load_policy(self.alg, state, path)
        return None

    def _resume(self, path: Path, state: dict[str, Any]) -> None:
        iteration = restore.iteration_of(state, path)
        run_state = checkpoint.load_tensors(
            checkpoint.state_path(path.parent, iteration, distributed.rank()), torch.device("cpu")
        )
        restore.load_algorithm(self.alg, state, path)
        try:
            self._load_run_state(run_state)
        except (KeyError, RuntimeError, ValueError, TypeError) as error:
            raise UserError(
                f"the state saved with {path} does not fit this environment ({error}); "
                "resume with the run's own settings"
            ) from error
        self.run_log.owned = path.parent

    def _load_run_state(self, state: dict[str, Any]) -> None:
        env, policy = self.env, self.alg.actor_critic
        if state["metrics"]["returns"].shape[0] != env.num_envs:
            raise ValueError(f"it has {state['metrics']['returns'].shape[0]} worlds and this one {env.num_envs}")
        if isinstance(env, StatefulVecEnv) and state["env"] is not None:
            env.load_state_dict(state["env"])
        if state["observations"] is not None:
            obs, critic_obs = state["observations"]
            self._observations = obs.to(self.device), None if critic_obs is None else critic_obs.to(self.device)
        if state["hidden_states"]:
            tensors = [tensor.to(self.device) for tensor in state["hidden_states"]]
            policy.set_hidden_states(unflatten_states(policy.zero_hidden_states(env.num_envs), tensors))
        self.alg.load_resume_state(state.get("algorithm", {}))
        self.metrics.load_state_dict(state["metrics"])
        self.iteration = int(state["iteration"])
        self._random_state = state["random"]

    # -- use ---------------------------------------------------------------------------------------

    def get_inference_policy(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """Raw observations (N, num_obs) -> mean actions (N, A), without gradients.

        The memory of a recurrent policy is forgotten now, and advances with every call; call
        ``alg.actor_critic.reset(dones)`` where episodes end.
        """
        self.alg.test_mode()
        policy, normalizer = self.alg.actor_critic, self.alg.obs_normalizer
        policy.reset()

        @torch.no_grad()
        def act(obs: torch.Tensor) -> torch.Tensor:
            return policy.act_inference(normalizer(obs.to(self.device)))

        return act

    def evaluation(self, num_steps: int) -> dict[str, float]:
        """Metrics of ``num_steps`` steps of every world with mean actions, from a reset on.

        The worlds start anew afterward, so training that goes on is another one than without the evaluation.
        """
        act = self.get_inference_policy()
        metrics = RolloutMetrics(self.env.num_envs, self.device)
        obs, _ = self.env.reset()
        for _ in range(num_steps):
            obs, rewards, dones, infos = self.env.step(act(obs))
            metrics.add(rewards, dones, infos)
            self.alg.actor_critic.reset(dones)
        self._observations = _observed(self.env.reset())
        self.alg.actor_critic.reset()
        self.alg.train_mode()
        return metrics.read()


def _observed(answer: tuple[torch.Tensor, Mapping[str, Any]]) -> Observations:
    """Observations of actor and critic from the environment's ``(obs, extras)``."""
    obs, extras = answer
    return obs, extras.get("observations", {}).get("critic")
