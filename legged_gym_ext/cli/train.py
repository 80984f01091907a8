"""Train a task, evaluate the result and film it.

``torchrun --nproc-per-node 2 -m legged_gym_ext.cli.train ...`` divides the worlds among several processes, which learn
together.
"""

from __future__ import annotations

import contextlib
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from legged_gym_ext.evaluation import report
from legged_gym_ext.evaluation.walk import MakePolicy
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import WhereOptions, named_task, parse_options_of, parse_task, run_script
from legged_gym_ext.runs.resuming import check_resumed
from legged_gym_ext.runs.summary import reached
from legged_gym_ext.runs.teachers import with_teacher_folders
from legged_gym_ext.runs.training import train, with_threads
from legged_gym_ext.runs.training_rsl_rl import as_rsl_rl_trains, require_rsl_rl, train_with_rsl_rl
from legged_gym_ext.runs.wandb_log import require_wandb
from legged_gym_ext.runs.watching import Watch
from legged_gym_ext.sim.registry import require_backend
from legged_gym_ext.tasks.cfg import TaskCfg
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.viewing.video import record, video_cfg
from st_rl.algorithms import distributed
from st_rl.modules import get_policy_class
from st_rl.runners import get_runner_class
from st_rl.runners.run_lock import locked_run
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Count, Duration, Whole
from st_rl.utils.run_folder import run_folder_of


@dataclass
class TrainOptions(WhereOptions):
    """Train a task, evaluate the result and film it."""

    task: str = ""
    """The task to train, such as go1_walk. It may stand first, without --task."""
    name: str = "run"
    """Last part of the run folder's name, after the date."""
    log_root: Path = runs.LOG_ROOT
    """Folder in which run folders are made and looked for."""
    resume: str | None = None
    """Go on with this run where it was saved: a folder, a run's name, or 'latest', which may be left out."""
    load_run: str | None = None
    """Start a new run from the weights of this one: a folder, a run's or shipped policy's name, or 'latest'."""
    checkpoint: str | None = None
    """Checkpoint of that run to start or resume from: the number of its iteration, or 'best' for the one with the
    highest mean reward. By default the newest that is whole. Later ones are set aside when a run is resumed."""
    graphed: bool = True
    """Replay whole control steps as CUDA graphs, which is faster; on a GPU only."""
    runner: str = "st_rl"
    """Library that learns: 'st_rl', or 'rsl_rl' for the public rsl-rl-lib, which is an extra."""
    evaluate: bool = True
    """Evaluate the policy after training and write evaluation.json to the run folder."""
    episodes: Count = 256
    """Number of episodes of that evaluation."""
    video: bool = True
    """Film the policy after training and write video.mp4 to the run folder."""
    video_seconds: Duration = 12.0
    """Length of the film, s."""
    video_interval: Whole = 0
    """Film the policy after every so many iterations too, in the background, into RUN/videos and TensorBoard."""
    log: Literal["files", "wandb"] = "files"
    """Where the metrics go: 'files' of the run folder (metrics.jsonl, TensorBoard), or to 'wandb' too, an extra."""
    record_broken: bool = False
    """Record the last two seconds of worlds that break, whose state or action is not finite, in RUN/broken."""


def base_task(name: str | None, arguments: list[str]) -> TaskCfg:
    """Return the task whose fields the command line changes: that of the run to resume, or the registered one."""
    options = parse_options_of(TrainOptions, arguments)
    if options.resume is None:
        return named_task(name)
    return resumed_run(options, name).task


def resumed_run(options: TrainOptions, task: str | None) -> runs.Run:
    """The run that is to be resumed; ``UserError`` where it is of another task than ``task``, if one is named."""
    if task:
        get_task(task)
    wanted = str(options.resume)
    only = task or None if runs.is_latest(wanted) else None
    run = runs.load_run(runs.resolve_run(wanted, root=options.log_root, task=only, checkpoint=options.checkpoint))
    if task and run.task.name != task:
        raise UserError(
            f"the run in '{run.folder}' trains {run.task.name}; leave the task out to resume it, or start {task} from "
            f"its weights with --load-run {wanted}"
        )
    runner = run.config.get("runner", "st_rl")
    if runner != "st_rl":
        raise UserError(
            f"the run in '{run.folder}' was trained by {runner}, which starts new runs only; start one from its "
            f"weights with --load-run {wanted}"
        )
    return run


def check_resume_options(options: TrainOptions, task: TaskCfg) -> None:
    """``UserError`` for an option that a resumed run would not take over."""
    run = resumed_run(options, options.task)
    check_resumed(run.task, task)
    if options.name != TrainOptions.name:
        raise UserError("a resumed run keeps its name; leave --name out")
    backend = run.config.get("backend", options.backend)
    if backend != options.backend:
        raise UserError(
            f"the run in '{run.folder}' goes on with --backend {backend}, whose state was saved; give that, or start a "
            "new run from its weights with --load-run"
        )


