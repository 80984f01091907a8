"""Play a trained policy in a window or in a browser, and command it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from legged_gym_ext.envs.episode import load_episode
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import WhereOptions, parse_options, run_script
from legged_gym_ext.runs.mutex import mutex_skills
from legged_gym_ext.runs.outputs import require_own_picture
from legged_gym_ext.runs.policy_options import PolicyOptions, policy_name
from legged_gym_ext.runs.recording_options import RecordingOptions, Recordings, about_episode
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.viewing.disturbances import DisturbanceOptions, shown_cfg
from legged_gym_ext.viewing.overlay import step_text, track_caption
from legged_gym_ext.viewing.replay import ReplaySession, describe, film_episode
from legged_gym_ext.viewing.video import TrackVideoCfg
from legged_gym_ext.viewing.web.session import PlaySession, SessionCfg
from legged_gym_ext.viewing.window import HELP, KeyboardCommand, play, play_cfg, start_command
from st_rl.utils.errors import UserError
from st_rl.utils.files import require_suffix
from st_rl.utils.ranges import Bounds, Count, Seed, Share
from st_rl.utils.run_folder import load_newest_whole


@dataclass
class PlayOptions(WhereOptions, DisturbanceOptions, RecordingOptions, PolicyOptions):
    """Play a trained policy in a window or in a browser, and command it."""

    difficulty: Share = 0.5
    """Difficulty of the obstacles, from 0, the easiest of each type, to 1, the hardest."""
    blocks: tuple[str, ...] = ()
    """Types of the obstacles, one after the other; by default the task draws them."""
    viewer: Literal["window", "web"] = "window"
    """'window' needs a display; 'web' serves a page to browsers, on this machine or, with --host, on others."""
    beside: tuple[str, ...] = ()
    """In a browser: more policies, each in a lane of its own beside the first, on the same course."""
    worlds: Count = 1
    """In a browser: worlds of each lane, one of which is shown."""
    depth: bool = False
    """In a browser: show what a depth camera on the robot delivers, also where the policy does not need one."""
    host: str = "127.0.0.1"
    """In a browser: address to listen on. Any other than of this machine alone needs --token."""
    port: Annotated[int, Bounds(ge=0, le=65535)] = 8080
    """In a browser: port to listen on."""
    token: str = ""
    """In a browser: secret without which the page does not open."""
    replay: Path | None = None
    """See this recorded episode again instead, in a browser; no policy plays."""
    film: Path | None = None
    """With --replay: film the episode into this MP4 file instead; works without a display."""
    seed: Seed = 1


def session_cfg(options: PlayOptions, recorded: Recordings) -> SessionCfg:
    """What is to be played in a browser: every shipped policy of the robot can be chosen, and those that are named."""
    task = options.base_task()
    more = [runs.resolve_run(name, root=options.log_root) for name in options.beside]
    shown = [options.find_policy(task), *(load_newest_whole(run)[1] for run in more)]
    shipped = sorted(runs.SHIPPED.glob(f"{task.env.robot}_*"))
    return SessionCfg(
        task=task,
        policies={policy_name(run): run.resolve() for run in (*shipped, *shown)},
        side_by_side=tuple(policy_name(run) for run in shown),
        course=TrackVideoCfg(options.difficulty, options.blocks),
        worlds=options.worlds,
        seed=options.seed,
        depth=options.depth,
        disturbances=options,
        recorders=recorded.recorders(),
        where=options.where(),
    )


def show_in_browser(make_session: Callable[[], PlaySession | ReplaySession], options: PlayOptions) -> None:
    """Serve a session until it is interrupted."""
    from legged_gym_ext.viewing.web.viewer import require_token, require_viser, web_viewer

    require_viser()
    require_token(options.host, options.token)
    session = make_session()
    try:
        with web_viewer(session, options.host, options.port, options.token) as viewer:
            print(f"open {viewer.address} in a browser; Ctrl-C here ends it", flush=True)
            viewer.run()
    finally:
        session.close()


def replay(path: Path, options: PlayOptions) -> int:
    """Show or film a recorded episode; returns the exit code."""
    if options.film is not None:
        require_suffix(options.film, (".mp4",), "--film")
        require_own_picture(options.film)
    episode = load_episode(path)
    print(f"{path}: {describe(episode)}", flush=True)
    if options.film is None:
        show_in_browser(lambda: ReplaySession(episode), options)
    else:
        print(f"{film_episode(episode, options.film)} frames: {options.film}")
    return 0


def play_in_window(options: PlayOptions, task: TaskCfg, checkpoint: Path, recorded: Recordings) -> None:
    """Play until the window is closed."""
    cfg = shown_cfg(play_cfg(task.env, TrackVideoCfg(options.difficulty, options.blocks)), options)
    env = runs.make_env(cfg, options.where(), num_envs=1, seed=options.seed)
    print(HELP)
    try:
        policy = runs.RunPolicy(checkpoint, env, sample=options.sample_actions)
        skills = mutex_skills(checkpoint)
        caption = track_caption(env, policy, skills) if task.env.track is not None else None
        recorded.attach(env, lambda world: step_text(env, policy, skills, world))
        play(env, policy, KeyboardCommand(task.env.commands, start_command(task.env)), caption)
    finally:
        env.close()


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    from legged_gym_ext.sim.mujoco.viewer import require_display

    options = parse_options(PlayOptions, argv)
    options.check_recording()
    if options.replay is not None:
        return replay(options.replay, options)
    if options.film is not None:
        raise UserError("--film films the episode of --replay FILE; to film a policy, use legged-record")
    if options.viewer == "window":
        require_display()
    task = options.base_task()
    checkpoint = options.find_policy(task)
    recorded = Recordings(options, about_episode(task, policy_name(checkpoint)))
    try:
        if options.viewer == "web":
            show_in_browser(lambda: PlaySession(session_cfg(options, recorded)), options)
        else:
            play_in_window(options, task, checkpoint, recorded)
    finally:  # Ctrl-C is how a person ends it
        for line in recorded.close():
            print(line)
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
