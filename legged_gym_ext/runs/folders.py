"""Run folders ``logs/<task>/<date>_<name>``: making, finding and rebuilding them."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.envs.control import control_of
from legged_gym_ext.envs.graphed import GraphedEnv
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.envs.settings import proprioception_scales
from legged_gym_ext.resource_folder import resource_folder
from legged_gym_ext.runs.config_io import task_from_config, to_dict
from legged_gym_ext.runs.estimates import VelocityEstimate, estimates, zero_estimates
from legged_gym_ext.sim.observed import Observer
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.registry import get_task
from st_rl.modules.actor_critic_mutex import SubPolicy, load_sub_policy
from st_rl.runners.metrics_file import read_metrics
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.policy_interface import PolicyInterface
from st_rl.utils.run_folder import (
    BEST,
    checkpoint_iterations,
    config_entry,
    config_layout,
    find_checkpoint,
    read_config,
    run_folder_of,
)

logger = logging.getLogger(__name__)

LOG_ROOT = Path("logs")
"""Where runs lie unless told otherwise, relative to the current folder."""
SHIPPED = resource_folder() / "policies"
"""Run folders that come with the suite."""
_LATEST = "latest"
_LISTED = 8


def new_run_folder(root: Path, task: str, name: str) -> Path:
    """Make ``<root>/<task>/<date>_<name>``, with a number behind it where that exists; ``UserError`` if it cannot."""
    require_name(name, "a run")
    stem = f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{name}"
    count = 1
    while True:
        folder = root / task / (stem if count == 1 else f"{stem}_{count}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError as error:
            if not folder.is_dir():
                raise UserError(f"cannot make the run folder '{folder}'; choose another --log-root") from error
            count += 1
            continue
        except OSError as error:
            raise UserError(
                f"cannot make the run folder '{folder}' ({error.strerror}); choose another --log-root"
            ) from error
        return folder


def require_name(name: str, what: str) -> None:
    """``UserError`` for a ``name`` that would leave its folder, or that a folder cannot have."""
    if not re.fullmatch(r"[\w\-][\w\-.+ ]{0,99}", name) or name in (_LATEST, BEST):
        raise UserError(f"'{name}' cannot name {what}; use letters, digits, '-' and '_'")


@contextlib.contextmanager
def removed_if_refused(folder: Path) -> Iterator[None]:
    """A ``UserError`` before anything was saved leaves no ``folder`` behind; one with files stays."""
    try:
        yield
    except UserError:
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise


@contextlib.contextmanager
def withdrawn_if_refused(folder: Path, *, new: bool) -> Iterator[None]:
    """Whatever ends a ``new`` training before its first iteration is done leaves no ``folder`` behind."""
    try:
        yield
    except BaseException:
        if new and not checkpoint_iterations(folder) and not read_metrics(folder):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def find_runs(root: Path, task: str | None = None) -> list[Path]:
    """Folders of the runs below ``root``, of one task or of all, that have a checkpoint; the last trained is last."""
    tasks = [root / task] if task is not None else sorted(root.iterdir()) if root.is_dir() else []
    candidates = [path for folder in tasks if folder.is_dir() for path in folder.iterdir() if path.is_dir()]
    found = [path for path in candidates if is_run(path) and checkpoint_iterations(path)]
    return sorted(found, key=lambda path: (_trained_at(path), path.name))


def is_run(folder: Path) -> bool:
    """Whether ``folder`` holds a run, trained or put together."""
    return (folder / "config.json").is_file()


def is_shipped(folder: Path) -> bool:
    """Whether the run comes with the suite, whose files are not for commands to write to."""
    return folder.resolve().is_relative_to(SHIPPED.resolve())


def output_folder(run: Path, name: str) -> Path:
    """Where what a command makes of ``run`` belongs unless told otherwise: the run folder, or for a shipped policy
    ``logs/<name>/<policy>``."""
    folder = run_folder_of(run)
    return LOG_ROOT / name / folder.resolve().name if is_shipped(folder) else folder


def is_latest(name: str) -> bool:
    """Whether ``name`` asks for the latest run, or one of its checkpoints."""
    return run_folder_of(name).name == _LATEST


def resolve_run(name: str, *, root: Path = LOG_ROOT, task: str | None = None, checkpoint: str | None = None) -> Path:
    """The run folder that ``name`` means, or the checkpoint in it where one is named.

    Args:
        name: a folder, ``latest``, a run's folder name with or without its date, or the name of a shipped policy; each
            may be followed by a checkpoint: ``RUN/model_30.pt``, ``RUN/best``.
        root: where runs lie.
        task: look at the runs of this task only.
        checkpoint: an iteration, or ``best``; another way to name one.

    Raises:
        UserError: nothing of that name; the message lists what there is.
    """
    base = run_folder_of(name)
    # A path drops the "./" with which a user says that a folder is meant.
    folder = base if name.startswith("./") and base.is_dir() else _resolve_folder(str(base), root, task)
    named = Path(name) != base
    if checkpoint is None:
        return find_checkpoint(folder / Path(name).name) if named else folder
    if named:
        raise UserError(f"'{name}' names a checkpoint already; leave --checkpoint out")
    if checkpoint != BEST and not checkpoint.isdecimal():
        raise UserError(f"--checkpoint takes the number of an iteration, or '{BEST}', not '{checkpoint}'")
    return find_checkpoint(folder, checkpoint if checkpoint == BEST else int(checkpoint))


def _resolve_folder(name: str, root: Path, task: str | None) -> Path:
    here = Path(name)
    runs = find_runs(root, task)
    if name == _LATEST:
        # A mutex is put together and not trained; it is the latest only where there is nothing else.
        trained = [run for run in runs if "skills" not in _config_or_nothing(run)]
        if trained or runs:
            return (trained or runs)[-1]
    elif (len(here.parts) > 1 or here.is_absolute() or name in (".", "..")) and here.is_dir():
        return here
    matching = [run for run in runs if name in (run.name, _without_date(run.name))]
    if not matching and (SHIPPED / name).is_dir() and Path(name).name == name:
        matching = [SHIPPED / name]
    if matching:
        if here.is_dir() and here.resolve() != matching[-1].resolve():
            logger.warning("'%s' is %s; for the folder of that name here write ./%s", name, matching[-1], name)
        return matching[-1]
    if here.is_dir():
        return here
    shipped = [path for path in sorted(SHIPPED.iterdir()) if path.is_dir()] if SHIPPED.is_dir() else []
    known = [run.name for run in reversed(runs[-_LISTED:])] + [path.name for path in shipped]
    where = f"'{root / task}'" if task is not None else f"'{root}'"
    listed = f"there are: {', '.join(known)}" if known else "there is none yet, train one first"
    raise UserError(f"no run '{name}' in {where}; {listed}")


def _config_or_nothing(run: Path) -> Mapping[str, Any]:
    try:
        return read_config(run)
    except UserError:
        return {}


def _trained_at(run: Path) -> int:
    """When the newest checkpoint of a run was written, ns."""
    return find_checkpoint(run).stat().st_mtime_ns


def _without_date(name: str) -> str:
    """The part of a run's folder name that its user gave."""
    parts = name.split("_", 2)
    return parts[2] if len(parts) == 3 else name


