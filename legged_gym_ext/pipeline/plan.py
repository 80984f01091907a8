"""From nothing to a policy that sees: walk, every skill from it, the mutex, the course, and the student."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from legged_gym_ext.evaluation.report import read_report
from legged_gym_ext.evaluation.shipped import BLINDFOLD, SEEN_BLOCKS, TEST_RANGES_TOO
from legged_gym_ext.pipeline.stages import Stage
from legged_gym_ext.robots.registry import get_robot
from legged_gym_ext.runs import folders as runs, mutex
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.tasks.skills import NUM_LEVELS, SKILLS
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Checked, Count, Whole
from st_rl.utils.run_folder import checkpoint_iterations, read_config

WALK = "walk"
STUDENT = "vision"
"""Task of the policy that sees, and that the mutex teaches."""
BETTER = {"walk": "stairs", "jump": "hurdle"}
"""Skill -> the one that acts for it in a mutex if it is trained, since it has learned more obstacles of that kind."""
ALONE = "alone.json"
"""File in a skill's run folder: its evaluation at single obstacles of the course."""
RPL = "rpl.json"
"""File in the mutex's folder: its evaluation at the test ranges. That on the course is ``evaluation.json``."""
FINISH = "finish"
"""Name of the runs of second trainings."""
_FINISH_OPTIONS = (
    *("--env.events.levels.params.num-levels", str(NUM_LEVELS), "--env.events.levels.params.solid_probability", "1.0"),
    *("--train.load.manipulators", "reset_std:0.4"),
)
"""Options of second trainings, and of those from another robot's skills: all levels, solid obstacles, less noise."""
_MUTEX_VELOCITY = ("jump=1.0",)
"""Slower than in the jump's training, so that the next skill starts calmer (docs/notes/combine_skills.md)."""
_RPL_BLOCKS = ("tilt", "crawl", "jump", "leap", "down")


