"""Stages as subprocesses: order, restart, failure, stop; and one writer per folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from legged_gym_ext.pipeline.stages import Stage, duration, locked, run_stages
from st_rl.utils.errors import UserError


def touch(folder: Path, name: str, *needs: str, code: str = "", fail: bool = False) -> Stage:
    """A stage that makes the file ``name`` in ``folder``, if the files it needs are there, and notes that it ran."""
    target = folder / name
    program = (
        f"import os, pathlib, sys\n{code}\n"
        f"assert all(pathlib.Path(p).exists() for p in {[str(folder / need) for need in needs]})\n"
        f"open({str(folder / 'order')!r}, 'a').write({name!r} + ' ' + os.environ['OMP_NUM_THREADS'] + '\\n')\n"
        + ("sys.exit('it broke')" if fail else f"open({str(target)!r}, 'w')")
    )
    return Stage(name, lambda threads: [sys.executable, "-c", program], target.exists, needs)


def run(folder: Path, stages: list[Stage], jobs: int = 2) -> tuple[dict[str, str], str]:
    said: list[str] = []
    outcomes = run_stages(stages, jobs=jobs, cores=4, logs=folder / "logs", say=said.append, poll_s=0.02)
    return dict(outcomes), "\n".join(said)


def test_stages_run_in_order_and_only_once(tmp_path: Path) -> None:
    stages = [
        touch(tmp_path, "a"),
        touch(tmp_path, "b", "a"),
        touch(tmp_path, "c", "a"),
        touch(tmp_path, "d", "b", "c"),
    ]
    outcomes, said = run(tmp_path, stages)
    assert set(outcomes.values()) == {"done"} and "[4/4] d: done" in said
    order = (tmp_path / "order").read_text().splitlines()
    assert order[0] == "a 2" and order[-1] == "d 2" and len(order) == 4
    (tmp_path / "c").unlink()
    outcomes, _ = run(tmp_path, stages)
    assert outcomes == {"a": "kept", "b": "kept", "c": "done", "d": "kept"}


def test_a_failure_skips_what_needs_it_and_nothing_else(tmp_path: Path) -> None:
    stages = [touch(tmp_path, "a", fail=True), touch(tmp_path, "b", "a"), touch(tmp_path, "c")]
    outcomes, said = run(tmp_path, stages, jobs=1)
    assert outcomes == {"a": "failed", "b": "skipped", "c": "done"}
    assert "it broke" in said and "it broke" in (tmp_path / "logs" / "a.txt").read_text()


def test_a_stage_without_its_result_has_failed(tmp_path: Path) -> None:
    stage = Stage("idle", lambda threads: [sys.executable, "-c", "print('nothing to do')"], lambda: False)
    outcomes, said = run(tmp_path, [stage])
    assert outcomes == {"idle": "failed"} and "nothing to do" in said


def test_a_signal_is_passed_on_and_the_rest_is_stopped(tmp_path: Path) -> None:
    code = (
        "import signal, time\n"
        f"def save(*_):\n    open({str(tmp_path / 'saved')!r}, 'w')\n    sys.exit(143)\n"
        f"signal.signal(signal.SIGTERM, save)\nopen({str(tmp_path / 'ready')!r}, 'w')\ntime.sleep(30)"
    )

    def interrupt() -> None:
        while not (tmp_path / "ready").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=interrupt, daemon=True).start()
    outcomes, _ = run(tmp_path, [touch(tmp_path, "a", code=code), touch(tmp_path, "b", "a")])
    assert outcomes == {"a": "stopped", "b": "stopped"} and (tmp_path / "saved").exists()


def test_a_folder_has_one_worker_even_after_its_parent_died(tmp_path: Path) -> None:
    with locked(tmp_path) as lock:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock.fileno(),))
    with pytest.raises(UserError, match="another training still works"), locked(tmp_path):
        pass
    child.communicate(b"\n")
    with locked(tmp_path):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another --out"), locked(tmp_path / "file"):
        pass


def test_durations() -> None:
    assert (duration(59.6), duration(3725)) == ("0:01:00", "1:02:05")
