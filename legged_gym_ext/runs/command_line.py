"""Command lines of the scripts: a script's own options, and every field of a task by its dotted name (tyro)."""

from __future__ import annotations

import contextlib
import errno
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

from legged_gym_ext.runs.config_io import unknown_field, with_changes
from legged_gym_ext.runs.field_views import Argument, arguments_below, field_view, view_changes
from legged_gym_ext.sim.where import Where, check_device_name
from legged_gym_ext.tasks.cfg import TaskCfg, TrainCfg, with_algorithm, with_policy
from legged_gym_ext.tasks.registry import get_task, task_names
from st_rl.utils.errors import UserError
from st_rl.utils.memory import is_out_of_memory
from st_rl.utils.ranges import Checked, RangeError, Threads, bounds_of, checked_hints, number_type

Options = TypeVar("Options")


@dataclass
class WhereOptions(Checked):
    """Options of every command that simulates."""

    backend: str = "mujoco"
    """Engine that simulates: 'mujoco' on the CPU, 'warp' on an NVIDIA GPU."""
    device: str = "cpu"
    """Device of every tensor: 'cpu', 'cuda' or 'cuda:<number>'."""
    num_threads: Threads = 0
    """CPU threads of the engine; 0 means every core."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_device_name(self.device)

    def where(self) -> Where:
        """Return the options as one value."""
        return Where(self.backend, self.device, self.num_threads)


_MUJOCO_GL = {"", "egl", "osmesa", "glfw", "glx", "enable", "enabled", "on", "true", "1"} | {
    *("disable", "disabled", "off", "false", "0")
}
"""What MuJoCo takes as the value of the environment variable that says how pictures are drawn."""
_HELP = {"-h", "--help"}
_LESS_MEMORY = (
    "the memory is used up; lower the number of worlds (--env.num-envs, or --episodes of an evaluation), "
    "--train.num-steps-per-env, the size of images, or that of the networks"
)
_HELP_ALL = "--help-all"
_FIELDS = (
    "Beside these options, any field of the task can be set by its name, such as --env.num-envs 2048 or "
    "--env.rewards.torque.weight -2e-4. 'legged-list --fields TASK' prints the fields of a task with their values; "
    "--help-all lists them here."
)
"""What the short help of a command that takes a task says about the task's fields."""
_NUMBER = re.compile(r"-(\.?\d|inf|nan)")
_SHORT = {"num-envs": "env.num-envs", "max-iterations": "train.max-iterations", "seed": "train.seed"}
"""What everyone types, and the field that is meant."""


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
    arguments = _dotted(arguments, _option_names(options))
    name = _value_of("task", arguments)
    if _HELP & set(arguments):
        print_help(options, _FIELDS)
    if _HELP_ALL in arguments:
        arguments = [argument if argument != _HELP_ALL else "--help" for argument in arguments]
        template = get_task(name if name in task_names() else task_names()[0])
    else:
        template = (base or _registered)(name, arguments)
    template = replace(template, train=_with_classes(template.train, arguments))
    sections = {"env": template.env, "train": template.train}
    views = {name: field_view(section, f"{name}_view") for name, section in sections.items()}
    extra = [(section, view, field(default_factory=view)) for section, view in views.items()]
    combined = make_dataclass(options.__name__, extra, bases=(options,))
    combined.__doc__ = options.__doc__
    known = [item for name, section in sections.items() for item in arguments_below(section, f"{name}.")]
    _check_option_names(arguments, [*_option_names(options), *(item.name for item in known)])
    parsed: Any = _parse(combined, _switched_on(arguments, known))
    set_now = {"env": parsed.env, "train": parsed.train}
    changes = {name: view_changes(view, views[name](), name) for name, view in set_now.items()}
    return parsed, with_changes(template, {s: change for s, change in changes.items() if change})


def _with_classes(train: TrainCfg, arguments: Sequence[str]) -> TrainCfg:
    """``train`` with the algorithm and policy classes that are asked for: other classes have other numbers to set."""
    algorithm = _value_of("train.algorithm-class", arguments) or _value_of("train.algorithm_class", arguments)
    policy = _value_of("train.policy.class-name", arguments) or _value_of("train.policy.class_name", arguments)
    if algorithm is not None:
        train = with_algorithm(train, algorithm)
    return with_policy(train, policy or train.policy.class_name)


def print_help(options: type[Any], more: str = "") -> NoReturn:
    """Print what the options of a command do, and ``more`` about them, and leave with exit code 0."""
    # Optional values are shown by their type alone: an option that is left out is what stands for None.
    config = (tyro.conf.DisallowNone,)
    description = f"{(options.__doc__ or '').strip()} {more}".strip()
    tyro.cli(_own_first(options), args=["--help"], prog=_program(), description=description, config=config)
    raise SystemExit(0)


