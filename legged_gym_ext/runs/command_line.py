"""Command lines of the scripts: a script's own options, and every field of a task by its dotted name (tyro)."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar, get_type_hints

import tyro

from legged_gym_ext.runs.config_io import field_view, leaves, unknown_field, view_changes, with_changes
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.cfg import TaskCfg, with_algorithm
from legged_gym_ext.tasks.registry import get_task, task_names
from st_rl.utils.errors import UserError

Options = TypeVar("Options")


@dataclass
class WhereOptions:
    """Options of every command that simulates."""

    backend: str = "mujoco"
    """Engine that simulates: 'mujoco' on the CPU, 'warp' on an NVIDIA GPU."""
    device: str = "cpu"
    """Device of every tensor: 'cpu', 'cuda' or 'cuda:<number>'."""
    num_threads: int = 0
    """CPU threads of the engine; 0 means every core."""

    def where(self) -> Where:
        """Return the options as one value."""
        return Where(self.backend, self.device, self.num_threads)


_HELP = {"-h", "--help"}
_HELP_ALL = "--help-all"
_FIELDS = (
    "Beside these options, any field of the task can be set by its name, such as --env.num-envs 2048 or "
    "--env.rewards.torque.weight -2e-4. 'legged-list --fields TASK' prints the fields of a task with their values; "
    "--help-all lists them here."
)
"""What the short help of a command that takes a task says about the task's fields."""
_NUMBER = re.compile(r"-\.?\d")


def parse_options(options: type[Options], argv: Sequence[str] | None = None) -> Options:
    """An instance of the dataclass ``options`` from the arguments; ``UserError`` for wrong ones."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if {*_HELP, _HELP_ALL} & set(arguments):
        print_help(options)
    known = _option_names(options)
    _check_option_names(arguments, known)
    return _parse(options, arguments)


def parse_options_of(options: type[Options], arguments: Sequence[str]) -> Options:
    """An instance of ``options`` from those arguments that are its own; the others are passed over."""
    own = [argument for argument in arguments if argument not in {*_HELP, _HELP_ALL}]
    parsed, _ = _parse(options, own, return_unknown_args=True)
    return parsed


def parse_task(
    options: type[Options],
    argv: Sequence[str] | None = None,
    base: Callable[[str | None, list[str]], TaskCfg] | None = None,
    bare: Mapping[str, str] | None = None,
) -> tuple[Options, TaskCfg]:
    """The script's options and the task they name, with its fields changed as asked.

    Args:
        options: a dataclass with a field ``task``; the name may also stand alone as the first argument.
        base: gives the task whose fields may be set, from the name (``None`` where none is given) and the arguments;
            by default the registered task.
        bare: options that may stand without a value, with the value that they have then.

    Raises:
        UserError: an unknown task or field, or a value of the wrong type.
    """
    arguments = _fill_bare(_name_the_task(list(sys.argv[1:] if argv is None else argv)), bare or {})
    name = _value_of("task", arguments)
    if _HELP & set(arguments):
        print_help(options, _FIELDS)
    if _HELP_ALL in arguments:
        arguments = [argument if argument != _HELP_ALL else "--help" for argument in arguments]
        template = get_task(name if name in task_names() else task_names()[0])
    else:
        template = (base or _registered)(name, arguments)
    algorithm = _value_of("train.algorithm-class", arguments) or _value_of("train.algorithm_class", arguments)
    if algorithm is not None:
        # Another class has other numbers to set.
        template = replace(template, train=with_algorithm(template.train, algorithm))
    sections = {"env": template.env, "train": template.train}
    views = {name: field_view(section, f"{name}_view") for name, section in sections.items()}
    extra = [(section, view, field(default_factory=view)) for section, view in views.items()]
    combined = make_dataclass(options.__name__, extra, bases=(options,))
    combined.__doc__ = options.__doc__
    names = [leaf.name for name, section in sections.items() for leaf in leaves(section, f"{name}.")]
    _check_option_names(arguments, [*_option_names(options), *names])
    parsed: Any = _parse(combined, arguments)
    set_now = {"env": parsed.env, "train": parsed.train}
    changes = {name: view_changes(view, views[name]()) for name, view in set_now.items()}
    return parsed, with_changes(template, {s: change for s, change in changes.items() if change})


def print_help(options: type[Any], more: str = "") -> NoReturn:
    """Print what the options of a command do, and ``more`` about them, and leave with exit code 0."""
    # Optional values are shown by their type alone: an option that is left out is what stands for None.
    config = (tyro.conf.DisallowNone,)
    description = f"{(options.__doc__ or '').strip()} {more}".strip()
    tyro.cli(_for_help(options), args=["--help"], prog=_program(), description=description, config=config)
    raise SystemExit(0)


def _for_help(options: type[Any]) -> type[Any]:
    """Return ``options`` with its own fields before inherited ones, and without showing defaults that say nothing."""
    types = get_type_hints(options, include_extras=True)
    silent = tyro.conf.arg(help_behavior_hint="")
    quiet: list[tuple[str, Any, Any]] = []
    for item in fields(options):
        if item.default in (None, "", ()):
            quiet.append((item.name, Annotated[types[item.name], silent], field(default=item.default)))
    shown = make_dataclass(options.__name__, quiet, bases=(options,))
    own = list(options.__annotations__)
    order = [*own, *(item.name for item in fields(options) if item.name not in own)]
    shown.__dataclass_fields__ = {name: shown.__dataclass_fields__[name] for name in order}
    return shown


def named_task(name: str | None) -> TaskCfg:
    """The registered task called ``name``; ``UserError`` with all names where it is missing or unknown."""
    if not name:
        raise UserError(f"name a task with --task; there are: {', '.join(task_names())}")
    return get_task(name)


def _registered(name: str | None, arguments: list[str]) -> TaskCfg:
    return named_task(name)


def _name_the_task(arguments: list[str]) -> list[str]:
    """A first argument that is no option is the task's name."""
    if arguments and not arguments[0].startswith("-"):
        return ["--task", *arguments]
    return arguments


