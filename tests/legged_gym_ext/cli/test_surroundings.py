"""Commands in poor surroundings: streams that are closed or full, terminals that know few characters, no display."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from legged_gym_ext.sim.kernel_cache import VARIABLE, require_kernel_cache
from st_rl.utils.errors import UserError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


def shell(line: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``line`` in a shell in which ``list`` and ``evaluate`` are the commands."""
    command = f'list() {{ "{sys.executable}" -m legged_gym_ext.cli.list "$@"; }}\n'
    command += f'evaluate() {{ "{sys.executable}" -m legged_gym_ext.cli.evaluate "$@"; }}\n{line}'
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | env
    return subprocess.run(["bash", "-c", command], capture_output=True, env=environment, check=False, encoding="latin1")


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("list tasks > /dev/full", 2, "the output cannot be written (No space left on device)"),
        ("list tasks >&-", 0, ""),
        ("list tasks <&- >&- 2>&-", 0, ""),
        ("evaluate --policy nothing 2>&-", 2, ""),
        ("set -o pipefail; for i in 1 2 3; do list; done | true", 141, ""),
    ],
)
def test_streams_that_are_closed_or_full(line: str, code: int, error: str) -> None:
    if "/dev/full" in line and not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    done = shell(line)
    assert done.returncode == code and "Traceback" not in done.stderr
    assert error in done.stderr and done.stderr.count("\n") == bool(error)


def test_names_that_the_terminal_cannot_show(tmp_path: Path) -> None:
    done = shell(f"evaluate --policy '{tmp_path}/läufer'", PYTHONIOENCODING="ascii")
    assert done.returncode == 2 and "Traceback" not in done.stderr and "l\\xe4ufer" in done.stderr
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    done = shell(f"list runs --log-root '{odd}'")
    assert done.returncode == 0 and "Traceback" not in done.stderr


def test_a_display_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("glfw")
    from legged_gym_ext.sim.mujoco import viewer

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    viewer.require_display()
    with pytest.raises(UserError, match=r"no window can be opened on the display ':4711'.*record"):
        viewer._require_window_system()


def test_warp_keeps_its_kernels_where_it_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    require_kernel_cache()
    assert VARIABLE not in os.environ
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv(VARIABLE, "")  # so that the patch undoes what is set
    monkeypatch.delenv(VARIABLE)
    require_kernel_cache()
    assert Path(os.environ[VARIABLE]).is_dir()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file"))
    with pytest.raises(UserError, match=f"{VARIABLE} names"):
        require_kernel_cache()
