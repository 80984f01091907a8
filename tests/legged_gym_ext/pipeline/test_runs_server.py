"""Runs are listed and compared, by a server that nobody else reaches and that gives away nothing else."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import call

from legged_gym_ext.pipeline.run_comparison import compare, differences, labels, thinned
from legged_gym_ext.pipeline.run_overview import age_text, summaries, text_table
from legged_gym_ext.pipeline.runs_server import RunsServer
from st_rl.runners.metrics_file import MetricsWriter
from st_rl.runners.run_lock import NAME, locked_run
from st_rl.utils.errors import UserError

EVALUATION = {"task": "go1_walk", "policy": "a", "backend": "mujoco", "seed": 1, "protocol": "walk", "episodes": 8}
EVALUATION |= {"fall_rate": 0.25, "fall_rate_interval": [0.1, 0.5], "tracking_rmse_lin": 0.1, "tracking_rmse_yaw": 0.2}
EVALUATION |= {"cost_of_transport": 1.0, "mean_speed": 0.5}


def write_run(root: Path, name: str, rate: float, iterations: int, task: str = "go1_walk") -> Path:
    folder = root / task / name
    folder.mkdir(parents=True)
    config = {
        "task": task,
        "train": {"max_iterations": 4, "algorithm": {"learning_rate": rate}},
        "versions": {"x": name},
    }
    (folder / "config.json").write_text(json.dumps(config))
    writer = MetricsWriter(folder, 0)
    for step in range(1, iterations + 1):
        writer.write({"mean_reward": rate * step, "time/update": 0.5}, step)
    writer.close()
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    first = write_run(tmp_path, "2026-01-01_a", 1.0, 4)
    (first / "evaluation.json").write_text(json.dumps(EVALUATION))
    (first / "videos").mkdir()
    (first / "videos" / "iteration_000002.mp4").write_bytes(bytes(range(100)))
    (first / "secret.txt").write_text("hidden")
    second = write_run(tmp_path, "2026-01-02_<b>", 2.0, 2)
    for folder, age in ((first, 7200.0), (second, 60.0)):
        for path in folder.iterdir():
            os.utime(path, (time.time() - age,) * 2)
    return tmp_path


def test_runs_are_summed_up_the_last_written_first(root: Path) -> None:
    second, first = summaries(root)
    assert (first.name, first.state, first.iteration, first.end, first.reward) == (
        "2026-01-01_a",
        "finished",
        4,
        4,
        4.0,
    )
    assert (second.state, second.iteration, second.reward, second.success) == ("stopped", 2, 4.0, "")
    assert "25.0%" in first.success and 7000.0 < first.age < 7400.0
    lines = text_table([second, first]).splitlines()
    assert lines[0].split() == ["run", "task", "state", "iterations", "reward", "success", "age"]
    assert lines[2].endswith("2 h") and "4/4" in lines[2] and len(lines) == 3
    with locked_run(second.folder):
        assert summaries(root)[0].state == "training"


def test_a_lock_file_of_a_process_that_has_gone_is_no_training(root: Path) -> None:
    folder = root / "go1_walk" / "2026-01-01_a"
    (folder / NAME).write_text(f"999999999 {socket.gethostname()}\n")
    assert {run.state for run in summaries(root)} == {"finished", "stopped"}
    (folder / NAME).write_text(f"{os.getpid()} {socket.gethostname()}\n")
    assert "training" in {run.state for run in summaries(root)}


def test_broken_runs_are_listed_with_what_can_be_read(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "a", 1.0, 1)
    (folder / "config.json").write_text("{")
    (folder / "evaluation.json").write_text('{"protocol": "walk"}')
    (run,) = summaries(tmp_path)
    assert (run.task, run.end, run.iteration, run.success) == ("?", 0, 1, "")
    assert "cannot be read" in compare([folder]).evaluations[0]


def test_only_what_differs_is_compared(root: Path) -> None:
    folders = [root / "go1_walk" / name for name in ("2026-01-01_a", "2026-01-02_<b>")]
    (found,) = differences(folders)
    assert found.name == "train.algorithm.learning_rate" and list(found.values) == ["1.0", "2.0"]
    third = write_run(root, "2026-01-01_a", 1.0, 1, task="go1_jump")
    assert labels([folders[0], third]) == ["go1_walk/2026-01-01_a", "go1_jump/2026-01-01_a"]
    plots = compare(folders).plots
    assert len(plots) == 1 and plots[0].count("<polyline") == 2 and "2026-01-02_&lt;b&gt;" in plots[0]


def test_long_curves_are_thinned_by_means() -> None:
    points = [(float(step), float(step % 2)) for step in range(1, 601)]
    thin = thinned(points)
    assert len(thin) == 300 and thin[0] == (2.0, 0.5) and thin[-1] == (600.0, 0.5)
    assert thinned([]) == [] and thinned(points[:3]) == points[:3]


@pytest.mark.parametrize(("seconds", "text"), [(5.4, "5 s"), (150.0, "2 min"), (7200.0, "2 h"), (200000.0, "2 d")])
def test_ages_are_told_in_one_unit(seconds: float, text: str) -> None:
    assert age_text(seconds) == text


@pytest.fixture
def server(root: Path) -> Iterator[RunsServer]:
    server = RunsServer(root, 0)
    yield server
    server.close()


def get(server: RunsServer, path: str, **headers: str) -> tuple[int, str, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode("latin-1")
    connection.close()
    return answer.status, body, answer


A, B = "run=go1_walk/2026-01-01_a", "run=go1_walk/2026-01-02_%3Cb%3E"


def test_the_pages_show_the_runs(server: RunsServer, root: Path) -> None:
    status, page, answer = get(server, "/")
    assert status == 200 and "2026-01-01_a" in page and "2026-01-02_&lt;b&gt;" in page and "<b>" not in page
    assert "default-src 'none'" in str(answer.getheader("Content-Security-Policy"))
    status, page, _ = get(server, f"/compare?{A}&{B}")
    assert status == 200 and page.count("<polyline") == 2 and "train.algorithm.learning_rate" in page
    assert "falls" in page and "film?run=go1_walk" in page and "has not been evaluated" in page
    # Live: what is written meanwhile is on the next page.
    writer = MetricsWriter(root / "go1_walk" / "2026-01-02_<b>", 2)
    writer.write({"mean_reward": 77.0}, 3)
    writer.close()
    assert ">3/4<" in get(server, "/")[1]


def test_films_are_sent_in_parts(server: RunsServer) -> None:
    film = f"/film?{A}&file=videos/iteration_000002.mp4"
    status, body, _ = get(server, film)
    assert status == 200 and len(body) == 100
    status, body, answer = get(server, film, Range="bytes=10-19")
    assert status == 206 and body == "".join(map(chr, range(10, 20)))
    assert answer.getheader("Content-Range") == "bytes 10-19/100"
    assert get(server, film, Range="bytes=-5")[1] == "".join(map(chr, range(95, 100)))
    assert get(server, film, Range="bytes=900-")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        f"/film?{A}&file=secret.txt",
        f"/film?{A}&file=../../../../etc/passwd",
        f"/film?{A}&file=videos/../secret.txt",
        "/film?run=../..&file=video.mp4",
        "/../../etc/passwd",
        "/static",
        "/film?" + "&".join(f"a{index}=1" for index in range(200)),
    ],
)
def test_nothing_else_is_given_away(server: RunsServer, path: str) -> None:
    status, body, _ = get(server, path)
    assert status == 404 and "hidden" not in body and "root:" not in body


def test_pages_of_others_and_other_machines_get_nothing(server: RunsServer) -> None:
    assert get(server, "/", Host="evil.example")[0] == 403
    assert get(server, "/", Host=f"localhost:{server.port}")[0] == 200
    # It listens on the loopback device alone.
    assert server._server.server_address[0] == "127.0.0.1"


def test_garbage_does_not_end_it(server: RunsServer) -> None:
    for index in range(50):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            connection.sendall(os.urandom(64 + index))
    assert get(server, "/")[0] == 200


def test_a_port_that_is_taken_is_told(server: RunsServer, root: Path) -> None:
    with pytest.raises(UserError, match=f"port {server.port}.*taken.*--port"):
        RunsServer(root, server.port)


def test_the_command_lists_runs(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("runs", "--log-root", str(root)) == 0
    assert "finished" in capsys.readouterr().out
    assert call("runs", "--log-root", str(root), "--task", "go1_jump") == 0
    assert "no runs" in capsys.readouterr().out
    assert call("runs", "--log-root", str(tmp_path / "nowhere")) == 2
    assert "there is no folder" in capsys.readouterr().err
