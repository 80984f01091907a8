"""A run is trained by one process at a time, and a training that loses its reader is saved."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_resume import make

import st_rl
from st_rl.runners.progress import Progress
from st_rl.runners.run_lock import NAME, locked_run
from st_rl.utils.errors import UserError
from st_rl.utils.run_folder import checkpoint_iterations

pytestmark = pytest.mark.usefixtures("one_thread")
PATHS = os.pathsep.join([str(Path(st_rl.__file__).parents[1]), str(Path(__file__).parent), *sys.path])


def start(code: str, **more: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": PATHS}, text=True, stdout=subprocess.PIPE, **more)  # type: ignore[call-overload]


def test_a_folder_that_another_process_trains_in_is_refused_until_it_is_killed(tmp_path: Path) -> None:
    process = start(
        f"import time, pathlib; from st_rl.runners.run_lock import locked_run\n"
        f"with locked_run(pathlib.Path({str(tmp_path)!r})): print('held', flush=True); time.sleep(60)"
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    with pytest.raises(UserError, match=rf"another process \({process.pid} on .*trains the run"), locked_run(tmp_path):
        pass
    with pytest.raises(UserError, match="another process"):
        make("ActorCritic", tmp_path).learn(1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / NAME).exists()  # what a killed process leaves behind holds nothing
    with locked_run(tmp_path):
        pass
    assert not (tmp_path / NAME).exists()


def test_the_process_that_holds_a_folder_may_take_it_again(tmp_path: Path) -> None:
    with locked_run(tmp_path):
        with locked_run(tmp_path):
            assert (tmp_path / NAME).exists()
        assert (tmp_path / NAME).exists()


def test_a_training_whose_reader_leaves_is_saved(tmp_path: Path) -> None:
    process = start(f"import sys, test_resume; sys.exit(test_resume.child({str(tmp_path / 'run')!r}))")
    assert process.stdout is not None and process.stdout.readline().startswith("iteration 1/")
    process.stdout.close()
    assert process.wait(timeout=60) == 128 + signal.SIGPIPE
    (stopped,) = checkpoint_iterations(tmp_path / "run")
    resumed = make("ActorCriticRecurrent", tmp_path / "run")
    resumed.load(tmp_path / "run", resume=True)
    assert resumed.iteration == stopped > 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGHUP")
def test_a_terminal_that_is_closed_ends_a_training_saved(tmp_path: Path) -> None:
    process = start(f"import sys, test_resume; sys.exit(test_resume.child({str(tmp_path / 'run')!r}))")
    assert process.stdout is not None and process.stdout.readline().startswith("iteration 1/")
    time.sleep(0.3)
    process.send_signal(signal.SIGHUP)
    process.stdout.read()
    assert process.wait(timeout=60) == 128 + signal.SIGHUP
    assert checkpoint_iterations(tmp_path / "run")


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("stream", [Full(), None])
def test_progress_that_cannot_be_shown_is_no_reason_to_stop(stream: io.StringIO | None) -> None:
    progress = Progress(stream, 0, 10, line_interval=1)
    progress.report(1, 100.0, {"mean_reward": 1.0})
    progress.report(2, 100.0, {"mean_reward": 1.0})
    assert not progress.reader_left


def test_the_best_checkpoint_is_remembered(tmp_path: Path) -> None:
    from st_rl.runners import checkpoint
    from st_rl.utils.run_folder import find_checkpoint

    for iteration, reward in ((10, 1.0), (20, 3.0), (30, 2.0)):
        checkpoint.model_path(tmp_path, iteration).touch()
        checkpoint.note_best(tmp_path, iteration, reward)
    assert find_checkpoint(tmp_path, "best").name == find_checkpoint(tmp_path / "best").name == "model_20.pt"
    assert find_checkpoint(tmp_path / "model_10.pt").name == "model_10.pt"
    checkpoint.set_aside_after(tmp_path, 10)
    assert checkpoint.read_best(tmp_path) is None
    checkpoint.note_best(tmp_path, 10, 0.5)
    assert find_checkpoint(tmp_path, "best").name == "model_10.pt"
    with pytest.raises(UserError, match="no model_99"):
        find_checkpoint(tmp_path / "model_99.pt")
