"""Stages of work as subprocesses: several at a time, each once, and those that were interrupted again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from st_rl.utils.errors import UserError

Outcome = Literal["done", "kept", "failed", "skipped", "stopped"]
"""``kept``: it had been done before. ``skipped``: it needs a stage that failed. ``stopped``: by a signal."""
_GOOD = ("done", "kept")
_GRACE_S = 120.0
"""Time that a stopped stage has to save its work, s."""


@dataclass(frozen=True)
class Stage:
    """A piece of work."""

    name: str
    command: Callable[[int], list[str]]
    """Returns the command line for a number of threads; called when the stage starts."""
    is_done: Callable[[], bool]
    """Returns whether the result is there."""
    needs: tuple[str, ...] = ()
    """Names of the stages that must be done before."""
    alone: bool = False
    """Whether it gets every core, since nothing else can run at that time."""


@dataclass
class _Job:
    stage: Stage
    process: subprocess.Popen[bytes]
    log: Path
    begin: float = field(default_factory=time.monotonic)


def run_stages(
    stages: Sequence[Stage],
    *,
    jobs: int,
    cores: int,
    logs: Path,
    say: Callable[[str], None],
    lock: IO[bytes] | None = None,
    poll_s: float = 0.5,
    report_s: float = 60.0,
) -> dict[str, Outcome]:
    """Run the ``stages`` whose results are missing, at most ``jobs`` at a time, and report on the way.

    A stage that fails stops only those that need it. SIGINT and SIGTERM are passed on to the stages that run, which may
    save their work; the rest is then ``stopped``.

    Args:
        stages: in an order in which they can run one by one.
        cores: number of cores, which the jobs share.
        logs: folder for the output of every stage, ``<name>.txt``.
        say: called with each line of the report.
        lock: see ``locked``; held by every subprocess.
    """
    if jobs < 1:
        raise UserError(f"--jobs must be at least 1, not {jobs}")
    logs.mkdir(parents=True, exist_ok=True)
    runner = _Runner(stages, jobs, cores, logs, say, lock)
    begin = reported = time.monotonic()
    with _sigterm_as_interrupt():
        try:
            while runner.advance():
                time.sleep(poll_s)
                if time.monotonic() - reported >= report_s:
                    reported = time.monotonic()
                    runner.report(reported - begin)
        except KeyboardInterrupt:
            runner.stop()
    return runner.outcomes


class _Runner:
    """The state of ``run_stages``: what waits, what runs, and how the rest ended."""

    def __init__(
        self,
        stages: Sequence[Stage],
        jobs: int,
        cores: int,
        logs: Path,
        say: Callable[[str], None],
        lock: IO[bytes] | None,
    ) -> None:
        self._waiting, self._running = list(stages), list[_Job]()
        self._jobs, self._cores, self._logs, self._say, self._lock = jobs, cores, logs, say, lock
        self._total = len(stages)
        self.outcomes: dict[str, Outcome] = {}

    def advance(self) -> bool:
        """Note which stages have ended, start those that can, and return whether anything is left."""
        for job in [job for job in self._running if job.process.poll() is not None]:
            self._running.remove(job)
            self._finish(job)
        for stage in list(self._waiting):
            known = [self.outcomes.get(need) for need in stage.needs]
            if any(outcome is not None and outcome not in _GOOD for outcome in known):
                self._waiting.remove(stage)
                self._note(stage, "skipped", "needs what failed")
            elif all(outcome in _GOOD for outcome in known):
                if stage.is_done():
                    self._waiting.remove(stage)
                    self._note(stage, "kept", "was done before")
                elif len(self._running) < self._jobs:
                    self._waiting.remove(stage)
                    self._start(stage)
        return bool(self._waiting or self._running)

    def _start(self, stage: Stage) -> None:
        threads = self._cores if stage.alone else max(1, self._cores // self._jobs)
        log = self._logs / f"{stage.name}.txt"
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
        kept_open = () if self._lock is None else (self._lock.fileno(),)
        with log.open("ab") as output:
            process = subprocess.Popen(
                stage.command(threads),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=kept_open,
                # A signal from the terminal reaches it once: by stop().
                start_new_session=True,
            )
        self._running.append(_Job(stage, process, log))
        self._say(f"{stage.name}: started, output in {log}")

    def _finish(self, job: _Job) -> None:
        seconds = time.monotonic() - job.begin
        if job.process.returncode == 0 and job.stage.is_done():
            self._note(job.stage, "done", f"done after {duration(seconds)}")
        else:
            reason = _last_line(job.log) or f"exit code {job.process.returncode}"
            self._note(job.stage, "failed", f"failed after {duration(seconds)}: {reason}")

    def _note(self, stage: Stage, outcome: Outcome, text: str) -> None:
        self.outcomes[stage.name] = outcome
        self._say(f"[{len(self.outcomes)}/{self._total}] {stage.name}: {text}")

    def report(self, elapsed_s: float) -> None:
        """Say what is running and what it printed last."""
        for job in self._running:
            self._say(f"{duration(elapsed_s)}  {job.stage.name}: {_last_line(job.log)[:110]}")

    def stop(self) -> None:
        """Ask the stages that run to stop, and wait until they have saved their work."""
        self._say("stopping; what runs saves its work first")
        for job in self._running:
            job.process.terminate()
        deadline = time.monotonic() + _GRACE_S
        for job in self._running:
            try:
                job.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                job.process.kill()
                job.process.wait()
        for stage in [*(job.stage for job in self._running), *self._waiting]:
            self.outcomes[stage.name] = "stopped"
        self._running, self._waiting = [], []


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[IO[bytes]]:
    """Hold ``folder`` for this process, and for the subprocesses that get the file.

    Raises:
        UserError: another process still works in the folder, or it cannot be written.
    """
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("wb")
    except OSError as error:
        raise UserError(f"cannot write to '{folder}' ({error.strerror}); choose another --out") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(
                f"another training still works in '{folder}'; wait for it, or choose another --out"
            ) from error
        yield file


@contextlib.contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _last_line(path: Path) -> str:
    """Return the last line of a file that has text; empty where there is none in its last kilobytes."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def duration(seconds: float) -> str:
    """Return a duration as ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
