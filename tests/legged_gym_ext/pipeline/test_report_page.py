"""The page on a training of skills, and the curves on it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tensorboardX import SummaryWriter
from toy_runs import write_toy_run

from legged_gym_ext.evaluation.plots import curves
from legged_gym_ext.pipeline.learning_curves import learning_curves
from legged_gym_ext.pipeline.plan import SkillsPlan
from legged_gym_ext.pipeline.report_page import training_seconds, write_page
from st_rl.runners.metrics_file import MetricsWriter

PAGE_HEAD = {"task": "go1_jump", "protocol": "rpl", "episodes": 4, "seed": 1, "backend": "mujoco"}


def plan(out: Path, **options: object) -> SkillsPlan:
    return SkillsPlan("go1", out, videos=False, **options)  # type: ignore[arg-type]


def trained(of: SkillsPlan, skill: str) -> Path:
    """A run of ``skill`` with three iterations."""
    return write_toy_run(of.runs_root / f"go1_{skill}" / f"2026-01-01_00-00-00_{skill}", f"go1_{skill}")


def write_events(folder: Path) -> None:
    """TensorBoard's files of a run that was interrupted after iteration 4 and resumed after iteration 2."""
    for part, first in (("1", 1), ("2", 3)):
        writer = SummaryWriter(logdir=str(folder), filename_suffix=f".{part}")
        for step in range(first, first + 4):
            writer.add_scalar("mean_reward", 10.0 * step + int(part), step)
            writer.add_scalar("time/update", 0.5, step)
        writer.close()


def test_curves_come_from_the_lines_of_json(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path, 0)
    for step in (1, 2):
        writer.write({"mean_reward": 10.0 * step, "time/update": 0.5, "time/collection": 1.0}, step)
    writer.close()
    write_events(tmp_path)  # these are not looked at
    found = learning_curves(tmp_path)
    assert found is not None and found["mean_reward"] == [(1, 10), (2, 20)]
    assert training_seconds(found) == pytest.approx(3.0)
    ElementTree.fromstring(curves({"mean reward": found["mean_reward"]}, "a < b"))


def test_curves_of_an_older_run_come_from_its_events(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    write_events(tmp_path)
    (last,) = tmp_path.glob("*.2")
    last.write_bytes(last.read_bytes()[:-9])
    # The second file, of the resumed run, counts where both have a step; its last record is cut.
    found = learning_curves(tmp_path)
    assert found is not None
    assert found["mean_reward"] == [(1, 11), (2, 21), (3, 32), (4, 42), (5, 52), (6, 62)]
    assert training_seconds(found) == pytest.approx(2.5)


def test_without_a_reader_the_page_says_that_there_are_no_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.backend.event_processing.event_accumulator", None)
    of = plan(tmp_path, skills=("walk", "jump"))
    run = trained(of, "jump")
    write_events(run)
    assert learning_curves(run) is None
    text = write_page(of, {}).read_text()
    assert "<polyline" not in text and "There are no learning curves" in text


def test_names_are_escaped(tmp_path: Path) -> None:
    text = write_page(plan(tmp_path), {"<b>": "failed"}).read_text()
    assert "&lt;b&gt;: failed" in text and "<b>: failed" not in text


def test_the_page_compares_skills_alone_and_together(tmp_path: Path) -> None:
    of = plan(tmp_path)
    run = trained(of, "jump")
    of.mutex_folder.mkdir(parents=True)
    rates = {run / "alone.json": 0.95, of.mutex_folder / "evaluation.json": 0.91, of.mutex_folder / "rpl.json": 0.72}
    for path, rate in rates.items():
        block = {"success_rate": rate, "success_ci": [0.6, 1.0], "episodes": 80, "passed": 70, "parameter": [0.1, 0.5]}
        path.write_text(json.dumps(PAGE_HEAD | {"per_block": {"jump": block}}))
    text = write_page(of, {}).read_text()
    assert "<td>jump</td><td>95.0% of 80</td><td>91.0% of 80</td><td></td><td>72.0% of 80</td>" in text


def test_the_page_needs_nothing_but_its_videos(tmp_path: Path) -> None:
    of = plan(tmp_path, skills=("walk", "jump"))
    run = trained(of, "jump")
    writer = MetricsWriter(run, 0)
    for step in (1, 2, 3):
        writer.write({"mean_reward": float(step)}, step)
    writer.close()
    (run / "video.mp4").write_bytes(b"")
    figures = {"success_rate": 0.875, "success_ci": [0.8, 0.9], "mean_power": 250.0}
    (run / "evaluation.json").write_text(json.dumps(figures | PAGE_HEAD))
    text = write_page(of, {"jump_training": "done", "walk_training": "failed"}).read_text()
    assert "87.5%" in text and "250 W" in text and "<polyline" in text and "walk_training: failed" in text
    assert f'src="runs/go1_jump/{run.name}/video.mp4"' in text and str(tmp_path) not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
