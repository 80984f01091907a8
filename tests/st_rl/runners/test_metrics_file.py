"""Metrics as lines of JSON: what is written, what is read, and what a killed run leaves."""

import json
from pathlib import Path

import pytest
from toys import PointMass

from st_rl.runners import OnPolicyRunner
from st_rl.runners.metrics_file import METRICS_FILE, MetricsWriter, read_metrics
from st_rl.utils.errors import UserError


def test_every_iteration_is_a_line_that_can_be_read_at_once(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path, 0)
    writer.write({"mean_reward": 1.5, "Loss/kl": 0.25}, 1)
    assert (tmp_path / METRICS_FILE).read_text() == '{"iteration": 1, "mean_reward": 1.5, "Loss/kl": 0.25}\n'
    writer.write({"mean_reward": float("nan")}, 2)
    writer.write({"mean_reward": 2}, 3)
    writer.close()
    assert read_metrics(tmp_path) == {"mean_reward": [(1.0, 1.5), (3.0, 2.0)], "Loss/kl": [(1.0, 0.25)]}
    assert json.loads((tmp_path / METRICS_FILE).read_text().splitlines()[1]) == {"iteration": 2, "mean_reward": None}


def test_a_resumed_run_has_every_iteration_once(tmp_path: Path) -> None:
    killed = MetricsWriter(tmp_path, 0)
    for iteration in (1, 2, 3, 4):
        killed.write({"x": iteration}, iteration)
    killed.close()
    with (tmp_path / METRICS_FILE).open("a") as file:
        file.write('{"iteration": 5, "x')  # cut by the kill
    resumed = MetricsWriter(tmp_path, 2)  # the last checkpoint was that of iteration 2
    resumed.write({"x": 30}, 3)
    resumed.close()
    assert read_metrics(tmp_path) == {"x": [(1.0, 1.0), (2.0, 2.0), (3.0, 30.0)]}


def test_a_new_run_does_not_go_on_with_the_lines_of_another(tmp_path: Path) -> None:
    MetricsWriter(tmp_path, 0).write({"x": 1}, 1)
    MetricsWriter(tmp_path, 0).close()
    assert read_metrics(tmp_path) == {}


def test_a_folder_without_the_file_has_no_metrics(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) is None


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file"):
        MetricsWriter(tmp_path / "file", 0)


def test_a_training_and_its_continuation_write_one_file(tmp_path: Path) -> None:
    def make() -> OnPolicyRunner:
        networks = {"actor_hidden_dims": [8], "critic_hidden_dims": [8]}
        return OnPolicyRunner(PointMass(8), log_dir=tmp_path, policy=networks, algorithm={}, num_steps_per_env=4)

    make().learn(3)
    resumed = make()
    resumed.load(tmp_path, resume=True)
    last = resumed.learn(2)
    metrics = read_metrics(tmp_path)
    assert metrics is not None
    assert [iteration for iteration, _ in metrics["Loss/kl"]] == [1, 2, 3, 4, 5]
    assert metrics["mean_step_reward"][-1] == (5.0, pytest.approx(last["mean_step_reward"]))