def run_config(task: TaskCfg, backend: str) -> dict[str, Any]:
    """The entries of ``config.json`` that describe the task; the runner adds policy, algorithm, layouts, versions."""
    return {
        "task": task.name,
        "robot": task.env.robot,
        "backend": backend,
        "control": to_dict(control_of(task.env)),
        "normalization": to_dict(task.env.normalization),
        "proprioception": proprioception_scales(),
        "env": to_dict(task.env),
        "train": to_dict(task.train),
    }


@dataclass(frozen=True)
class Run:
    """A run folder that was read."""

    folder: Path
    config: Mapping[str, Any]
    task: TaskCfg
    """The registered task with the settings of the run."""


def checkpoint_facts(folder: Path) -> dict[str, str]:
    """Name of the newest checkpoint of a run, or of the one that ``folder`` is, and the first 16 hexadecimal digits of
    its SHA-256."""
    path = find_checkpoint(folder)
    return {"checkpoint": path.name, "checkpoint_hash": hashlib.sha256(path.read_bytes()).hexdigest()[:16]}


def load_run(folder: Path) -> Run:
    """Read ``config.json`` of a run and rebuild its task; ``UserError`` where the program no longer has it."""
    config = read_config(folder)
    name = config_entry(config, "task", folder)
    return Run(folder, config, task_from_config(get_task(str(name)), config, str(folder)))


