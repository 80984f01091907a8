"""Evaluation on tracks: hand-worked figures, the same physics under observation, the tracks of each protocol."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.evaluation import report
from legged_gym_ext.evaluation.body_probe import BodyProbe
from legged_gym_ext.evaluation.episodes import MEANS, PEAKS, TrackEpisodes, take_in
from legged_gym_ext.evaluation.plots import curves, success_plot
from legged_gym_ext.evaluation.solidity import StepWatch, curve_excess, measure_solidity
from legged_gym_ext.evaluation.tracks import (
    TEST_RANGES,
    TrackOptions,
    run_protocol,
    track_evaluation_cfg,
    track_report,
)
from legged_gym_ext.robots.registry import get_robot
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.terrain.tracks import TrackCfg
from st_rl.utils.errors import UserError


class Still:
    """Asks for the default pose."""

    def __init__(self, env: LeggedEnv) -> None:
        pass

    def __call__(self, observations: Tensor) -> Tensor:
        return torch.zeros(len(observations), 12)

    def reset(self, dones: Tensor | None = None) -> None:
        pass


def short(name: str, seconds: float = 0.3) -> TaskCfg:
    task = get_task(name)
    return replace(task, env=replace(task.env, episode_length_s=seconds))


def episodes(passed: list[int], kind: list[list[int]], distance: list[float]) -> TrackEpisodes:
    """Episodes of 10 steps of 20 W each on tracks that are finished at 8 m."""
    count = len(passed)
    means = torch.zeros(count, len(MEANS), dtype=torch.float64)
    means[:, 0] = 10 * 20.0
    return TrackEpisodes(
        kind=torch.tensor(kind),
        parameter=torch.zeros(len(kind), len(kind[0])),
        difficulty=torch.zeros(len(kind), len(kind[0])),
        finish=torch.full((count,), 8.0),
        steps=torch.full((count,), 10),
        failed=torch.tensor(passed) == 0,
        passed=torch.tensor(passed),
        distance=torch.tensor(distance),
        means=means,
        peaks=torch.arange(float(count))[:, None].expand(-1, len(PEAKS)),
    )


def test_figures_of_a_course_by_hand() -> None:
    track = TrackCfg(("jump", "leap"), num_blocks=2, difficulty=(0.5, 0.5))
    # Passed both; only the jump, then stopped at the leap; nothing, failed at the leap; nothing, stopped at the jump.
    done = episodes([2, 1, 0, 0], [[0, 1], [0, 1], [1, 0], [0, 0]], [9.0, 4.0, 2.0, 2.0])
    result = track_report("course", track, done)
    assert (result["finish_rate"], result["success_rate"], result["fall_rate"]) == (0.25, 0.25, 0.5)
    assert result["blocks_passed_rate"] == 3 / 8
    assert result["mean_x_displacement"] == pytest.approx((1.0 + 0.5 + 0.25 + 0.25) / 4)
    jump, leap = result["per_block"]["jump"], result["per_block"]["leap"]
    assert (jump["passed"], jump["episodes"]) == (2, 3) and jump["parameter"] == pytest.approx([0.275, 0.275])
    assert (leap["passed"], leap["episodes"]) == (1, 3)
    assert result["mean_power"] == pytest.approx(20.0) and result["peak_torque"] == 3.0


def test_distance_at_the_test_ranges_ends_at_its_limit() -> None:
    done = episodes([1, 0], [[0], [0]], [5.0, 1.0])
    assert track_report("rpl", TrackCfg(("jump",), num_blocks=1), done)["mean_distance"] == pytest.approx(2.3)


def test_success_is_told_for_parts_of_the_test_range() -> None:
    done = episodes([1, 0, 1], [[0], [0], [0]], [5.0, 1.0, 4.0])
    done.difficulty = torch.tensor([[0.1], [0.15], [0.99]])
    track = TrackCfg(("jump",), num_blocks=1, parameters={"jump": (0.25, 0.5)})
    parts = track_report("rpl", track, done)["per_block"]["jump"]["parts"]
    assert [(part["passed"], part["episodes"]) for part in parts] == [(1, 2), (0, 0), (0, 0), (0, 0), (1, 1)]
    assert parts[0]["parameter"] == pytest.approx([0.25, 0.3]) and parts[4]["parameter"] == pytest.approx([0.45, 0.5])


def test_progress_in_the_step_of_a_failure_does_not_count() -> None:
    result = episodes([0, 0, 0], [[0], [0], [0]], [0.0, 0.0, 0.0])
    result.failed, result.passed = torch.zeros(3, dtype=torch.bool), torch.zeros(3)
    values = torch.ones(3, len(MEANS) + len(PEAKS) + 2)
    take_in(result, values, torch.tensor([True, True, False]), torch.tensor([False, True, True]))
    assert result.passed.tolist() == [1.0, 0.0, 0.0]
    assert result.failed.tolist() == [False, True, False]
    assert result.steps.tolist() == [11, 11, 10]


@pytest.mark.parametrize("name", ["go1_jump", "a1_crawl", "go1_tilt"])
def test_one_solid_obstacle_at_the_test_range(name: str) -> None:
    track, done = run_protocol(short(name, 0.04), Still, "rpl", episodes=20, seed=1)
    kind = name.split("_")[1]
    assert track.blocks == (kind,) and done.kind.shape == (20, 1)
    low, high = sorted(TEST_RANGES[kind])
    assert done.parameter.min() >= low and done.parameter.max() <= high
    assert done.parameter.max() - done.parameter.min() > 0.5 * (high - low)


def test_obstacles_are_solid_from_the_first_episode_on() -> None:
    cfg = track_evaluation_cfg(get_task("go1_crawl").env, "rpl")
    env = LeggedEnv(replace(cfg, num_envs=4), seed=1)
    assert env.state.track is not None
    assert bool(env.sim.solid[env.state.track.tracks.obstacle].all())
    env.close()


def test_robots_are_not_thrown_onto_the_tracks_of_an_evaluation() -> None:
    events = get_task("go1_crawl").env.events
    assert events["arrive"].params["share"] > 0.0
    assert set(events) - set(track_evaluation_cfg(get_task("go1_crawl").env, "rpl").events) == {"arrive"}


def test_levels_are_all_there() -> None:
    _, done = run_protocol(short("go1_jump", 0.04), Still, "levels", episodes=20, seed=1)
    levels = track_report("levels", TrackCfg(("jump",), num_blocks=1), done)["levels"]
    assert [level["episodes"] for level in levels] == [2] * 10


def test_a_course_has_its_obstacles_at_one_difficulty() -> None:
    options = TrackOptions(("jump", "crawl"), num_blocks=3, difficulty=1.0)
    track, done = run_protocol(short("go1_field", 0.04), Still, "course", episodes=6, seed=1, options=options)
    assert done.kind.shape == (6, 3)
    expected = torch.tensor([0.50, 0.20])[done.kind]
    assert torch.allclose(done.parameter, expected)
    assert track.blocks == ("jump", "crawl")


def test_reports_are_reproducible_and_drawn() -> None:
    task = short("go1_jump")
    make = {"policy": "still", "episodes": 4}
    first, second, other = (report.evaluation_report(task, Still, seed=seed, **make) for seed in (1, 1, 2))
    assert first == second != other
    assert first["protocol"] == "rpl" and first["success_rate"] == 0.0
    assert "jump (0.25 to 0.5)" in report.table(first)
    assert "<rect" in success_plot(first)
    assert "polyline" in curves({"reward": [(0.0, 1.0), (1.0, float("nan")), (2.0, 3.0)]}, "t")


def test_impossible_requests_are_named() -> None:
    walk, field = get_task("go1_walk").env, get_task("go1_field").env
    with pytest.raises(UserError, match="needs a task with obstacles"):
        track_evaluation_cfg(walk, "rpl")
    with pytest.raises(UserError, match="unknown protocol 'sprint'"):
        track_evaluation_cfg(field, "sprint")
    with pytest.raises(UserError, match="unknown block 'moat'"):
        track_evaluation_cfg(field, "course", TrackOptions(("moat",)))
    with pytest.raises(UserError, match="difficulty must be from 0 to 1"):
        track_evaluation_cfg(field, "course", TrackOptions(difficulty=2.0))


# -------------------------------------------------------------------- every physics step


def test_observed_episodes_are_the_same() -> None:
    cfg = track_evaluation_cfg(short("go1_jump", 0.2).env, "rpl")
    worlds = replace(cfg, num_envs=3)
    watch = StepWatch()
    plain, observed = LeggedEnv(worlds, seed=4), LeggedEnv(worlds, seed=4, observer=watch)
    watch.begin(observed)
    generator = torch.Generator().manual_seed(0)
    for _ in range(12):
        actions = torch.randn(3, 12, generator=generator)
        first, second = plain.step(actions), observed.step(actions)
        assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
        assert torch.equal(plain.sim.torques, observed.sim.torques)
        assert torch.equal(plain.sim.substep_dof_vel, observed.sim.substep_dof_vel)
    assert watch.steps == 12 * cfg.sim.decimation * 3
    saved = observed.sim.state_dict()
    observed.sim.load_state_dict(saved)
    assert torch.equal(observed.sim.root_states, plain.sim.root_states)
    plain.close()
    observed.close()


def test_motors_keep_to_their_limits_at_every_physics_step() -> None:
    class Wild(Still):
        def __call__(self, observations: Tensor) -> Tensor:
            return torch.randn(len(observations), 12) * 5.0

    figures = measure_solidity(short("go1_jump", 0.3), Wild, "rpl", episodes=4)
    assert figures["physics_steps"] > 4 * 40
    assert figures["torque_excess"] < 1e-3 and figures["speed_torque_excess"] < 1e-2
    assert figures["peak_torque"] > 20.0


def test_torque_beyond_the_curve_by_hand() -> None:
    limit, no_load = torch.tensor(20.0), torch.tensor(10.0)
    torque, speed = torch.tensor([10.0, 12.0, -20.0, -12.0, 0.0]), torch.tensor([5.0, 5.0, 5.0, -5.0, 12.0])
    # Half the limit is left at half the speed; braking, all of it; above the no-load speed the motor must brake.
    assert curve_excess(torque, speed, limit, no_load).tolist() == pytest.approx([0.0, 2.0, 0.0, 2.0, 4.0])


def test_feet_and_legs_are_probed_as_spheres() -> None:
    robot = get_robot("go1")
    probe = BodyProbe(robot)
    names = [robot.body_names[body] for body in probe.bodies.tolist()]
    radii = dict(zip(names, probe.radii.tolist(), strict=True))
    assert radii["FL_foot"] == pytest.approx(robot.foot_radius)
    assert radii["trunk"] == 0.0 and radii["FL_calf"] == pytest.approx(0.009)
