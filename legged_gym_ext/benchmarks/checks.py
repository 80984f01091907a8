"""What works on this machine and what does not, each with a remedy."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from legged_gym_ext.benchmarks.environment import env_rate
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.sim.interface import CameraCfg
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from st_rl.runners.code_state import versions
from st_rl.utils.errors import UserError

State = Literal["ok", "limited", "broken"]

REFERENCE_RATE = 22_900.0
"""Environment steps per second of ``go1_walk`` in 1024 worlds on two idle cores of the machine that README tells of."""
_FREE_GIB = 1.0
"""Less free disk space than this is reported, GiB: a run with its films takes a tenth of it."""
_BUSY = 0.5
"""Cores that other programs may take before it is reported."""


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    name: str
    state: State
    """``ok``; ``limited``: training works, something else does not or is slow; ``broken``: training does not work."""
    text: str
    remedy: str = ""
    """What to do about it; empty where there is nothing to do."""


def check_versions() -> Iterator[Finding]:
    """The suite, Python and the libraries."""
    yield Finding("versions", "ok", ", ".join(f"{name} {version}" for name, version in versions().items()))


def check_engine() -> Iterator[Finding]:
    """Whether the default engine simulates."""
    with runs.environment(get_task("go1_walk").env, Where(num_threads=1), num_envs=2) as env:
        obs, *_ = env.step(torch.zeros(2, env.num_actions))
    if bool(torch.isfinite(obs).all()):
        yield Finding("engine mujoco", "ok", "a Go1 was simulated")
    else:
        remedy = "install the versions of constraints.txt: pip install -c constraints.txt legged-gym-ext"
        yield Finding("engine mujoco", "broken", "the first step gave numbers that are not finite", remedy)


def check_gpu() -> Iterator[Finding]:
    """Whether tasks can run on a GPU."""
    if importlib.util.find_spec("mujoco_warp") is None:
        remedy = "for training on an NVIDIA GPU: pip install 'legged-gym-ext[warp]'"
        yield Finding("engine warp", "limited", "MuJoCo Warp is not installed", remedy)
    elif not torch.cuda.is_available():
        remedy = "for training on an NVIDIA GPU, install its driver and a CUDA build of torch"
        yield Finding("engine warp", "limited", "installed, but torch finds no NVIDIA GPU", remedy)
    else:
        yield Finding("engine warp", "ok", f"{torch.cuda.get_device_name()}; use --backend warp --device cuda")


def check_threads() -> Iterator[Finding]:
    """How many cores there are, and how many of them others use."""
    cores = os.cpu_count() or 1
    text = f"{cores} cores, {torch.get_num_threads()} threads of torch"
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if busy > _BUSY:
        remedy = f"stop them, or leave them their cores with --num-threads {max(1, cores - round(busy))}"
        yield Finding("threads", "limited", f"{text}; other programs use {busy:.1f} cores", remedy)
    else:
        yield Finding("threads", "ok", text)


def check_pictures() -> Iterator[Finding]:
    """Whether videos and windows can be made."""
    # Imported here: these are the engine's own folder.
    from legged_gym_ext.sim.mujoco.gl import find_gl_library
    from legged_gym_ext.sim.mujoco.viewer import require_display

    library = find_gl_library()
    if library is None:
        remedy = "Debian: apt-get install libegl1 libgl1 libegl-mesa0 libgl1-mesa-dri (or libosmesa6)"
        yield Finding("pictures", "limited", "neither EGL nor OSMesa works: no videos, no stills", remedy)
    else:
        with runs.environment(get_task("go1_walk").env, Where(num_threads=1), num_envs=1) as env:
            begin = time.perf_counter()
            image = env.sim.render(0, CameraCfg(width=320, height=240))
            seconds = time.perf_counter() - begin
        drawn = image.std() > 0.0
        text = f"{library} draws; the first picture took {seconds:.1f} s"
        blank = "make sure that the driver of the graphics card is installed, or try MUJOCO_GL=osmesa"
        yield Finding("pictures", "ok", text) if drawn else Finding("pictures", "limited", f"{library}: blank", blank)
    try:
        require_display()
        yield Finding("window", "ok", "there is a display for legged-play")
    except UserError as error:
        yield Finding("window", "limited", str(error))


def check_folders(log_root: Path) -> Iterator[Finding]:
    """Whether runs can be written."""
    existing = next(folder for folder in (log_root.absolute(), *log_root.absolute().parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free / 1024**3
    except OSError as error:
        remedy = "choose another folder with --log-root, or start the commands in one that you may write to"
        yield Finding("run folders", "broken", f"'{log_root}' cannot be written ({error.strerror})", remedy)
        return
    if free < _FREE_GIB:
        yield Finding(
            "run folders", "limited", f"{free:.1f} GiB are free", "delete old runs, or use another --log-root"
        )
    else:
        yield Finding("run folders", "ok", f"'{log_root}' can be written, {free:.0f} GiB are free")


def check_policies() -> Iterator[Finding]:
    """Whether the shipped policies are there and whole."""
    folders = sorted(path for path in runs.SHIPPED.glob("*") if (path / "config.json").is_file())
    damaged = []
    for folder in folders:
        try:
            runs.load_policy(folder)
        except UserError as error:
            damaged.append(f"{folder.name} ({error})")
    if damaged or not folders:
        text = f"damaged: {'; '.join(damaged)}" if damaged else f"there are none in '{runs.SHIPPED}'"
        yield Finding("shipped policies", "limited", text, "install the suite again")
    else:
        yield Finding("shipped policies", "ok", f"{len(folders)} policies, all whole")


def check_speed() -> Iterator[Finding]:
    """How fast this machine is beside the one that README tells of."""
    rate = env_rate(get_task("go1_walk"), worlds=1024, steps=24)
    text = f"{rate:,.0f} steps of go1_walk a second, {rate / REFERENCE_RATE:.1f} times README's two cores"
    if rate < 0.5 * REFERENCE_RATE:
        yield Finding("speed", "limited", text, "close other programs; trainings take longer here than README says")
    else:
        yield Finding("speed", "ok", text)


def examine(log_root: Path) -> Iterator[Finding]:
    """Yield what every check finds; one that fails unexpectedly is itself a finding."""
    checks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("versions", check_versions),
        ("engine mujoco", check_engine),
        ("engine warp", check_gpu),
        ("threads", check_threads),
        ("pictures", check_pictures),
        ("run folders", lambda: check_folders(log_root)),
        ("shipped policies", check_policies),
        ("speed", check_speed),
    )
    for name, check in checks:
        try:
            yield from check()
        except (UserError, RuntimeError, OSError, ImportError) as error:
            # The other checks are worth more than a traceback of this one.
            remedy = "report this with the versions above"
            yield Finding(name, "broken", f"{type(error).__name__}: {str(error).splitlines()[0]}", remedy)
