"""A served session goes on, and its picture is made once, whether it plays or is a recording."""

from __future__ import annotations

import time

import pytest
import torch

from legged_gym_ext.envs.recording import EpisodeRecorder, EpisodeTape
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.viewing.replay import ReplaySession

pytest.importorskip("viser")


def test_a_replay_is_served_to_its_end_and_drawn_once() -> None:
    from legged_gym_ext.viewing.web.viewer import WebViewer

    env = runs.make_env(get_task("go1_jump").env, Where(num_threads=1), num_envs=1, seed=2)
    found = []
    env.record(EpisodeRecorder(EpisodeTape({}), found.append))
    env.reset()
    for _ in range(5):
        env.step(torch.zeros(1, 12))
    env.reset()
    env.close()
    session = ReplaySession(found[0])
    viewer = WebViewer(session, port=0)
    try:
        lanes = viewer.scene.lanes
        due, end = time.perf_counter(), time.monotonic() + 60.0
        while session.playing and time.monotonic() < end:
            due = viewer.advance(due)
            time.sleep(0.005)
        assert session.index == session.last == 4 and viewer.scene.lanes is lanes
        viewer.panel.update()
        assert viewer.panel.moment.value == 5 and viewer.panel.pause.label == "Play"  # pyright: ignore[reportAttributeAccessIssue]
        session.request(lambda: session.seek(1))
        session.request(lambda: 1 / 0)  # what fails ends nothing
        viewer.advance(due)
        assert session.index == 1
    finally:
        viewer.close()
