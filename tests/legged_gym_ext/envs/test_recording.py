"""A recorded episode is what happened; what broke is recorded too; a damaged file is told in one sentence."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from legged_gym_ext.envs.episode import Episode, episode_bytes, is_episode, load_episode, save_episode
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.envs.recording import BrokenWorlds, EpisodeRecorder, EpisodeTape, LastEpisode
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.attributes import field_values
from st_rl.utils.errors import UserError


def make(num_envs: int = 2, task: str = "go1_walk") -> LeggedEnv:
    cfg = get_task(task).env
    return LeggedEnv(replace(cfg, num_envs=num_envs, sim=replace(cfg.sim, num_threads=1)), seed=3)


def recorded(steps: int = 4) -> Episode:
    env, found = make(), []
    env.record(EpisodeRecorder(EpisodeTape({"task": "go1_walk"}, world=1, caption=lambda: "on <air>"), found.append))
    env.reset()
    for _ in range(steps):
        env.step(torch.zeros(2, 12))
    env.reset()
    env.close()
    return found[0]


def test_an_episode_is_what_the_environment_showed(tmp_path: Path) -> None:
    env, found = make(), []
    env.record(EpisodeRecorder(EpisodeTape({}, world=1), found.append, round=1))
    env.reset()
    env.step(torch.ones(2, 12))
    obs, _ = env.reset()
    seen, done, states, earned = [], [], [], []
    for step in range(5):
        action = torch.full((2, 12), 0.1 * step)
        seen.append(obs[1].clone())
        done.append(action[1].clone())
        obs, rewards, dones, _ = env.step(action)
        assert not dones.any()
        states.append(env.sim.root_states[1].clone())
        earned.append(rewards[1].clone())
    assert not found
    env.reset()
    (episode,) = found
    save_episode(tmp_path / "episode.npz", episode)
    loaded = load_episode(tmp_path / "episode.npz")
    for values, name in ((seen, "observations"), (done, "actions"), (states, "root_states"), (earned, "rewards")):
        np.testing.assert_array_equal(field_values(loaded)[name], torch.stack(values).numpy())
    # The weighted terms are rates; their sum over one step is the reward.
    total = loaded.reward_terms.sum(axis=1) * loaded.facts.control_dt
    np.testing.assert_allclose(np.maximum(total, 0.0), np.maximum(loaded.rewards, 0.0), atol=1e-5)
    assert loaded.facts == episode.facts and loaded.facts.ended == "cut" and loaded.facts.world == 1
    assert (tmp_path / "episode.npz").stat().st_size < 50_000
    env.close()


def test_a_fall_ends_a_recording_with_the_fallen_robot() -> None:
    env, found = make(), []
    env.record(EpisodeRecorder(EpisodeTape({}), found.append))
    env.reset()
    env.step(torch.zeros(2, 12))
    root = env.sim.root_states.clone()
    root[0, 3:7] = torch.tensor([1.0, 0.0, 0.0, 0.0])  # on its back
    env.sim.reset(torch.tensor([True, False]), root, env.sim.dof_pos.clone(), env.sim.dof_vel.clone())
    _, _, dones, _ = env.step(torch.zeros(2, 12))
    assert dones.tolist() == [True, False]
    (episode,) = found
    assert episode.facts.ended == "fell" and episode.num_steps == 2
    # The last state is that of the fall, not of the next episode.
    assert abs(float(episode.root_states[-1, 3])) > 0.9
    env.close()


def test_a_world_that_breaks_is_written_with_what_broke_it(tmp_path: Path) -> None:
    env = make(3)
    broken = BrokenWorlds(tmp_path, {"task": "go1_walk"}, seconds=0.06)
    env.record(broken)
    for _ in range(5):
        env.step(torch.zeros(3, 12))
    assert not broken.files
    actions = torch.zeros(3, 12)
    actions[2, 7] = float("nan")
    env.step(actions)
    (path,) = broken.files
    episode = load_episode(path)
    assert episode.facts.ended == "broken" and episode.facts.world == 2
    # Three steps of 0.02 s, the last of them the one that broke; three of the six are no longer known.
    assert episode.num_steps == 3 and episode.facts.first_step == 3
    assert np.isnan(episode.actions[-1, 7]) and np.isfinite(episode.actions[:-1]).all()
    assert episode.before["qpos"].shape == (19,) and episode.before["targets"].shape == (4, 12)
    assert np.isfinite(episode.root_states).all()
    env.close()


def test_no_more_broken_worlds_are_written_than_wanted(tmp_path: Path) -> None:
    env = make(4)
    env.record(broken := BrokenWorlds(tmp_path, {}, max_files=2))
    for _ in range(2):
        env.step(torch.full((4, 12), float("nan")))
    assert len(broken.files) == 2 and len(list(tmp_path.iterdir())) == 2
    env.close()


def test_broken_worlds_take_no_more_memory_than_they_may(tmp_path: Path) -> None:
    env = make(2)
    env.record(broken := BrokenWorlds(tmp_path, {}, seconds=100.0, max_bytes=100_000))
    env.step(torch.zeros(2, 12))
    assert sum(ring.numel() * 4 for ring in broken._rings.values()) <= 100_000
    env.close()


def test_the_last_episode_is_bounded_and_survives_its_end() -> None:
    env = make(1)
    kept = LastEpisode(EpisodeTape({}, max_steps=3))
    env.record(kept)
    env.reset()
    assert kept.episode(env) is None
    for _ in range(5):
        env.step(torch.zeros(1, 12))
    episode = kept.episode(env)
    assert episode is not None and episode.num_steps == 3 and episode.facts.first_step == 2
    env.step(torch.full((1, 12), float("nan")))  # ends it
    ended = kept.episode(env)
    assert ended is not None and ended.facts.ended == "broken"
    env.close()


def test_courses_keep_their_boxes_and_cameras_their_images(tmp_path: Path) -> None:
    env, found = make(1, "go1_vision"), []
    env.record(EpisodeRecorder(EpisodeTape({}), found.append))
    env.reset()
    boxes = env.sim.boxes[0].clone()
    env.step(torch.zeros(1, 12))
    env.reset()
    save_episode(tmp_path / "e.npz", found[0])
    loaded = load_episode(tmp_path / "e.npz")
    np.testing.assert_array_equal(loaded.boxes, boxes.numpy())
    assert loaded.depth is not None and loaded.depth.shape == (1, 24, 32)
    env.close()


def _without(name: str) -> Callable[[bytes], bytes]:
    return lambda data: _changed(data, lambda arrays: arrays.pop(name))


def _changed(data: bytes, change: Callable[[dict[str, np.ndarray]], object]) -> bytes:
    arrays = dict(np.load(io.BytesIO(data)))
    change(arrays)
    packed = io.BytesIO()
    np.savez(packed, **arrays)  # pyright: ignore[reportArgumentType]
    return packed.getvalue()


def _told(key: str, value: object) -> Callable[[bytes], bytes]:
    def change(arrays: dict[str, np.ndarray]) -> None:
        facts = json.loads(arrays["facts"].tobytes()) | {key: value}
        arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)

    return lambda data: _changed(data, change)


def _set(name: str, value: np.ndarray) -> Callable[[bytes], bytes]:
    return lambda data: _changed(data, lambda arrays: arrays.update({name: value}))


def _bomb(data: bytes) -> bytes:
    packed = io.BytesIO(data)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros.npy", "w") as file:
        for _ in range(2048 + 1):
            file.write(bytes(2**20))
    return packed.getvalue()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"no archive",
        lambda data: data[: len(data) // 2],
        lambda data: data[:200] + bytes(40) + data[240:],
        _without("facts"),
        _without("dof_pos"),
        _set("dof_pos", np.zeros((3, 12), np.float32)),
        _set("root_states", np.full((4, 13), np.nan, np.float32)),
        _set("actions", np.array([{"a": 1}], dtype=object)),
        _set("caption", np.array([9, 9, 9, 9])),
        _set("facts", np.frombuffer(b"[1, 2", np.uint8)),
        _told("format", 2),
        _told("ended", "well"),
        _told("control_dt", "0.02; import os"),
        _told("reward_names", []),
        _told("height_field", {"cell": -1.0}),
        _told("more", 1),
    ],
)
def test_a_damaged_file_is_told_in_one_sentence(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "episode.npz"
    path.write_bytes(damage(episode_bytes(recorded())))
    with pytest.raises(UserError, match=r"episode\.npz") as caught:
        load_episode(path)
    assert "\n" not in str(caught.value)


def test_a_robot_that_is_not_there_and_a_missing_file_are_named(tmp_path: Path) -> None:
    path = tmp_path / "episode.npz"
    with pytest.raises(UserError, match="there is no file"):
        load_episode(path)
    path.write_bytes(_told("robot", "spot")(episode_bytes(recorded())))
    with pytest.raises(UserError, match="spot"):
        load_episode(path)
    assert is_episode(path) and not is_episode(tmp_path)
