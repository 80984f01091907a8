"""A recorded episode is seen again: moment by moment, and as a film."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import torch
from commands import call

from legged_gym_ext.envs.episode import Episode, load_episode, save_episode
from legged_gym_ext.envs.recording import EpisodeRecorder, EpisodeTape
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.sim.mujoco.gl import find_gl_library
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.viewing.replay import ReplaySession, describe


@pytest.fixture(scope="module")
def episode() -> Episode:
    env = runs.make_env(get_task("go1_jump").env, Where(num_threads=1), num_envs=1, seed=2)
    found: list[Episode] = []
    about = {"task": "go1_jump", "policy": "still"}
    env.record(EpisodeRecorder(EpisodeTape(about, caption=lambda: "skill: none\n1/1 jump"), found.append))
    env.reset()
    for _ in range(4):
        env.step(torch.zeros(1, 12))
    actions = torch.zeros(1, 12)
    actions[0, 3] = float("nan")
    env.step(actions)
    env.close()
    return found[0]


def test_every_moment_is_the_recorded_one(episode: Episode) -> None:
    session = ReplaySession(episode)
    assert session.last == 4 and session.has_track and session.time == pytest.approx(0.02)
    session.seek(2)
    np.testing.assert_allclose(session.body_poses(0)[0], episode.root_states[2, :7], atol=1e-6)
    time, asked, found = session.tracking(0)
    assert time.tolist() == pytest.approx([0.02, 0.04, 0.06]) and asked.shape == found.shape == (3, 3)
    np.testing.assert_array_equal(asked, episode.commands[:3])
    assert session.rewards(0) == dict(zip(episode.facts.reward_names, episode.reward_terms[2].tolist(), strict=True))
    limit = episode.robot.joints[4].torque_limit
    assert list(session.torque_shares(0).values())[4] == pytest.approx(episode.torques[2, 4] / limit)
    assert session.skill(0) == "skill: none, 1/1 jump" and session.depth_image(0) is None


def test_it_stops_at_the_end_and_says_what_broke(episode: Episode) -> None:
    session = ReplaySession(episode)
    for _ in range(4):
        assert session.playing and "broken" not in session.title(0)
        session.step()
    assert session.index == 4 and "broken here" in session.title(0)
    session.step()
    assert session.index == 4 and not session.playing
    session.seek(-3)
    assert session.index == 0
    assert (
        describe(episode) == "go1_jump by still, 5 steps, 0.1 s; it ends with a state or an action that is not finite"
    )


@pytest.mark.skipif(find_gl_library() is None, reason="there is no OpenGL")
def test_a_film_is_made_without_a_display(episode: Episode, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_episode(tmp_path / "e.npz", episode)
    assert call("play", "--replay", str(tmp_path / "e.npz"), "--film", str(tmp_path / "e.mp4")) == 0
    assert "it ends with a state or an action that is not finite" in capsys.readouterr().out
    with av.open(str(tmp_path / "e.mp4")) as film:
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    # Every other step, and the last one.
    assert len(pictures) == 3 and pictures[0].shape == (480, 640, 3)
    assert pictures[0].std() > 20.0


def test_mistakes_are_told_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "e.npz").write_text("nothing")
    for arguments, said in (
        (["--replay", str(tmp_path / "e.npz")], "holds no whole recorded episode"),
        (["--replay", str(tmp_path / "f.npz")], "there is no file"),
        (["--film", "e.mp4"], "--replay FILE"),
        (["--record-episode", str(tmp_path / "e.txt")], "must end with .npz"),
        (["--record-episode", str(tmp_path / "e.npz")], "is no recorded episode"),
    ):
        assert call("play", *arguments) == 2
        errors = capsys.readouterr().err
        assert said in errors and "Traceback" not in errors


def test_evaluations_record_the_episode_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    common = ["--policy", "go1_jump", "--num-threads", "1", "--episodes", "2"]
    path = tmp_path / "second.npz"
    assert call("evaluate", *common, "--record-episode", str(path), "--record-number", "1") == 0
    assert f"legged-play --replay {path}" in capsys.readouterr().out
    found = load_episode(path)
    assert found.facts.world == 1 and found.facts.about["policy"] == "go1_jump" and found.facts.ended == "over"
    assert found.num_steps > 50 and "jump" in found.captions[0]
    assert call("evaluate", *common, "--record-episode", str(path), "--record-number", "2") == 2
    assert "there are 2 episodes" in capsys.readouterr().err
