"""Evaluate a trained policy and write the figures as JSON."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation import plots, report
from legged_gym_ext.evaluation.tracks import TrackOptions
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import WhereOptions, parse_options_of, parse_task, run_script
from legged_gym_ext.runs.mutex import mutex_skills
from legged_gym_ext.runs.outputs import require_own_picture, require_own_report
from legged_gym_ext.runs.policy_options import PolicyOptions, policy_name, report_facts
from legged_gym_ext.runs.recording_options import RecordingOptions, Recordings, about_episode
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.viewing.overlay import step_text
from st_rl.utils.errors import UserError
from st_rl.utils.files import require_suffix, write_atomically
from st_rl.utils.ranges import Bounds, Count, Seed, Share, Whole

EPISODES = {"walk": 256, "gaits": 256}
"""How many by default, where it is not 400."""


@dataclass
class EvaluateOptions(WhereOptions, RecordingOptions, PolicyOptions):
    """Evaluate a trained policy."""

    protocol: str = ""
    """How it is measured: 'walk', 'gaits' (a walk and its gait), 'rpl' (one obstacle at the test ranges), 'levels'
    (success by difficulty), 'course', or 'blindfold' (whether a policy uses what it sees). By default 'walk' for tasks
    without obstacles, 'gaits' for those with a reference gait, 'course' for field and vision, and 'rpl' for the
    others."""
    episodes: Count | None = None
    """Number of episodes; by default 256 for 'walk' and 'gaits', and 400 for the others."""
    blocks: tuple[str, ...] = ()
    """Types of obstacle to meet; by default those of the task."""
    num_blocks: Annotated[int, Bounds(ge=1, le=100)] = 5
    """Number of obstacles of a course."""
    difficulty: Share = 0.5
    """Difficulty of a course, from 0, the easiest obstacle of each type, to 1, the hardest."""
    strict_episodes: Whole = 0
    """Additional episodes (100 are good) in which penetration, joint and motor limits are checked at every physics
    step."""
    conditions: tuple[str, ...] = ()
    """With 'walk': run the same episodes once more under each of these and report them too: 'hard_dynamics' (friction
    0.2 to 1.2, 5 kg of load, motors at 80 to 90 %), 'zero_estimate' (zeros for what the policy estimates)."""
    seed: Seed = 1
    """Seed of everything random; the same seed gives the same figures."""
    record_number: Whole = 0
    """Number of the episode that --record-episode records, from 0 on."""
    json: Path | None = None
    """JSON file to write the figures to."""
    plot: Path | None = None
    """SVG file to draw success by obstacle or difficulty into."""


def base_task(name: str | None, arguments: list[str]) -> TaskCfg:
    """Return the run's own task with its settings, or the registered one that ``name`` asks for."""
    return parse_options_of(EvaluateOptions, arguments).base_task()


def check_recorded_number(options: EvaluateOptions, episodes: int) -> None:
    """``UserError`` for recordings that cannot be made."""
    options.check_recording()
    if options.record_episode is None and options.record_number:
        raise UserError("--record-number chooses an episode for --record-episode FILE; give that too")
    if options.record_number >= episodes:
        raise UserError(
            f"--record-number {options.record_number}: there are {episodes} episodes, from 0 to {episodes - 1}"
        )


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options, task = parse_task(EvaluateOptions, argv, base_task)
    if options.json is not None:
        require_own_report(options.json, "protocol")
    if options.plot is not None:
        require_suffix(options.plot, (".svg",), "--plot")
        require_own_picture(options.plot)
    protocol = options.protocol or report.default_protocol(task)
    if options.plot is not None and protocol in ("walk", "gaits", "blindfold"):
        raise UserError(f"the protocol '{protocol}' has no success by obstacle to be drawn; leave --plot out")
    episodes = EPISODES.get(protocol, 400) if options.episodes is None else options.episodes
    check_recorded_number(options, episodes)
    checkpoint = options.find_policy(task)
    played: list[runs.RunPolicy] = []
    recorded = Recordings(options, about_episode(task, policy_name(checkpoint)))
    try:

        def make_policy(env: LeggedEnv) -> runs.RunPolicy:
            played.append(policy := runs.RunPolicy(checkpoint, env))
            if len(played) == 1:
                skills = mutex_skills(checkpoint)
                recorded.attach(env, lambda world: step_text(env, policy, skills, world), options.record_number)
            return policy

        result = report.evaluation_report(
            task,
            make_policy,
            policy=policy_name(checkpoint),
            protocol=protocol,
            track=TrackOptions(options.blocks, options.num_blocks, options.difficulty),
            strict_episodes=options.strict_episodes,
            conditions=options.conditions,
            episodes=episodes,
            seed=options.seed,
            where=options.where(),
        )
    finally:
        lines = recorded.close()
    result |= report_facts(checkpoint, played[0])
    # Files first: whoever reads the table may leave before its end.
    if options.json is not None:
        report.write_report(options.json, result)
    if options.plot is not None:
        write_atomically(options.plot, plots.success_plot(result).encode())
    print("\n".join([report.table(result), *lines]))
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
