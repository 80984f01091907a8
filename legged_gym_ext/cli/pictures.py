"""Make the pictures of the README and of the documentation anew."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from legged_gym_ext.pipeline.run_overview import all_runs
from legged_gym_ext.pipeline.runs_server import RunsServer
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import WhereOptions, parse_options, run_script
from legged_gym_ext.runs.mutex import mutex_skills
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.viewing.overlay import track_caption
from legged_gym_ext.viewing.training_picture import training_picture
from legged_gym_ext.viewing.video import TRACK_CAMERA, TrackVideoCfg, record, video_cfg
from legged_gym_ext.viewing.web.chromium import chromium, save_picture
from legged_gym_ext.viewing.web.session import PlaySession, SessionCfg
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Seed

Picture = Literal["go1_course", "a1_course", "go1_sees", "a1_sees", "viewer", "runs", "training"]
COURSE = ("tilt", "crawl", "jump", "leap", "down", "hurdle", "stairs_up", "slope", "rubble", "stairs_down")
"""What the robots of the README pass."""
_SIZE = (480, 320)


@dataclass
class PicturesOptions(WhereOptions):
    """Make the pictures of the README and of the documentation anew."""

    pictures: Annotated[tuple[Picture, ...], tyro.conf.Positional] = ()
    """Which: go1_course, a1_course, go1_sees, a1_sees (films), viewer, runs (pages, for which Chromium is needed),
    training; by default all."""
    out: Path = Path("docs/images")
    """Folder to write to."""
    log_root: Path = runs.LOG_ROOT
    """Folder of the runs that the pictures of the runs page and of a training show."""
    shadows: bool = False
    """Draw shadows in the films, which without a graphics card takes many times as long."""
    seed: Seed = 1


def course(robot: str, options: PicturesOptions, *, sees: bool = False) -> Path:
    """Film a robot over a course of every obstacle, as an animated picture: by its mutex, or by what it sees."""
    task = get_task(f"{robot}_vision" if sees else f"{robot}_field")
    folder = runs.SHIPPED / (task.name if sees else f"{robot}_mutex")
    if not folder.is_dir():
        raise UserError(f"there is no shipped policy '{folder.name}' to be filmed")
    cfg = video_cfg(task.env, None, TrackVideoCfg(0.5, COURSE))
    path = options.out / f"{robot}_{'sees' if sees else 'course'}.gif"
    camera = replace(TRACK_CAMERA, width=_SIZE[0], height=_SIZE[1], shadows=options.shadows)
    env = runs.make_env(cfg, options.where(), num_envs=1, seed=options.seed)
    try:
        policy = runs.RunPolicy(folder, env)
        caption = track_caption(env, policy, mutex_skills(folder))
        with tempfile.TemporaryDirectory() as scratch:
            film, seconds = Path(scratch) / "course.mp4", cfg.episode_length_s
            record(env, policy, film, seconds=seconds, camera=camera, caption=caption, gif=path)
    finally:
        env.close()
    return path


def viewer(options: PicturesOptions) -> Path:
    """Take a picture of the viewer in a browser: two policies side by side, one of them seen by its depth camera."""
    from legged_gym_ext.viewing.web.viewer import free_port, require_viser, web_viewer

    require_viser()
    cfg = SessionCfg(
        task=get_task("go1_field"),
        policies={name: runs.SHIPPED / name for name in ("go1_mutex", "go1_jump")},
        side_by_side=("go1_mutex", "go1_jump"),
        course=TrackVideoCfg(0.4, ("jump", "leap", "hurdle", "crawl")),
        depth=True,
        seed=options.seed,
        where=options.where(),
    )
    session = PlaySession(cfg)
    path = options.out / "viewer.png"
    try:
        with web_viewer(session, "127.0.0.1", free_port(), "") as shown, chromium((960, 640), patience=400.0) as driver:
            driver.get(shown.address)
            shown.run(6.0)
            # The whole picture stands still while it is drawn.
            session.playing = False
            shown.run(3.0)
            save_picture(driver, path)
    finally:
        session.close()
    return path


def runs_page(options: PicturesOptions) -> Path:
    """Take a picture of the page that compares the runs which were written last."""
    found = all_runs(options.log_root)[:3]
    if not found:
        raise UserError(f"there are no runs in '{options.log_root}' for a picture of the runs page; train something")
    path = options.out / "runs.png"
    server = RunsServer(options.log_root, 0)
    try:
        chosen = "&".join(f"run={folder.parent.name}/{folder.name}" for folder in found)
        with chromium((1280, 1000)) as driver:
            driver.get(f"{server.address}compare?{chosen}")
            time.sleep(1.0)
            save_picture(driver, path)
    finally:
        server.close()
    return path


def training(options: PicturesOptions) -> Path:
    """Draw what a terminal shows at the end of the training that was written last."""
    found = [folder for folder in all_runs(options.log_root) if (folder / "metrics.jsonl").is_file()]
    if not found:
        raise UserError(f"there are no runs in '{options.log_root}' for a picture of a training; train something")
    path = options.out / "training.svg"
    training_picture(found[0], path)
    return path


MAKERS: dict[Picture, Callable[[PicturesOptions], Path]] = {
    "go1_course": lambda options: course("go1", options),
    "a1_course": lambda options: course("a1", options),
    "go1_sees": lambda options: course("go1", options, sees=True),
    "a1_sees": lambda options: course("a1", options, sees=True),
    "viewer": viewer,
    "runs": runs_page,
    "training": training,
}
"""What makes each picture."""


def main(argv: list[str] | None = None) -> int:
    """Return the exit code: 1 where a picture could not be made."""
    options = parse_options(PicturesOptions, argv)
    if not options.out.is_dir():
        raise UserError(f"there is no folder '{options.out}'; make it first, or name another one with --out")
    failed = 0
    for name in options.pictures or MAKERS:
        try:
            print(f"{name}: {MAKERS[name](options)}", flush=True)
        except UserError as error:
            failed += 1
            print(f"{name}: {error}", file=sys.stderr, flush=True)
    return 1 if failed else 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
