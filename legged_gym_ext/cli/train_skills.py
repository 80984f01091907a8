"""Train walk, learn every skill from it, combine them, and teach a policy that sees. Started again, it goes on."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from legged_gym_ext.pipeline.plan import SkillsPlan, plan_stages
from legged_gym_ext.pipeline.report_page import write_page
from legged_gym_ext.pipeline.stages import locked, run_stages
from legged_gym_ext.runs import folders as runs, mutex
from legged_gym_ext.runs.command_line import parse_options, run_script
from legged_gym_ext.runs.outputs import require_folder_for_skills
from st_rl.utils.ranges import Bounds, Checked, Count, Whole


@dataclass
class TrainSkillsOptions(Checked):
    """Train walk, learn every skill from it, combine them, and teach a policy that sees. Started again, it goes on."""

    robot: str = "go1"
    """Robot to train."""
    skills: tuple[str, ...] = mutex.MUTEX_ORDER
    """Skills to train. They are combined if walk, tilt, crawl, jump and leap are among them. If stairs or hurdle are
    too, these act for walk and jump in the combined policy."""
    jobs: Annotated[int, Bounds(ge=1, le=1024)] = 2
    """Number of trainings and evaluations at a time; they share the cores."""
    out: Path | None = None
    """Folder to write everything to; by default logs/skills_<robot>."""
    walk: str | None = None
    """Walk to learn the skills from, such as go1_walk, instead of training one."""
    donor: str | None = None
    """Another robot, such as go1, whose shipped skills this robot's start from. That takes a few minutes in all."""
    num_envs: Count | None = None
    """Number of worlds of every training; by default that of the task."""
    max_iterations: Count | None = None
    """Number of iterations of every training; by default that of the task."""
    episodes: Count | None = None
    """Number of episodes of every evaluation; by default that of the protocol."""
    strict_episodes: Whole = 100
    """Episodes of every skill that are checked at every physics step."""
    student: bool = True
    """Teach a policy that sees through a depth camera what the mutex knows."""
    video: bool = True
    """Film every skill and the combined policy."""


def main(argv: list[str] | None = None) -> int:
    """Return the exit code: 0, 1 where a stage failed, 130 where it was stopped."""
    from legged_gym_ext.sim.mujoco.gl import find_gl_library

    options = parse_options(TrainSkillsOptions, argv)
    plan = SkillsPlan(
        robot=options.robot,
        out=options.out or runs.LOG_ROOT / f"skills_{options.robot}",
        skills=options.skills,
        walk=None if options.walk is None else runs.resolve_run(options.walk),
        donor=options.donor,
        num_envs=options.num_envs,
        max_iterations=options.max_iterations,
        episodes=options.episodes,
        strict_episodes=options.strict_episodes,
        student=options.student,
        videos=options.video and find_gl_library() is not None,
    )
    if options.video and not plan.videos:
        print("no videos: pictures need EGL or OSMesa")
    if plan.missing():
        print(f"no mutex: it also needs {', '.join(plan.missing())}")
    require_folder_for_skills(plan.out)
    stages = plan_stages(plan)
    with locked(plan.out) as lock:
        outcomes = run_stages(
            stages,
            jobs=options.jobs,
            cores=os.cpu_count() or 1,
            logs=plan.out / "output",
            say=lambda text: print(text, flush=True),
            lock=lock,
        )
        print(f"report: {write_page(plan, outcomes)}")
    if "stopped" in outcomes.values():
        print("stopped; the same command goes on from here")
        return 130
    return 0 if set(outcomes.values()) <= {"done", "kept"} else 1


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