def finish(task: TaskCfg, folder: Path, make_policy: MakePolicy, options: TrainOptions) -> None:
    """Evaluate and film the trained policy."""
    seed, where = task.train.seed, options.where()
    if options.evaluate:
        result = report.evaluation_report(
            task, make_policy, policy=folder.resolve().name, episodes=options.episodes, seed=seed, where=where
        )
        report.write_report(folder / "evaluation.json", result | runs.checkpoint_facts(folder))
        print(report.table(result))
    if options.video:
        env = runs.make_env(video_cfg(task.env), where, num_envs=1, seed=seed)
        try:
            record(env, make_policy(env), folder / "video.mp4", seconds=options.video_seconds)
            print(f"video: {folder / 'video.mp4'}")
        except UserError as error:
            # The training is done and saved; a machine that cannot draw is no failure.
            print(f"no video: {error}")
        finally:
            env.close()


def what_next(folder: Path) -> str:
    """Return what one may want to type when the training in ``folder`` has ended."""
    name = shlex.quote(str(folder))
    return f"next:\n  tensorboard --logdir {name}\n  legged-play --policy {name}\n  legged-evaluate --policy {name}"


def start_folder(task: TaskCfg, options: TrainOptions) -> tuple[Path, Path | None]:
    """Return the run folder, made if it is new, or the checkpoint to resume; and the run that a new one starts from."""
    if options.runner not in ("st_rl", "rsl_rl"):
        raise UserError(f"unknown runner '{options.runner}'; choose 'st_rl' or 'rsl_rl'")
    if options.runner == "rsl_rl" and (options.video_interval or options.log != "files" or options.record_broken):
        raise UserError("--runner rsl_rl has no --video-interval, --log and --record-broken; leave them out")
    if options.runner == "rsl_rl" and (options.resume is not None or options.load_run is not None):
        raise UserError("--runner rsl_rl starts new runs only; leave --resume and --load-run out")
    if options.resume is not None:
        if options.load_run is not None:
            raise UserError("a resumed run keeps its own weights; give --resume or --load-run, not both")
        return resumed_run(options, options.task).folder, None
    source = None
    if options.load_run is not None:
        source = runs.resolve_run(options.load_run, root=options.log_root, checkpoint=options.checkpoint)
    elif options.checkpoint is not None:
        raise UserError("--checkpoint chooses among those of --resume or --load-run; give one of them")
    return runs.new_run_folder(options.log_root, task.name, options.name), source


def prepare(task: TaskCfg, options: TrainOptions) -> tuple[TaskCfg, Path, Path | None]:
    """Return the task as it is trained, the run folder, and the run whose weights a new one starts from."""
    # Looked up before anything is made: a wrong name must leave nothing behind.
    require_backend(options.backend, options.device)
    distributed.share(task.env.num_envs)
    get_runner_class(task.train.runner_class)
    get_policy_class(task.train.policy.class_name)
    if options.log == "wandb":
        require_wandb()
    if options.record_broken and options.graphed and options.device != "cpu":
        raise UserError(
            "steps that are replayed as CUDA graphs cannot be recorded; add --no-graphed to --record-broken"
        )
    if options.resume is not None:
        check_resume_options(options, task)
    task = with_teacher_folders(task, options.log_root)
    folder, source = start_folder(task, options)
    print(f"run folder: {folder}")
    return task, folder, source


def train_together(task: TaskCfg, options: TrainOptions) -> tuple[int, Path, bool]:
    """Train in this process and in those that torchrun has started with it.

    Returns:
        The exit code, the run folder, and whether this is the process that goes on to evaluate.
    """
    with distributed.process_group(options.device) as device:
        task, folder, source = distributed.from_first(lambda: prepare(task, options))
        resume, where = options.resume is not None, replace(options.where(), device=str(device))
        graphed = options.graphed and device.type == "cuda"
        is_first = distributed.rank() == 0
        lock = locked_run(run_folder_of(folder)) if is_first else contextlib.nullcontext()
        with runs.withdrawn_if_refused(run_folder_of(folder), new=is_first and not resume), lock:
            watch = Watch(options.video_interval, options.log == "wandb", options.record_broken)
            code = train(task, folder, where, resume=resume, weights_from=source, graphed=graphed, watch=watch)
        return code, run_folder_of(folder), is_first


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options, task = parse_task(TrainOptions, argv, base_task, bare={"--resume": "latest"})
    task = with_threads(task, options.num_threads)
    if options.runner == "rsl_rl":
        if distributed.launched() > 1:
            raise UserError("--runner rsl_rl trains in one process; start it without torchrun")
        require_rsl_rl()
        task, said = as_rsl_rl_trains(task)
        if said:
            print(said)
        task, folder, _ = prepare(task, options)
        with runs.withdrawn_if_refused(folder, new=True), locked_run(folder):
            train_with_rsl_rl(task, folder, options.where())
        finish(task, folder, lambda env: runs.RunPolicy(folder, env), options)
        print(what_next(folder))
        return 0
    code, folder, is_first = train_together(task, options)
    if not is_first:
        return code
    if code:
        print(reached(folder, task.name, task.train.max_iterations))
        return code
    finish(task, folder, lambda env: runs.RunPolicy(folder, env), options)
    print(what_next(folder))
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
