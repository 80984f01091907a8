"""List the tasks, robots, policies and runs that the other commands take by name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from legged_gym_ext.evaluation.report import read_report
from legged_gym_ext.evaluation.shipped import headline, shipped_tables
from legged_gym_ext.robots.registry import get_robot, robot_names
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import parse_options, run_script
from legged_gym_ext.runs.field_views import arguments_below
from legged_gym_ext.tasks.registry import get_task, task_names
from st_rl.utils.run_folder import checkpoint_iterations

Kind = Literal["tasks", "robots", "policies", "runs"]


@dataclass
class ListOptions:
    """List the tasks, robots, policies and runs that the other commands take by name."""

    kinds: Annotated[tuple[Kind, ...], tyro.conf.Positional] = ()
    """What to list: tasks, robots, policies, runs, or several of these. By default everything."""
    fields: str | None = None
    """List the fields of this task instead, each with its value, as legged-train sets them."""
    tables: bool = False
    """Print what the shipped policies achieve as the Markdown tables of the README instead."""
    root: Path = runs.SHIPPED
    """Folder of the shipped policies."""
    log_root: Path = runs.LOG_ROOT
    """Folder of the runs."""


def task_lines(options: ListOptions) -> Iterator[str]:
    """Yield the names of the registered tasks."""
    yield from task_names()


def robot_lines(options: ListOptions) -> Iterator[str]:
    """Yield the names of the robots, each with its mass and its number of joints."""
    for name in robot_names():
        robot = get_robot(name)
        mass = sum(link.mass for link in robot.links)
        yield f"{name:<24} {mass:.1f} kg, {len(robot.joints)} joints"


def policy_lines(options: ListOptions) -> Iterator[str]:
    """Yield the names of the shipped policies, each with the figure that it is judged by."""
    for folder in sorted(options.root.glob("*")):
        if (folder / "config.json").is_file():
            yield f"{folder.name:<24} {headline(read_report(folder / 'evaluation.json'))}".rstrip()


def run_lines(options: ListOptions) -> Iterator[str]:
    """Yield the folders of the runs, oldest first, each with its newest checkpoint and its evaluation."""
    for folder in runs.find_runs(options.log_root):
        result = headline(read_report(folder / "evaluation.json"))
        shown = f"iteration {checkpoint_iterations(folder)[-1]}" + (f", {result}" if result else "")
        yield f"{folder}  {shown}"


LINES: dict[Kind, Callable[[ListOptions], Iterator[str]]] = {
    "tasks": task_lines,
    "robots": robot_lines,
    "policies": policy_lines,
    "runs": run_lines,
}
"""What there is to list, and how."""


def field_lines(task_name: str) -> Iterator[str]:
    """Yield every field of a task with its value, in the words of a command line."""
    task = get_task(task_name)
    for section, value in (("env", task.env), ("train", task.train)):
        for item in arguments_below(value, f"{section}."):
            comment = f"    # {item.range}" if item.range else ""
            yield f"--{item.name.replace('_', '-')} {item.value}{comment}"


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options = parse_options(ListOptions, argv)
    if options.fields is not None:
        print("\n".join(field_lines(options.fields)))
    elif options.tables:
        print("\n\n".join(shipped_tables(options.root).values()))
    elif len(options.kinds) == 1:
        # One kind alone is printed as other programs like to read it.
        for line in LINES[options.kinds[0]](options):
            print(line)
    else:
        for kind in options.kinds or LINES:
            print(f"{kind}:")
            for line in list(LINES[kind](options)) or ["(none)"]:
                print(f"  {line}")
    return 0


def command(*arguments: str) -> int:
    """Run the command as a program, with ``arguments`` before its own; returns the exit code."""
    return run_script(lambda: main([*arguments, *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(command())