def _own_first(options: type[Any]) -> type[Any]:
    """Return the dataclass ``options`` as help shows it: task and policy, its other own fields, and inherited ones."""
    made, names = _as_shown(options), [item.name for item in fields(options)]
    order = dict.fromkeys([*(name for name in ("task", "policy") if name in names), *options.__annotations__, *names])
    made.__dataclass_fields__ = {name: made.__dataclass_fields__[name] for name in order}
    return made


def _as_shown(options: type[Any]) -> type[Any]:
    """Return ``options`` with the ranges of numbers in its help, and without defaults there that say nothing."""
    hints, explained = checked_hints(options), []
    for item in fields(options):
        hint = hints[item.name]
        bounds, kind = bounds_of(hint), number_type(hint)
        metavar = f"{kind.__name__.upper()}{bounds.symbols}" if bounds is not None and kind is not None else None
        default = "" if item.default in (None, "", ()) else None
        if metavar is not None or default is not None:
            shown = tyro.conf.arg(metavar=metavar, help_behavior_hint=default)
            explained.append((item.name, Annotated[hint, shown], item))
    made = make_dataclass(options.__name__, explained, bases=(options,))
    made.__doc__ = options.__doc__
    return made


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


def _dotted(arguments: list[str], own: Sequence[str]) -> list[str]:
    """Replace what everyone types by its full name, unless the command has an option called so."""
    short = {f"--{name}": f"--{full}" for name, full in _SHORT.items() if name.replace("-", "_") not in own}
    replaced: list[str] = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        replaced.append(f"{short.get(name.replace('_', '-'), name)}{equals}{value}")
    return replaced


def _switched_on(arguments: list[str], known: Sequence[Argument]) -> list[str]:
    """Add the switches of parts that are off and of which a field is set, unless they are given."""
    added: list[str] = []
    spelled = [argument.split("=", 1)[0].replace("_", "-") for argument in arguments]
    for item in known:
        flag = f"--{item.name.replace('_', '-')}"
        if item.value == "off" and flag not in spelled and any(name.startswith(f"{flag}.") for name in spelled):
            added += [flag, "on"]
    return [*arguments, *added]


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
            same = sorted(other for other in spelled if "." not in name and other.endswith(f".{name}"))
            if same:
                listed = " or ".join(f"--{other}" for other in same[:5])
                raise UserError(f"unknown option '--{name}'; did you mean {listed}?")
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
    description = (options.__doc__ or "").strip()
    try:
        with contextlib.redirect_stderr(caught):
            return tyro.cli(_as_shown(options), args=arguments, prog=_program(), description=description, **settings)
    except RangeError as error:
        raise UserError(f"--{error.name.replace('_', '-')} {error.rest}") from error
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


def _check_drawing() -> None:
    """Raise ``UserError`` where ``MUJOCO_GL`` has a value with which the engine cannot even be imported."""
    wanted = os.environ.get("MUJOCO_GL", "").lower().strip()
    if wanted not in _MUJOCO_GL:
        raise UserError(f"MUJOCO_GL is '{wanted}'; set it to egl, osmesa or glfw, or leave it out")


def run_script(main: Callable[[], int | None]) -> int:
    """Call ``main``; a ``UserError`` is printed as one sentence, without a traceback. Returns the exit code."""
    _repair_streams()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    for package in ("legged_gym_ext", "st_rl"):
        logging.getLogger(package).setLevel(logging.INFO)
    try:
        _check_drawing()
        code = main() or 0
        sys.stdout.flush()
        return code
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (MemoryError, RuntimeError, ValueError) as error:
        if not is_out_of_memory(error):
            raise
        sys.stderr.write(f"{_LESS_MEMORY}\n")
        return 2
    except BrokenPipeError:
        # The reader (head, say) has left; nor can Python write what is buffered when it ends.
        _drop_output()
        return 141  # as a shell reports SIGPIPE
    except OSError as error:
        if error.filename is not None or error.errno not in _OUTPUT_ERRORS:
            raise
        _drop_output()
        sys.stderr.write(f"the output cannot be written ({error.strerror}); free some space, or send it elsewhere\n")
        return 2
    except KeyboardInterrupt:
        return 130


_OUTPUT_ERRORS = (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT)
"""What writing to a full or vanished standard output raises."""


def _repair_streams() -> None:
    """Give the process streams that can be written to: those that were closed lead nowhere, and characters that the
    terminal does not know are shown by their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free is this one, so that no file that is opened later takes its place.
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115 - for the life of the process
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Lead standard output nowhere, since Python would fail at it again when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
