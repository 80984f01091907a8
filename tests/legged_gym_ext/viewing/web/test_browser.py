"""The viewer in headless Chromium against a running server: what a person sees, and what the controls do.

``LEGGED_LEAK_SECONDS=1200 python -m pytest tests/legged_gym_ext/viewing/web/test_browser.py -k leak`` plays as long as
the viewer must hold; by default it is a few seconds.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browsers import MISSING, PATIENCE_S, click, complaints, find, picture, served, type_in, until

from legged_gym_ext.benchmarks.environment import memory_mib
from legged_gym_ext.envs.recording import EpisodeRecorder, EpisodeTape
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.viewing.replay import ReplaySession
from legged_gym_ext.viewing.video import TrackVideoCfg
from legged_gym_ext.viewing.web.chromium import chromium
from legged_gym_ext.viewing.web.session import PlaySession, SessionCfg

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"a browser test needs {MISSING}")
LEAK_S = float(os.environ.get("LEGGED_LEAK_SECONDS", "8"))
MAX_LEAK_MIB = 50.0


@pytest.fixture(scope="module")
def session() -> PlaySession:
    cfg = SessionCfg(
        task=get_task("go1_field"),
        policies={name: runs.SHIPPED / name for name in ("go1_walk", "go1_mutex")},
        side_by_side=("go1_mutex",),
        course=TrackVideoCfg(0.3, ("hurdle", "crawl")),
        worlds=2,
        depth=True,
        where=Where(num_threads=1),
    )
    return PlaySession(cfg)


@pytest.fixture(scope="module")
def viewer(session: PlaySession) -> Iterator[Any]:
    with served(session) as viewer:
        yield viewer


@pytest.fixture(scope="module")
def driver(viewer: Any) -> Iterator[Any]:
    with chromium(patience=PATIENCE_S) as driver:
        driver.get(viewer.address)
        find(driver, "//button[normalize-space(.)='Restart']")
        yield driver


def test_the_page_loads_and_the_robot_moves_on_it(driver: Any, viewer: Any, session: PlaySession) -> None:
    assert viewer.address.startswith("http://127.0.0.1:")
    # The legs of the robot are nearly black; nothing else in the picture is.
    until(lambda: _dark(picture(driver)) > 100, "no robot is seen")
    until(lambda: _brown(picture(driver)) > 500, "no obstacle is seen")
    before, first = session.time, picture(driver)
    until(lambda: session.time > before + 0.5, "time does not go on")
    moved = until(lambda: _changed(first, picture(driver)) > 200, "the picture does not change")
    assert moved and not complaints(driver)
    # Gray levels of the depth image: near things and far ones.
    image = "//img[starts-with(@src, 'blob:')]"
    until(lambda: find(driver, image).size["width"] > 100, "the depth image is not shown")
    depth = session.depth_image(0)
    assert depth is not None and 0.0 <= float(depth.min()) < 0.6 < float(depth.max())


def _dark(image: np.ndarray) -> int:
    """Nearly black pixels in the middle of the scene, where the robot is."""
    return int((image[140:, 40:280].max(axis=2) < 70).sum())


def _brown(image: np.ndarray) -> int:
    """Pixels of the scene in the color of obstacles; its ground and sky are gray and white."""
    red, green, blue = (image[140:, :300, channel].astype(int) for channel in range(3))
    return int(((red - blue > 40) & (red > green)).sum())


def _changed(one: np.ndarray, other: np.ndarray) -> int:
    """Pixels of the scene, left of the controls, that are not the same."""
    return int((np.abs(one.astype(int) - other.astype(int)).sum(axis=2) > 60)[:, :300].sum())


def test_pause_step_and_speed(driver: Any, viewer: Any, session: PlaySession) -> None:
    click(driver, "Pause")
    until(lambda: not session.playing, "it was not paused")
    time.sleep(0.2)
    at = session.time
    click(driver, "Step")
    until(lambda: session.time == pytest.approx(at + session.control_dt), "it made no step")
    type_in(driver, viewer.panel.speed, "0.5")
    until(lambda: session.speed == 0.5, "the speed did not change")
    find(driver, "//body").send_keys(" ")
    until(lambda: session.playing, "the space bar did not let it go on")


def test_commands_by_slider_and_by_key(driver: Any, viewer: Any, session: PlaySession) -> None:
    from selenium.webdriver.common.keys import Keys

    type_in(driver, viewer.panel.sliders[0], "1")
    until(lambda: session.command[0] == pytest.approx(1.0), "the slider commands nothing")
    until(lambda: float(session.lanes[0].env.state.commands[0, 0]) == pytest.approx(1.0), "the robot was not told")
    find(driver, "//body").send_keys(Keys.ARROW_UP)
    until(lambda: session.command[0] == pytest.approx(1.1), "the key commands nothing")


def test_course_seed_world_and_policy(driver: Any, viewer: Any, session: PlaySession) -> None:
    type_in(driver, viewer.panel.blocks, "moat")
    until(lambda: viewer.panel.blocks.value == "moat", "the blocks did not change")
    click(driver, "Build this course")
    until(lambda: "moat" in viewer.panel.message.content, "a mistake is not said")
    type_in(driver, viewer.panel.blocks, "crawl")
    type_in(driver, viewer.panel.difficulty, "0.6")
    until(lambda: viewer.panel.difficulty.value == 0.6 and viewer.panel.blocks.value == "crawl", "they did not change")
    click(driver, "Build this course")
    until(lambda: session.lanes[0].env.cfg.track.blocks == ("crawl",), "no other course was built")  # pyright: ignore[reportOptionalMemberAccess]
    until(lambda: not viewer.panel.message.content, "the mistake is still said")
    assert session.course == TrackVideoCfg(0.6, ("crawl",))
    type_in(driver, viewer.panel.seed, "7")
    click(driver, "Restart")
    until(lambda: session.seed == 7, "it did not begin from the seed")
    type_in(driver, viewer.panel.world, "1")
    until(lambda: session.world == 1, "the other world is not shown")
    choice = find(driver, f"//input[@id='{viewer.panel.policies[0]._impl.uuid}']")
    driver.execute_script("arguments[0].click()", choice)
    driver.execute_script("arguments[0].click()", find(driver, "//*[@role='option'][normalize-space(.)='go1_walk']"))
    until(lambda: session.lanes[0].name == "go1_walk", "no other policy took over")


def test_pushes_and_forces(driver: Any, viewer: Any, session: PlaySession, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[tuple[float, float]] = []
    plain = session.push
    monkeypatch.setattr(session, "push", lambda *velocity: (pushed.append(velocity), plain(*velocity)))
    type_in(driver, viewer.panel.strength, "0.8")
    until(lambda: viewer.panel.strength.value == pytest.approx(0.8), "the strength did not change")
    click(driver, "left")
    until(lambda: pushed, "nothing was pushed")
    assert pushed[0] == pytest.approx((0.0, -0.8))
    box = find(driver, f"//input[@id='{viewer.panel.forces._impl.uuid}']")
    driver.execute_script("arguments[0].click()", box)
    until(lambda: viewer.scene.lanes[0]._forces is not None, "no force is drawn")


def test_a_second_browser_sees_the_same_and_may_leave(driver: Any, viewer: Any, session: PlaySession) -> None:
    with chromium(patience=PATIENCE_S) as other:
        other.get(viewer.address)
        until(lambda: len(viewer.server.get_clients()) == 2, "the second browser is no client")
        type_in(other, viewer.panel.speed, "2")
        until(lambda: session.speed == 2.0, "the second browser controls nothing")
        own = f"//*[@id='{viewer.panel.speed._impl.uuid}']/following-sibling::*//input"
        until(lambda: find(driver, own).get_attribute("value") == "2", "the first browser was not told")
        assert not complaints(other)
    until(lambda: len(viewer.server.get_clients()) == 1, "a browser that has left is still a client")
    before = session.time
    until(lambda: session.time > before, "it does not go on")


def test_memory_does_not_leak(driver: Any, session: PlaySession) -> None:
    time.sleep(min(2.0, LEAK_S))
    before, end = memory_mib(), time.monotonic() + LEAK_S
    assert before is not None
    time.sleep(max(0.0, end - time.monotonic()))
    after = memory_mib()
    assert after is not None and after - before < MAX_LEAK_MIB, f"{after - before:.0f} MiB more after {LEAK_S:.0f} s"


def test_hostile_messages_neither_end_it_nor_run_anything(
    viewer: Any, session: PlaySession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import msgspec
    import viser
    from websockets.sync.client import connect

    monkeypatch.chdir(tmp_path)
    draw = random.Random(0)
    handles = [viewer.panel.speed, viewer.panel.seed, viewer.panel.strength, viewer.panel.difficulty, viewer.panel.push]
    values = [float("nan"), float("inf"), -1e300, "__import__('os').mkdir('sprung')", None, [1], {"a": 1}, b"\x00" * 99]

    def message() -> bytes:
        if draw.random() < 0.4:
            return draw.randbytes(draw.randrange(400))
        kind = draw.choice(["GuiUpdateMessage", "RunJavascriptMessage", "FileTransferPart", "Message", "os.system", ""])
        body = {"type": kind, "uuid": draw.choice(handles)._impl.uuid, "updates": {"value": draw.choice(values)}}
        return msgspec.msgpack.encode(body)

    port = int(viewer.address.rsplit(":", 1)[1].rstrip("/"))
    for _ in range(250):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
            connection.sendall(draw.randbytes(draw.randrange(1, 400)))
    for _ in range(150):
        with connect(f"ws://127.0.0.1:{port}", subprotocols=[f"viser-v{viser.__version__}"], max_size=None) as client:  # pyright: ignore[reportArgumentType]
            for _ in range(5):
                try:
                    client.send(message())
                except Exception:
                    break  # it was thrown out, as it should be
    before = session.time
    until(lambda: session.time > before + 0.1, "it does not go on")
    assert np.isfinite(session.speed) and 0.1 <= session.speed <= 4.0 and np.isfinite(session.command).all()
    assert not any(tmp_path.iterdir())
    assert torch.isfinite(session.body_poses(0)).all()


def test_a_replay_has_a_time_slider(tmp_path: Path) -> None:
    env = runs.make_env(get_task("go1_jump").env, Where(num_threads=1), num_envs=1, seed=2)
    found: list[Any] = []
    env.record(EpisodeRecorder(EpisodeTape({}), found.append))
    env.reset()
    for _ in range(20):
        env.step(torch.zeros(1, 12))
    env.reset()
    env.close()
    session = ReplaySession(found[0])
    with served(session) as viewer, chromium(patience=PATIENCE_S) as driver:
        driver.get(viewer.address)
        until(lambda: session.index == session.last and not session.playing, "it was not played to its end")
        type_in(driver, viewer.panel.moment, "5")
        until(lambda: session.index == 4, "the slider does not seek")
        click(driver, "Step back")
        until(lambda: session.index == 3, "it did not step back")
        until(lambda: _dark(picture(driver)) > 100, "no robot is seen")
        assert not complaints(driver)


def test_ending_the_command_leaves_no_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "legged_gym_ext.cli.play", "--viewer", "web", "--policy", "go1_walk"]
    command += ["--num-threads", "1", "--port", "0", "--record-episode", str(tmp_path / "e.npz")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None and "http://127.0.0.1:" in process.stdout.readline()
            time.sleep(1.0)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=PATIENCE_S) == 130
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # nobody of its group is left
    assert (tmp_path / "e.npz").is_file()