def _fill_bare(arguments: list[str], values: Mapping[str, str]) -> list[str]:
    filled: list[str] = []
    for index, argument in enumerate(arguments):
        filled.append(argument)
        last = index + 1 == len(arguments)
        if argument in values and (last or arguments[index + 1].startswith("-")):
            filled.append(values[argument])
    return filled


def _value_of(option: str, arguments: Sequence[str]) -> str | None:
    """The last value given to ``--option``."""
    value = None
    for index, argument in enumerate(arguments):
        if argument.startswith(f"--{option}="):
            value = argument.split("=", 1)[1]
        elif argument == f"--{option}" and index + 1 < len(arguments):
            value = arguments[index + 1]
    return value


def _option_names(options: type) -> list[str]:
    """Names of the fields, those of a field that is itself a dataclass included, as ``field.name``."""
    types, names = get_type_hints(options), []
    for item in fields(options):
        inner = types[item.name]
        nested = isinstance(inner, type) and is_dataclass(inner)
        names += [f"{item.name}.{name}" for name in _option_names(inner)] if nested else [item.name]
    return names


def _check_option_names(arguments: Sequence[str], known: Sequence[str]) -> None:
    spelled = {name.replace("_", "-") for name in known}
    for argument in arguments:
        if not argument.startswith("-") or _NUMBER.match(argument) or argument in _HELP:
            continue
        name = argument.lstrip("-").split("=", 1)[0].replace("_", "-")
        head, _, last = name.rpartition(".")
        positive = f"{head}.{last.removeprefix('no-')}".lstrip(".")
        if name not in spelled and positive not in spelled:
            raise unknown_field(name, _nearest_section(name, sorted(spelled)))


def _nearest_section(name: str, known: list[str]) -> list[str]:
    """The known names below the longest part of ``name`` that exists, or all."""
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        prefix = ".".join(parts[:count]) + "."
        below = [other for other in known if other.startswith(prefix)]
        if below:
            return below
    own = [other for other in known if "." not in other]
    return own if "." not in name else known


def _parse(options: type[Any], arguments: Sequence[str], **settings: Any) -> Any:
    caught = io.StringIO()
    try:
        with contextlib.redirect_stderr(caught):
            description = (options.__doc__ or "").strip()
            return tyro.cli(options, args=arguments, prog=_program(), description=description, **settings)
    except SystemExit as leaving:
        if not leaving.code:
            raise
        raise UserError(_sentence(caught.getvalue())) from leaving


def _program() -> str:
    """The name that the command was called by."""
    return Path(sys.argv[0]).name


def _sentence(box: str) -> str:
    """The first paragraph of the framed message that tyro prints."""
    lines = [line.strip("│╭╮╰╯ \t") for line in box.splitlines()]
    text: list[str] = []
    for line in lines[1:]:
        if not line or set(line) <= {"─"}:
            break
        text.append(line)
    return (" ".join(text) or "the arguments are not understood").rstrip(".") + "; --help lists the options"


def run_script(main: Callable[[], int | None]) -> int:
    """Call ``main``; a ``UserError`` is printed as one sentence, without a traceback. Returns the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    for package in ("legged_gym_ext", "st_rl"):
        logging.getLogger(package).setLevel(logging.INFO)
    try:
        return main() or 0
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except BrokenPipeError:
        # The reader (head, say) has left; nor can Python write what is buffered when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as a shell reports SIGPIPE
    except KeyboardInterrupt:
        return 130
