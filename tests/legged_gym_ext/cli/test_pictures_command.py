"""The pictures of the documentation are made by one command, which says what it cannot make."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import call

from st_rl.runners.metrics_file import MetricsWriter


def test_a_training_is_drawn_from_its_metrics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "logs" / "go1_walk" / "a"
    run.mkdir(parents=True)
    (run / "config.json").write_text(json.dumps({"task": "go1_walk"}))
    writer = MetricsWriter(run, 0)
    for step in range(1, 9):
        writer.write({"mean_reward": 2.0 * step, "steps_per_second": 1234.0}, step)
    writer.close()
    common = ["--out", str(tmp_path), "--log-root", str(tmp_path / "logs")]
    assert call("pictures", "training", *common) == 0
    picture = (tmp_path / "training.svg").read_text().replace("&#160;", " ")
    assert "mean_reward" in picture and "iteration 8/8  1,234 steps/s" in picture and "▁▂▃▄▅▆▇█" in picture
    assert "font-face" not in picture and "cdn" not in picture
    assert str(tmp_path / "training.svg") in capsys.readouterr().out


def test_what_cannot_be_made_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("pictures", "training", "runs", "--out", str(tmp_path), "--log-root", str(tmp_path / "none")) == 1
    errors = capsys.readouterr().err
    assert errors.count("train something") == 2
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "logs" / "go1_walk" / "a").mkdir(parents=True)
    (tmp_path / "logs" / "go1_walk" / "a" / "config.json").write_text("{}")
    assert call("pictures", "runs", "--out", str(tmp_path), "--log-root", str(tmp_path / "logs")) == 1
    assert "apt-get install chromium chromium-driver" in capsys.readouterr().err
    assert call("pictures", "--out", str(tmp_path / "nowhere")) == 2
