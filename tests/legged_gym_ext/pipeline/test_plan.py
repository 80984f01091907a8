"""Which stages a training of skills has, and where it goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from toy_runs import write_toy_run

from legged_gym_ext.pipeline.plan import SkillsPlan, plan_stages
from legged_gym_ext.pipeline.stages import Stage
from legged_gym_ext.runs import mutex
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UserError


def plan(out: Path, **options: object) -> SkillsPlan:
    return SkillsPlan("go1", out, videos=False, **options)  # type: ignore[arg-type]


def stage(of: SkillsPlan, name: str) -> Stage:
    return next(stage for stage in plan_stages(of) if stage.name == name)


def trained(of: SkillsPlan, skill: str, date: str = "2026-01-01_00-00-00") -> Path:
    """A run of ``skill`` with three iterations."""
    return write_toy_run(of.runs_root / f"go1_{skill}" / f"{date}_{skill}", f"go1_{skill}")


def test_every_skill_is_trained_from_the_walk_and_then_combined(tmp_path: Path) -> None:
    stages = {stage.name: stage for stage in plan_stages(plan(tmp_path))}
    assert len(stages) == 6 + 1 + 6 + 5 + 3 + 4
    assert stages["walk_training"].needs == () and stages["jump_training"].needs == ("walk_training",)
    ready = {skill: "finish" if skill == "tilt" else "training" for skill in mutex.MUTEX_ORDER}
    assert set(stages["mutex"].needs) == {f"{skill}_{stage}" for skill, stage in ready.items()}
    assert not any(stage.is_done() for stage in stages.values())
    some = [stage.name for stage in plan_stages(plan(tmp_path, skills=("walk", "jump")))]
    assert "mutex" not in some and plan(tmp_path, skills=("walk", "jump")).missing() == ("tilt", "crawl", "leap")


def test_a_training_starts_goes_on_and_is_kept(tmp_path: Path) -> None:
    whole, longer = plan(tmp_path, max_iterations=3, num_envs=8), plan(tmp_path, max_iterations=5, num_envs=8)
    walk = trained(whole, "walk")
    start = stage(whole, "jump_training").command(1)
    assert start[3] == "go1_jump" and start[start.index("--load-run") + 1] == str(walk)
    assert start[start.index("--env.num-envs") + 1] == "8" and "--resume" not in start
    # One that was killed before its first checkpoint starts anew.
    (whole.runs_root / "go1_jump" / "2025-01-01_00-00-00_jump").mkdir(parents=True)
    assert stage(whole, "jump_training").command(1) == start
    run = trained(whole, "jump")
    assert stage(whole, "jump_training").is_done() and not stage(longer, "jump_training").is_done()
    again = stage(longer, "jump_training").command(2)
    assert again[3:5] == ["--resume", str(run)] and "--load-run" not in again
    assert again[again.index("--train.max-iterations") + 1] == "5"


def test_a_second_training_starts_from_the_first_and_takes_its_place(tmp_path: Path) -> None:
    of = plan(tmp_path, max_iterations=3)
    first = trained(of, "tilt")
    finish = stage(of, "tilt_finish")
    assert stage(of, "tilt_training").is_done() and not finish.is_done() and finish.needs == ("tilt_training",)
    command = finish.command(1)
    assert command[command.index("--load-run") + 1] == str(first) and "reset_std:0.4" in command
    assert command[command.index("--name") + 1] == "finish"
    second = write_toy_run(of.runs_root / "go1_tilt" / "2026-01-02_00-00-00_finish", "go1_tilt")
    assert stage(of, "tilt_training").is_done() and finish.is_done()
    assert str(second) in stage(of, "tilt_evaluation").command(1)
    assert stage(of, "tilt_evaluation").needs == ("tilt_finish",)
    # So does one that another robot's policy started.
    donated = SkillsPlan("a1", tmp_path, videos=False, donor="go1")
    assert {"tilt_finish", "jump_finish"} & {stage.name for stage in plan_stages(donated)} == {"tilt_finish"}


def test_an_evaluation_is_done_again_for_another_checkpoint(tmp_path: Path) -> None:
    of = plan(tmp_path)
    run = trained(of, "jump")
    assert not stage(of, "jump_evaluation").is_done()
    (run / "evaluation.json").write_text(json.dumps({"task": "go1_jump"} | mutex.policy_facts(run)))
    assert stage(of, "jump_evaluation").is_done()
    (run / "model_4.pt").write_bytes(b"newer")
    assert not stage(of, "jump_evaluation").is_done()
    assert "--strict-episodes" in stage(of, "jump_evaluation").command(1)


def test_the_mutex_is_made_of_the_trained_skills(tmp_path: Path) -> None:
    of = plan(tmp_path, max_iterations=3)
    folders = {skill: trained(of, skill) for skill in mutex.MUTEX_ORDER}
    assert f"leap={folders['leap']}" in stage(of, "mutex").command(1) and not stage(of, "mutex").is_done()
    mutex.make_mutex(of.mutex_folder, get_task("go1_field"), folders)
    assert stage(of, "mutex").is_done()
    trained(of, "leap", date="2026-01-02_00-00-00")
    assert not stage(of, "mutex").is_done()


def test_the_mutex_teaches_a_policy_that_sees(tmp_path: Path) -> None:
    of = plan(tmp_path, max_iterations=3, num_envs=8)
    training = stage(of, "vision_training")
    start = training.command(2)
    assert start[3] == "go1_vision" and training.needs == ("mutex",) and not training.is_done()
    assert start[start.index("--train.algorithm.teacher-run") + 1] == str(of.mutex_folder)
    run = trained(of, "vision")
    assert training.is_done() and training.command(2)[3:5] == ["--resume", str(run)]
    blindfold = stage(of, "vision_blindfold")
    assert blindfold.needs == ("vision_training",) and not blindfold.is_done()
    asked = blindfold.command(1)
    assert asked[asked.index("--protocol") + 1] == "blindfold"
    (run / "blindfold.json").write_text(json.dumps(mutex.policy_facts(run)))
    assert stage(of, "vision_blindfold").is_done()
    asked = stage(of, "vision_rpl").command(1)
    assert asked[asked.index("--blocks") + 1 :][:5] == ["jump", "leap", "crawl", "tilt", "down"]
    names = {stage.name for stage in plan_stages(plan(tmp_path, student=False))}
    assert not any(name.startswith("vision") for name in names)


def test_who_learned_rough_ground_walks_in_the_mutex(tmp_path: Path) -> None:
    of = plan(tmp_path, skills=(*mutex.MUTEX_ORDER, "stairs"))
    folders = {skill: trained(of, skill) for skill in of.skills}
    assert f"walk={folders['stairs']}" in stage(of, "mutex").command(1)
    assert "stairs_training" in stage(of, "mutex").needs


def test_hurdles_are_learned_from_the_jump_and_jumped_in_the_mutex(tmp_path: Path) -> None:
    of = plan(tmp_path, skills=(*mutex.MUTEX_ORDER, "hurdle"))
    folders = {skill: trained(of, skill) for skill in of.skills if skill != "hurdle"}
    assert stage(of, "hurdle_training").needs == ("jump_training",)
    assert str(folders["jump"]) in stage(of, "hurdle_training").command(1)
    hurdle = trained(of, "hurdle")
    assert f"jump={hurdle}" in stage(of, "mutex").command(1)
    # Without the jump there is still the walk.
    assert stage(plan(tmp_path, skills=("walk", "hurdle")), "hurdle_training").needs == ("walk_training",)


def test_skills_start_from_those_of_another_robot(tmp_path: Path) -> None:
    of = SkillsPlan("a1", tmp_path, videos=False, donor="go1", skills=("walk", "jump", "climb"))
    jump = stage(of, "jump_training")
    command = jump.command(1)
    assert command[command.index("--load-run") + 1].endswith("go1_jump") and jump.needs == ()
    assert command[command.index("--env.events.levels.params.num-levels") + 1] == "10"
    assert of.iterations("jump", "jump") < get_task("a1_jump").train.max_iterations
    # No such policy is shipped: from the robot's own walk, as ever.
    assert of.donated("climb") is None and stage(of, "climb_training").needs == ("walk_training",)
    with pytest.raises(UserError, match="spot"):
        SkillsPlan("a1", tmp_path, donor="spot")


def test_a_walk_from_elsewhere_is_left_alone(tmp_path: Path) -> None:
    walk = write_toy_run(tmp_path / "walk", "go1_walk")
    of = plan(tmp_path / "out", walk=walk)
    names = [stage.name for stage in plan_stages(of)]
    assert stage(of, "walk_training").is_done() and "walk_evaluation" not in names
    assert str(walk) in stage(of, "crawl_training").command(1)


def test_wrong_names_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown robot 'spot'"):
        SkillsPlan("spot", tmp_path)
    with pytest.raises(UserError, match="unknown task 'go1_swim'"):
        plan(tmp_path, skills=("swim",))
