"""Run folders ``logs/<task>/<date>_<name>``: making, finding and rebuilding them."""

from __future__ import annotations

import contextlib
import hashlib
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
from legged_gym_ext.resource_folder import resource_folder
from legged_gym_ext.runs.config_io import task_from_config, to_dict
from legged_gym_ext.sim.observed import Observer
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.registry import get_task
from st_rl.modules.actor_critic_mutex import SubPolicy, load_sub_policy
from st_rl.runners.metrics_file import read_metrics
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.run_folder import checkpoint_iterations, config_entry, config_layout, find_checkpoint, read_config

LOG_ROOT = Path("logs")
"""Where runs lie unless told otherwise, relative to the current folder."""
SHIPPED = resource_folder() / "policies"
"""Run folders that come with the suite."""
_LATEST = "latest"
_LISTED = 8


def new_run_folder(root: Path, task: str, name: str) -> Path:
    """Make ``<root>/<task>/<date>_<name>``, with a number behind it where that exists; ``UserError`` if it cannot."""
    if not name or "/" in name or name.startswith("."):
        raise UserError(f"'{name}' cannot name a run; use letters, digits, '-' and '_'")
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
    """Folders of the runs below ``root``, of one task or of all, that have a checkpoint; oldest first."""
    tasks = [root / task] if task is not None else sorted(root.iterdir()) if root.is_dir() else []
    candidates = [path for folder in tasks if folder.is_dir() for path in folder.iterdir() if path.is_dir()]
    found = [path for path in candidates if (path / "config.json").is_file() and checkpoint_iterations(path)]
    return sorted(found, key=lambda path: path.name)


def resolve_run(name: str, *, root: Path = LOG_ROOT, task: str | None = None) -> Path:
    """The run folder that ``name`` means.

    Args:
        name: a folder, ``latest``, a run's folder name with or without its date, or the name of a shipped policy.
        root: where runs lie.
        task: look at the runs of this task only.

    Raises:
        UserError: nothing of that name; the message lists what there is.
    """
    if Path(name).is_dir():
        return Path(name)
    runs = find_runs(root, task)
    if name == _LATEST and runs:
        return runs[-1]
    matching = [run for run in runs if run.name == name or _without_date(run.name) == name]
    if matching:
        return matching[-1]
    shipped = [path for path in sorted(SHIPPED.iterdir()) if path.is_dir()] if SHIPPED.is_dir() else []
    for path in shipped:
        if path.name == name:
            return path
    known = [run.name for run in reversed(runs[-_LISTED:])] + [path.name for path in shipped]
    where = f"'{root / task}'" if task is not None else f"'{root}'"
    listed = f"there are: {', '.join(known)}" if known else "there is none yet, train one first"
    raise UserError(f"no run '{name}' in {where}; {listed}")


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
        "env": to_dict(task.env),
        "train": to_dict(task.train),
    }


def policy_config(task: TaskCfg) -> dict[str, Any]:
    """Class name and constructor arguments of the policy that the task trains."""
    return to_dict(task.train.policy)


@dataclass(frozen=True)
class Run:
    """A run folder that was read."""

    folder: Path
    config: Mapping[str, Any]
    task: TaskCfg
    """The registered task with the settings of the run."""


def checkpoint_facts(folder: Path) -> dict[str, str]:
    """Name of the newest checkpoint of a run, and the first 16 hexadecimal digits of its SHA-256."""
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


def require_own_run(config: Mapping[str, Any], folder: Path) -> None:
    """``UserError`` if the run was trained by the runner of another library."""
    runner = config.get("runner", "st_rl")
    if runner != "st_rl":
        raise UserError(f"the run in '{folder}' was trained by {runner}; only runs of st_rl can be loaded")


def load_policy(folder: Path, layout: ObsLayout | None = None) -> SubPolicy:
    """The policy of a run with its newest weights, to act on observations of ``layout`` (by default the run's own).

    Raises:
        UserError: checkpoint or layout do not fit, or the run is of another library.
    """
    config = read_config(folder)
    require_own_run(config, folder)
    if layout is None:
        layout = config_layout(config, "obs_segments", folder)
    return load_sub_policy(folder, layout, int(config_entry(config, "num_actions", folder)), "ActorCritic")


class RunPolicy:
    """The trained policy of a run: mean actions from the flat observation of an environment."""

    def __init__(self, folder: Path, env: LeggedEnv) -> None:
        """Raises ``UserError`` where checkpoint or layout do not fit the environment."""
        loaded = load_policy(folder, env.obs_segments)
        self.policy: Any = loaded.policy.to(env.device).eval()
        self.normalizer = None if loaded.normalizer is None else loaded.normalizer.to(env.device).eval()
        self.env_layout, self.layout = env.obs_segments, loaded.layout

    @torch.inference_mode()
    def __call__(self, observations: Tensor) -> Tensor:
        """Actions (N, A) for ``observations`` (N, num_obs)."""
        if self.layout != self.env_layout:
            observations = ObsLayout(self.env_layout).select(observations, self.layout.names)
        if self.normalizer is not None:
            observations = self.normalizer(observations)
        return self.policy.act_inference(observations).clone()

    def reset(self, dones: Tensor | None = None) -> None:
        """Forget the memory of the worlds in ``dones (N,)``, or of all."""
        self.policy.reset(dones)
