"""The notebook runs from its first cell to its last one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "first_steps.ipynb"


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("LEGGED_NOTEBOOK", "short")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "the notebook is kept without outputs"
    done = nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    printed = "".join(
        output.get("text", "") for cell in done.cells for output in cell.get("outputs", []) if "text" in output
    )
    assert "go1_walk, walk, 4 episodes, seed 1, mujoco" in printed
    assert "weight of torque:" in printed and "careful" in printed.splitlines()[-1]
    (run,) = (tmp_path / "logs" / "go1_walk").iterdir()
    assert (run / "model_2.pt").is_file() and os.environ["LEGGED_NOTEBOOK"] == "short"
