"""Text in images, and what videos of tracks say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from toy_runs import write_toy_skills

from legged_gym_ext.runs import folders as runs, mutex
from legged_gym_ext.sim.interface import CameraCfg
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.viewing.overlay import active_skill, depth_inset, put_in_corner, track_caption, write_text
from legged_gym_ext.viewing.video import TrackVideoCfg, film, video_cfg


def test_white_text_stands_on_a_darkened_field_and_the_image_stays() -> None:
    image = np.full((120, 200, 3), 90, dtype=np.uint8)
    written = write_text(image, ["jump"])
    assert (image == 90).all() and written.shape == image.shape
    assert written[2, 2].tolist() == [30, 30, 30] and written[-1, -1].tolist() == [90, 90, 90]
    assert written.max() == 255 and (written[written > 200].size < 0.2 * written.size)
    assert np.array_equal(write_text(image, []), image)


def test_text_that_does_not_fit_is_cut() -> None:
    image = np.full((20, 30, 3), 90, dtype=np.uint8)
    written = write_text(image, ["a long line", "another", "and one more"])
    assert written.shape == image.shape and written.max() > 200 and (written != 90).all()


def test_the_field_grows_with_the_text() -> None:
    def area(lines: list[str], size: int) -> int:
        return int((write_text(np.full((300, 600, 3), 90, dtype=np.uint8), lines, size)[..., 0] != 90).sum())

    assert (
        area(["jump"], 12) < area(["jump jump"], 12) < area(["jump jump", "leap"], 12) < area(["jump jump", "leap"], 24)
    )


def test_a_picture_stands_framed_in_the_upper_right_corner() -> None:
    image, inset = np.zeros((120, 200, 3), dtype=np.uint8), np.full((6, 8, 3), 77, dtype=np.uint8)
    written = put_in_corner(image, inset)
    # 0.28 of 200 pixels are seven for each of the eight; a white frame of two around it, two from the edge.
    assert (written[4 : 4 + 42, 200 - 4 - 56 : 200 - 4] == 77).all() and (written == 77).all(axis=-1).sum() == 42 * 56
    assert (written[2:4, 200 - 2 - 60 : 198] == 255).all() and not image.any() and not written[:, :130].any()
    assert put_in_corner(image[:10, :12], inset).shape == (10, 12, 3)


def test_what_the_camera_delivers_is_shown_near_white_and_far_black() -> None:
    task = get_task("go1_vision")
    env = runs.make_env(video_cfg(task.env, track=TrackVideoCfg(0.5, ("crawl",))), num_envs=1, seed=1)
    inset = depth_inset(env)
    assert inset is not None and env.state.camera is not None
    shown = inset()
    depth = env.state.camera.delivered()[0, 0].numpy()
    assert shown.shape == (24, 32, 3) and np.abs(shown[..., 0] / 255.0 - (0.5 - depth)).max() <= 0.5 / 255.0 + 1e-6
    env.close()
    blind = runs.make_env(get_task("go1_crawl").env, num_envs=1, seed=1)
    assert depth_inset(blind) is None
    blind.close()


def test_the_active_skill_and_the_obstacle_are_told(tmp_path: Path) -> None:
    skills = write_toy_skills(tmp_path)
    task = get_task("go1_field")
    folder = mutex.make_mutex(tmp_path / "go1_mutex", task, skills)
    cfg = video_cfg(task.env, track=TrackVideoCfg(0.5, ("leap", "slope")))
    env = runs.make_env(cfg, num_envs=1, seed=1)
    policy = runs.RunPolicy(folder, env)
    names = mutex.mutex_skills(folder)
    assert active_skill(policy, names) == "" and active_skill(policy, ()) == ""
    caption = track_caption(env, policy, names)
    obs, _ = env.reset()
    obs[:, env.obs_segments.slice_of("engaging_block")] = torch.tensor([0.3, 0.0, 0.0, 0.0, 0.0, 1.0, 0.5, 0.5])
    policy(obs)
    assert caption() == ["skill: leap", "1/2 leap 0.50 m"]
    env.close()


def test_a_film_of_a_track_ends_with_the_episode(tmp_path: Path) -> None:
    class Drawing:
        """Stands for the engine's pictures."""

        def __init__(self, sim: object) -> None:
            self.sim = sim

        def __getattr__(self, name: str) -> object:
            return getattr(self.sim, name)

        def render(self, world: int, camera: CameraCfg) -> np.ndarray:
            return np.zeros((48, 64, 3), dtype=np.uint8)

    class Stop:
        def __call__(self, observations: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(observations), 12)

        def reset(self, dones: torch.Tensor | None = None) -> None:
            pass

    cfg = replace(video_cfg(get_task("go1_jump").env), num_envs=1, episode_length_s=0.2)
    env = runs.make_env(cfg, num_envs=1)
    env.sim = Drawing(env.sim)  # type: ignore[assignment]
    frames = list(film(env, Stop(), 50, CameraCfg(), caption=lambda: ["stop"]))
    assert len(frames) == 9 and (frames[0] == 255).any()
    assert len(list(film(env, Stop(), 50, CameraCfg(), every=2))) == 5
    env.close()