@dataclass(frozen=True)
class SkillsPlan(Checked):
    """What to train, how, and where."""

    robot: str
    out: Path
    skills: tuple[str, ...] = mutex.MUTEX_ORDER
    walk: Path | None = None
    """Run folder of a walk to start from; ``None`` trains one."""
    donor: str | None = None
    """Robot whose shipped policies of the same names the skills start from; ``None`` starts them from the walk."""
    num_envs: Count | None = None
    max_iterations: Count | None = None
    """Iterations of every training; ``None`` for those of the tasks."""
    episodes: Count | None = None
    """Episodes of every evaluation; ``None`` for those of the protocols."""
    strict_episodes: Whole = 100
    """Episodes of every skill that are checked at every physics step."""
    videos: bool = True
    student: bool = True
    """Whether the mutex teaches a policy that sees."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for robot in (self.robot, *([self.donor] if self.donor is not None else [])):
            get_robot(robot)
        for skill in self.skills:
            get_task(self.task(skill))
        if not self.skills:
            raise UserError("there is nothing to train; name skills with --skills")

    def task(self, skill: str) -> str:
        """Return the name of the task that teaches ``skill``."""
        return f"{self.robot}_{skill}"

    @property
    def runs_root(self) -> Path:
        """The folder of the run folders."""
        return self.out / "runs"

    @property
    def mutex_folder(self) -> Path:
        """The run folder of the mutex."""
        return self.out / f"{self.robot}_mutex"

    def learned(self) -> tuple[str, ...]:
        """Return the skills other than walk."""
        return tuple(skill for skill in self.skills if skill != WALK)

    def missing(self) -> tuple[str, ...]:
        """Return the skills that a mutex needs and this plan does not train."""
        return tuple(skill for skill in mutex.MUTEX_ORDER[1:-1] if skill not in self.skills)

    def donated(self, skill: str) -> Path | None:
        """Return the shipped policy of the other robot that ``skill`` starts from; ``None`` where there is none."""
        folder = runs.SHIPPED / f"{self.donor}_{skill}"
        return folder if self.donor is not None and skill != WALK and folder.is_dir() else None

    def start(self, skill: str) -> str:
        """Return the skill of this robot that ``skill`` is learned from."""
        start = SKILLS[skill].start
        return start if start in self.skills else WALK

    def finishes(self, skill: str) -> bool:
        """Return whether ``skill`` is trained a second time."""
        return skill != WALK and SKILLS[skill].finish_iterations > 0

    def last_training(self, skill: str) -> str:
        """Return the name of the stage after which ``skill`` is ready."""
        return f"{skill}_{FINISH}" if self.finishes(skill) else f"{skill}_training"

    def iterations(self, skill: str, name: str) -> int:
        """Return the number of iterations of the training of ``skill`` whose run is called ``name``."""
        if self.max_iterations is not None:
            return self.max_iterations
        if name == FINISH:
            return SKILLS[skill].finish_iterations
        if self.donated(skill):
            return SKILLS[skill].donated_iterations
        return get_task(self.task(skill)).train.max_iterations

    def run(self, skill: str, name: str | None = None) -> Path | None:
        """Return the newest run of ``skill`` with a checkpoint; ``name`` asks for its first training or its second."""
        if skill == WALK and self.walk is not None:
            return self.walk
        found = runs.find_runs(self.runs_root, self.task(skill))
        if name is not None:
            found = [run for run in found if (FINISH in run.name) == (name == FINISH)]
        return found[-1] if found else None

    def is_trained(self, skill: str, name: str) -> bool:
        """Return whether the training of ``skill`` whose run is called ``name`` has come to its end."""
        run = self.run(skill, name)
        if run is None or (skill == WALK and self.walk is not None):
            return run is not None
        return checkpoint_iterations(run)[-1] >= self.iterations(skill, name)


def plan_stages(plan: SkillsPlan) -> list[Stage]:
    """Return all stages, in an order in which they can run."""
    learned = plan.learned()
    stages = [_training(plan, WALK, alone=True)]
    stages += [_training(plan, skill) for skill in learned]
    stages += [_training(plan, skill, FINISH) for skill in learned if plan.finishes(skill)]
    # A walk from elsewhere has its own evaluation and video, or none; nothing is written to its folder.
    for skill in plan.skills if plan.walk is None else learned:
        more = [] if skill == WALK else ["--strict-episodes", str(plan.strict_episodes)]
        stages.append(_evaluation(plan, skill, "evaluation.json", *more))
        if plan.videos:
            stages.append(_video(f"{skill}_video", partial(_run, plan, skill), needs=(plan.last_training(skill),)))
    if not plan.missing():
        # What the skills do alone at the obstacles of the course, to compare the mutex with.
        stages += [_evaluation(plan, skill, ALONE, "--protocol", "course", "--num-blocks", "1") for skill in learned]
        stages += _mutex_stages(plan)
        stages += _student_stages(plan) if plan.student else []
    return stages


def _training(plan: SkillsPlan, skill: str, name: str | None = None, alone: bool = False) -> Stage:
    """Return the first training of ``skill``, or with the name ``FINISH`` the second."""
    name = name or skill
    donated = plan.donated(skill)
    # What its policy starts from, and the stage that makes that.
    origin, needs = None, ()
    if name == FINISH:
        origin, needs = partial(_run, plan, skill), (f"{skill}_training",)
    elif donated is not None:
        origin = partial(Path, donated)
    elif skill != WALK:
        start = plan.start(skill)
        origin, needs = partial(_run, plan, start), (plan.last_training(start),)

    def command(threads: int) -> list[str]:
        run = plan.run(skill, name)
        options = ["--num-threads", str(threads), "--no-evaluate", "--no-video"]
        options += ["--train.max-iterations", str(plan.iterations(skill, name))]
        if run is not None:
            return _command("train", "--resume", str(run), *options)
        options += ["--name", name, "--log-root", str(plan.runs_root)]
        if plan.num_envs is not None:
            options += ["--env.num-envs", str(plan.num_envs)]
        if origin is not None:
            options += ["--load-run", str(origin())]
        if name == FINISH or donated is not None:
            options += _FINISH_OPTIONS
        return _command("train", plan.task(skill), *options)

    stage = FINISH if name == FINISH else "training"
    return Stage(f"{skill}_{stage}", command, partial(plan.is_trained, skill, name), needs, alone)


def _run(plan: SkillsPlan, skill: str) -> Path:
    run = plan.run(skill)
    assert run is not None, f"{skill} is asked for before it was trained"
    return run


def _evaluation(plan: SkillsPlan, skill: str, file: str, *more: str) -> Stage:
    """Return the stage that evaluates ``skill`` into ``file`` of its run folder."""

    def command(threads: int) -> list[str]:
        run = _run(plan, skill)
        return _evaluate(plan, run, run / file, threads, *more)

    def is_done() -> bool:
        run = plan.run(skill)
        return run is not None and is_evaluated(run, run / file)

    return Stage(f"{skill}_{Path(file).stem}", command, is_done, (plan.last_training(skill),))


def _evaluate(plan: SkillsPlan, run: Path, json_path: Path, threads: int, *more: str) -> list[str]:
    options = ["--policy", str(run), "--json", str(json_path), "--num-threads", str(threads), *more]
    if plan.episodes is not None:
        options += ["--episodes", str(plan.episodes)]
    return _command("evaluate", *options)


def is_evaluated(run: Path, path: Path) -> bool:
    """Return whether ``path`` holds an evaluation of the newest checkpoint of ``run``."""
    report = read_report(path)
    return bool(report) and report.items() >= mutex.policy_facts(run).items()


def _video(name: str, run: Any, needs: tuple[str, ...], *more: str) -> Stage:
    """Return the stage that films the policy of the folder that ``run()`` returns into its ``video.mp4``."""

    def command(threads: int) -> list[str]:
        return _command("record", "--policy", str(run()), "--out", str(run() / "video.mp4"), *more)

    def is_done() -> bool:
        try:
            video, models = run() / "video.mp4", list(run().glob("model_*.pt"))
        except AssertionError:
            return False
        return video.is_file() and all(video.stat().st_mtime >= model.stat().st_mtime for model in models)

    return Stage(name, command, is_done, needs)


def _mutex_stages(plan: SkillsPlan) -> list[Stage]:
    folder = plan.mutex_folder
    skills = [skill for skill in mutex.MUTEX_ORDER if skill in plan.skills or skill == WALK]

    source = {skill: BETTER[skill] if BETTER.get(skill) in plan.skills else skill for skill in skills}

    def make(threads: int) -> list[str]:
        given = [f"{skill}={_run(plan, source[skill])}" for skill in skills]
        where = ("--task", plan.task("field"), "--out", str(folder), "--replace")
        slower = ["--skill-velocity", *_MUTEX_VELOCITY] if "jump" in skills else []
        return _command("make_mutex", *where, *slower, "--sub-policies", *given)

    def is_made() -> bool:
        if not (folder / "model_0.pt").is_file():
            return False
        made_of = mutex.skill_folders(read_config(folder), folder).values()
        return [path.resolve() for path in made_of] == [_run(plan, source[skill]).resolve() for skill in skills]

    def evaluate(name: str, *more: str) -> Stage:
        path = folder / name
        return Stage(
            f"mutex_{path.stem}",
            lambda threads: _evaluate(plan, folder, path, threads, *more),
            lambda: is_evaluated(folder, path),
            ("mutex",),
        )

    stages = [
        Stage("mutex", make, is_made, tuple(plan.last_training(skill) for skill in source.values())),
        evaluate("evaluation.json", "--protocol", "course"),
        evaluate(RPL, "--protocol", "rpl", "--blocks", *_RPL_BLOCKS),
    ]
    if plan.videos:
        stages.append(_video("mutex_video", lambda: folder, ("mutex",)))
    return stages


def _student_stages(plan: SkillsPlan) -> list[Stage]:
    """What the mutex knows, for a robot with a camera: imitation, the course, the blindfold test, a film."""
    train = get_task(plan.task(STUDENT)).train
    length = train.max_iterations if plan.max_iterations is None else plan.max_iterations

    def command(threads: int) -> list[str]:
        run = plan.run(STUDENT)
        options = ["--num-threads", str(threads), "--no-evaluate", "--no-video", "--train.max-iterations", str(length)]
        if run is not None:
            return _command("train", "--resume", str(run), *options)
        options += ["--name", STUDENT, "--log-root", str(plan.runs_root)]
        options += ["--train.algorithm.teacher-run", str(plan.mutex_folder)]
        if plan.num_envs is not None:
            options += ["--env.num-envs", str(plan.num_envs)]
        return _command("train", plan.task(STUDENT), *options)

    def is_trained() -> bool:
        run = plan.run(STUDENT)
        return run is not None and checkpoint_iterations(run)[-1] >= length

    def evaluate(name: str, *more: str) -> Stage:
        def is_done() -> bool:
            run = plan.run(STUDENT)
            return run is not None and is_evaluated(run, run / name)

        def command(threads: int) -> list[str]:
            run = _run(plan, STUDENT)
            return _evaluate(plan, run, run / name, threads, *more)

        return Stage(f"{STUDENT}_{Path(name).stem}", command, is_done, (f"{STUDENT}_training",))

    stages = [
        Stage(f"{STUDENT}_training", command, is_trained, ("mutex",), alone=True),
        evaluate("evaluation.json", "--protocol", "course"),
        evaluate(BLINDFOLD, "--protocol", "blindfold"),
        evaluate(TEST_RANGES_TOO, "--protocol", "rpl", "--blocks", *SEEN_BLOCKS),
    ]
    if plan.videos:
        stages.append(_video(f"{STUDENT}_video", partial(_run, plan, STUDENT), (f"{STUDENT}_training",)))
    return stages


def _command(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"legged_gym_ext.cli.{name}", *arguments]