def make_env(
    cfg: EnvCfg,
    where: Where = Where(),
    *,
    num_envs: int,
    seed: int = 0,
    graphed: bool = False,
) -> LeggedEnv:
    """Make an environment of ``cfg`` with another number of worlds, on a GPU one of replayed steps if ``graphed``."""
    make = GraphedEnv if graphed else LeggedEnv
    return make(replace(cfg, num_envs=num_envs), where, seed=seed)


@contextlib.contextmanager
def environment(
    cfg: EnvCfg,
    where: Where = Where(),
    *,
    num_envs: int,
    seed: int = 0,
    observer: Observer | None = None,
) -> Iterator[LeggedEnv]:
    """Make an environment of ``cfg`` and close it at the end.

    What happens in between depends on ``seed`` alone, and torch's global generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        env = LeggedEnv(replace(cfg, num_envs=num_envs), where, seed=seed, observer=observer)
        try:
            yield env
        finally:
            env.close()


def load_policy(folder: Path, layout: ObsLayout | None = None, env: LeggedEnv | None = None) -> SubPolicy:
    """The policy of a run with its newest weights, or those of the checkpoint that ``folder`` is.

    Args:
        layout: of the observations that it is to act on; by default the run's own.
        env: where it is to act: what the run was trained with and ``env`` has otherwise is converted, or said. Without
            one the policy is as it was trained.

    Raises:
        UserError: checkpoint or layout do not fit.
    """
    config = read_config(folder)
    num_actions = config_entry(config, "num_actions", folder)
    if not isinstance(num_actions, int) or isinstance(num_actions, bool) or num_actions < 1:
        raise UserError(f"config.json of run folder '{folder}': num_actions is {str(num_actions)[:40]}, no count")
    interface = None
    if layout is None:
        layout = config_layout(config, "obs_segments", folder) if env is None else env.obs_segments
    if env is not None:
        num_actions = env.num_actions
        interface = PolicyInterface.from_settings(env.settings, layout, num_actions, "the environment")
    return load_sub_policy(folder, layout, num_actions, "ActorCritic", interface)


class RunPolicy:
    """The trained policy of a run: actions from the flat observation of an environment, in the units of both."""

    def __init__(self, folder: Path, env: LeggedEnv, *, sample: bool = False) -> None:
        """``sample``: draw the actions as in training instead of taking their mean.

        Raises ``UserError`` where checkpoint or layout do not fit the environment.
        """
        self.loaded = load_policy(folder, env=env).to(env.device)
        self.policy: Any = self.loaded.policy
        self.env_layout, self.layout = ObsLayout(env.obs_segments), self.loaded.layout
        self._sample = sample
        self._velocity = VelocityEstimate(self.loaded, folder) if estimates(self.policy) else None

    @torch.inference_mode()
    def __call__(self, observations: Tensor) -> Tensor:
        """Actions (N, A) for ``observations`` (N, num_obs)."""
        seen = self.loaded.observe(self.loaded.select(observations, self.env_layout))
        actions = self.policy.act(seen) if self._sample else self.policy.act_inference(seen)
        return self.loaded.conversion.action(actions).clone()

    def reset(self, dones: Tensor | None = None) -> None:
        """Forget the memory of the worlds in ``dones (N,)``, or of all."""
        self.policy.reset(dones)

    def estimated_velocity(self) -> Tensor | None:
        """What the policy took the base velocity for in its last actions, (N, 3) m/s in the base frame; ``None`` for
        one that does not estimate it."""
        return None if self._velocity is None else self._velocity.read()

    def zero_estimates(self) -> None:
        """Let the policy act with zeros for what it estimates; ``UserError`` for one that estimates nothing."""
        zero_estimates(self.policy)
