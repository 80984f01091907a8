"""Play a trained policy in a window or in a browser, and command it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated, Literal

from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import WhereOptions, parse_options, run_script
from legged_gym_ext.runs.mutex import mutex_skills
from legged_gym_ext.runs.policy_options import PolicyOptions, policy_name
from legged_gym_ext.viewing.disturbances import DisturbanceOptions, shown_cfg
from legged_gym_ext.viewing.overlay import track_caption
from legged_gym_ext.viewing.video import TrackVideoCfg
from legged_gym_ext.viewing.web.session import PlaySession, SessionCfg
from legged_gym_ext.viewing.window import HELP, KeyboardCommand, play, play_cfg, start_command
from st_rl.utils.ranges import Bounds, Count, Seed, Share
from st_rl.utils.run_folder import load_newest_whole


@dataclass
class PlayOptions(WhereOptions, DisturbanceOptions, PolicyOptions):
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
    seed: Seed = 1


def session_cfg(options: PlayOptions) -> SessionCfg:
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
        where=options.where(),
    )


def play_in_browser(options: PlayOptions) -> int:
    """Serve the session until it is interrupted; returns the exit code."""
    from legged_gym_ext.viewing.web.viewer import require_token, require_viser, web_viewer

    require_viser()
    require_token(options.host, options.token)
    session = PlaySession(session_cfg(options))
    try:
        with web_viewer(session, options.host, options.port, options.token) as viewer:
            print(f"open {viewer.address} in a browser; Ctrl-C here ends it", flush=True)
            viewer.run()
    finally:
        session.close()
    return 0


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    from legged_gym_ext.sim.mujoco.viewer import require_display

    options = parse_options(PlayOptions, argv)
    if options.viewer == "web":
        return play_in_browser(options)
    require_display()
    task = options.base_task()
    checkpoint = options.find_policy(task)
    cfg = shown_cfg(play_cfg(task.env, TrackVideoCfg(options.difficulty, options.blocks)), options)
    env = runs.make_env(cfg, options.where(), num_envs=1, seed=options.seed)
    print(HELP)
    try:
        policy = runs.RunPolicy(checkpoint, env, sample=options.sample_actions)
        caption = track_caption(env, policy, mutex_skills(checkpoint)) if task.env.track is not None else None
        play(env, policy, KeyboardCommand(task.env.commands, start_command(task.env)), caption)
    finally:
        env.close()
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
