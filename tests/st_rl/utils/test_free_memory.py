"""What does not fit is refused before it is made, in a sentence."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from st_rl.utils import memory
from st_rl.utils.memory import NotEnoughMemory, free_bytes, is_out_of_memory, network_bytes, require_memory


def test_the_tighter_of_machine_and_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert free_bytes("cpu") is None
    require_memory(10**18, "cpu", "worlds", "num_envs")  # nobody knows
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   5000 kB\n")
    assert free_bytes("cpu") == 5000 * 1024
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("2000000\n")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 500000\n")
    assert free_bytes("cpu") == 1_500_000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes("cpu") == 5000 * 1024
    require_memory(5_000_000, "cpu", "10 worlds", "num_envs")
    with pytest.raises(NotEnoughMemory, match=r"^10 worlds need about 6\.0 GB of memory .* on cpu; lower num_envs$"):
        require_memory(6_000_000_000, "cpu", "10 worlds", "num_envs")


def test_what_torch_and_numpy_say_is_recognized() -> None:
    for make in (
        lambda: torch.empty(2**50),
        lambda: torch.empty(2**40, 2**40),
        lambda: np.empty(2**56),
        lambda: np.empty(2**62),
    ):
        with pytest.raises((RuntimeError, MemoryError, ValueError)) as caught:
            make()
        assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("shapes differ"))
    assert not is_out_of_memory(KeyError("out of memory"))


def test_networks_are_counted_by_their_hidden_layers() -> None:
    settings = {"actor_hidden_dims": [100, 50, 10], "critic_hidden_dims": (20,), "activation": "elu", "rnn_layers": 2}
    assert network_bytes(settings) == 16 * (100 * 50 + 50 * 10)
    assert network_bytes({}) == 0


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library keeps memory when it is asked to")
def test_memory_that_was_freed_is_used_again_without_asking_the_system() -> None:
    program = """
import resource, sys, torch
from st_rl.utils.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    tensors = [torch.ones(1 << 20) for _ in range(40)]  # 4 MiB each
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
pages()
print(pages())
"""

    def faults(how: str) -> int:
        run = [sys.executable, "-c", program, how]
        return int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)

    assert 4 * faults("keep") < faults("leave")
