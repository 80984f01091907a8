"""Film a trained policy; works without a display."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.evaluation.video import record, video_cfg
from legged_gym_ext.sim.interface import CameraCfg
from legged_gym_ext.tasks import runs
from legged_gym_ext.tasks.command_line import parse_options, run_script


@dataclass
class RecordOptions:
    """Film a trained policy; works without a display."""

    policy: str = "latest"
    """A run folder, a run's name, a shipped policy's name, or 'latest'."""
    out: Path | None = None
    """The file; by default video.mp4 in the run folder."""
    seconds: float = 12.0
    command: tuple[float, float, float] | None = None
    """Forward and lateral velocity in m/s and yaw rate in rad/s throughout; by default they change."""
    camera_width: int = 640
    camera_height: int = 480
    camera_distance: float = 1.8
    """m from the trunk."""
    camera_azimuth: float = 125.0
    """Degrees."""
    camera_elevation: float = -18.0
    """Degrees."""
    backend: str = "mujoco"
    seed: int = 1
    log_root: Path = runs.LOG_ROOT
    """Where runs are looked for."""


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code."""
    options = parse_options(RecordOptions, argv)
    run = runs.load_run(runs.resolve_run(options.policy, root=options.log_root))
    path = options.out or run.folder / "video.mp4"
    camera = CameraCfg(
        width=options.camera_width,
        height=options.camera_height,
        distance=options.camera_distance,
        azimuth=options.camera_azimuth,
        elevation=options.camera_elevation,
    )
    cfg = video_cfg(run.task.env, options.command)
    env = runs.make_env(cfg, num_envs=1, backend=options.backend, seed=options.seed)
    try:
        frames = record(env, runs.RunPolicy(run.folder, env), path, seconds=options.seconds, camera=camera)
    finally:
        env.close()
    print(f"{frames} frames: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
